"""`placet serve`: as people start it, with the embedded store and real processes."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from server.cli.serve import banner
from server.settings import Settings, Token
from server.web.access import SANDBOX

ROOT = Path(__file__).parents[3]
PLACET = [sys.executable, "-c", "from server.cli import main; main()"]


def environment(**own: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PLACET_", "MONGODB_"))}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **own}


def told(*arguments: str, **environ: str) -> tuple[int, str]:
    """Status and stderr of a `placet serve` that does not start."""
    done = subprocess.run(  # noqa: PLW1510 - the status is what is looked at
        [*PLACET, "serve", *arguments], capture_output=True, text=True, timeout=60, env=environment(**environ), cwd=ROOT
    )
    return done.returncode, done.stderr


@contextmanager
def served(data: Path, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A running server and its base URL; the caller ends it, else it is killed."""
    process = subprocess.Popen(
        [*PLACET, "serve", "--port", "0", "--data", str(data), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        base = next((found[1] for line in process.stdout if (found := re.search(r"answers at (\S+)", line))), "")
        assert base, process.communicate()[1]
        yield process, base
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_it_starts_answers_and_stops_with_its_store(how: signal.Signals, tmp_path: Path) -> None:
    with served(tmp_path / "data", "--sandbox") as (process, base):
        health = requests.get(base.replace("/fhir", "/health"), timeout=10)
        statement = requests.get(f"{base}/metadata", timeout=10).json()
        process.send_signal(how)
        _, log = process.communicate(timeout=30)

    assert (health.status_code, statement["resourceType"]) == (200, "CapabilityStatement")
    assert statement["implementation"]["url"] == base
    assert process.returncode == 0
    assert "Traceback" not in log
    assert not (tmp_path / "data" / "store.json").exists()  # the store's own sign that it runs


def test_a_second_start_on_the_same_data_answers_too(tmp_path: Path) -> None:
    for _ in range(2):
        with served(tmp_path / "data", "--sandbox") as (process, base):
            requests.get(base.replace("/fhir", "/health"), timeout=10).raise_for_status()
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=30)

            assert process.returncode == 0


def test_without_tokens_and_sandbox_everybody_is_asked_for_one(tmp_path: Path) -> None:
    with served(tmp_path / "data") as (process, base):
        answer = requests.get(f"{base}/ClaimResponse/1", timeout=10)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)

    assert answer.status_code == 401


def test_a_port_in_use_is_one_sentence_before_anything_is_started(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        status, words = told("--sandbox", "--port", str(port), "--data", str(tmp_path / "data"))

    assert (status, words) == (
        2,
        f"placet: Port {port} is in use: end the program that has it, or choose another with --port.\n",
    )
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--sandbox", "--host", "0.0.0.0"], "The sandbox asks for no token"),
        (["--host", "0.0.0.0"], "Without tokens"),
        (["--host", "192.0.2.1"], "Without tokens"),
        (["--sandbox", "--mongodb", "db"], "--mongodb: write a connection string"),
        (
            ["--sandbox", "--port", "0", "--mongodb", "mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100"],
            "MongoDB does not answer",
        ),
    ],
)
def test_what_cannot_be_started_is_said_in_one_sentence(arguments: list[str], words: str) -> None:
    status, said = told(*arguments)

    assert status == 2
    assert said.startswith("placet: ") and words in said and said.count("\n") == 1


def test_an_address_of_another_machine_is_said(tmp_path: Path) -> None:
    tokens = '[{"token": "a-token-that-nobody-guesses", "name": "a", "organization": "b"}]'
    status, words = told("--host", "192.0.2.1", "--port", "0", PLACET_TOKENS=tokens)

    assert (status, words) == (2, "placet: 192.0.2.1 is not an address of this machine: leave --host out.\n")


@pytest.mark.parametrize(
    ("settings", "said", "not_said"),
    [
        (
            Settings(sandbox=True),
            ("SANDBOX: nobody is asked", "Synthetic data", "demo", "curl -s http://127"),
            ("--base",),
        ),
        (Settings(sandbox=True, port=9), ("demo --base http://127.0.0.1:9/fhir",), ()),
        (Settings(host="::1"), ("http://[::1]:8080/fhir", "every call is answered 401"), ("demo", "SANDBOX")),
        (Settings(tokens=(Token(b"", SANDBOX),)), ("known for 1 caller(s)",), ("demo", "SANDBOX")),
        (Settings(base_url="https://pas.example.org/fhir"), ("https://pas.example.org/fhir",), ("127.0.0.1:8080",)),
    ],
)
def test_the_banner_says_who_may_call_and_what_to_try(
    settings: Settings, said: tuple[str, ...], not_said: tuple[str, ...]
) -> None:
    words = banner(settings, settings.port, own_store=True)

    assert all(each in words for each in said)
    assert not any(each in words for each in not_said)
