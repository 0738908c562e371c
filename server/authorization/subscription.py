"""A subscription: who wants to hear when answers about which organizations change, and how it stands (PAS spec-51).

Its steps are functions from one state to the next, without clock or store::

    requested --handshaken--> active --failed--> error          only its owner brings it back: `replaced`
    requested --failed------> error
    any -----gone, ended, withdrawn, replaced--> off
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

TOPIC = "http://hl7.org/fhir/us/davinci-pas/SubscriptionTopic/PASSubscriptionTopic"

FIRST_HANDSHAKE = timedelta(seconds=2)
"""A subscriber listens only once it has the answer to its create: the handshake waits that long."""

LONGEST = timedelta(days=365)
"""A subscription without an end, with one that is past or later, ends then."""

MOST_LIVE = 20
"""Live subscriptions of one caller."""

MOST_KEPT = 100
"""Subscriptions of one caller on record, those that are off too."""

NO_RESPONSE = "no-response"
"""Error code: nobody took the notification (http://terminology.hl7.org/CodeSystem/subscription-error)."""


class State(Enum):
    """How a subscription stands; the values are those of Subscription.status."""

    REQUESTED = "requested"
    ACTIVE = "active"
    ERROR = "error"
    OFF = "off"


LIVE = frozenset({State.REQUESTED, State.ACTIVE, State.ERROR})
"""Events are counted and kept for these; they are sent to active ones only."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a caller wants to hear of, where, and how it stands.

    organization, caller  whose it is; only this caller may see or change it (PAS spec-59)
    filters     for each filter the sender codes or identifiers that it takes: one of each filter has to be there
    endpoint    URL that notifications are POSTed to
    payload     content type of notifications as the subscriber wrote it: ``application/fhir+json``
    headers     ``Name: value`` of every POST; secrets, never in a log, a list or a later read
    heartbeat   seconds without a notification after which a heartbeat is sent; None: no heartbeats
    timeout     seconds that one POST may take;  most_events  events in one notification at most
    end         it is off from then on
    said        the resource as its owner wrote it, JSON, without header values
    version     grows by one with every change but the count of events
    generation  grows by one when the owner creates or replaces it: what was begun for an older one is void
    handshakes  handshakes tried for this generation
    due         when something is next to be done about it: its handshake, its heartbeat or its end
    error       why it is in error, a code of the subscription-error system
    events      events since its start; the number of the last one. Stays when it is replaced
    """

    id: str
    organization: str
    caller: str
    filters: tuple[frozenset[str], ...]
    endpoint: str
    payload: str
    end: datetime
    created: datetime
    changed: datetime
    due: datetime
    headers: tuple[str, ...] = field(default=(), repr=False)
    heartbeat: int | None = None
    timeout: int = 10
    most_events: int = 1
    said: str = field(default="{}", repr=False)
    state: State = State.REQUESTED
    error: str = ""
    version: int = 1
    generation: int = 1
    handshakes: int = 0
    events: int = 0

    @property
    def is_live(self) -> bool:
        """True while events are counted and kept for it."""
        return self.state in LIVE

    def matches(self, names: Collection[str]) -> bool:
        """True when every filter takes one of the names: sender codes and identifiers of the requesting provider."""
        return bool(self.filters) and all(not wanted.isdisjoint(names) for wanted in self.filters)


def accepted(wanted: Subscription, at: datetime) -> Subscription:
    """A new subscription as it goes on record: requested, its handshake a moment away, its end within a year."""
    return replace(
        wanted,
        state=State.REQUESTED,
        error="",
        created=at,
        changed=at,
        end=end_of(wanted.end, at),
        due=at + FIRST_HANDSHAKE,
        version=1,
        generation=1,
        handshakes=0,
        events=0,
    )


def replaced(before: Subscription, wanted: Subscription, at: datetime) -> Subscription:
    """The subscription as its owner wants it now; the number of events goes on, what was begun for it is void.

    One that is to be off is off. Any other is requested, with a new handshake, whatever state it was in: that brings
    back a subscription in error.
    """
    new = accepted(wanted, at)
    off = wanted.state is State.OFF
    return replace(
        new,
        state=State.OFF if off else State.REQUESTED,
        due=new.end if off else new.due,
        id=before.id,
        organization=before.organization,
        caller=before.caller,
        created=before.created,
        events=before.events,
        version=before.version + 1,
        generation=before.generation + 1,
    )


def handshake_tried(subscription: Subscription, again: datetime) -> Subscription:
    """One more handshake is under way; when nothing is heard of it, the next is due then."""
    return _step(subscription, handshakes=subscription.handshakes + 1, due=again)


def handshaken(subscription: Subscription, at: datetime) -> Subscription:
    """The subscriber took the handshake: active. Any other state than requested stays as it is."""
    if subscription.state is not State.REQUESTED:
        return subscription
    return _step(subscription, state=State.ACTIVE, error="", changed=at, due=_next_due(subscription, at))


def heard(subscription: Subscription, at: datetime) -> Subscription:
    """A notification went out: the next heartbeat, or the end, is due from now on."""
    return _step(subscription, due=_next_due(subscription, at))


def failed(subscription: Subscription, at: datetime, error: str = NO_RESPONSE) -> Subscription:
    """Handshake or deliveries were given up: in error, until its owner replaces it. One that is off stays off."""
    if not subscription.is_live:
        return subscription
    return _step(subscription, state=State.ERROR, error=error, changed=at, due=subscription.end)


def gone(subscription: Subscription, at: datetime) -> Subscription:
    """The subscriber's end point said that it is gone (HTTP 410): off."""
    return _off(subscription, at)


def ended(subscription: Subscription, at: datetime) -> Subscription:
    """Off when its end is reached; before that it stays as it is."""
    return _off(subscription, at) if at >= subscription.end else subscription


def withdrawn(subscription: Subscription, at: datetime) -> Subscription:
    """The caller may not hear of this any more (not registered, or not for these organizations): off."""
    return _off(subscription, at)


def names_in(filters: Iterable[frozenset[str]]) -> frozenset[str]:
    """Every sender code and identifier that filters take."""
    return frozenset(name for wanted in filters for name in wanted)


def end_of(wanted: datetime | None, at: datetime) -> datetime:
    """The end that a subscription gets: the wanted one, unless it is past or more than a year ahead."""
    latest = at + LONGEST
    return latest if wanted is None or not at < wanted <= latest else wanted


def _next_due(subscription: Subscription, at: datetime) -> datetime:
    if subscription.heartbeat is None:
        return subscription.end
    return min(subscription.end, at + timedelta(seconds=subscription.heartbeat))


def _off(subscription: Subscription, at: datetime) -> Subscription:
    if subscription.state is State.OFF:
        return subscription
    return _step(subscription, state=State.OFF, error="", changed=at, due=subscription.end)


def _step(subscription: Subscription, **parts: object) -> Subscription:
    return replace(subscription, version=subscription.version + 1, **parts)  # type: ignore[arg-type]
