"""What the payer has on record for the member: the authorizations that rules about history look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from server.authorization.determination import ReviewAction
from server.authorization.request import Code, Period, Quantity

_CERTIFIED, _MODIFIED = ReviewAction.CERTIFIED, ReviewAction.MODIFIED


@dataclass(frozen=True, slots=True)
class PriorLine:
    """One service line that is on record for the member.

    authorization  id of its authorization;  topic  name of the topic that decided it, without version
    providers      NPIs of those who asked for it or provide it
    """

    authorization: str
    number: str
    topic: str
    service: Code
    action: ReviewAction
    providers: tuple[str, ...] = ()
    quantity: Quantity | None = None
    period: Period | None = None

    @property
    def in_force(self) -> bool:
        """True while it is certified, in full or in part."""
        return self.action is _CERTIFIED or self.action is _MODIFIED

    def overlaps(self, start: date, end: date) -> bool:
        """True when its approved period and the days from `start` to `end` have a day in common."""
        if self.period is None or self.period.start is None or self.period.end is None:
            return False
        return self.period.start <= end and start <= self.period.end


@dataclass(frozen=True, slots=True)
class History:
    """The member's lines on record, newest first; not those of the authorization under review."""

    lines: tuple[PriorLine, ...] = ()


NOTHING_ON_RECORD = History()
