"""A subscription has its handshakes, its heartbeats, and its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from server.authorization.subscription import State, replaced
from server.stores.sealing import Seal
from server.stores.subscriptions import MongoSubscriptions
from tests.server.notifications.conftest import Office
from tests.server.notifications.receiver import Receiver


def test_a_handshake_makes_a_subscription_active(office: Office, receiver: Receiver) -> None:
    subscription = office.subscribe(receiver)
    office.work(seconds=1)
    assert receiver.got == []
    office.work(seconds=1.5)
    [shaken] = receiver.got
    said = shaken.said
    assert (said["type"], said["status"], said["events-since-subscription-start"]) == ("handshake", "requested", "0")
    assert "notification-event" not in said
    assert shaken.headers["Authorization"] == "Bearer a-secret"
    assert office.state(subscription) is State.ACTIVE
    office.work(days=1)
    assert len(receiver.got) == 1


def test_a_handshake_that_is_not_taken_comes_three_times_more(office: Office, receiver: Receiver) -> None:
    receiver.answers = lambda _number: 500
    subscription = office.subscribe(receiver)
    came = []
    for _ in range(90):
        before = len(receiver.got)
        office.work(seconds=1)
        came += [round((office.now - subscription.created).total_seconds())] * (len(receiver.got) - before)
    assert came == [2, 4, 14, 74]
    assert office.state(subscription) is State.ERROR
    assert len({each.raw for each in receiver.got}) == 1


def test_the_last_handshake_counts_as_the_first(office: Office, receiver: Receiver) -> None:
    receiver.answers = lambda number: 500 if number < 4 else 204
    subscription = office.subscribe(receiver)
    for seconds in (2.5, 3, 11, 61):
        assert office.state(subscription) is State.REQUESTED
        office.work(seconds=seconds)
    assert office.state(subscription) is State.ACTIVE


def test_who_answers_a_handshake_with_gone_is_off(office: Office, receiver: Receiver) -> None:
    receiver.answers = lambda _number: 410
    subscription = office.subscribe(receiver)
    office.work(seconds=3)
    assert office.state(subscription) is State.OFF


def test_a_handshake_answered_for_an_older_generation_makes_nothing_active(office: Office, receiver: Receiver) -> None:
    subscription = office.subscribe(receiver)

    def replaced_meanwhile(_number: int) -> int:
        found = office.subscriptions.find(subscription.id)
        assert found is not None
        office.subscriptions.replace(replaced(found, replace(found, endpoint="http://127.0.0.1:9/"), office.now))
        return 200

    receiver.answers = replaced_meanwhile
    office.work(seconds=3)
    assert office.state(subscription) is State.REQUESTED


def test_heartbeats_come_only_where_asked_for_and_after_silence(office: Office, receiver: Receiver) -> None:
    office.subscribed(receiver)
    beating = office.subscribed(receiver, heartbeat=60)
    office.work(seconds=50)
    assert receiver.got == []
    office.work(seconds=11)
    assert receiver.kinds() == ["heartbeat"]
    assert receiver.got[0].said["subscription"]["reference"].endswith(beating.id)
    office.work(seconds=30)
    office.decide(office.pend())
    office.work(seconds=3)
    assert len(receiver.events()) == 2
    office.work(seconds=50)
    assert receiver.kinds().count("heartbeat") == 1
    office.work(seconds=11)
    assert receiver.kinds().count("heartbeat") == 2
    assert receiver.got[-1].said["events-since-subscription-start"] == "1"
    assert office.count(beating) == 1


def test_a_heartbeat_that_nobody_takes_does_no_harm(office: Office, receiver: Receiver) -> None:
    beating = office.subscribed(receiver, heartbeat=60)
    receiver.answers = lambda _number: 500
    for _ in range(5):
        office.work(seconds=61)
    assert len(receiver.got) == 5
    assert office.state(beating) is State.ACTIVE


def test_a_subscription_ends(office: Office, receiver: Receiver) -> None:
    subscription = office.subscribed(receiver, end=office.now + timedelta(days=3))
    office.work(days=2.9)
    assert office.state(subscription) is State.ACTIVE
    office.decide(office.pend())
    office.move(days=1)
    office.work()
    assert office.state(subscription) is State.OFF
    assert receiver.got == []


def test_who_is_not_entitled_gets_no_handshake(office: Office, receiver: Receiver) -> None:
    subscription = office.subscribe(receiver)
    office.entitled = False
    office.work(seconds=3)
    assert receiver.got == []
    assert office.state(subscription) is State.OFF


@pytest.mark.parametrize("keys", [None, [bytes([1]) * 32]], ids=["no key", "another key"])
def test_without_the_key_of_its_headers_nothing_is_sent(
    office: Office, receiver: Receiver, keys: list[bytes] | None
) -> None:
    subscription = office.subscribed(receiver)
    office.decide(office.pend())
    locked = MongoSubscriptions(office.database, lambda: None if keys is None else Seal(keys))
    opened, office.means = office.means, replace(office.means, subscriptions=locked)
    office.work(seconds=3)
    assert receiver.got == []
    office.means = opened
    office.work(minutes=2)
    assert receiver.events() == [1]
    assert office.state(subscription) is State.ACTIVE


def test_a_handshake_waits_for_the_key_and_does_not_fail_for_it(office: Office, receiver: Receiver) -> None:
    subscription = office.subscribe(receiver)
    locked = MongoSubscriptions(office.database)
    opened, office.means = office.means, replace(office.means, subscriptions=locked)
    for _ in range(10):
        office.work(minutes=2)
    office.means = opened
    assert (receiver.got, office.state(subscription)) == ([], State.REQUESTED)
    office.work(minutes=2)
    assert (receiver.kinds(), office.state(subscription)) == (["handshake"], State.ACTIVE)
