"""Therapy over time and among providers (PF-23 to PF-30)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from conformance.answers import answered_lines
from tests.journeys.conftest import Journey
from tests.journeys.plan_functions.asking import a_request, by_another, certification, until
from tests.journeys.plan_functions.desk import line_of, traced
from tests.journeys.test_inquire import number_of
from tests.journeys.test_submit import an_update


@pytest.mark.parametrize(
    ("days", "status"),
    [
        (7, "approved"),
        (8, "pended"),
        (42, "pended"),
    ],
)
def test_more_visits_are_asked_for_from_seven_days_before(plan: Journey, days: int, status: str) -> None:
    """PF-25: not sooner, also across the new year."""
    first = plan.submit(a_request())
    more = plan.submit(a_request(**{"from": (date(2026, 11, 23) + timedelta(days=days)).isoformat()}))
    results = {each["criterion"]: each["result"] for each in traced(plan, more)["criteria"]}

    assert [line.status for line in answered_lines(first) + answered_lines(more)] == ["approved", status]
    assert results["not-too-early"] == ("met" if status == "approved" else "not met")


def test_the_first_visits_may_be_asked_for_at_any_time(plan: Journey) -> None:
    """PF-25: the seven days are for more visits."""
    assert [line.status for line in answered_lines(plan.submit(a_request(**{"from": "2026-12-24"})))] == ["approved"]


def test_dates_are_extended_once_for_up_to_thirty_days(plan: Journey) -> None:
    """PF-26: 30 days from the last authorized one, and never again."""
    first = a_request()
    answered = plan.submit(first)
    last = date.fromisoformat(line_of(plan, answered)["authorized"]["period"]["end"])
    for name, day, end, words in (
        ("too-long", last + timedelta(days=31), last, "at most 30 days"),
        ("once", last + timedelta(days=30), last + timedelta(days=30), ""),
        ("twice", last + timedelta(days=31), last + timedelta(days=30), "extended once"),
    ):
        extension = plan.submit(until(certification(an_update(first, name), "4"), day))
        line, [told] = line_of(plan, extension), answered_lines(extension)
        assert (line["status"], line["authorized"]["period"]["end"]) == ("approved", end.isoformat()), name
        assert words in told.reason
        assert told.number == number_of(answered)


def test_an_authorization_that_has_expired_is_not_extended(plan: Journey) -> None:
    """PF-26: it is asked for on the last day, not after it."""
    first = a_request()
    answered = plan.submit(first)
    last = date.fromisoformat(line_of(plan, answered)["authorized"]["period"]["end"])
    plan.clock.now = datetime(last.year, last.month, last.day, 15, tzinfo=UTC) + timedelta(days=1)
    late = plan.submit(until(certification(an_update(first, "late"), "4"), last + timedelta(days=10)))

    assert line_of(plan, late)["authorized"]["period"]["end"] == last.isoformat()
    assert "before the authorization ends" in answered_lines(late)[0].reason


@pytest.mark.parametrize(
    ("reason", "status", "waits_for"),
    [
        (None, "pended", "missing information"),
        ("specialized", "approved", None),
        ("concurrent", "approved", None),
        ("changed", "approved", None),
        ("convenience", "pended", "clinical review"),
    ],
)
def test_a_second_provider_of_the_specialty_needs_a_reason(
    plan: Journey, reason: str | None, status: str, waits_for: str | None
) -> None:
    """PF-27: specialized or concurrent care; the member may also change provider, without a discharge."""
    plan.submit(a_request())
    second = plan.submit(by_another(a_request(answers={"second-provider": reason}), "1999999968"))
    line = line_of(plan, second)

    assert (line["status"], line["waitsFor"]) == (status, waits_for)
    assert line["questions"] == ([] if reason else ["second-provider"])


def test_the_same_provider_needs_no_reason(plan: Journey) -> None:
    """PF-27: other conditions of the period are treated under the same specialty."""
    plan.submit(a_request())
    second = plan.submit(a_request(diagnoses=["M17.11"]))
    assert [line.status for line in answered_lines(second)] == ["approved"]
