"""What sending needs, and what is logged of it: never a body, a header, an endpoint or an identifier of a person."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from secrets import token_hex

from server.authorization.subscription import Subscription
from server.notices import Notices
from server.outbound import Outbound
from server.subscriptions import Subscriptions

JOURNAL = logging.getLogger("placet")

LEASE = timedelta(seconds=45)
"""How long a channel stays with a worker that was killed: longer than the longest attempt (30 s)."""


def real_time() -> datetime:
    """Now, UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Means:
    """Everything that sending needs, handed in, nothing global.

    base      absolute base URL that Subscriptions are read under, without trailing slash
    now       the payer's clock: what is due, how old something is
    entitled  whether the caller of a subscription may still hear of all that its filters name
    lot       a number from 0 to 1, drawn: by it attempts are spread in time
    lease     how long a channel is in the hands of one worker, in real time
    worker    the name of this one
    """

    notices: Notices
    subscriptions: Subscriptions
    outbound: Outbound
    base: str
    now: Callable[[], datetime] = real_time
    entitled: Callable[[Subscription], bool] = lambda _subscription: True
    lot: Callable[[], float] = random.random
    lease: timedelta = LEASE
    worker: str = field(default_factory=lambda: token_hex(6))

    def leased_until(self) -> datetime:
        """Until when a channel that is taken now is in our hands."""
        return real_time() + self.lease


def note(what: str, subscription_id: str, **facts: object) -> None:
    """Log a step of a subscription or of a notice."""
    JOURNAL.info(what, extra={"facts": {"subscription": subscription_id, **facts}})
