"""Who is a member, and covered on the day, is what the payer knows, not what the request claims."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from server.authorization.criteria import Not, TruthIs
from server.authorization.determination import Determination, Reason, ReviewAction, WaitsFor
from server.authorization.eligibility import (
    AS_SAID,
    UNCONFIRMED,
    UNCONFIRMED_WORDS,
    UNKNOWN,
    Eligibility,
    Enrollment,
    Standing,
    as_enrolled,
    first_day_of,
)
from server.authorization.limits import rejections
from server.authorization.npi import is_npi
from server.authorization.policy import AdministrativeDenial, CodeSpan, Plan, ReviewPath, Rules, Source, Topic
from server.authorization.request import (
    AuthorizationRequest,
    Code,
    Coverage,
    Identifier,
    Member,
    Party,
    Period,
    ServiceLine,
)
from server.authorization.review import review
from server.authorization.systems import DECISION_REASONS, HCPCS, NPI
from tests.builders import a_line, a_request

ON = date(2026, 3, 2)
PLAN = Plan("gold", "Gold", Reason(Code(DECISION_REASONS, "0U"), "A person looks at it."))
OXYGEN = Topic(
    name="oxygen",
    version="1",
    title="Oxygen",
    codes=(CodeSpan(HCPCS, "E0424", "E0424"),),
    plans=frozenset({"gold"}),
    in_force=Period(),
    source=Source("Manual"),
    path=ReviewPath.CERTIFY,
    reason=Reason(Code(DECISION_REASONS, "0V"), "More than usual."),
)
RULES = Rules(PLAN, (OXYGEN,))


def on_day(day: date, sequence: int = 1, **more: Any) -> ServiceLine:
    return a_line(sequence, serviced=Period(day, day), **more)


def covered(*spells: tuple[str, date | None, date | None], birth_date: date | None = None) -> Eligibility:
    enrollments = tuple(Enrollment(plan, Period(start, end)) for plan, start, end in spells)
    return Eligibility(Standing.KNOWN, enrollments, birth_date)


def decided(eligibility: Eligibility, *lines: ServiceLine, rules: Rules = RULES, **more: Any) -> Determination:
    """What the review says, with the request under the coverage that is known."""
    request = a_request(*(lines or (on_day(ON),)), **more)
    known = as_enrolled(request, eligibility, first_day_of(request, ON))
    return review(known, rules, ON, eligibility=eligibility)


def actions(determination: Determination) -> list[str]:
    return [line.action.status for line in determination.lines]


ALL_YEAR = covered(("gold", date(2026, 1, 1), date(2026, 12, 31)))


def test_a_known_member_is_reviewed_like_anybody() -> None:
    assert decided(ALL_YEAR).lines[0].authorized == decided(AS_SAID).lines[0].authorized
    assert actions(decided(ALL_YEAR)) == ["approved"]


MEMBER = Member(
    (Identifier("http://example.org/members", "M-1"),), "S-1", date(1950, 5, 17), "Bundle.entry[4].resource"
)


@pytest.mark.parametrize(
    ("member", "code", "path"),
    [
        (MEMBER, "67", "Bundle.entry[4].resource.identifier"),
        (Member((), "S-1", path="Bundle.entry[4].resource"), "75", "Bundle.entry[4].resource"),
    ],
    ids=["by an identifier", "by the subscriber id"],
)
def test_nobody_on_the_roster_is_a_rejection(member: Member, code: str, path: str) -> None:
    found = decided(UNKNOWN, member=member)
    assert found.lines == ()
    assert [(each.code, each.follow_up, each.path) for each in found.rejections] == [(code, "C", path)]
    assert "M-1" not in found.rejections[0].words


@pytest.mark.parametrize(
    ("said", "rejected"),
    [
        (date(1950, 5, 17), False),
        (None, False),
        (date(1950, 5, 1), False),
        (date(1950, 1, 1), False),
        (date(1950, 5, 18), True),
        (date(1951, 1, 1), True),
        (date(1950, 6, 1), True),
    ],
    ids=["the same", "none", "only month and year", "only the year", "another day", "another year", "another month"],
)
def test_another_birth_date_is_another_person(said: date | None, rejected: bool) -> None:
    member = Member(MEMBER.identifiers, birth_date=said, path="Bundle.entry[4].resource")
    found = decided(covered(("gold", None, None), birth_date=date(1950, 5, 17)), member=member)
    codes = [(each.code, each.path) for each in found.rejections]
    assert codes == ([("71", "Bundle.entry[4].resource.birthDate")] if rejected else [])


def test_the_roster_says_the_plan_whatever_the_coverage_claims() -> None:
    claimed = a_request(coverage=Coverage((("plan", "platinum"),), Period(date(2020, 1, 1), date(2020, 12, 31))))
    known = as_enrolled(claimed, ALL_YEAR, ON)
    assert known.coverage == Coverage((("plan", "gold"),), Period(date(2026, 1, 1), date(2026, 12, 31)))
    assert PLAN.is_named_by(known.coverage)
    assert as_enrolled(claimed, AS_SAID, ON) is claimed


def test_a_line_outside_the_coverage_is_denied_and_the_others_are_not() -> None:
    ends = covered(("gold", None, date(2026, 3, 31)))
    found = decided(ends, on_day(ON, 1), on_day(date(2026, 4, 1), 2))
    assert actions(found) == ["approved", "denied"]
    assert found.lines[1].reasons == (PLAN.not_in_force,)
    assert (found.lines[1].trace[-1].criterion, found.rejections) == ("coverage-not-in-force", ())


def test_a_member_without_coverage_is_denied() -> None:
    assert actions(decided(Eligibility(Standing.KNOWN))) == ["denied"]


def test_each_line_is_held_against_the_coverage_of_its_own_day() -> None:
    gap = covered(("gold", None, date(2026, 3, 31)), ("gold", date(2026, 6, 1), None))
    lines = [on_day(ON, 1), on_day(date(2026, 5, 1), 2), on_day(date(2026, 7, 1), 3)]
    assert actions(decided(gap, *lines)) == ["approved", "denied", "approved"]


def test_the_plan_says_it_in_its_own_words_where_it_has_some() -> None:
    own = Reason(Code(DECISION_REASONS, "9"), "Not covered on this day.")
    denial = AdministrativeDenial("ended", "Ended", Not(TruthIs("coverage.in_force", True)), own)
    plan = Plan("gold", "Gold", PLAN.uncovered, denials=(denial,))
    found = decided(Eligibility(Standing.KNOWN), rules=Rules(plan, (OXYGEN,)))
    assert found.lines[0].reasons == (own,)
    assert [each.criterion for each in found.lines[0].trace] == ["ended"]


def test_days_of_two_plans_are_two_requests() -> None:
    moved = covered(("gold", None, date(2026, 3, 31)), ("silver", date(2026, 4, 1), None))
    found = decided(moved, on_day(ON, 1), on_day(date(2026, 4, 1), 7))
    assert [(each.code, each.path, each.line) for each in found.rejections] == [
        ("78", "Bundle.entry[0].resource.item[1].serviced", 7)
    ]


def test_of_two_plans_on_one_day_the_claimed_one_counts() -> None:
    both = covered(("silver", date(2026, 1, 1), None), ("gold", None, None))
    request = a_request(coverage=Coverage((("plan", "GOLD"),)))
    assert as_enrolled(request, both, ON).coverage.classes == (("plan", "gold"),)


@pytest.mark.parametrize(
    ("line", "status"),
    [(on_day(ON), "pended"), (on_day(ON, code="A0001"), "pended"), (on_day(ON, cancelled=True), "cancelled")],
    ids=["would be approved", "is for a person anyway", "is withdrawn"],
)
def test_while_nobody_confirms_the_coverage_nothing_is_decided(line: ServiceLine, status: str) -> None:
    found = decided(UNCONFIRMED, line)
    assert (actions(found), found.rejections) == ([status], ())
    words = [*(each.words for each in found.lines[0].reasons), *found.lines[0].notes]
    assert (UNCONFIRMED_WORDS in words) is (status == "pended")


def test_an_unconfirmed_coverage_denies_nothing_either() -> None:
    denied = Rules(PLAN, (replace(OXYGEN, path=ReviewPath.NOT_COVERED),))
    assert actions(decided(AS_SAID, rules=denied)) == ["denied"]
    [line] = decided(UNCONFIRMED, rules=denied).lines
    assert (line.action, line.waits_for) == (ReviewAction.PENDED, WaitsFor.CLINICAL_REVIEW)


@pytest.mark.parametrize("eligibility", [UNKNOWN, covered(("silver", None, None), birth_date=date(1900, 1, 2))])
def test_a_withdrawal_is_taken_for_anybody(eligibility: Eligibility) -> None:
    found = decided(eligibility, cancels=True)
    assert (actions(found), found.rejections) == (["cancelled"], ())


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("1234567893", True),
        ("1999999976", True),
        ("1245319599", True),
        ("1234567890", False),
        ("1234567839", False),
        ("123456789", False),
        ("12345678930", False),
        ("3234567893", False),
        ("123456789X", False),
        ("１２３４５６７８９３", False),
        ("", False),
        ("PROVIDERID", False),
    ],
)
def test_an_npi_has_ten_digits_and_a_right_check(text: str, valid: bool) -> None:
    assert is_npi(text) is valid


def party(npi: str, system: str = NPI, sequence: int = 0) -> Party:
    return Party((Identifier(system, npi),), sequence=sequence)


@pytest.mark.parametrize(
    ("request_parts", "paths"),
    [
        ({}, []),
        ({"provider": party("1234567890")}, ["provider"]),
        ({"provider": party("1234567890", "urn:oid:1.2.3")}, []),
        ({"care_team": (party("1234567893"), party("12"))}, ["careTeam[1].provider"]),
        ({"provider": party("1"), "care_team": (party("2"),)}, ["provider", "careTeam[0].provider"]),
        ({"provider": party("1"), "cancels": True}, []),
    ],
    ids=["right", "provider", "no NPI at all", "of the team", "both", "withdrawal"],
)
def test_malformed_npis_are_rejected_where_the_plan_checks(request_parts: dict[str, Any], paths: list[str]) -> None:
    checking = Plan("gold", "Gold", PLAN.uncovered, npi_check=True)
    request: AuthorizationRequest = a_request(**request_parts)
    found = rejections(request, checking, ON)
    assert [(each.code, each.follow_up, each.path) for each in found] == [
        ("43", "C", f"Bundle.entry[0].resource.{path}") for path in paths
    ]
    assert rejections(request, PLAN, ON) == ()


@pytest.mark.parametrize(
    ("day", "code"),
    [
        (date(2025, 12, 2), None),
        (date(2025, 12, 1), "62"),
        (date(2026, 5, 31), None),
        (date(2026, 6, 1), "63"),
    ],
    ids=["90 days ago", "91 days ago", "90 days ahead", "91 days ahead"],
)
def test_dates_beyond_the_limits_of_the_plan_are_rejected(day: date, code: str | None) -> None:
    bounded = Plan("gold", "Gold", PLAN.uncovered, past_days=90, future_days=90)
    request = a_request(on_day(ON, 1), on_day(day, 5), on_day(date(1900, 1, 1), 6, cancelled=True))
    found = rejections(request, bounded, ON)
    path = "Bundle.entry[0].resource.item[1].serviced"
    assert [(each.code, each.path, each.line) for each in found] == ([(code, path, 5)] if code else [])
    assert rejections(request, PLAN, ON) == ()
