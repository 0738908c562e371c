"""A change of a pended request reaches its subscribers: at least once, in order, until it is taken or given up."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from mappers.pas.notification import STATUS
from profiles import issues_in
from server.authorization.casework import note
from server.authorization.delivery import Outcome
from server.authorization.subscription import State, replaced
from server.payer import Staff
from tests.builders import NORTH, SOUTH
from tests.server.notifications.conftest import NPI, Office
from tests.server.notifications.receiver import Receiver, receiving


def test_a_decision_is_told_with_the_whole_response(office: Office, receiver: Receiver) -> None:
    subscription = office.subscribed(receiver)
    decided = office.decide(office.pend())
    office.work(seconds=3)
    [told] = receiver.got
    assert (told.kind, told.number, told.said["events-since-subscription-start"]) == ("event-notification", 1, "1")
    assert told.said["status"] == "active"
    assert told.focus["id"] == f"{decided.id}.2"
    assert told.said["subscription"]["reference"].endswith(f"/Subscription/{subscription.id}")
    assert told.headers["Content-Type"] == "application/fhir+json"
    assert told.headers["Authorization"] == "Bearer a-secret"
    assert issues_in(told.body["entry"][0]["resource"], STATUS) == []
    assert office.count(subscription) == 1


def test_a_decision_is_told_once_and_not_before_its_answer_has_arrived(office: Office, receiver: Receiver) -> None:
    office.subscribed(receiver)
    office.decide(office.pend())
    office.work(seconds=1)
    assert receiver.got == []
    office.work(seconds=1.1)
    office.work(seconds=60)
    assert receiver.events() == [1]


def test_every_change_of_a_pended_request_is_told_with_the_answer_of_its_moment(
    office: Office, receiver: Receiver
) -> None:
    office.subscribed(receiver)
    pended = office.pend(lines=3)
    changed = office.ask(pended)
    for line in (2, 1, 3):
        office.move(minutes=1)
        changed = office.decide(changed, line)
    office.work(seconds=3)
    assert receiver.events() == [1, 2, 3, 4]
    assert [each.focus["id"].rpartition(".")[2] for each in receiver.got] == ["2", "3", "4", "5"]


@pytest.mark.parametrize(
    ("names", "hears"), [((NPI,), True), (("nobody", NPI), True), (("nobody",), False), (("123456789",), False)]
)
def test_only_who_asked_for_the_provider_hears(
    office: Office, receiver: Receiver, names: tuple[str, ...], hears: bool
) -> None:
    office.subscribed(receiver, *names)
    office.decide(office.pend())
    office.work(seconds=3)
    assert receiver.events() == ([1] if hears else [])


def test_another_organization_hears_nothing(office: Office, receiver: Receiver) -> None:
    office.subscribed(receiver, who=SOUTH)
    office.decide(office.pend())
    office.work(seconds=3)
    assert receiver.got == []


def test_each_subscription_counts_for_itself(office: Office, receiver: Receiver) -> None:
    first = office.subscribed(receiver)
    office.decide(office.pend())
    office.work(seconds=3)
    second = office.subscribed(receiver)
    office.decide(office.pend())
    office.work(seconds=3)
    assert sorted((each.said["subscription"]["reference"][-32:], each.number) for each in receiver.got) == sorted(
        [(first.id, 2), (second.id, 1)]
    )


def test_a_repetition_is_the_same_message(office: Office, receiver: Receiver) -> None:
    receiver.answers = lambda number: 503 if number < 3 else 200
    office.subscribed(receiver)
    office.decide(office.pend())
    office.work(seconds=3)
    office.work(seconds=6)
    office.work(seconds=31)
    assert [each.status for each in receiver.got] == [503, 503, 200]
    assert len({each.raw for each in receiver.got}) == 1


def test_an_hour_of_silence_loses_nothing_and_keeps_the_order(office: Office, receiver: Receiver) -> None:
    subscription = office.subscribed(receiver)
    receiver.answers = lambda _number: 503
    for _ in range(5):
        office.decide(office.pend())
        office.work(minutes=12)
    assert receiver.events() == []
    assert set(receiver.events(taken=False)) == {1}
    receiver.answers = lambda _number: 200
    office.work(hours=1)
    assert receiver.events() == [1, 2, 3, 4, 5]
    assert office.state(subscription) is State.ACTIVE


def test_what_nobody_takes_is_parked_and_goes_on_when_the_subscription_is_brought_back(
    office: Office, receiver: Receiver
) -> None:
    subscription = office.subscribed(receiver)
    receiver.answers = lambda _number: 500
    office.decide(office.pend())
    office.decide(office.pend())
    for _ in range(8):
        office.work(hours=7)
    assert receiver.events(taken=False) == [1] * 7
    assert office.state(subscription) is State.ERROR
    office.decide(office.pend())
    office.work(hours=7)
    assert office.count(subscription) == 3
    assert len(receiver.got) == 7
    [given_up] = office.notices.listed(Outcome.PARKED, subscription.created)
    assert [each.status for each in given_up.attempts] == [500] * 7

    receiver.answers = lambda _number: 200
    bring_back(office, subscription.id)
    office.work(seconds=3)
    office.work(seconds=3)
    assert receiver.events() == [1, 2, 3]
    assert office.state(subscription) is State.ACTIVE


def bring_back(office: Office, subscription_id: str) -> None:
    """As its owner does: PUT with status requested."""
    found = office.subscriptions.find(subscription_id)
    assert found is not None
    assert office.subscriptions.replace(replaced(found, found, office.now))


def test_a_subscriber_that_refuses_is_tried_twice(office: Office, receiver: Receiver) -> None:
    subscription = office.subscribed(receiver)
    receiver.answers = lambda _number: 403
    office.decide(office.pend())
    for _ in range(3):
        office.work(minutes=1)
    assert len(receiver.got) == 2
    assert office.state(subscription) is State.ERROR


def test_a_subscriber_that_is_gone_is_off_and_what_was_for_it_is_dropped(office: Office, receiver: Receiver) -> None:
    subscription = office.subscribed(receiver)
    receiver.answers = lambda _number: 410
    office.decide(office.pend())
    office.decide(office.pend())
    for _ in range(3):
        office.work(minutes=1)
    assert len(receiver.got) == 1
    assert office.state(subscription) is State.OFF
    assert len(office.notices.listed(Outcome.DROPPED, subscription.created)) == 2


def test_a_subscriber_is_left_alone_as_long_as_it_asks(office: Office, receiver: Receiver) -> None:
    office.subscribed(receiver)
    receiver.answers = lambda number: 429 if number == 1 else 200
    receiver.headers = {"Retry-After": "600"}
    office.decide(office.pend())
    office.work(seconds=3)
    office.work(minutes=9)
    assert receiver.events() == []
    office.work(minutes=2)
    assert receiver.events() == [1]


def test_attempts_are_spread_by_lot(office: Office, receiver: Receiver) -> None:
    office.subscribed(receiver)
    office.lot = 0.2
    receiver.answers = lambda number: 500 if number == 1 else 200
    office.decide(office.pend())
    office.work(seconds=2.1)
    office.work(seconds=0.8)
    assert receiver.events() == []
    office.work(seconds=0.4)
    assert receiver.events() == [1]


def test_a_slow_subscriber_is_given_its_time_and_no_more(office: Office, receiver: Receiver) -> None:
    subscription = office.subscribed(receiver, timeout=1)
    receiver.delay = 1.5
    office.decide(office.pend())
    office.work(seconds=3)
    delivery = office.notices.delivery(subscription.id, 1)
    assert delivery is not None
    [attempt] = delivery.attempts
    assert (attempt.status, attempt.cause) == (0, "TimeoutError")
    receiver.delay = 0
    office.work(seconds=6)
    assert len(receiver.got) == 2
    assert office.notices.listed(Outcome.DELIVERED, subscription.created)


def test_nobody_waits_for_the_slow_one(office: Office, receiver: Receiver) -> None:
    with receiving() as slow:
        office.subscribed(slow, timeout=2)
        office.subscribed(receiver)
        slow.delay = 1.0
        arrived = []
        receiver.answers = lambda number: (arrived.append(len(slow.events())), 200)[1]
        for _ in range(3):
            office.decide(office.pend())
        office.work(seconds=3)
        assert receiver.events() == slow.events() == [1, 2, 3]
        assert arrived[-1] <= 2


def test_a_deleted_subscription_hears_nothing_more(office: Office, receiver: Receiver) -> None:
    subscription = office.subscribed(receiver)
    receiver.answers = lambda _number: 500
    office.decide(office.pend())
    office.work(seconds=3)
    assert office.subscriptions.delete(NORTH, subscription.id)
    receiver.answers = lambda _number: 200
    office.work(minutes=1)
    assert receiver.events() == []
    assert office.notices.busy(office.now + timedelta(days=2)) == []


def test_who_is_not_entitled_any_more_is_off_before_anything_is_sent(office: Office, receiver: Receiver) -> None:
    subscription = office.subscribed(receiver)
    office.entitled = False
    office.decide(office.pend())
    office.work(seconds=3)
    assert receiver.got == []
    assert office.state(subscription) is State.OFF


def test_events_wait_for_the_handshake(office: Office, receiver: Receiver) -> None:
    receiver.answers = lambda number: 500 if number == 1 else 200
    office.subscribe(receiver)
    office.decide(office.pend())
    office.work(seconds=2.5)
    assert receiver.kinds() == ["handshake"]
    office.work(seconds=2.5)
    office.work(seconds=2.5)
    assert receiver.kinds() == ["handshake", "handshake", "event-notification"]


def test_what_the_desk_does_for_itself_is_told_nobody(office: Office, receiver: Receiver) -> None:
    office.subscribed(receiver)
    pended = office.pend()
    noted = note(pended, "call back", line=None, by="nurse", at=office.now)
    office.authorizations.change(Staff("nurse"), noted, None)
    office.work(seconds=3)
    assert receiver.got == []


def test_events_are_kept_for_thirty_days(office: Office, receiver: Receiver) -> None:
    subscription = office.subscribed(receiver)
    decided = []
    for _ in range(4):
        office.move(seconds=1)
        decided.append(office.decide(office.pend()))
    office.work(seconds=3)
    kept = office.notices.events(subscription.id, 2, 3)
    assert [each.number for each in kept] == [2, 3]
    assert [json.loads(each.answer)["id"] for each in kept] == [f"{each.id}.2" for each in decided[1:3]]
    assert [each.number for each in office.notices.events(subscription.id, 1, limit=2)] == [1, 2]
    assert [office.notices.events(subscription.id, since) for since in (5, 10**30)] == [[], []]
    assert len(office.notices.events(subscription.id, -1, 10**30)) == 4
    office.work(days=29)
    assert len(office.notices.events(subscription.id, 1)) == 4
    office.work(days=2)
    assert office.notices.events(subscription.id, 1) == []
    assert office.count(subscription) == 4
