"""When a request has to be decided (PF-22, 42 CFR 422.568, 422.572): by the terms of its plan, from its history."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import groupby
from typing import TYPE_CHECKING

from server.authorization.determination import ReviewAction, WaitsFor

if TYPE_CHECKING:
    from server.authorization.policy import Plan
    from server.authorization.record import Event

EXTENDED = "extended"
"""What happened, in the history, when staff took more time."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the plan promised when the request came: hours to decide in, hours after the one extension, and pauses."""

    hours: int = 7 * 24
    extended_hours: int = 14 * 24
    pauses: bool = False


PROMISED = Terms()
"""What holds for standard requests where a plan says nothing else."""


def terms_of(plan: Plan, *, expedited: bool) -> Terms:
    """The terms of the plan for an expedited or a standard request."""
    hours = plan.expedited_hours if expedited else plan.standard_days * 24
    return Terms(hours, plan.extended_days * 24, plan.pauses)


class ClockState(StrEnum):
    """Whether time passes for the payer."""

    RUNNING = "running"
    PAUSED = "paused"
    BREACHED = "breached"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock as it stands at one moment.

    started    when the lines came that wait, or waited last
    due        by when all of them are decided; while paused it moves on with the time
    remaining  time until then; below zero once it is past; what was left when the clock stopped
    paused     how long it stood still so far
    extended   whether the one extension was taken
    breached   not decided in time, also when it was decided since
    stopped    when the last line was decided
    """

    state: ClockState
    started: datetime
    due: datetime
    remaining: timedelta
    paused: timedelta
    extended: bool
    breached: bool
    stopped: datetime | None = None


def clock(received: datetime, history: Sequence[Event], terms: Terms, now: datetime) -> Clock:
    """The clock of a request at the moment `now`.

    It runs while a line is pended and starts anew when lines are added to a request that was decided. Where the terms
    say so it stands still while every pended line awaits information: then there is nothing for the payer to do.
    """
    told = _Told(received)
    for at, events in groupby(history, key=lambda event: event.at):
        told.happened(at, list(events), pauses=terms.pauses)
    end = now if told.waiting else (told.stopped or received)
    paused = told.paused + (end - told.paused_since if told.paused_since else timedelta())
    hours = terms.extended_hours if told.extended else terms.hours
    due = told.started + timedelta(hours=hours) + paused
    return Clock(
        _state(told, late=end > due),
        told.started,
        due,
        due - end,
        paused,
        told.extended,
        end > due,
        None if told.waiting else end,
    )


@dataclass(slots=True)
class _Told:
    """What the history tells, event by event; `waiting` holds the pended lines and whether they await information."""

    started: datetime
    waiting: dict[int, bool] = field(default_factory=dict)
    stopped: datetime | None = None
    paused: timedelta = timedelta()
    paused_since: datetime | None = None
    extended: bool = False

    def happened(self, at: datetime, events: Iterable[Event], *, pauses: bool) -> None:
        """Everything that happened at one moment."""
        was_open, extended = bool(self.waiting), False
        for event in events:
            extended = extended or event.what == EXTENDED
            if event.line is not None and event.after is not None:
                self.waiting.pop(event.line, None)
                if event.after is ReviewAction.PENDED:
                    self.waiting[event.line] = event.waits_for is WaitsFor.MISSING_INFORMATION
        if self.waiting and not was_open:
            self.started, self.stopped = at, None
            self.paused, self.paused_since, self.extended = timedelta(), None, False
        self.extended = self.extended or extended
        if was_open and not self.waiting:
            self.stopped = at
        self._pause(at, awaits=pauses and bool(self.waiting) and all(self.waiting.values()))

    def _pause(self, at: datetime, *, awaits: bool) -> None:
        if awaits and self.paused_since is None:
            self.paused_since = at
        elif not awaits and self.paused_since is not None:
            self.paused, self.paused_since = self.paused + (at - self.paused_since), None


def _state(told: _Told, *, late: bool) -> ClockState:
    if not told.waiting:
        return ClockState.STOPPED
    if late:
        return ClockState.BREACHED
    return ClockState.PAUSED if told.paused_since else ClockState.RUNNING
