"""What is asked of the subscriptions on record; `server.stores.subscriptions` keeps them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from server.authorization.subscription import Subscription

if TYPE_CHECKING:
    from server.payer import Caller

Step = Callable[[Subscription], Subscription | None]
"""A function of `server.authorization.subscription` with its moment given: what a subscription becomes.

The same subscription, or None: nothing is to be written.
"""


class Subscriptions(Protocol):
    """The subscriptions on record.

    What a caller asks for is limited to its own: those of another caller do not exist, also in the same organization
    (PAS spec-59). What the deliverer asks for is not. Only `find` opens the headers.

    Every method raises Unavailable when the store does not answer.
    """

    def create(self, subscription: Subscription) -> None:
        """Put a new subscription (`accepted`) on record, with its headers sealed.

        Raises:
            NoKey: it has headers, and there is no key to seal them with.
            TooMany: its caller has MOST_LIVE live ones, or MOST_KEPT on record, already.
        """

    def get(self, who: Caller, subscription_id: str) -> Subscription | None:
        """The caller's subscription with this id, `headers` left out; None also for another caller's."""

    def of(self, who: Caller) -> Sequence[Subscription]:
        """All of the caller's subscriptions, those that are off too, oldest first; `headers` are left out."""

    def replace(self, changed: Subscription) -> bool:
        """Put what its owner made of a subscription (`replaced`, `stopped`) on record.

        False: its version is not the one before any more, or it is gone.

        Raises:
            NoKey, TooMany: as for `create`; a live one counts once.
        """

    def delete(self, who: Caller, subscription_id: str) -> bool:
        """Take the caller's subscription away; False when there is none. Nothing more is sent for it."""

    def find(self, subscription_id: str) -> Subscription | None:
        """For the deliverer: the subscription as it is now, whosever it is, headers opened; None when it is deleted.

        Raises:
            NoKey: its headers were sealed with a key that is not set any more.
        """

    def matching(self, names: Collection[str], organization: str) -> Sequence[Subscription]:
        """The live subscriptions (also those in error) that an event is for.

        names         sender codes and identifiers of the request's provider (`Subscription.matches`)
        organization  that filed the request: only its own subscriptions are told

        `headers` are left out.
        """

    def next_event_number(self, subscription_id: str, event: str) -> int | None:
        """The number of an event: 1 for the first of the subscription, then one higher, without gaps.

        event  a name of the event, for ever the same. Numbering the same event again, after a crash or in another
               process, gives the number that it has: for the last `server.stores.subscriptions.REMEMBERED` events.

        None: the subscription is deleted. Any number of processes may ask at the same time.
        """

    def due(self, before: datetime) -> Sequence[Subscription]:
        """For the deliverer: live subscriptions whose `due` lies before the moment, soonest first, headers left out.

        A requested one wants its handshake, an active one a heartbeat (when it has one), any whose end has come its
        end (`ended`).
        """

    def move(self, subscription_id: str, generation: int, step: Step) -> Subscription | None:
        """Take a subscription one step further from wherever it stands now; gives what it became, `headers` left out.

        None: it was deleted, its owner replaced it since `generation`, or the step gave None. The step may be called
        several times, when others change the subscription at the same moment, and must depend on its argument only.
        That is also how one of several workers claims something that is due::

            claimed = subscriptions.move(
                seen.id, seen.generation, lambda now: handshake_tried(now, again) if now.due == seen.due else None
            )
        """


class NoKey(Exception):
    """Header values cannot be kept: no key to seal them with is set (PLACET_SECRET_KEY)."""


class TooMany(Exception):
    """The caller has as many subscriptions as it may have."""


class NobodySubscribes:
    """Subscriptions of an installation that keeps none."""

    def create(self, _subscription: Subscription) -> None:
        """No caller may have one."""
        raise TooMany

    def get(self, _who: Caller, _subscription_id: str) -> None:
        """There is none."""

    def of(self, _who: Caller) -> Sequence[Subscription]:
        """There is none."""
        return ()

    def replace(self, _changed: Subscription) -> bool:
        """There is none to replace."""
        return False

    def delete(self, _who: Caller, _subscription_id: str) -> bool:
        """There is none to delete."""
        return False

    def find(self, _subscription_id: str) -> None:
        """There is none."""

    def matching(self, _names: Collection[str], _organization: str) -> Sequence[Subscription]:
        """There is none."""
        return ()

    def next_event_number(self, _subscription_id: str, _event: str) -> None:
        """There is none that could have events."""

    def due(self, _before: datetime) -> Sequence[Subscription]:
        """There is none."""
        return ()

    def move(self, _subscription_id: str, _generation: int, _step: Step) -> None:
        """There is none."""


NOBODY: Subscriptions = NobodySubscribes()
