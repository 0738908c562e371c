"""A subscriber's end point: a real listener that keeps what it gets and answers as a test says."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


@dataclass
class Got:
    """One notification as it came: headers, body, what it was answered with."""

    headers: dict[str, str]
    raw: bytes
    status: int

    @property
    def body(self) -> Json:
        """The notification Bundle."""
        read: Json = json.loads(self.raw)
        return read

    @property
    def said(self) -> Json:
        """The status parameters, name -> value."""
        parameters = self.body["entry"][0]["resource"]["parameter"]
        return {each["name"]: next(value for name, value in each.items() if name != "name") for each in parameters}

    @property
    def kind(self) -> str:
        """handshake, heartbeat or event-notification."""
        return str(self.said["type"])

    @property
    def number(self) -> int:
        """The number of its event; 0 for none."""
        parts = {part["name"]: part for part in self.said.get("notification-event", [])}
        return int(parts["event-number"]["valueString"]) if parts else 0

    @property
    def focus(self) -> Json:
        """The resource that the event is about."""
        focused: Json = self.body["entry"][1]["resource"]
        return focused


@dataclass
class Receiver:
    """What came in, and how the next ones are answered."""

    url: str = ""
    answers: Callable[[int], int] = lambda _number: 200
    """Status for the n-th message, counted from 1."""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    got: list[Got] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def events(self, *, taken: bool = True) -> list[int]:
        """Numbers of the events that came, in order; only those that were answered 2xx."""
        return [each.number for each in self.got if each.number and (each.status < 300 or not taken)]

    def kinds(self) -> list[str]:
        """The types of what came, in order."""
        return [each.kind for each in self.got]


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A listener on this machine."""
    receiver = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            with receiver.lock:
                status = receiver.answers(len(receiver.got) + 1)
                receiver.got.append(Got(dict(self.headers.items()), raw, status))
            time.sleep(receiver.delay)
            self.send_response(status)
            for name, value in receiver.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
