"""What an authorization on record says of itself."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from server.authorization.determination import ReviewAction
from server.authorization.record import prior_lines
from server.authorization.request import Period
from tests.builders import NOW, a_line, a_request, an_authorization

A1, A3, A4, A6, C = (
    ReviewAction.CERTIFIED,
    ReviewAction.NOT_CERTIFIED,
    ReviewAction.PENDED,
    ReviewAction.MODIFIED,
    ReviewAction.CANCELLED,
)


@given(st.lists(st.sampled_from(list(ReviewAction)), min_size=1, max_size=6))
def test_every_line_has_a_number_of_its_own_whatever_was_decided(actions: list[ReviewAction]) -> None:
    """PF-1."""
    record = an_authorization(*actions)
    assert len(set(record.numbers)) == len(actions)
    assert record.statuses == tuple(action.status for action in actions)


def test_a_record_is_pended_while_one_line_is() -> None:
    assert an_authorization(A1, A4).is_pended
    assert not an_authorization(A1, A3, A6, C).is_pended


def test_a_record_is_denied_when_nothing_but_denied_or_withdrawn_lines_is_left() -> None:
    assert an_authorization(A3, C).is_denied
    assert not an_authorization(A3, A4).is_denied
    assert not an_authorization(C).is_denied


def test_only_what_is_certified_has_a_day_of_issue_and_a_period() -> None:
    record = an_authorization(A1, A4, A6)
    assert [line.issued for line in record.lines] == [NOW.date(), None, NOW.date()]
    assert record.period == Period(date(2026, 3, 2), date(2026, 5, 30))
    assert an_authorization(A4).period is None


def test_an_expedited_request_is_due_in_72_hours_another_in_7_days() -> None:
    """PF-22."""
    assert an_authorization(request=a_request(a_line(), expedited=True)).due == NOW + timedelta(hours=72)
    assert an_authorization().due == NOW + timedelta(days=7)


def test_later_requests_see_the_lines_with_topic_and_providers() -> None:
    record = an_authorization(A1, A4)
    first, second = prior_lines(record)
    assert (first.topic, first.in_force, second.in_force) == ("home-oxygen", True, False)
    assert first.providers == ("1234567893",)
    assert first.overlaps(date(2026, 5, 30), date(2026, 6, 5))
    assert not first.overlaps(date(2026, 5, 31), date(2026, 6, 5))
