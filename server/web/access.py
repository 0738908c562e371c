"""Who calls. Never called authorization: that word is the domain's.

The door asks an `Access` for the caller before it reads the body; another way to sign in is another `Access`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Sequence
from hashlib import sha256

from flask import Request

from server.errors import NotSignedIn, refusal
from server.payer import Caller
from server.settings import Settings, Token

Access = Callable[[Request], Caller]
"""Raises NotSignedIn (no caller, or one we do not know) or NotAllowed (a known one who may not)."""

SANDBOX = Caller("sandbox", "sandbox")
_BEARER = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9\-._~+/]{1,4096}=*)")
_RULE = "RFC 6750 section 2.1"


def sign_in_words(settings: Settings) -> str:
    """How callers sign in, for the CapabilityStatement."""
    if settings.sandbox:
        return "Sandbox with synthetic data: reachable from this machine only, nobody signs in."
    return (
        "Bearer token in the Authorization header (RFC 6750), given out by the payer, on every path but metadata. "
        "Records are visible to the organization that filed them."
    )


def access_for(settings: Settings) -> Access:
    """One fixed caller in the sandbox, otherwise the holders of the configured tokens."""
    return sandbox_access if settings.sandbox else bearer_access(settings.tokens)


def sandbox_access(_request: Request) -> Caller:
    """The sandbox's only caller, whoever calls."""
    return SANDBOX


def bearer_access(tokens: Sequence[Token]) -> Access:
    """The caller who holds the token in the Authorization header; a token in the URL or the body is not looked at."""

    def caller_of(request: Request) -> Caller:
        header = request.headers.get("Authorization")
        if header is None:
            raise _not_signed_in("login", "This needs a bearer token.")
        bearer = _BEARER.fullmatch(header)
        caller = _holder(bearer[1], tokens) if bearer else None
        if caller is None:
            raise _not_signed_in("unknown", "The bearer token is not known here.")
        return caller

    return caller_of


def _holder(presented: str, tokens: Sequence[Token]) -> Caller | None:
    """Every token is compared, each in constant time: how long it takes says nothing about any of them."""
    digest = sha256(presented.encode("ascii")).digest()
    holders = [token.caller for token in tokens if hmac.compare_digest(token.digest, digest)]
    return holders[0] if holders else None


def _not_signed_in(code: str, message: str) -> Exception:
    repair = "Send Authorization: Bearer and the token that the payer gave you."
    return refusal(NotSignedIn, code, message, _RULE, repair=repair)
