"""Subscriptions on record: whose they are, what is secret, how they change under many hands, how events are counted."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from server.authorization.subscription import (
    MOST_KEPT,
    MOST_LIVE,
    State,
    Subscription,
    ended,
    failed,
    gone,
    handshake_tried,
    handshaken,
    replaced,
)
from server.payer import Caller
from server.stores.sealing import Seal
from server.stores.subscriptions import REMEMBERED, MongoSubscriptions
from server.subscriptions import NOBODY, NoKey, TooMany
from tests.builders import NORTH, NOW, SOUTH, a_subscription

Store = Database[dict[str, Any]]
ROOT = Path(__file__).parents[3]
LATER = NOW + timedelta(hours=2)
SEAL = Seal([bytes(32)])
COLLEAGUE = Caller("north-second-system", NORTH.organization)


@pytest.fixture
def subscriptions(database: Store) -> MongoSubscriptions:
    """None on record yet."""
    return MongoSubscriptions(database, lambda: SEAL)


def headerless(subscription: Subscription) -> Subscription:
    return replace(subscription, headers=())


def test_a_subscription_comes_back_as_it_was(subscriptions: MongoSubscriptions) -> None:
    wanted = replace(
        a_subscription("A", "B", heartbeat=60, timeout=3, most_events=5, said='{"reason": "why"}'),
        filters=(frozenset({"A", "B"}), frozenset({"C"})),
    )
    subscriptions.create(wanted)
    assert subscriptions.find(wanted.id) == wanted
    assert subscriptions.get(NORTH, wanted.id) == headerless(wanted)
    assert subscriptions.of(NORTH) == [headerless(wanted)]


@pytest.mark.parametrize("other", [SOUTH, COLLEAGUE], ids=["another organization", "another system of it"])
def test_anothers_does_not_exist(subscriptions: MongoSubscriptions, other: Caller) -> None:
    wanted = a_subscription()
    subscriptions.create(wanted)
    assert subscriptions.get(other, wanted.id) is None
    assert subscriptions.of(other) == []
    assert subscriptions.delete(other, wanted.id) is False
    assert subscriptions.get(NORTH, wanted.id) is not None


def test_an_event_is_for_the_live_ones_of_its_organization(subscriptions: MongoSubscriptions) -> None:
    made = {state: replace(a_subscription("A"), state=state) for state in State}
    of_a_colleague, of_others, of_more = (
        a_subscription("A", who=COLLEAGUE),
        a_subscription("A", who=SOUTH),
        a_subscription("B"),
    )
    for each in (*made.values(), of_a_colleague, of_others, of_more):
        subscriptions.create(each)
    matching = subscriptions.matching({"A", "X"}, NORTH.organization)
    live = {made[state].id for state in (State.REQUESTED, State.ACTIVE, State.ERROR)}
    assert {each.id for each in matching} == {*live, of_a_colleague.id}
    assert {each.headers for each in matching} == {()}


def test_header_values_are_nowhere_in_the_document(subscriptions: MongoSubscriptions, database: Store) -> None:
    subscriptions.create(a_subscription(headers=("Authorization: Bearer xyzzy",)))
    row = database["subscription"].find_one({})
    assert row is not None
    assert not any(b"xyzzy" in value for value in row.values() if isinstance(value, bytes))
    assert "xyzzy" not in str(row)


def test_headers_follow_what_the_owner_says_last(subscriptions: MongoSubscriptions) -> None:
    first = a_subscription(headers=("X-One: 1",))
    subscriptions.create(first)
    second = replaced(first, a_subscription(headers=("X-Two: 2",)), LATER)
    assert subscriptions.replace(second)
    assert subscriptions.find(first.id) == second
    third = replaced(second, a_subscription(headers=()), LATER)
    assert subscriptions.replace(third)
    assert subscriptions.find(first.id) == third


def test_without_a_key_nothing_secret_is_kept(database: Store) -> None:
    keyless = MongoSubscriptions(database)
    with pytest.raises(NoKey):
        keyless.create(a_subscription())
    plain = a_subscription(headers=())
    keyless.create(plain)
    assert keyless.find(plain.id) == plain
    with pytest.raises(NoKey):
        keyless.replace(replaced(plain, a_subscription(), LATER))
    assert keyless.of(NORTH) == [plain]


@pytest.mark.parametrize("seal", [None, Seal([bytes([1]) * 32])], ids=["no key", "another key"])
def test_a_lost_key_is_said(subscriptions: MongoSubscriptions, database: Store, seal: Seal | None) -> None:
    wanted = a_subscription()
    subscriptions.create(wanted)
    later = MongoSubscriptions(database, lambda: seal)
    assert later.get(NORTH, wanted.id) == headerless(wanted)
    with pytest.raises(NoKey):
        later.find(wanted.id)


def test_a_caller_has_so_many_live_ones(subscriptions: MongoSubscriptions) -> None:
    made = [a_subscription(headers=()) for _ in range(MOST_LIVE)]
    for each in made:
        subscriptions.create(each)
    with pytest.raises(TooMany):
        subscriptions.create(a_subscription())
    subscriptions.create(a_subscription(who=COLLEAGUE))
    assert subscriptions.replace(replaced(made[0], made[0], LATER))
    off = gone(made[1], LATER)
    assert subscriptions.move(off.id, 1, lambda now: gone(now, LATER)) == off
    subscriptions.create(a_subscription())
    with pytest.raises(TooMany):
        subscriptions.replace(replaced(off, made[1], LATER))


def test_a_caller_keeps_so_many(subscriptions: MongoSubscriptions, database: Store) -> None:
    for _ in range(MOST_KEPT):
        subscriptions.create(replace(a_subscription(headers=()), state=State.OFF))
    with pytest.raises(TooMany):
        subscriptions.create(a_subscription())


def test_of_two_who_replace_one_wins(subscriptions: MongoSubscriptions) -> None:
    first = a_subscription()
    subscriptions.create(first)
    one = replaced(first, a_subscription("one"), LATER)
    other = replaced(first, a_subscription("other"), LATER)
    assert subscriptions.replace(one) is True
    assert subscriptions.replace(other) is False
    assert subscriptions.find(first.id) == one


def test_a_stale_handshake_does_not_activate_a_newer_one(subscriptions: MongoSubscriptions) -> None:
    first = a_subscription()
    subscriptions.create(first)
    second = replaced(first, a_subscription(), LATER)
    subscriptions.replace(second)
    assert subscriptions.move(first.id, 1, lambda now: handshaken(now, LATER)) is None
    assert subscriptions.find(first.id) == second
    active = subscriptions.move(first.id, 2, lambda now: handshaken(now, LATER))
    assert active is not None
    assert active.state is State.ACTIVE


def test_a_step_is_taken_from_where_the_subscription_stands(subscriptions: MongoSubscriptions) -> None:
    wanted = a_subscription()
    subscriptions.create(wanted)
    subscriptions.move(wanted.id, 1, lambda now: gone(now, LATER))
    still_off = subscriptions.move(wanted.id, 1, lambda now: failed(now, LATER))
    assert still_off is not None
    assert still_off.state is State.OFF
    assert subscriptions.move("unknown", 1, lambda now: gone(now, LATER)) is None


def test_of_many_workers_one_claims_what_is_due(subscriptions: MongoSubscriptions) -> None:
    subscriptions.create(a_subscription())
    [seen] = subscriptions.due(LATER)

    def claim(now: Subscription) -> Subscription | None:
        return handshake_tried(now, LATER) if now.due == seen.due else None

    with ThreadPoolExecutor(8) as pool:
        claimed = list(pool.map(lambda _: subscriptions.move(seen.id, seen.generation, claim), range(8)))
    assert sum(each is not None for each in claimed) == 1
    assert subscriptions.due(LATER) == []


def test_what_is_due_is_live_and_soonest_first(subscriptions: MongoSubscriptions) -> None:
    late, soon, off = a_subscription(at=NOW + timedelta(hours=1)), a_subscription(), a_subscription()
    for each in (late, soon, off):
        subscriptions.create(each)
    subscriptions.move(off.id, 1, lambda now: gone(now, NOW))
    assert [each.id for each in subscriptions.due(LATER)] == [soon.id, late.id]
    assert subscriptions.due(soon.due) == []
    subscriptions.move(soon.id, 1, lambda now: ended(now, now.end))
    assert [each.id for each in subscriptions.due(LATER)] == [late.id]


def test_deleted_is_gone(subscriptions: MongoSubscriptions) -> None:
    wanted = a_subscription()
    subscriptions.create(wanted)
    assert subscriptions.delete(NORTH, wanted.id) is True
    assert subscriptions.delete(NORTH, wanted.id) is False
    assert subscriptions.find(wanted.id) is None
    assert subscriptions.replace(replaced(wanted, wanted, LATER)) is False
    assert subscriptions.next_event_number(wanted.id, "event") is None
    assert subscriptions.matching({"SND-0001"}, NORTH.organization) == []


def test_an_event_has_one_number_for_ever(subscriptions: MongoSubscriptions) -> None:
    wanted = a_subscription()
    subscriptions.create(wanted)
    names = [f"event-{number}" for number in range(1, REMEMBERED + 11)]
    assert [subscriptions.next_event_number(wanted.id, name) for name in names] == list(range(1, REMEMBERED + 11))
    for number in (11, 12, REMEMBERED, REMEMBERED + 10):
        assert subscriptions.next_event_number(wanted.id, f"event-{number}") == number
    now = subscriptions.get(NORTH, wanted.id)
    assert now is not None
    assert now.events == REMEMBERED + 10


def test_events_count_on_when_the_owner_replaces_it(subscriptions: MongoSubscriptions) -> None:
    wanted = a_subscription()
    subscriptions.create(wanted)
    subscriptions.next_event_number(wanted.id, "one")
    before = subscriptions.find(wanted.id)
    assert before is not None
    subscriptions.next_event_number(wanted.id, "two")  # while the owner writes
    assert subscriptions.replace(replaced(before, wanted, LATER))
    assert subscriptions.next_event_number(wanted.id, "three") == 3


COUNTER = """
import sys
from concurrent.futures import ThreadPoolExecutor
from server.stores.subscriptions import MongoSubscriptions
from server.stores.authorizations import connect
subscriptions = MongoSubscriptions(connect(sys.argv[1], sys.argv[2]))
with ThreadPoolExecutor(4) as pool:
    for number in pool.map(lambda n: subscriptions.next_event_number(sys.argv[3], f"{sys.argv[4]}-{n}"), range(40)):
        print(number)
"""


def test_two_processes_number_events_without_gaps(
    subscriptions: MongoSubscriptions, database: Store, store_uri: str
) -> None:
    wanted = a_subscription()
    subscriptions.create(wanted)
    command = [sys.executable, "-c", COUNTER, store_uri, database.name, wanted.id]
    counting = [subprocess.Popen([*command, name], cwd=ROOT, stdout=subprocess.PIPE, text=True) for name in "ab"]
    numbers = [int(word) for each in counting for word in each.communicate(timeout=60)[0].split()]
    assert sorted(numbers) == list(range(1, 81))
    now = subscriptions.get(NORTH, wanted.id)
    assert now is not None
    assert now.events == 80


def test_only_words_are_asked_for(subscriptions: MongoSubscriptions) -> None:
    with pytest.raises(TypeError):
        subscriptions.get(NORTH, {"$ne": ""})  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        subscriptions.of(replace(NORTH, organization={"$ne": ""}))  # type: ignore[arg-type]


def test_where_nothing_is_kept_nobody_subscribes() -> None:
    with pytest.raises(TooMany):
        NOBODY.create(a_subscription())
    assert (NOBODY.of(NORTH), NOBODY.matching({"A"}, "north"), NOBODY.due(LATER)) == ((), (), ())
