"""Events are sent again on request."""

from __future__ import annotations

import pytest

from server.authorization.delivery import Outcome
from server.notifications.replay import NoSuchEvent, replay
from tests.server.notifications.conftest import Office
from tests.server.notifications.receiver import Receiver


def test_events_are_sent_again_from_a_number_on(office: Office, receiver: Receiver) -> None:
    subscription = office.subscribed(receiver)
    for _ in range(4):
        office.decide(office.pend())
    office.work(seconds=3)
    assert replay(subscription.id, 3, office.notices, office.now) == 2
    office.work()
    assert receiver.events() == [1, 2, 3, 4, 3, 4]
    assert receiver.got[2].raw == receiver.got[4].raw
    again = office.notices.delivery(subscription.id, 3)
    assert again is not None and (again.outcome, len(again.attempts)) == (Outcome.DELIVERED, 2)
    assert office.count(subscription) == 4


@pytest.mark.parametrize("number", [0, 2])
def test_an_event_that_never_was_is_not_sent(office: Office, receiver: Receiver, number: int) -> None:
    subscription = office.subscribed(receiver)
    with pytest.raises(NoSuchEvent):
        replay(subscription.id, 1, office.notices, office.now)
    office.decide(office.pend())
    office.work(seconds=3)
    with pytest.raises(NoSuchEvent):
        replay(subscription.id, number, office.notices, office.now)
