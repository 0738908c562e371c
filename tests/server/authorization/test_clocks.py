"""Decision clocks (PF-22): read from the history, by the terms that the plan promised."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from server.authorization.casework import InformationRequest, ask, extend
from server.authorization.clocks import ClockState, Terms, clock, terms_of
from server.authorization.decision import Decision, NotDecidable, Verdict, decide
from server.authorization.determination import ReviewAction, WaitsFor
from server.authorization.policy import Plan
from server.authorization.record import Authorization, Event, open_authorization
from server.authorization.request import Code
from server.authorization.update import update
from tests.builders import A_REASON, NOW, a_determination, a_line, a_request, an_authorization

PENDED, CERTIFIED, DENIED = ReviewAction.PENDED, ReviewAction.CERTIFIED, ReviewAction.NOT_CERTIFIED
INFORMATION, CLINICAL = WaitsFor.MISSING_INFORMATION, WaitsFor.CLINICAL_REVIEW
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
PAUSING = Terms(pauses=True)

Told = tuple[float, int | None, ReviewAction | None, WaitsFor | None]
"""Days after the request, line, action, what the line waits for; (day, None, None, None) is an extension."""


def history(*told: Told) -> tuple[Event, ...]:
    return tuple(
        Event(NOW + day * DAY, "nurse", "extended" if line is None else "decided", line, None, after, "", waits)
        for day, line, after, waits in told
    )


@pytest.mark.parametrize(
    ("told", "terms", "after_days", "state", "due_day", "breached"),
    [
        ([(0, 1, PENDED, CLINICAL)], Terms(), 1, ClockState.RUNNING, 7, False),
        ([(0, 1, PENDED, CLINICAL)], Terms(), 7, ClockState.RUNNING, 7, False),
        ([(0, 1, PENDED, CLINICAL)], Terms(), 7.01, ClockState.BREACHED, 7, True),
        ([(0, 1, PENDED, CLINICAL)], Terms(72), 2, ClockState.RUNNING, 3, False),
        ([(0, 1, PENDED, CLINICAL)], Terms(72), 4, ClockState.BREACHED, 3, True),
        ([(0, 1, PENDED, CLINICAL), (2, None, None, None)], Terms(), 10, ClockState.RUNNING, 14, False),
        ([(0, 1, PENDED, CLINICAL), (2, None, None, None)], Terms(72), 15, ClockState.BREACHED, 14, True),
        ([(0, 1, PENDED, CLINICAL), (0, None, None, None)], Terms(), 10, ClockState.RUNNING, 14, False),
        ([(0, 1, CERTIFIED, None)], Terms(), 30, ClockState.STOPPED, 7, False),
        ([(0, 1, PENDED, CLINICAL), (3, 1, CERTIFIED, None)], Terms(), 30, ClockState.STOPPED, 7, False),
        ([(0, 1, PENDED, CLINICAL), (8, 1, CERTIFIED, None)], Terms(), 30, ClockState.STOPPED, 7, True),
        # one line still waits
        ([(0, 1, PENDED, CLINICAL), (0, 2, PENDED, CLINICAL), (3, 1, DENIED, None)], Terms(), 8, "breached", 7, True),
        # information is awaited: time stands still only where the plan says so
        ([(0, 1, PENDED, INFORMATION)], Terms(), 8, ClockState.BREACHED, 7, True),
        ([(0, 1, PENDED, INFORMATION)], PAUSING, 8, ClockState.PAUSED, 15, False),
        ([(0, 1, PENDED, CLINICAL), (2, 1, PENDED, INFORMATION)], PAUSING, 20, ClockState.PAUSED, 25, False),
        (
            [(0, 1, PENDED, CLINICAL), (2, 1, PENDED, INFORMATION), (5, 1, PENDED, CLINICAL)],
            PAUSING,
            9,
            ClockState.RUNNING,
            10,
            False,
        ),
        # ... and only while nothing is left for the payer to do
        ([(0, 1, PENDED, INFORMATION), (0, 2, PENDED, CLINICAL)], PAUSING, 8, ClockState.BREACHED, 7, True),
        (
            [(0, 1, PENDED, INFORMATION), (0, 2, PENDED, CLINICAL), (3, 2, CERTIFIED, None)],
            PAUSING,
            8,
            ClockState.PAUSED,
            12,
            False,
        ),
        # a line added to a request that was decided starts the clock anew
        ([(0, 1, CERTIFIED, None), (30, 2, PENDED, CLINICAL)], Terms(), 31, ClockState.RUNNING, 37, False),
        (
            [(0, 1, PENDED, CLINICAL), (1, None, None, None), (2, 1, CERTIFIED, None), (30, 2, PENDED, CLINICAL)],
            Terms(),
            31,
            ClockState.RUNNING,
            37,
            False,
        ),
        ([], Terms(), 30, ClockState.STOPPED, 7, False),
    ],
)
def test_a_clock_is_what_its_history_says(
    told: list[Told], terms: Terms, after_days: float, state: str, due_day: float, breached: bool
) -> None:
    found = clock(NOW, history(*told), terms, NOW + after_days * DAY)

    assert (found.state, found.due, found.breached) == (state, NOW + due_day * DAY, breached)
    if found.state is not ClockState.STOPPED:
        assert found.remaining == found.due - (NOW + after_days * DAY)


MOMENTS = some.integers(0, 24 * 40).map(lambda hours: hours * HOUR)
EVENTS = some.lists(
    some.tuples(
        MOMENTS, some.integers(1, 3), some.sampled_from([PENDED, CERTIFIED, DENIED]), some.sampled_from(WaitsFor)
    )
)


@given(EVENTS, MOMENTS, MOMENTS)
def test_a_pause_only_ever_gives_time(
    told: list[tuple[timedelta, int, ReviewAction, WaitsFor]], one: timedelta, other: timedelta
) -> None:
    """While lines are pended, pauses move the due date later, never sooner, and never by more than has passed."""
    happened = [
        Event(NOW + after, "nurse", "decided", line, None, action, "", waits)
        for after, line, action, waits in sorted(told, key=lambda each: each[0])
    ]
    at = NOW + 40 * DAY + max(one, other)
    running, pausing = clock(NOW, happened, Terms(), at), clock(NOW, happened, PAUSING, at)

    assert timedelta() <= pausing.paused <= at - pausing.started
    assert pausing.due == running.due + pausing.paused
    assert not (pausing.breached and not running.breached)


def test_the_terms_are_the_plans() -> None:
    plan = Plan("gold", "Gold", A_REASON, expedited_hours=48, standard_days=10, extended_days=20, pauses=True)

    assert terms_of(plan, expedited=True) == Terms(48, 480, pauses=True)
    assert terms_of(plan, expedited=False) == Terms(240, 480, pauses=True)


def waiting(*, pauses: bool = False) -> Authorization:
    return open_authorization(
        a_request(),
        a_determination(PENDED),
        authorization_id="a",
        new_number=lambda: "N",
        by="north",
        at=NOW,
        terms=Terms(pauses=pauses),
    )


def wanted() -> InformationRequest:
    return InformationRequest("nurse", unanswered=("weeks",))


def with_form(authorization: Authorization) -> Authorization:
    lines = tuple(
        replace(each, determination=replace(each.determination, form="urn:form|1")) for each in authorization.lines
    )
    return replace(authorization, lines=lines)


def test_asking_pauses_and_the_next_change_moves_the_due_date_on_record() -> None:
    asked = ask(with_form(waiting(pauses=True)), wanted(), line=1, at=NOW + 2 * DAY)
    assert asked.clock_at(NOW + 5 * DAY).state is ClockState.PAUSED

    request = replace(asked.request, documents=asked.request.documents, diagnoses=asked.request.diagnoses)
    again = update(
        asked,
        replace(request, lines=(a_line(quantity="2"),)),
        a_determination(PENDED),
        new_number=lambda: "M",
        by="north",
        at=NOW + 6 * DAY,
    )
    assert again.due == NOW + 11 * DAY
    assert again.clock_at(NOW + 6 * DAY).state is ClockState.RUNNING


def test_an_extension_is_given_once() -> None:
    extended = extend(waiting(), "imaging is on its way", by="nurse", at=NOW + DAY)

    assert extended.due == NOW + 14 * DAY
    assert extended.history[-1] == Event(NOW + DAY, "nurse", "extended", note="imaging is on its way")
    with pytest.raises(NotDecidable, match="once"):
        extend(extended, "more", by="nurse", at=NOW + 2 * DAY)


@pytest.mark.parametrize(
    ("authorization", "reason", "at", "words"),
    [
        (waiting(), "late", NOW + 8 * DAY, "run out"),
        (waiting(), "  ", NOW, "reason"),
        (an_authorization(CERTIFIED), "why not", NOW, "No line"),
    ],
    ids=["too late", "no reason", "nothing pended"],
)
def test_an_extension_needs_a_running_clock_and_a_reason(
    authorization: Authorization, reason: str, at: datetime, words: str
) -> None:
    with pytest.raises(NotDecidable, match=words):
        extend(authorization, reason, by="nurse", at=at)


def test_a_decision_stops_the_clock() -> None:
    decided = decide(
        waiting(), Decision(Verdict.DENY, "nurse", code=Code("x12", "0F"), words="No."), line=1, at=NOW + 3 * DAY
    )
    found = decided.clock_at(NOW + 90 * DAY)

    assert (found.state, found.breached, found.stopped) == (ClockState.STOPPED, False, NOW + 3 * DAY)
    assert found.remaining == 4 * DAY
