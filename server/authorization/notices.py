"""What the submitter of a pended request has to hear of (PF-35)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from server.authorization.clocks import EXTENDED
from server.authorization.determination import ReviewAction
from server.authorization.record import Authorization

INTERNAL = frozenset({"assigned", "noted"})
"""What happens at the payer's desk and concerns nobody else."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A pended request has changed: what happened, to which line (None = all), when, in which version of the record."""

    kind: str
    line: int | None
    at: datetime
    version: int


def notices(before: Authorization, changed: Authorization) -> Iterator[Notice]:
    """What is due for the change from `before`, on record and answered, to `changed`.

    A line that was decided before and one that was not there yet make none: their answer is the answer to the message.
    """
    for event in changed.history[len(before.history) :]:
        pended = event.before is ReviewAction.PENDED or event.what == EXTENDED
        if pended and event.what not in INTERNAL:
            yield Notice(event.what, event.line, event.at, changed.version)
