"""How gunicorn serves the door: one that no slow client can hold, and that answers JSON even to what is not HTTP."""

from __future__ import annotations

import logging
import signal
import socket
import time
from contextlib import suppress
from threading import Thread
from typing import Any

from gunicorn import glogging
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import TConn, ThreadWorker

from server.errors import NotReadable, refusal
from server.web import limits
from server.web.journal import new_request_id, note_bug, note_unreadable
from server.web.outcome import answer, reference

LETTING_GO_SECONDS = 1.0

RENEW = "placet.renew"
"""Under this name an application holds what it does on SIGHUP (Flask `extensions`)."""


class DoorWorker(ThreadWorker):  # type: ignore[misc]
    """Threads that answer; whoever has not sent the whole request in `limits.REQUEST_SECONDS` is read no further."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.arriving: dict[TConn, float] = {}
        self.told_to_renew = False

    def init_signals(self) -> None:
        """Ctrl-C reaches the whole process group: the master alone decides, so that answers under way are finished.

        SIGHUP comes from the master when the content has changed.
        """
        super().init_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGHUP, self.handle_hup)
        signal.siginterrupt(signal.SIGHUP, False)

    def handle_hup(self, _signal: int, _frame: object) -> None:
        """Remember it; a signal handler is no place to read files."""
        self.told_to_renew = True

    def handle(self, conn: TConn) -> Any:
        """Answer the next request on a connection, in a thread of the pool."""
        self.arriving[conn] = time.monotonic() + limits.REQUEST_SECONDS
        try:
            goes_on = super().handle(conn)
        finally:
            self.arriving.pop(conn, None)
        if not goes_on:
            _let_go(conn.sock)
        return goes_on

    def notify(self) -> None:
        """Called about once a second by the main thread."""
        super().notify()
        if self.told_to_renew:
            self.told_to_renew = False
            Thread(target=self.wsgi.extensions.get(RENEW, bool), daemon=True).start()
        now = time.monotonic()
        for conn, until in list(self.arriving.items()):
            if now > until and self.arriving.pop(conn, 0.0):
                _stop_reading(conn.sock)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:  # noqa: ARG002
        """What gunicorn cannot read as HTTP is refused as everything else is; gunicorn itself would send HTML."""
        request_id = new_request_id()
        if isinstance(exc, ParseException | NoMoreData):
            note_unreadable(exc, request_id)
            refused = refusal(NotReadable, "structure", "This is not an HTTP request that can be read.", "RFC 9112")
            response = answer(refused, request_id)
        else:
            note_bug(exc, request_id)
            response = reference(request_id)
        response.headers["Connection"] = "close"
        response.headers["X-Request-Id"] = request_id
        head = f"HTTP/1.1 {response.status}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in response.headers)
        with suppress(OSError):  # the client went away
            write_nonblock(client, head.encode("latin-1") + b"\r\n" + response.get_data())


class QuietLogger(glogging.Logger):  # type: ignore[misc]
    """gunicorn's own messages, warnings and worse, through our journal."""

    def setup(self, cfg: Any) -> None:
        """Leave formatting and output to the root logger."""
        super().setup(cfg)
        self.error_log.handlers = []
        self.error_log.propagate = True
        self.error_log.setLevel(logging.WARNING)


def _let_go(sock: socket.socket) -> None:
    """Give the client a moment to read the answer and go, here in the pool: gunicorn would wait in its main thread."""
    with suppress(OSError):  # gone already
        sock.shutdown(socket.SHUT_WR)
        sock.settimeout(LETTING_GO_SECONDS)
        until = time.monotonic() + LETTING_GO_SECONDS
        while time.monotonic() < until and sock.recv(65536):
            pass
    _stop_reading(sock)


def _stop_reading(sock: socket.socket) -> None:
    """The reading thread sees the end of the stream; an answer under way can still be written."""
    with suppress(OSError):  # closed in the meantime
        socket.socket.shutdown(sock, socket.SHUT_RD)
