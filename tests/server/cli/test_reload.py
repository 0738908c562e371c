"""`placet reload` and SIGHUP: a running server takes changed content, and keeps what it has when that is bad."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from questionnaires.content import DEMO
from server.cli.running import announced, running_servers
from server.settings import Settings
from tests.server.cli.test_serve import PLACET, ROOT, environment

BROKEN = "\nbroken: [\n"


@dataclass
class Server:
    """A server on a content directory of its own."""

    base: str
    data: Path
    content: Path

    def reload(self) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: PLW1510 - the status is what is looked at
            [*PLACET, "reload", "--data", str(self.data)],
            capture_output=True,
            text=True,
            timeout=90,
            env=environment(),
            cwd=ROOT,
        )

    @property
    def plan(self) -> Path:
        return self.content / "plans" / "commercial.yaml"

    def required(self) -> str:
        """The title that the lookup gives for a code, however many processes answer."""
        found = requests.get(f"{self.base}/api/requirements?plan=commercial&code=E1390", timeout=10).json()
        return str(found["requirements"][0]["title"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server with two processes for all tests of this file."""
    folder = tmp_path_factory.mktemp("reload")
    content = folder / "content"
    shutil.copytree(DEMO, content, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*PLACET, "serve", "--sandbox", "--port", "0", "--data", str(folder / "data")],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environment(PLACET_CONTENT=str(content)),
            cwd=ROOT,
        )
        try:
            assert process.stdout is not None
            line = next(line for line in process.stdout if " answers at " in line)
            base = line.split(" answers at ")[1].strip().removesuffix("/fhir")
            requests.get(f"{base}/health", timeout=20).raise_for_status()
            yield Server(base, folder / "data", content)
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.communicate(timeout=30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
    assert "Traceback" not in (folder / "log").read_text()
    assert not list((folder / "data").glob("serve-*.run"))


def test_every_process_takes_what_has_changed(server: Server) -> None:
    topic = server.content / "home-oxygen" / "topic.yaml"
    title = server.required()
    topic.write_text(topic.read_text().replace("title: ", "title: New ", 1))
    done = server.reload()

    assert (done.returncode, done.stderr) == (0, "")
    assert "2 processes of server" in done.stdout
    assert "home-oxygen" in done.stdout
    assert {server.required() for _ in range(8)} == {f"New {title}"}
    again = server.reload()
    assert (again.returncode, "nothing differs" in again.stdout) == (0, True)


def test_bad_content_is_not_loaded_and_said(server: Server) -> None:
    before, held = server.plan.read_text(), server.required()
    server.plan.write_text(before + BROKEN)
    try:
        done = server.reload()
        assert done.returncode == 1
        assert "commercial.yaml:" in done.stderr
        assert "the server keeps what it has" in done.stderr
        assert server.required() == held
    finally:
        server.plan.write_text(before)


def test_a_plain_signal_that_finds_bad_content_keeps_the_old(server: Server) -> None:
    before, held = server.plan.read_text(), server.required()
    (running,) = running_servers(server.data)
    told = len(running.told())
    server.plan.write_text(before + BROKEN)
    try:
        os.kill(running.pid, signal.SIGHUP)
        until = time.monotonic() + 20
        while len(running.told()) == told and time.monotonic() < until:
            time.sleep(0.1)
        assert [len(each["problems"]) for each in running.told()[told:]] == [1]
        assert server.required() == held
    finally:
        server.plan.write_text(before)


def test_a_server_that_was_killed_is_not_taken_for_a_running_one(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    (tmp_path / "serve-1.run").write_text('{"pid": 1, "workers": 2, "content": null}\n')
    with announced(settings) as own:
        assert [each.pid for each in running_servers(tmp_path)] == [os.getpid()]
        own.tell(fingerprint="f", changes=[])
        assert [each["fingerprint"] for each in own.told()] == ["f"]
    assert running_servers(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_without_a_server_there_is_nothing_to_reload(tmp_path: Path) -> None:
    done = Server("", tmp_path, tmp_path).reload()
    assert (done.returncode, "No server runs on" in done.stderr) == (2, True)
