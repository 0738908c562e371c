"""Who calls. Never called authorization: that word is the domain's.

The door asks an `Access` for the caller before it reads the body; another way to sign in is another `Access`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TypeVar

from flask import Request

from server.errors import NotAllowed, NotSignedIn, refusal
from server.payer import Caller, Staff
from server.settings import Settings, StaffToken, Token

Access = Callable[[Request], Caller]
"""Raises NotSignedIn (no caller, or one we do not know) or NotAllowed (a known one who may not)."""

StaffAccess = Callable[[Request], Staff]
"""Who of the payer's people calls; raises as `Access` does. A caller of the FHIR interface may not."""

SANDBOX = Caller("sandbox", "sandbox")
SANDBOX_DESK = Staff("sandbox desk")
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
        token = _holder(_presented(request), tokens)
        if token is None:
            raise _not_signed_in("unknown", "The bearer token is not known here.")
        return token.caller

    return caller_of


def staff_access_for(settings: Settings) -> StaffAccess:
    """One fixed desk in the sandbox, otherwise the holders of the staff tokens; never a caller's token."""
    if settings.sandbox:
        return lambda _request: SANDBOX_DESK

    def staff_of(request: Request) -> Staff:
        presented = _presented(request)
        token, caller = _holder(presented, settings.staff_tokens), _holder(presented, settings.tokens)
        if caller is not None:
            raise refusal(NotAllowed, "forbidden", "The payer's desk is for its own staff.", _RULE)
        if token is None:
            raise _not_signed_in("unknown", "The bearer token is not known here.")
        return token.staff

    return staff_of


def _presented(request: Request) -> str:
    """The bearer token of the Authorization header."""
    header = request.headers.get("Authorization")
    if header is None:
        raise _not_signed_in("login", "This needs a bearer token.")
    bearer = _BEARER.fullmatch(header)
    if bearer is None:
        raise _not_signed_in("unknown", "The bearer token is not known here.")
    return bearer[1]


Held = TypeVar("Held", Token, StaffToken)


def _holder(presented: str, tokens: Sequence[Held]) -> Held | None:
    """Every token is compared, each in constant time: how long it takes says nothing about any of them."""
    digest = sha256(presented.encode("ascii")).digest()
    holders = [token for token in tokens if hmac.compare_digest(token.digest, digest)]
    return holders[0] if holders else None


def _not_signed_in(code: str, message: str) -> Exception:
    repair = "Send Authorization: Bearer and the token that the payer gave you."
    return refusal(NotSignedIn, code, message, _RULE, repair=repair)
