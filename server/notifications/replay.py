"""Sending events again that were delivered before."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from server.authorization.delivery import Outcome, replayed
from server.notices import Notices


class NoSuchEvent(Exception):
    """The subscription has had no event with this number."""


def replay(subscription_id: str, number: int, notices: Notices, now: datetime) -> int:
    """Have the events of a subscription sent again, from this number on; says how many there are.

    First the deliveries wait again, then the channel goes back to them: in between it passes over nothing.

    Raises:
        NoSuchEvent: it has had no event with this number.
    """
    channel = notices.move(subscription_id, lambda each: each)
    if channel is None or not 1 <= number <= channel.last:
        raise NoSuchEvent
    for each in range(number, channel.last + 1):
        delivery = notices.delivery(subscription_id, each)
        if delivery is not None:
            notices.record(replace(delivery, outcome=Outcome.WAITING))
    notices.move(subscription_id, lambda each: replayed(each, number, now))
    return channel.last - number + 1
