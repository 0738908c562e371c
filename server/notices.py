"""What is asked of the notices under way; `server.stores.notices` keeps them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from server.authorization.delivery import Channel, ChannelStep, Delivery, Outcome


@dataclass(frozen=True, slots=True)
class Changed:
    """One version of an authorization that its subscribers hear of: when it came, where its answer is kept."""

    version: int
    at: datetime
    answer: str


@dataclass(frozen=True, slots=True)
class Untold:
    """An authorization with changes that nobody was told yet, oldest first.

    organization  that filed it
    names         sender codes and identifiers of the requesting provider: what subscriptions are matched by
    version       of the authorization when this was read
    """

    authorization: str
    organization: str
    names: frozenset[str]
    version: int
    changes: tuple[Changed, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """An event as it is kept: its number for the subscription, when it happened, the response Bundle as bytes."""

    number: int
    at: datetime
    answer: bytes


class Notices(Protocol):
    """The notices under way, from the authorization that changed to the subscriber who took them.

    Every step can be done again after a crash, by anybody, without a second effect. Every method raises Unavailable
    when the store does not answer.
    """

    def untold(self, limit: int) -> Sequence[Untold]:
        """Authorizations with changes that nobody was told yet, at most so many."""

    def put(self, deliveries: Sequence[Delivery]) -> Sequence[Delivery]:
        """Put deliveries without a number there; gives those that were there already, as they are by now."""

    def told(self, untold: Sequence[Untold]) -> None:
        """Every subscriber has its delivery: the changes are taken off, unless there are more by now."""

    def unnumbered(self, subscription_id: str) -> Sequence[Delivery]:
        """The deliveries of a subscription that have no number yet, in the order in which they get one."""

    def number(self, numbered: Sequence[tuple[Delivery, int]]) -> None:
        """Give each delivery the number that its event has."""

    def drop(self, delivery: Delivery) -> None:
        """Nobody wants the delivery any more."""

    def wake(self, subscription_id: str, number: int, due: datetime) -> None:
        """There is an event with this number to be sent to the subscription, from `due` on."""

    def busy(self, before: datetime) -> Sequence[Channel]:
        """The channels with something to send that was due before the moment, whoever has them, soonest first."""

    def move(self, subscription_id: str, step: ChannelStep) -> Channel | None:
        """Take a channel one step further from wherever it stands; None: there is none, or the step gave None.

        The step may be called several times, and must depend on its argument only.
        """

    def delivery(self, subscription_id: str, number: int) -> Delivery | None:
        """The delivery of the event with this number, or None."""

    def record(self, delivery: Delivery) -> None:
        """Put down what became of a delivery, with its last attempt."""

    def answer(self, delivery: Delivery) -> bytes:
        """The response Bundle that the delivery is about, byte for byte as the submitter read it."""

    def events(self, subscription_id: str, since: int, until: int | None = None, limit: int = 50) -> Sequence[Kept]:
        """Events of a subscription from number `since` to `until`, in order, at most `limit`; kept for 30 days."""

    def listed(self, outcome: Outcome, begin: datetime) -> Sequence[Delivery]:
        """The deliveries with an outcome, of events from the moment on, oldest first."""

    def sweep(self, before: datetime, limit: int = 1_000) -> int:
        """Take away what is older than the moment, at most so many; says how many there were."""
