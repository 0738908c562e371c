"""Claim/$submit against its floor: latency, CPU per request, requests per second with 1 and 8 clients."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.load import Load, cpu_seconds, load
from conformance.samples import fresh_sample
from server.stores.embedded import EmbeddedStore

SAMPLE = "several-lines"
WARM_UP = 40
REQUESTS = 400
PATH = "/fhir/Claim/$submit"


def main(console: Console) -> None:
    """Measure both servers, one after the other, on the same kind of embedded store."""
    table = Table(
        title=f"Claim/$submit, {SAMPLE} ({len(_body()) // 1024} KB), {REQUESTS} requests", title_justify="left"
    )
    for column in ("server", "clients", "p50 ms", "p99 ms", "requests/s", "CPU ms/request", "not 200"):
        table.add_column(column, justify="left" if column == "server" else "right")
    figures: dict[tuple[str, int], tuple[Load, float]] = {}
    for name, started in (("floor", _floor), ("placet", _placet)):
        with tempfile.TemporaryDirectory() as data, started(Path(data)) as (port, pid):
            load(port, PATH, _body, clients=4, requests=WARM_UP)
            for clients in (1, 8):
                before = cpu_seconds(pid)
                measured = load(port, PATH, _body, clients=clients, requests=REQUESTS)
                cpu = (cpu_seconds(pid) - before) * 1000 / REQUESTS
                figures[name, clients] = measured, cpu
                table.add_row(
                    name,
                    str(clients),
                    f"{measured.p50:.2f}",
                    f"{measured.p99:.2f}",
                    f"{measured.per_second:.0f}",
                    f"{cpu:.2f}",
                    str(measured.failures),
                )
    console.print(table)
    for clients in (1, 8):
        (ours, cpu), (floor, floor_cpu) = figures["placet", clients], figures["floor", clients]
        console.print(
            f"ratio to the floor, {clients} client(s): p50 {ours.p50 / floor.p50:.2f}, p99 {ours.p99 / floor.p99:.2f}, "
            f"requests/s {ours.per_second / floor.per_second:.2f}, CPU {cpu / floor_cpu if floor_cpu else 0:.2f}"
        )


def _body() -> bytes:
    return json.dumps(fresh_sample(SAMPLE)).encode()


@contextmanager
def _placet(data: Path) -> Iterator[tuple[int, int]]:
    port = _free_port()
    command = [
        sys.executable,
        "-m",
        "server.cli",
        "serve",
        "--sandbox",
        "--port",
        str(port),
        "--data",
        str(data / "db"),
    ]
    with _running(command, port, os.environ) as pid:
        yield port, pid


@contextmanager
def _floor(data: Path) -> Iterator[tuple[int, int]]:
    port = _free_port()
    command = [sys.executable, "-m", "gunicorn", "--worker-class", "gthread", "--workers", "2", "--threads", "16"]
    command += ["--bind", f"127.0.0.1:{port}", "--log-level", "error", "bench.floor:create_floor()"]
    with (
        EmbeddedStore.open(data / "db") as store,
        _running(command, port, os.environ | {"FLOOR_MONGODB_URI": store.uri}) as pid,
    ):
        yield port, pid


@contextmanager
def _running(command: list[str], port: int, environ: object) -> Iterator[int]:
    process = subprocess.Popen(command, env=dict(environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # type: ignore[call-overload]
    try:
        _wait_for(port)
        yield process.pid
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)


def _wait_for(port: int, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
