"""From a changed authorization to its subscribers: a delivery for each, with its number.

A crash leaves nothing half done: every step is done again by the next who relays, and has no second effect.
"""

from __future__ import annotations

from collections.abc import Iterable

from server.authorization.delivery import Delivery
from server.notices import Notices, Untold
from server.subscriptions import Subscriptions

AT_ONCE = 50
"""Authorizations relayed together: their subscribers are numbered and woken once."""


def relay(notices: Notices, subscriptions: Subscriptions) -> int:
    """Relay some changes that nobody was told yet; says for how many authorizations."""
    untold = notices.untold(AT_ONCE)
    deliveries = [notices.put(each) for changed in untold for each in _deliveries(changed, subscriptions)]
    for subscription_id in dict.fromkeys(each.subscription for each in deliveries):
        number_events(subscription_id, notices, subscriptions)
        _wake(subscription_id, (each for each in deliveries if each.subscription == subscription_id), notices)
    for changed in untold:
        notices.told(changed)
    return len(untold)


def number_events(subscription_id: str, notices: Notices, subscriptions: Subscriptions) -> None:
    """Give every delivery of a subscription that has none its number, also those that a crash left behind.

    A number whose delivery is not to be found belongs to one of these: it is in no other place.
    """
    given = []
    for delivery in notices.unnumbered(subscription_id):
        number = subscriptions.next_event_number(subscription_id, delivery.event)
        if number is None:
            notices.drop(delivery)
        else:
            notices.number(delivery, number)
            given.append((number, delivery.due))
    if given:
        notices.wake(subscription_id, max(given)[0], min(given)[1])


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
