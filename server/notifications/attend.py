"""What a subscription itself wants from time to time: its handshake, its heartbeat, its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from mappers.pas.notification import Kind, write_notification
from server.authorization.delivery import Attempt, Reaction, resumed
from server.authorization.subscription import (
    State,
    Subscription,
    ended,
    failed,
    gone,
    handshake_tried,
    handshaken,
    heard,
    withdrawn,
)
from server.notifications.means import Means, note
from server.notifications.post import post, standing
from server.subscriptions import NoKey

HANDSHAKE_WAITS = tuple(timedelta(seconds=each) for each in (2, 10, 60))
"""How long after a handshake that was not taken the next one comes; after the last the subscription is in error."""

NO_KEY = timedelta(minutes=1)
"""How long a subscription waits whose headers cannot be opened: the operator mends that, it is no failure of it."""


def attend(seen: Subscription, means: Means) -> bool:
    """Do what is due about a subscription, unless another worker was first; always something."""
    now = means.now()
    if now >= seen.end:
        means.subscriptions.move(seen.id, seen.generation, lambda each: ended(each, now))
    elif not means.entitled(seen):
        means.subscriptions.move(seen.id, seen.generation, lambda each: withdrawn(each, now))
        note("withdrawn", seen.id)
    elif _is_sealed(seen, means):
        means.subscriptions.move(
            seen.id, seen.generation, lambda each: _due(each, now + NO_KEY) if _same(seen, each) else None
        )
    elif seen.state is State.REQUESTED:
        _shake_hands(seen, means, now)
    elif seen.state is State.ACTIVE:
        _beat(seen, means, now)
    return True


def _shake_hands(seen: Subscription, means: Means, now: datetime) -> None:
    """The next handshake of those that a subscription gets; after the last it is in error."""
    if seen.handshakes > len(HANDSHAKE_WAITS):
        means.subscriptions.move(
            seen.id, seen.generation, lambda each: failed(each, now) if _same(seen, each) else None
        )
        return
    wait = HANDSHAKE_WAITS[seen.handshakes] if seen.handshakes < len(HANDSHAKE_WAITS) else timedelta()
    again = now + timedelta(seconds=seen.timeout) + wait  # later than it can take: heard of only if we are killed
    tried = means.subscriptions.move(
        seen.id, seen.generation, lambda each: handshake_tried(each, again) if _same(seen, each) else None
    )
    if tried is None:
        return
    attempt = _sent("handshake", tried, means, now, seen.changed)
    if attempt is None:
        return
    if attempt.reaction is Reaction.TAKEN:
        # First the channel: killed in between, we send the handshake again, and events wait for it.
        means.notices.move(seen.id, lambda channel: resumed(channel, now))
        means.subscriptions.move(seen.id, seen.generation, lambda each: handshaken(each, now))
    elif attempt.reaction is Reaction.GONE:
        means.subscriptions.move(seen.id, seen.generation, lambda each: gone(each, now))
    else:
        means.subscriptions.move(seen.id, seen.generation, lambda each: _sooner(tried, each, now + wait))


def _beat(seen: Subscription, means: Means, now: datetime) -> None:
    """A heartbeat; whether it is taken is no matter, the next one comes."""
    if seen.heartbeat is None:
        return
    claimed = means.subscriptions.move(
        seen.id, seen.generation, lambda each: heard(each, now) if _same(seen, each) else None
    )
    if claimed is None:
        return
    attempt = _sent("heartbeat", claimed, means, now, now)
    if attempt is not None and attempt.reaction is Reaction.GONE:
        means.subscriptions.move(seen.id, seen.generation, lambda each: gone(each, now))


def _is_sealed(seen: Subscription, means: Means) -> bool:
    """Whether its headers were sealed with a key that is not set here."""
    try:
        means.subscriptions.find(seen.id)
    except NoKey:
        note("no key", seen.id)
        return True
    return False


def _sent(kind: Kind, to: Subscription, means: Means, now: datetime, since: datetime) -> Attempt | None:
    """POST it as the subscription is now; None when it was deleted or replaced.

    since  the moment of what it is about: repetitions are the same message
    """
    opened = means.subscriptions.find(to.id)
    if opened is None or opened.generation != to.generation:
        return None
    name = f"{to.id} {kind} {to.generation} {since.isoformat()}"
    notification = write_notification(kind, standing(opened, means.base, opened.events), since, name)
    attempt, _ = post(opened, notification, means, now)
    note(kind, to.id, status=attempt.status, ms=attempt.milliseconds, cause=attempt.cause)
    return attempt


def _same(seen: Subscription, now: Subscription) -> bool:
    """Nobody was at it since it was seen."""
    return now.due == seen.due and now.state is seen.state


def _sooner(tried: Subscription, now: Subscription, due: datetime) -> Subscription | None:
    """The next handshake is not waited for longer than needed, now that this one is known to have failed."""
    if now.state is not State.REQUESTED or now.handshakes != tried.handshakes or now.due <= due:
        return None
    return _due(now, due)


def _due(now: Subscription, due: datetime) -> Subscription:
    return replace(now, version=now.version + 1, due=due)
