"""The events of one subscription, delivered in order: the next one only after the one before."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from mappers.pas.notification import Told, write_notification
from mappers.wire import from_bytes
from server.authorization.delivery import (
    Attempt,
    Channel,
    Delivery,
    Outcome,
    Reaction,
    delivered,
    leased,
    parked,
    put_off,
    released,
    wait_after,
)
from server.authorization.subscription import State, Subscription, ended, failed, gone, heard, withdrawn
from server.errors import Unavailable
from server.notifications.means import Means, note, real_time
from server.notifications.post import post, standing
from server.notifications.relay import number_events
from server.subscriptions import NoKey

IN_ONE_TURN, SECONDS_OF_A_TURN = 50, 5.0
"""So many events of one subscription, or so long, before another has its turn."""

HANDSHAKE_FIRST = timedelta(seconds=2)
"""How long events wait at a time for the handshake to be taken."""


def deliver(channel: Channel, means: Means, told_to_stop: Callable[[], bool] = lambda: False) -> bool:
    """Deliver what is due to a subscription; whether anything was, and no other worker was at it."""
    held = means.notices.move(channel.subscription, partial(_claimed, means, means.now()))
    did, turn_ends = False, time.monotonic() + SECONDS_OF_A_TURN
    for _ in range(IN_ONE_TURN):
        if held is None or held.lease != means.worker or not held.is_busy or held.due > means.now():
            break
        if told_to_stop() or time.monotonic() > turn_ends:
            break
        held, did = _next(held, means), True
    if held is not None and held.lease == means.worker:
        means.notices.move(channel.subscription, lambda now: released(now, means.worker))
    return did


def _claimed(means: Means, now: datetime, channel: Channel) -> Channel | None:
    if not channel.is_busy or channel.due > now:
        return None
    return leased(channel, means.worker, real_time(), means.leased_until())


def _next(held: Channel, means: Means) -> Channel | None:
    """One step with the next event; the channel afterwards, None when it is in other hands by now."""
    number, now = held.told + 1, means.now()
    delivery = _delivery(held.subscription, number, means)
    try:
        subscription = _permitted(held.subscription, now, means)
    except NoKey:
        note("no key", held.subscription)
        return _put_off(held, means, now + HANDSHAKE_FIRST * 30)
    if delivery is None or delivery.outcome is Outcome.DELIVERED:  # swept, or delivered by one that was then killed
        return _go_on(held, means, number, now)
    if subscription is None or subscription.state is State.OFF:
        means.notices.drop(delivery)
        return _go_on(held, means, number, now)
    if subscription.state is State.ERROR:
        return _park(held, delivery, means)
    due = now + HANDSHAKE_FIRST if subscription.state is State.REQUESTED else delivery.due
    return _sent(held, delivery, subscription, means, now) if due <= now else _put_off(held, means, due)


def _delivery(subscription_id: str, number: int, means: Means) -> Delivery | None:
    """The delivery with this number; one that a crash left without gets its number now."""
    found = means.notices.delivery(subscription_id, number)
    if found is None:
        number_events(subscription_id, means.notices, means.subscriptions)
        found = means.notices.delivery(subscription_id, number)
    return found


def _permitted(subscription_id: str, now: datetime, means: Means) -> Subscription | None:
    """The subscription as it stands, off where its end has come or its caller may not hear of this any more."""
    found = means.subscriptions.find(subscription_id)
    if found is None or not found.is_live:
        return found
    if now < found.end and means.entitled(found):
        return found
    step = ended if now >= found.end else withdrawn
    off = means.subscriptions.move(found.id, found.generation, lambda each: step(each, now))
    return off or _permitted(subscription_id, now, means)  # its owner replaced or deleted it just now


def _sent(held: Channel, delivery: Delivery, to: Subscription, means: Means, now: datetime) -> Channel | None:
    """Send the event, put down what it met with, and what follows from it."""
    attempt, wish = _attempted(delivery, to, means, now)
    tried = replace(delivery, attempts=(*delivery.attempts, attempt))
    note("notice", to.id, number=delivery.number, status=attempt.status, ms=attempt.milliseconds, cause=attempt.cause)
    if attempt.reaction is Reaction.TAKEN:
        means.notices.record(replace(tried, outcome=Outcome.DELIVERED))
        if to.heartbeat is not None:
            means.subscriptions.move(to.id, to.generation, lambda each: heard(each, now))
        return _go_on(held, means, delivery.number, now)
    means.notices.record(tried)
    wait = wait_after(held.attempts + 1, attempt, wish, means.lot())
    if wait is None:
        step = gone if attempt.reaction is Reaction.GONE else failed
        moved = means.subscriptions.move(to.id, to.generation, lambda each: step(each, now))
        note("given up", to.id, number=delivery.number, state=moved.state.value if moved else "replaced")
    # Given up: what is left of the events is settled at the next look at the subscription.
    return _put_off(held, means, now if wait is None else now + wait, failed=True)


def _attempted(delivery: Delivery, to: Subscription, means: Means, now: datetime) -> tuple[Attempt, timedelta]:
    """One POST of the event. What we cannot write ourselves is an attempt that failed too: it is seen, and bounded."""
    try:
        answer = from_bytes(means.notices.answer(delivery))
    except Exception as error:
        if isinstance(error, Unavailable):
            raise
        return Attempt(now, 0, type(error).__name__), timedelta()
    told = Told(delivery.number, delivery.at, answer)
    how, name = standing(to, means.base, delivery.number), f"{to.id} event {delivery.number}"
    return post(to, write_notification("event-notification", how, delivery.at, name, [told]), means, now)


def _go_on(held: Channel, means: Means, number: int, now: datetime) -> Channel | None:
    until = means.leased_until()
    return means.notices.move(held.subscription, lambda each: delivered(each, number, means.worker, now, until))


def _put_off(held: Channel, means: Means, due: datetime, *, failed: bool = False) -> Channel | None:
    return means.notices.move(held.subscription, lambda each: put_off(each, means.worker, due, failed=failed))


def _park(held: Channel, delivery: Delivery, means: Means) -> Channel | None:
    """Nothing more until the subscription is brought back; when that happened just now, the channel has changed."""
    means.notices.record(replace(delivery, outcome=Outcome.PARKED))
    return means.notices.move(
        held.subscription, lambda each: parked(each, means.worker) if each.version == held.version else each
    )
