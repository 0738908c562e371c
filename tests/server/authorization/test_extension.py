"""A date extension is given once, for up to 30 days, before the authorization ends (PF-26)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from server.authorization.determination import Determination, ReviewAction
from server.authorization.record import Authorization
from server.authorization.request import Period
from server.authorization.update import update
from tests.builders import NOW, a_line_determination, an_authorization

A1, A4 = ReviewAction.CERTIFIED, ReviewAction.PENDED
END = date(2026, 5, 30)


def asked_again(record: Authorization, until: date | None, at: datetime, *, certification: str = "4") -> Authorization:
    """The record after its line was asked for again until a day; the rules would pend it."""
    start = record.lines[0].asked.serviced.start if record.lines[0].asked.serviced else date(2026, 3, 2)
    line = replace(record.request.lines[0], serviced=Period(start, until), certification=certification)
    request = replace(record.request, lines=(line,))
    determination = Determination("gold", (a_line_determination(1, A4),))
    return update(record, request, determination, new_number=lambda: "NEW", by="north", at=at)


def period_of(record: Authorization) -> Period | None:
    authorized = record.lines[0].determination.authorized
    return authorized.period if authorized else None


def test_the_period_grows_and_nothing_else_is_decided() -> None:
    after = asked_again(an_authorization(A1), END + timedelta(days=30), NOW)
    assert period_of(after) == Period(date(2026, 3, 2), END + timedelta(days=30))
    assert after.statuses == ("approved",)
    assert after.history[-1].what == "extended"


def test_without_a_last_day_all_that_can_be_given_is_given() -> None:
    assert period_of(asked_again(an_authorization(A1), None, NOW)) == Period(date(2026, 3, 2), date(2026, 6, 29))


REFUSED = {
    "31 days are too many": (END + timedelta(days=31), NOW, "at most 30 days"),
    "after the end it is too late": (
        END + timedelta(days=5),
        NOW + timedelta(days=120),
        "before the authorization ends",
    ),
    "an earlier end is none": (END - timedelta(days=5), NOW, "no later"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_extended_stays_as_it_was_and_says_why(name: str) -> None:
    until, at, words = REFUSED[name]
    before = an_authorization(A1)
    after = asked_again(before, until, at)
    assert period_of(after) == period_of(before)
    assert after.statuses == ("approved",)
    assert words in after.lines[0].determination.notes[-1]


def test_a_second_extension_is_not_given() -> None:
    once = asked_again(an_authorization(A1), END + timedelta(days=10), NOW)
    twice = asked_again(once, END + timedelta(days=20), NOW + timedelta(days=1))
    assert period_of(twice) == period_of(once)
    assert "once" in twice.lines[0].determination.notes[-1]


def test_other_dates_without_the_certification_type_are_a_change() -> None:
    assert asked_again(an_authorization(A1), END + timedelta(days=10), NOW, certification="R").statuses == ("pended",)
