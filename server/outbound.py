"""The guarded way out: every HTTP call that this server makes to an address somebody configured or sent.

No call reaches what it was not meant for: https only outside the sandbox; the host's name is resolved once, every
address is checked, and the connection goes to the checked address (a second answer of the name server changes
nothing); no redirects, no proxies from the environment, limits of size and of time for the whole attempt. All of it
holds at every attempt, not only where the URL was configured.

To one who asked for the call only `NotAcceptable` or `NoAnswer` is told, in the same words whatever the cause: nobody
learns from them which port of which machine is open.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from threading import Thread
from urllib.parse import SplitResult, urlsplit

Address = IPv4Address | IPv6Address

LONGEST_URL = 2048
_PLAIN = re.compile(r"[!-\[\]-~]+")
"""Printable ASCII without blank and backslash; asked before parsing, as parsers strip and reinterpret the rest."""

_NOT_PUBLIC = tuple(
    map(
        ip_network,
        ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "fec0::/10", "192.88.99.0/24", "5f00::/16"),
    )
)
"""What `is_global` calls public and is not: translated, tunnelled, deprecated and segment routing addresses."""


class OutboundFailure(Exception):
    """The call gave nothing that can be used."""


class NotAcceptable(OutboundFailure):
    """This URL is not called at all."""

    def __init__(self) -> None:
        super().__init__("the address is not one that this server calls")


class NoAnswer(OutboundFailure):
    """Nothing usable came back in time; `cause` (a type's name) is for the log only."""

    def __init__(self, cause: str) -> None:
        super().__init__("no usable answer within the limits of time and size")
        self.cause = cause


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back: status and body. A redirect is a reply like any other.

    retry_after  the header of this name, "" where there is none
    """

    status: int
    body: bytes
    retry_after: str = ""


@dataclass(frozen=True, slots=True)
class Outbound:
    """Calls out by the rules of this file.

    trusted   names of hosts, in lower case, that may lie in the payer's own network and answer on any port
    sandbox   http and loopback addresses are allowed too, on any port
    context   how TLS peers are verified; by default by the certificates of the system
    """

    trusted: frozenset[str] = frozenset()
    sandbox: bool = False
    context: ssl.SSLContext = field(default_factory=ssl.create_default_context, repr=False)

    def check(self, url: str) -> None:
        """Says early what every call would say about the URL itself, without asking the name server.

        Raises:
            NotAcceptable: the URL is not one that is called.
        """
        self._parts(url)

    def accepts(self, url: str) -> bool:
        """Whether nothing is known against the URL, nor against an address written in it, without any name server."""
        try:
            parts = self._parts(url)
            host = str(parts.hostname)
            with contextlib.suppress(OSError):
                if socket.getaddrinfo(host, None, flags=socket.AI_NUMERICHOST):
                    self.addresses(host, parts.port or 443)
        except (NotAcceptable, UnicodeError):
            return False
        return True

    def post(
        self,
        url: str,
        body: bytes,
        headers: Mapping[str, str],
        *,
        seconds: float,
        most_bytes: int = 1_000_000,
        whole: bool = True,
    ) -> Reply:
        """POST the body; name lookup, connection and answer take `seconds` together at most.

        whole  False where only the status counts: of a body that is longer than `most_bytes` the rest is not read

        Raises:
            NotAcceptable: the URL, or an address of its host, is not one that is called.
            NoAnswer: nothing answers, not in time, with more than `most_bytes`, or with something that is not HTTP.
        """
        deadline = time.monotonic() + seconds
        attempt = _Attempt(self, self._parts(url), body, dict(headers), deadline, most_bytes, whole=whole)
        thread = Thread(target=attempt.run, daemon=True)
        thread.start()
        thread.join(seconds)
        return attempt.outcome()

    def _parts(self, url: str) -> SplitResult:
        if not isinstance(url, str) or len(url) > LONGEST_URL or not _PLAIN.fullmatch(url):
            raise NotAcceptable
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            raise NotAcceptable from None
        if not host or parts.username is not None or parts.password is not None or parts.fragment:
            raise NotAcceptable
        if parts.scheme != "https" and not (parts.scheme == "http" and self.sandbox):
            raise NotAcceptable
        if port not in (None, 443) and not (self.sandbox or host in self.trusted):
            raise NotAcceptable
        return parts

    def addresses(self, host: str, port: int) -> list[Address]:
        """The addresses of a host, all of which may be called.

        Raises:
            NotAcceptable: one of them may not.
            OSError: the name server knows none.
        """
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        every = [ip_address(str(answer[4][0]).partition("%")[0]) for answer in found]
        if not every or not all(self._may_be_called(host, each) for each in every):
            raise NotAcceptable
        return list(dict.fromkeys(every))

    def _may_be_called(self, host: str, address: Address) -> bool:
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if self.sandbox and address.is_loopback:
            return True
        if address.is_multicast or address.is_link_local or address.is_unspecified:
            return False  # a link-local address hands out the credentials of a cloud machine: no setting allows it
        if host in self.trusted:
            return True
        return address.is_global and not any(address in network for network in _NOT_PUBLIC)


class _Attempt:
    """One call, in a thread of its own, so that whatever hangs in it (a name server too) holds nobody up."""

    def __init__(  # noqa: PLR0917
        self,
        out: Outbound,
        parts: SplitResult,
        body: bytes,
        headers: dict[str, str],
        deadline: float,
        most_bytes: int,
        *,
        whole: bool,
    ) -> None:
        self._out, self._parts, self._body, self._headers = out, parts, body, headers
        self._deadline, self._most_bytes, self._whole = deadline, most_bytes, whole
        self._socket: socket.socket | None = None
        self._result: Reply | OutboundFailure | None = None

    def run(self) -> None:
        """Make the call and keep what became of it."""
        try:
            self._result = self._reply()
        except OutboundFailure as failure:
            self._result = failure
        except Exception as error:  # what an address answers is its own affair: it is no bug of ours
            self._result = NoAnswer(type(error).__name__)

    def outcome(self) -> Reply:
        """The reply, when the time is over at the latest; what still hangs is cut off.

        Raises:
            NotAcceptable, NoAnswer: there is none.
        """
        result = self._result or NoAnswer("TimeoutError")
        if self._result is None:
            self._cut()
        if isinstance(result, Reply):
            return result
        raise result

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _cut(self) -> None:
        open_socket = self._socket
        if open_socket is not None:
            with contextlib.suppress(OSError):
                open_socket.shutdown(socket.SHUT_RDWR)

    def _reply(self) -> Reply:
        host, secure = str(self._parts.hostname), self._parts.scheme == "https"
        port = self._parts.port or (443 if secure else 80)
        connection = http.client.HTTPConnection(host, port)
        connection.sock = self._connected(self._out.addresses(host, port), port)
        try:
            if secure:
                connection.sock = self._secured(connection.sock, host)
            connection.sock.settimeout(self._left())
            connection.request("POST", self._target(), self._body, {**self._headers, "Host": self._parts.netloc})
            answer = connection.getresponse()
            body = answer.read(self._most_bytes + 1)
        finally:
            connection.close()
            if self._socket is not None:  # after a handshake that failed the connection does not know it
                self._socket.close()
        if len(body) > self._most_bytes and self._whole:
            raise NoAnswer("too large")
        return Reply(answer.status, body[: self._most_bytes], answer.headers.get("Retry-After", ""))

    def _connected(self, addresses: list[Address], port: int) -> socket.socket:
        """A connection to the first of the checked addresses that takes one."""
        for address in addresses[:-1]:
            with contextlib.suppress(OSError):
                return self._connection(address, port)
        return self._connection(addresses[-1], port)

    def _connection(self, address: Address, port: int) -> socket.socket:
        made = socket.create_connection((str(address), port), timeout=self._left())
        self._socket = made
        self._left()  # nobody waits any more: the cut may have come before there was anything to cut
        return made

    def _secured(self, plain: socket.socket, host: str) -> ssl.SSLSocket:
        """TLS over the connection; known before the handshake, so that one that hangs can be cut."""
        secured = self._out.context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
        self._socket = secured
        secured.do_handshake()
        return secured

    def _target(self) -> str:
        return (self._parts.path or "/") + (f"?{self._parts.query}" if self._parts.query else "")
