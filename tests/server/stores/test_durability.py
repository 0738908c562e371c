"""What was acknowledged is there after everything was killed in the middle."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from server.payer import Exchange, Staff
from server.stores.authorizations import MongoAuthorizations
from server.stores.embedded import EmbeddedStore
from tests.builders import NOW
from tests.databases import connected

ROOT = Path(__file__).parents[3]
ROUNDS = 5
STAFF = Staff("nurse")

# Files and changes as fast as it can; says what was acknowledged, when it was.
WRITER = """
import sys
from itertools import count
from server.payer import Staff
from server.authorization.decision import Decision, Verdict, decide
from server.stores.authorizations import MongoAuthorizations, connect, ensure_indexes
from tests.builders import NORTH, NOW, an_authorization, an_exchange
database = connect(sys.argv[1], "durable")
ensure_indexes(database)
store = MongoAuthorizations(database)
for n in count():
    authorization = an_authorization()
    store.file(NORTH, authorization, an_exchange(f"{sys.argv[2]}-{n}"), NOW)
    print("filed", authorization.id, f"{sys.argv[2]}-{n}", flush=True)
    if n % 3 == 0:
        changed = decide(authorization, Decision(Verdict.APPROVE, "nurse"), line=None, at=NOW)
        store.change(Staff("nurse"), changed, b"approved")
        print("changed", authorization.id, f"{sys.argv[2]}-{n}", flush=True)
"""


def kill(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def acknowledged_before_the_kill(data: Path, name: str, seconds: float) -> list[list[str]]:
    """Let a process write, then kill it, the store and the store's keeper at one moment; what it had been told."""
    store = EmbeddedStore.open(data)
    facts: dict[str, Any] = json.loads((data / "store.json").read_text())
    command = [sys.executable, "-c", WRITER, store.uri, name]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(seconds)
        kill(facts["keeper_pid"], facts["store_pid"], writer.pid)
        said = first + writer.stdout.read()
    store.close()
    return [line.split() for line in said.splitlines() if line.count(" ") == 2]


@pytest.mark.parametrize("round_seed", [20260302])
def test_nothing_acknowledged_is_lost_when_everything_is_killed(tmp_path: Path, round_seed: int) -> None:
    data, draw = tmp_path / "data", random.Random(round_seed)
    known: dict[str, tuple[str, str]] = {}
    for number in range(ROUNDS):
        told = acknowledged_before_the_kill(data, str(number), draw.uniform(0.1, 0.5))
        assert told
        known |= {authorization_id: (what, text) for what, authorization_id, text in told}
        with EmbeddedStore.open(data) as store, connected(store.uri, "durable") as database:
            authorizations = MongoAuthorizations(database)
            for authorization_id, (what, text) in known.items():
                found = authorizations.exchange(STAFF, authorization_id)
                assert found is not None, (number, what, authorization_id)
                assert found.request == f'{{"request": "{text}"}}'.encode()
                if what == "changed":
                    assert found.answer == b"approved"
            assert_whole(authorizations, database)


def assert_whole(authorizations: MongoAuthorizations, database: Any) -> None:
    """Also what was not acknowledged any more is there as a whole or, after a sweep, not at all."""
    authorizations.sweep(NOW + timedelta(days=1), limit=100_000)
    named, numbers = set(), set()
    for document in database["authorization"].find({}):
        authorization = authorizations.get(STAFF, document["_id"].removeprefix("payer:"))
        assert authorization is not None
        assert isinstance(authorizations.exchange(STAFF, authorization.id), Exchange)
        named |= {document["request"], *document["answers"]}
        numbers |= {f"payer|number|{number}" for number in authorization.numbers}
    assert {row["_id"] for row in database["fhir_raw"].find({}, {"_id": 1})} == named
    assert {row["_id"] for row in database["unique_key"].find({"kind": "number"}, {"_id": 1})} == numbers
