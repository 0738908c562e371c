"""A sandbox delivers by itself: a process beside those that answer, which lives as long as they do."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from conformance.answers import answered_lines
from conformance.samples import fresh_sample
from server.cli import placet
from tests.mappers.subscriptions import NPI, filtered
from tests.server.cli.test_serve import PLACET, ROOT, environment, served
from tests.server.notifications.receiver import Receiver, receiving

Json = dict[str, Any]
PATIENCE = 30.0


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def children(pid: int) -> set[int]:
    """The processes that a process started."""
    return {int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()}


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def posted(base: str, path: str, body: Json) -> Json:
    reply = requests.post(f"{base}/{path}", json=body, headers={"Content-Type": "application/fhir+json"}, timeout=20)
    assert reply.status_code in (200, 201), reply.text
    answer: Json = reply.json()
    return answer


def subscribed(base: str, receiver: Receiver) -> str:
    """An active subscription's id."""
    made = posted(base, "Subscription", filtered(f"org-identifier={NPI}", channel_endpoint=receiver.url))
    one = f"{base}/Subscription/{made['id']}"
    until(lambda: requests.get(one, timeout=10).json()["status"] == "active", "no handshake")
    return str(made["id"])


def decided(base: str, data: Path) -> str:
    """A pended request, decided by the command; the number of its line."""
    [line] = answered_lines(posted(base, "Claim/$submit", fresh_sample("pended-wheelchair")))
    assert line.status == "pended"
    said(data, "decide", line.number, "approve")
    return line.number


def said(data: Path, *arguments: str) -> str:
    """What a command says that succeeds."""
    result = CliRunner(env={"COLUMNS": "200"}).invoke(placet, [*arguments, "--data", str(data)])
    assert result.exit_code == 0, result.output
    return result.output


def test_who_subscribes_at_a_sandbox_hears_of_decisions_and_again_on_request(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with receiving() as receiver, served(data, "--sandbox") as (process, base):
        subscription = subscribed(base, receiver)
        decided(base, data)
        until(lambda: receiver.events() == [1], "no notification")
        assert answered_lines(receiver.got[-1].focus)[0].status == "approved"
        listed = said(data, "notices")
        assert all(each in listed for each in (subscription, "active", "delivered", "200 in"))
        assert "delivered" not in said(data, "notices", "--failed")
        assert "1 event(s) are sent again" in said(data, "notices", "--subscription", subscription[:8], "--replay", "1")
        until(lambda: receiver.events() == [1, 1], "not again")
        refused = CliRunner().invoke(
            placet, ["notices", "--subscription", subscription, "--replay", "9", "--data", str(data)]
        )
        assert (refused.exit_code, "no event 9" in refused.output) == (1, True)
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in log
    assert "event=notice" in log


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked at in /proc")
def test_the_process_beside_is_started_again_and_goes_with_its_master(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with receiving() as receiver, served(data, "--sandbox", "--workers", "1") as (process, base):
        subscribed(base, receiver)
        before = children(process.pid)
        assert len(before) == 2
        for each in before:
            os.kill(each, signal.SIGKILL)
        until(lambda: len(children(process.pid) - before) == 2, "not started again")
        decided(base, data)
        until(lambda: receiver.events() == [1], "no notification")
        after = children(process.pid)
        process.kill()
        until(lambda: not any(map(lives, after)), "something lives on without its master")


@contextmanager
def working(data: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [*PLACET, "work", "--sandbox", "--data", str(data), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        cwd=ROOT,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_worker_ends_when_it_is_told(tmp_path: Path, how: signal.Signals) -> None:
    with working(tmp_path / "data") as process:
        assert process.stdout is not None and "Delivers" in process.stdout.readline()
        process.send_signal(how)
        _, log = process.communicate(timeout=20)
    assert (process.returncode, "Traceback" in log) == (0, False)


def test_a_worker_without_anything_to_do_ends_at_once_when_asked_for_one_round(tmp_path: Path) -> None:
    with working(tmp_path / "data", "--once") as process:
        said_to, log = process.communicate(timeout=30)
    assert (process.returncode, said_to, log) == (0, "", "")


def test_replaying_needs_a_subscription() -> None:
    result = CliRunner().invoke(placet, ["notices", "--replay", "1"])
    assert (result.exit_code, "--subscription" in result.output) == (2, True)
