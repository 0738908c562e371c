"""`placet inbox`: a subscriber's end point for developers, with trouble on request."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console

    from server.cli.received import Inbox, Received

MOST_BYTES = 40 * 1024 * 1024


@dataclass
class Trouble:
    """How the inbox answers: the first `drop` connections are cut, each answer waits, has a status of its own.

    duplicate  a notification is answered 500 when it comes first, as if its answer had been lost: so it comes twice
    """

    drop: int = 0
    delay: float = 0.0
    status: int = 200
    duplicate: bool = False
    met: set[bytes] = field(default_factory=set)
    lock: Lock = field(default_factory=Lock)

    def status_for(self, raw: bytes) -> int:
        """The status for a body, 0 where the connection is cut."""
        with self.lock:
            if self.drop:
                self.drop -= 1
                return 0
            first, _ = raw not in self.met, self.met.add(raw)
        return 500 if self.duplicate and first else self.status


@click.command()
@click.option("--port", type=click.IntRange(0, 65535), default=8090, help="Port to listen on.  [default: 8090]")
@click.option("--host", default="127.0.0.1", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--drop", type=click.IntRange(0), default=0, metavar="N", help="Cut the first N connections.")
@click.option("--delay", type=click.FloatRange(0, 60), default=0.0, metavar="SECONDS", help="Wait before answering.")
@click.option("--status", type=click.IntRange(200, 599), default=200, help="Answer with this status.  [default: 200]")
@click.option("--duplicate", is_flag=True, help="Have every notification come twice.")
def inbox(  # noqa: PLR0917
    port: int, host: str, drop: int, delay: float, status: int, duplicate: bool
) -> None:
    """Receive notifications as a subscriber does: each is checked and printed. Synthetic data only.

    Subscribe with this address as channel.endpoint; the sandbox may call it. The trouble that subscribers make can be
    made here: dropped connections, slow answers, errors.

    \b
    placet inbox --port 8090
    placet inbox --drop 2 --delay 3
    """
    from rich.console import Console

    with listening(host, port, Trouble(drop, delay, status, duplicate), Console()) as server:
        click.echo(f"Listening on http://{host}:{server.server_port}/ - Ctrl-C stops it.")
        try:
            server.serve_forever(poll_interval=0.1)
        except KeyboardInterrupt:
            click.echo("")


def listening(host: str, port: int, trouble: Trouble, console: Console) -> ThreadingHTTPServer:
    """The listener, not yet serving."""
    from server.cli import Trouble as Mendable
    from server.cli.received import Inbox

    kept, lock = Inbox(), Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 60

        def do_GET(self) -> None:
            self._answer(200, b'{"status":"ok"}\n')

        def do_POST(self) -> None:
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal() or int(length) > MOST_BYTES:
                self.close_connection = True
                self._answer(411 if not length.isdecimal() else 413)
                return
            raw = self.rfile.read(int(length))
            status = trouble.status_for(raw)
            with lock:
                show(raw, self.headers.get("Content-Type", ""), status, kept, console)
            time.sleep(trouble.delay)
            if status:
                self._answer(status)
            else:
                self.close_connection = True

        def _answer(self, status: int, body: bytes = b"") -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            """What matters is printed by `show`."""

    try:
        server = ThreadingHTTPServer((host, port), Handler)
    except OSError:
        raise Mendable(f"Nobody can listen on {host}:{port} now: choose another --port.") from None
    server.daemon_threads = True
    return server


def show(raw: bytes, content_type: str, status: int, kept: Inbox, console: Console) -> None:
    """Print one notification: what it is, what is wrong with it, how it is answered."""
    from rich.markup import escape

    at, answered = time.strftime("%H:%M:%S"), str(status) if status else "cut"
    try:
        bundle = json.loads(raw)
    except ValueError:
        bundle = None
    if not isinstance(bundle, dict):
        console.print(f"{at}  [red]{len(raw)} bytes that are no JSON object[/]  -> {answered}")
        return
    received = kept.take(bundle, content_type)
    console.print(f"{at}  {headline(received)}  -> {answered}")
    for problem in received.problems:
        console.print(f"          [red]{escape(problem)}[/]", highlight=False)


def headline(received: Received) -> str:
    """What came, in one line."""
    from rich.markup import escape

    event = f" {received.number}" if received.number else ""
    mark = "[red]not as it should be[/]" if received.problems else "[green]ok[/]"
    words = f"  {received.response}" if received.response else ""
    whose = received.subscription[:8] or "no subscription"
    return f"{escape(received.kind)}{event} for {escape(whose)}  {mark}{escape(words)}"
