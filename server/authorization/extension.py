"""A date extension: more time, once, for what was authorized and not used in time (PF-26)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from server.authorization.determination import LineDetermination, ReviewAction
from server.authorization.record import Event, LineOnRecord
from server.authorization.request import Period, ServiceLine

EXTENSION = "4"
"""X12 1322: extension."""

MOST_DAYS = 30
EXTENDED = "extended"
"""What the history calls it."""


def asks_for_extension(known: LineOnRecord, asked: ServiceLine) -> bool:
    """True for a certified line that is asked again as an extension, for nothing but other dates."""
    certified = known.determination.action in (ReviewAction.CERTIFIED, ReviewAction.MODIFIED)
    return certified and asked.certification == EXTENSION and _undated(asked) == _undated(known.asked)


def extended(
    known: LineOnRecord, asked: ServiceLine, history: Iterable[Event], on: date
) -> tuple[LineDetermination, str]:
    """The line's determination with the longer period, and "" - or as it was, and why it is not extended.

    Without a last day the request is for all that can be given. What was certified is never taken back by it.
    """
    authorized = known.determination.authorized
    period = authorized.period if authorized else None
    if authorized is None or period is None or period.end is None:
        return known.determination, "Nothing with a last day was authorized that could be extended."
    wanted = (asked.serviced.end if asked.serviced else None) or period.end + timedelta(days=MOST_DAYS)
    refusal = _why_not(period.end, wanted, _was_extended(known, history), on)
    if refusal:
        return known.determination, refusal
    longer = replace(authorized, period=Period(period.start, wanted))
    return replace(known.determination, authorized=longer), ""


def _why_not(end: date, wanted: date, before: bool, on: date) -> str:
    if before:
        return "The dates of this authorization were extended once; for more time send a new request."
    if on > end:
        return f"An extension is asked for before the authorization ends; this one ended on {end}. Send a new request."
    if wanted > end + timedelta(days=MOST_DAYS):
        return f"Dates are extended by at most {MOST_DAYS} days, to {end + timedelta(days=MOST_DAYS)}."
    return "" if wanted > end else f"The dates asked for end no later than the authorization does ({end})."


def _was_extended(known: LineOnRecord, history: Iterable[Event]) -> bool:
    return any(event.what == EXTENDED and event.line == known.sequence for event in history)


def _undated(line: ServiceLine) -> ServiceLine:
    return replace(line, serviced=None, change="", certification="", references=(), trace_numbers=())
