"""Notices: how many a second one worker delivers to a local receiver, and whether its memory stays flat."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from conformance.samples import fresh_sample
from mappers.wire import to_bytes
from server.app import open_payer
from server.authorization.decision import Decision, Verdict
from server.authorization.subscription import MOST_LIVE, Subscription, accepted, handshaken
from server.operations.claim_submit import submit_claim
from server.operations.line_decision import decide_lines, find
from server.payer import Call, Payer, Staff
from server.settings import Settings
from server.stores.embedded import EmbeddedStore
from server.web.access import SANDBOX

SAMPLE = "pended-facility-stay"
NOTICES = 10_000
STEP = 1_000
SECONDS = 600
"""How long is waited for all of them."""

ALLOWED_GROWTH = 1.15
"""Memory at the end to memory at the first step."""

BASE = "http://127.0.0.1:8080/fhir"
NURSE = Staff("nurse")


class Counted:
    """How many different messages came, and how many came again."""

    def __init__(self) -> None:
        self.seen: set[int] = set()
        self.again = 0
        self.lock = threading.Lock()


def main(console: Console) -> None:
    """Make the changes first, then start the worker and watch it."""
    with (
        tempfile.TemporaryDirectory() as data,
        EmbeddedStore.open(Path(data) / "db") as store,
        _receiver() as (url, counted),
    ):
        settings = Settings(mongodb_uri=store.uri, sandbox=True, data=Path(data))
        with open_payer(settings) as payer:
            started = time.monotonic()
            _subscribe(payer, url)
            made = _change(payer, NOTICES // MOST_LIVE) * MOST_LIVE
            console.print(f"{made} notices of {made // MOST_LIVE} changes made in {time.monotonic() - started:.0f} s")
        with _worker(store.uri, Path(data)) as pid:
            _watch(console, counted, made, pid)


def _subscribe(payer: Payer, url: str) -> None:
    """As many active subscriptions as a caller may have, all to one receiver."""
    now = payer.now()
    for number in range(MOST_LIVE):
        wanted = Subscription(
            id=f"bench-{number}",
            organization=SANDBOX.organization,
            caller=SANDBOX.name,
            filters=(frozenset({"1999999976"}),),
            endpoint=f"{url}/{number}",
            payload="application/fhir+json",
            end=now + timedelta(days=1),
            created=now,
            changed=now,
            due=now,
        )
        payer.subscriptions.create(accepted(wanted, now))
        payer.subscriptions.move(wanted.id, 1, lambda each: handshaken(each, now))


def _change(payer: Payer, wanted: int) -> int:
    """Decide pended lines one by one until there were so many changes."""
    done = 0
    while done < wanted:
        bundle: dict[str, Any] = fresh_sample(SAMPLE)
        body = to_bytes(bundle)
        claim_response = submit_claim(Call(SANDBOX, BASE, body, bundle), payer)
        name = claim_response.partition(b"/ClaimResponse/")[2].partition(b'"')[0].decode()
        authorization, _ = find(payer, NURSE, name)
        pended = [each.sequence for each in authorization.lines if each.determination.action.status == "pended"]
        for line in pended[: wanted - done]:
            authorization = decide_lines(payer, NURSE, authorization, line, Decision(Verdict.APPROVE, NURSE.name))
            done += 1
    return done


def _watch(console: Console, counted: Counted, wanted: int, pid: int) -> None:
    table = Table(title="Notices delivered by one worker", title_justify="left")
    for column in ("delivered", "seconds", "a second", "came again", "memory MB"):
        table.add_column(column, justify="right")
    started, memory = time.monotonic(), []
    last_time, last, step = started, 0, min(STEP, wanted)
    while last < wanted and time.monotonic() - started < SECONDS:
        time.sleep(0.05)
        count = len(counted.seen)
        if count < step:
            continue
        now = time.monotonic()
        memory.append(_memory(pid))
        rate = (count - last) / (now - last_time)
        table.add_row(str(count), f"{now - started:.1f}", f"{rate:.0f}", str(counted.again), f"{memory[-1] / 1e6:.1f}")
        last_time, last, step = now, count, min(count - count % STEP + STEP, wanted)
    console.print(table)
    if len(memory) > 1:
        console.print(
            f"memory at the end to that at the first step: {memory[-1] / memory[0]:.2f} ({ALLOWED_GROWTH} allowed)"
        )
    if last < wanted:
        console.print(f"only {last} of {wanted} came in {SECONDS} s")


def _memory(pid: int) -> float:
    """Resident bytes of a process (Linux; elsewhere 0)."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return 0.0
    line = next(each for each in status.read_text().splitlines() if each.startswith("VmRSS"))
    return float(line.split()[1]) * 1024


@contextmanager
def _receiver() -> Iterator[tuple[str, Counted]]:
    counted = Counted()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            message = hash((self.path, body[:200]))
            with counted.lock:
                counted.again += message in counted.seen
                counted.seen.add(message)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Only counted."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", counted
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def _worker(uri: str, data: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "server.cli", "work", "--sandbox", "--mongodb", uri, "--data", str(data)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=os.environ)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait(timeout=60)


if __name__ == "__main__":
    main(Console(width=110))
