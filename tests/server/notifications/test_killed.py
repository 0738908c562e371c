"""Workers as processes of their own on one store: all of it is delivered, whoever is killed meanwhile."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from server.authorization.subscription import Subscription, handshaken
from server.errors import Unavailable
from server.stores.documents import ensure_indexes
from server.stores.embedded import EmbeddedStore
from tests.builders import a_subscription
from tests.databases import connected
from tests.server.notifications.conftest import NPI, Office
from tests.server.notifications.receiver import Receiver, receiving

ROOT = Path(__file__).parents[3]
ROUNDS = 20
NOTICES = 1_000
DATABASE = "killed"

# A worker whose leases end soon, so that a test need not wait for those of the killed.
WORKER = """
import sys
from datetime import timedelta
from server.notifications.means import Means
from server.notifications.worker import Worker
from server.outbound import Outbound
from server.stores.authorizations import connect
from server.stores.notices import MongoNotices
from server.stores.sealing import Seal
from server.stores.subscriptions import MongoSubscriptions
database = connect(sys.argv[1], sys.argv[2])
subscriptions = MongoSubscriptions(database, lambda: Seal([bytes(32)]))
means = Means(MongoNotices(database), subscriptions, Outbound(sandbox=True), "http://127.0.0.1:8080/fhir",
              lot=lambda: 0.01, lease=timedelta(seconds=2))
print("works", flush=True)
Worker(means).run()
"""


@contextmanager
def an_office(data: Path) -> Iterator[tuple[Office, str]]:
    """An office on a store of its own, where all that happens is due already."""
    with EmbeddedStore.open(data) as store, connected(store.uri, DATABASE) as database:
        ensure_indexes(database)
        yield Office(database, datetime.now(UTC) - timedelta(minutes=5)), store.uri


@contextmanager
def worker(uri: str) -> Iterator[subprocess.Popen[str]]:
    """A worker's process; killed at the end."""
    command = [sys.executable, "-c", WORKER, uri, DATABASE]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def subscribed(office: Office, receiver: Receiver) -> Subscription:
    """An active subscription, as after its handshake."""
    wanted = a_subscription(NPI, endpoint=receiver.url, at=office.now)
    office.subscriptions.create(wanted)
    moved = office.subscriptions.move(wanted.id, 1, lambda each: handshaken(each, office.now))
    assert moved is not None
    return wanted


def until(true: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def first_times(receiver: Receiver, subscription: Subscription) -> list[tuple[int, str]]:
    """Number and focus of what a subscription got, without repetitions, in the order in which it came first."""
    mine = [each for each in receiver.got if each.said["subscription"]["reference"].endswith(subscription.id)]
    return list(dict.fromkeys((each.number, each.focus["id"]) for each in mine))


def test_two_workers_deliver_a_thousand_notices_in_order_and_without_gaps(tmp_path: Path) -> None:
    lines, each_to = 5, 10
    with an_office(tmp_path / "data") as (office, uri), receiving() as receiver, worker(uri) as one, worker(uri) as two:
        assert all(each.stdout is not None and each.stdout.readline() for each in (one, two))
        subscriptions = [subscribed(office, receiver) for _ in range(each_to)]
        wanted = set()
        for _ in range(NOTICES // lines // each_to):
            changed = office.pend(lines)
            for line in range(1, lines + 1):
                changed = office.decide(changed, line)
                wanted.add(f"{changed.id}.{changed.version}")
        assert until(lambda: len({each.raw for each in receiver.got}) == NOTICES, 240), len(receiver.got)
        for subscription in subscriptions:
            got = first_times(receiver, subscription)
            assert [number for number, _ in got] == list(range(1, NOTICES // each_to + 1))
            assert {focus for _, focus in got} == wanted
            assert_versions_in_order([focus for _, focus in got])
            assert office.count(subscription) == NOTICES // each_to


def assert_versions_in_order(focuses: list[str]) -> None:
    """The versions of one authorization come one after the other."""
    last: dict[str, int] = {}
    for focus in focuses:
        name, _, version = focus.rpartition(".")
        assert last.get(name, 1) == int(version) - 1
        last[name] = int(version)


@pytest.mark.parametrize("seed", [20261122])
def test_nothing_is_lost_when_workers_and_the_store_are_killed(tmp_path: Path, seed: int) -> None:
    """Twenty times; a worker that ended is replaced by the next."""
    draw, data, wanted = random.Random(seed), tmp_path / "data", []
    with an_office(data) as (office, uri), receiving() as receiver, ExitStack() as workers:
        subscription = subscribed(office, receiver)
        running = [workers.enter_context(worker(uri)) for _ in range(2)]
        for number in range(ROUNDS):
            for _ in range(3):
                changed = office.decide(office.pend(lines=2), 1)
                changed = office.decide(changed, 2)
                wanted += [f"{changed.id}.2", f"{changed.id}.3"]
            time.sleep(draw.uniform(0, 0.25))
            if number % 4 == 3:
                kill_store(data)
                assert until(office.authorizations.ping, 20)
            else:
                running[number % 2].kill()
                running[number % 2] = workers.enter_context(worker(uri))
        everything = until(lambda: len(first_times(receiver, subscription)) == len(wanted), 40)
        got = first_times(receiver, subscription)
        assert everything, (len(got), len(wanted))
        assert [number for number, _ in got] == list(range(1, len(wanted) + 1))
        assert {focus for _, focus in got} == set(wanted)
        assert_versions_in_order([focus for _, focus in got])
        assert office.count(subscription) == len(wanted)


def kill_store(data: Path) -> None:
    """kill -9 of the store; its keeper starts it again on the same port."""
    with suppress(OSError, ValueError, Unavailable):
        os.kill(json.loads((data / "store.json").read_text())["store_pid"], signal.SIGKILL)
