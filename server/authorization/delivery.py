"""How notices reach a subscriber: one after the other, each until it is taken or given up (PAS spec-60).

A `Delivery` is one notice on its way to one subscription. The `Channel` of a subscription says how far its deliveries
came, and which worker has it. Its steps are functions from one state to the next, without clock or store.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

FIRST_ATTEMPT = timedelta(seconds=2)
"""A subscriber has the answer to its own message before it hears of what happened to it."""

RETRIES = tuple(timedelta(seconds=each) for each in (5, 30, 2 * 60, 10 * 60, 3600, 6 * 3600))
"""How long the next attempt waits at most; how long it does wait is drawn by lot, so that many do not come at once."""

LONGEST_WISH = timedelta(hours=1)
"""What a subscriber may ask for with Retry-After."""

REFUSED_ATTEMPTS = 2
"""Attempts at a subscriber that says that the message itself is wrong."""

KEPT = timedelta(days=30)
"""How long deliveries are kept, delivered or not, for ``$events`` and for people."""


class Outcome(StrEnum):
    """What became of a delivery."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    PARKED = "parked"
    """Given up: it waits for the subscriber to bring its subscription back."""
    DROPPED = "dropped"
    """The subscription is off or deleted."""


class Reaction(StrEnum):
    """What an attempt met with."""

    TAKEN = "taken"
    FAILED = "failed"
    REFUSED = "refused"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One POST: when, the status of its answer (0: none), why there was none, how long it took."""

    at: datetime
    status: int
    cause: str = ""
    milliseconds: int = 0

    @property
    def reaction(self) -> Reaction:
        """Any 2xx takes the notification; 408, 425, 429, redirects and the like may be over soon."""
        if 200 <= self.status < 300:
            return Reaction.TAKEN
        if self.status == 410:
            return Reaction.GONE
        if 400 <= self.status < 500 and self.status not in (408, 425, 429):
            return Reaction.REFUSED
        return Reaction.FAILED


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice on its way to one subscription.

    number    the event's number for the subscription; 0 until it has one
    version   of the authorization that it is about
    at        when the authorization changed
    answer    where the response Bundle of that version is kept
    """

    subscription: str
    authorization: str
    version: int
    at: datetime
    answer: str
    number: int = 0
    outcome: Outcome = Outcome.WAITING
    attempts: tuple[Attempt, ...] = ()

    @property
    def event(self) -> str:
        """A name of the event, for ever the same."""
        return f"{self.authorization}.{self.version}"

    @property
    def due(self) -> datetime:
        """When it may be sent first."""
        return self.at + FIRST_ATTEMPT


@dataclass(frozen=True, slots=True)
class Channel:
    """How far the deliveries of a subscription came. Event by event: the next only after the one before.

    told      number of the last event that was delivered, or that there is nothing to deliver for
    last      number of the last event
    attempts  that failed for the next one
    due       when its next attempt is
    parked    nothing is sent until the subscriber brings its subscription back
    lease     who has it now, "" for nobody;  leased_until  by the real time, whatever the payer's clock says
    """

    subscription: str
    due: datetime
    leased_until: datetime
    version: int = 1
    told: int = 0
    last: int = 0
    attempts: int = 0
    parked: bool = False
    lease: str = ""

    @property
    def is_busy(self) -> bool:
        """True while there is something to send."""
        return self.told < self.last and not self.parked


ChannelStep = Callable[[Channel], Channel | None]
"""What a channel becomes; None: nothing is written."""


def woken(channel: Channel, number: int, due: datetime) -> Channel:
    """There is an event with this number, to be sent from `due` on."""
    if number <= channel.last:
        return channel
    if channel.told < channel.last:
        return _step(channel, last=number)
    return _step(channel, last=number, due=due, attempts=0)


def resumed(channel: Channel, at: datetime) -> Channel:
    """The subscriber brought its subscription back: from the first event that it did not take."""
    return _step(channel, parked=False, attempts=0, due=at)


def leased(channel: Channel, lease: str, real: datetime, until: datetime) -> Channel | None:
    """The channel in the hands of a worker until then; None when another has it."""
    if channel.lease not in ("", lease) and real < channel.leased_until:
        return None
    return _step(channel, lease=lease, leased_until=until)


def released(channel: Channel, lease: str) -> Channel | None:
    """The channel in nobody's hands; None when another has it by now."""
    return _step(channel, lease="") if channel.lease == lease else None


def delivered(channel: Channel, number: int, lease: str, due: datetime, until: datetime) -> Channel | None:
    """The event with this number was taken, or there is nothing to deliver for it: the next one is due.

    The worker has it until `until`. None when another has it by now.
    """
    if channel.lease != lease:
        return None
    told = number if number == channel.told + 1 else channel.told  # another: it is replayed from an earlier one
    return _step(channel, told=told, attempts=0, due=due, leased_until=until)


def put_off(channel: Channel, lease: str, due: datetime, *, failed: bool) -> Channel | None:
    """The next attempt is later, one more failed or not; the channel is in nobody's hands."""
    if channel.lease != lease:
        return None
    return _step(channel, attempts=channel.attempts + failed, due=due, lease="")


def parked(channel: Channel, lease: str) -> Channel | None:
    """Nothing more is sent; the channel is in nobody's hands."""
    return _step(channel, parked=True, lease="") if channel.lease == lease else None


def replayed(channel: Channel, number: int, at: datetime) -> Channel | None:
    """Sent again from this event on; None when there is no such event."""
    if not 1 <= number <= channel.last:
        return None
    return _step(channel, told=number - 1, attempts=0, due=at)


def wait_after(attempts: int, last: Attempt, wish: timedelta, lot: float) -> timedelta | None:
    """How long the next attempt waits after so many that failed; None: there is none.

    wish  what the subscriber asked for (Retry-After);  lot  from 0 to 1, drawn
    """
    if last.reaction is Reaction.GONE or attempts > len(RETRIES):
        return None
    if last.reaction is Reaction.REFUSED and attempts >= REFUSED_ATTEMPTS:
        return None
    return max(RETRIES[attempts - 1] * lot, min(wish, LONGEST_WISH))


def _step(channel: Channel, **parts: object) -> Channel:
    return replace(channel, version=channel.version + 1, **parts)  # type: ignore[arg-type]
