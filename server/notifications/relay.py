"""From a changed authorization to its subscribers: a delivery for each, with its number.

A crash leaves nothing half done: every step is done again by the next who relays, and has no second effect.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from server.authorization.delivery import Delivery, leased, released
from server.notices import Notices, Untold
from server.notifications.means import Means, real_time
from server.subscriptions import Subscriptions

AT_ONCE = 20
"""Authorizations relayed together: their subscribers are numbered and woken once."""

NUMBERED_AT_ONCE = 25
"""Numbers drawn before they are written down: after a crash they are drawn again, and far more names are remembered."""

RELAY = "relay"
"""The relay has a channel of its own: who has its lease relays. Two at once would do no harm, but everything twice."""

LEASE = timedelta(seconds=10)


def relay(means: Means) -> bool:
    """Relay some changes that nobody was told yet; whether there were any, and no other worker was at it."""
    untold = means.notices.untold(AT_ONCE)
    if not untold or not _is_our_turn(means):
        return False
    _relayed(untold, means.notices, means.subscriptions)
    means.notices.move(RELAY, lambda channel: released(channel, means.worker))
    return True


def _is_our_turn(means: Means) -> bool:
    now = real_time()
    means.notices.wake(RELAY, 0, now)
    until = now + min(LEASE, means.lease)
    return means.notices.move(RELAY, lambda channel: leased(channel, means.worker, now, until)) is not None


def _relayed(untold: Sequence[Untold], notices: Notices, subscriptions: Subscriptions) -> None:
    deliveries = [each for changed in untold for each in _deliveries(changed, subscriptions)]
    there = notices.put(deliveries)
    for subscription_id in dict.fromkeys(each.subscription for each in deliveries):
        number_events(subscription_id, notices, subscriptions)
        _wake(subscription_id, (each for each in there if each.subscription == subscription_id), notices)
    notices.told(untold)


def number_events(subscription_id: str, notices: Notices, subscriptions: Subscriptions) -> None:
    """Give every delivery of a subscription that has none its number, also those that a crash left behind.

    A number whose delivery is not to be found belongs to one of these: it is in no other place.
    """
    while waiting := notices.unnumbered(subscription_id)[:NUMBERED_AT_ONCE]:
        given = []
        for delivery in waiting:
            number = subscriptions.next_event_number(subscription_id, delivery.event)
            if number is None:
                notices.drop(delivery)
            else:
                given.append((delivery, number))
        notices.number(given)
        if given:
            notices.wake(subscription_id, max(number for _, number in given), min(each.due for each, _ in given))


def _deliveries(untold: Untold, subscriptions: Subscriptions) -> Iterable[Delivery]:
    """What is to be delivered, oldest change first; to whom is asked once."""
    wanted = subscriptions.matching(untold.names, untold.organization)
    for change in untold.changes:
        for subscription in wanted:
            yield Delivery(subscription.id, untold.authorization, change.version, change.at, change.answer)


def _wake(subscription_id: str, deliveries: Iterable[Delivery], notices: Notices) -> None:
    """Those that had their number before: whoever gave it may have been killed before it told the channel."""
    numbered = [each for each in deliveries if each.number]
    if numbered:
        notices.wake(subscription_id, max(each.number for each in numbered), min(each.due for each in numbered))
