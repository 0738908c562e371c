"""Acknowledged means durable: what was answered is there after everything was killed."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

from conformance.answers import answered_lines
from conformance.samples import fresh_sample

Json = dict[str, Any]
ROUNDS = 3


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(data: Path, port: int) -> subprocess.Popen[bytes]:
    """`placet serve --sandbox`, once it answers."""
    command = [sys.executable, "-m", "server.cli", "serve", "--sandbox"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--data", str(data)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    deadline = time.monotonic() + 30
    while True:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2):
                return process
        except OSError:
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.05)


def post(port: int, bundle: Json) -> Json:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/fhir/Claim/$submit",
        json.dumps(bundle).encode(),
        {"Content-Type": "application/fhir+json"},
    )
    with urllib.request.urlopen(request, timeout=20) as reply:
        answer: Json = json.loads(reply.read())
    return answer


def read(port: int, response_id: str) -> Json:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/fhir/ClaimResponse/{response_id}", timeout=20) as reply:
        answer: Json = json.loads(reply.read())
    return answer


def kill_everything(process: subprocess.Popen[bytes], data: Path) -> None:
    """kill -9 of the server with its workers, the store and its keeper, at once."""
    running = json.loads((data / "store.json").read_text())
    for pid in (running["keeper_pid"], running["store_pid"]):
        os.kill(pid, signal.SIGKILL)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait(timeout=10)


def test_nothing_that_was_answered_is_lost_when_everything_is_killed(tmp_path: Path) -> None:
    data, port = tmp_path / "data", free_port()
    answered: list[Json] = []
    for _ in range(ROUNDS):
        process = start(data, port)
        answered += [post(port, fresh_sample("several-lines")) for _ in range(4)]
        kill_everything(process, data)
    process = start(data, port)
    try:
        for answer in answered:
            response = answer["entry"][0]["resource"]
            assert read(port, response["id"]) == response
        numbers = [line.number for answer in answered for line in answered_lines(answer)]
        assert len(numbers) == len(set(numbers)) == ROUNDS * 4 * 6
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
    assert not (data / "store.json").exists()
