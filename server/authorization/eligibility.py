"""Is the person a member, and under which plan on which day: what the payer itself knows, over what the request says.

    as said       nobody was asked: the Coverage of the request is taken as it is
    known         on the roster: its enrollments say plan and days, whatever the Coverage claims
    unknown       not on the roster: the request is rejected
    unconfirmed   the one to ask gave no usable answer: nothing is decided without a person

A line whose first day of service no enrollment covers is denied administratively (PF-19), never the whole request.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from server.authorization.criteria import TruthIs, comparisons_in
from server.authorization.determination import LineDetermination, Reason, Rejection, ReviewAction, WaitsFor
from server.authorization.known import first_day
from server.authorization.policy import AdministrativeDenial, Plan, Rules
from server.authorization.request import AuthorizationRequest, Coverage, Period

CORRECT_AND_RESUBMIT = "C"
"""X12 889: please correct and resubmit."""

PATIENT_NOT_FOUND = "67"
SUBSCRIBER_NOT_FOUND = "75"
OTHER_BIRTH_DATE = "71"
OTHER_PLAN = "78"
"""X12 901: why a request about this person is rejected."""

EVERY_DAY = Period()
NO_DAY = Period(None, date.min)
"""The days of a member who is not covered at all."""

UNCONFIRMED_WORDS = (
    "We could not confirm the coverage right now. A person on our team confirms it, nothing needs to be sent again."
)


class Standing(StrEnum):
    """What the payer knows about the person; see the top of this file."""

    AS_SAID = "as said"
    KNOWN = "known"
    UNKNOWN = "unknown"
    UNCONFIRMED = "unconfirmed"


@dataclass(frozen=True, slots=True)
class Enrollment:
    """The member has the plan (its id; "" for the one that the Coverage names) on these days."""

    plan: str
    period: Period = EVERY_DAY

    def covers(self, day: date) -> bool:
        """True when the day is one of them."""
        start, end = self.period.start, self.period.end
        return (start is None or start <= day) and (end is None or day <= end)


@dataclass(frozen=True, slots=True)
class Eligibility:
    """What was found out about the person of a request before it is reviewed.

    enrollments  of a known member; none = not covered
    birth_date   of a known member, where the payer has it
    """

    standing: Standing = Standing.AS_SAID
    enrollments: tuple[Enrollment, ...] = ()
    birth_date: date | None = None

    def enrollment_on(self, day: date, coverage: Coverage) -> Enrollment | None:
        """The enrollment in force on the day; of several the one that the coverage names, else the latest."""
        in_force = [each for each in self.enrollments if each.covers(day)]
        return max(in_force, key=lambda each: (_names(coverage, each), each.period.start or date.min), default=None)


AS_SAID = Eligibility()
UNKNOWN = Eligibility(Standing.UNKNOWN)
UNCONFIRMED = Eligibility(Standing.UNCONFIRMED)


class Everyone:
    """Whoever is asked for is a member, under the coverage that the request says: for sandboxes."""

    def eligibility(self, request: AuthorizationRequest, day: date) -> Eligibility:  # noqa: ARG002 - as it is called
        """Nobody is asked."""
        return AS_SAID


EVERYONE = Everyone()


def first_day_of(request: AuthorizationRequest, on: date) -> date:
    """The first day that anything is asked for: the day whose coverage gives the plan."""
    return min((first_day(line, on) for line in request.lines if not line.cancelled), default=on)


def as_enrolled(request: AuthorizationRequest, eligibility: Eligibility, day: date) -> AuthorizationRequest:
    """The request under the coverage that the member has on the day; unchanged where nobody knows better.

    Where none covers the day, the plan is that of the latest enrollment, and no day is covered.
    """
    if eligibility.standing is not Standing.KNOWN:
        return request
    found = eligibility.enrollment_on(day, request.coverage)
    latest = max(eligibility.enrollments, key=lambda each: each.period.end or date.max, default=None)
    plan = (found or latest or Enrollment("")).plan
    classes = (("plan", plan),) if plan else request.coverage.classes
    return replace(request, coverage=Coverage(classes, found.period if found else NO_DAY))


def ineligible(request: AuthorizationRequest, eligibility: Eligibility, on: date) -> Iterator[Rejection]:
    """Why the request cannot be reviewed for this person. A withdrawal is taken from anybody who could ask."""
    if request.cancels:
        return
    if eligibility.standing is Standing.UNKNOWN:
        yield _not_found(request)
    if eligibility.birth_date and not _same_day(request.member.birth_date, eligibility.birth_date):
        yield Rejection(
            OTHER_BIRTH_DATE,
            CORRECT_AND_RESUBMIT,
            f"{request.member.path}.birthDate",
            "The birth date is not that of the member with this identifier. Correct one of the two.",
        )
    yield from _in_another_plan(request, eligibility, on)


def denying_uncovered(rules: Rules, eligibility: Eligibility) -> Rules:
    """The rules, with a denial of what is asked for outside the days of a known member (PF-19).

    A plan that looks at the days of coverage itself says so in its own words.
    """
    plan = rules.plan
    looked_at = {each.fact for denial in plan.denials for each in comparisons_in(denial.when)}
    if eligibility.standing is not Standing.KNOWN or "coverage.in_force" in looked_at:
        return rules
    denial = AdministrativeDenial(
        "coverage-not-in-force",
        "The coverage is not in force on the first day of service",
        TruthIs("coverage.in_force", False),
        plan.not_in_force,
    )
    return replace(rules, plan=replace(plan, denials=(*plan.denials, denial)))


def until_confirmed(decided: LineDetermination, eligibility: Eligibility, plan: Plan) -> LineDetermination:
    """The determination, with nothing decided while the coverage is unconfirmed: the line pends for a person."""
    if eligibility.standing is not Standing.UNCONFIRMED or decided.action is ReviewAction.CANCELLED:
        return decided
    if decided.action is ReviewAction.PENDED:
        return replace(decided, notes=(*decided.notes, UNCONFIRMED_WORDS))
    return replace(
        decided,
        action=ReviewAction.PENDED,
        reasons=(Reason(plan.uncovered.code, UNCONFIRMED_WORDS),),
        authorized=None,
        waits_for=WaitsFor.CLINICAL_REVIEW,
        ways=(),
    )


def _not_found(request: AuthorizationRequest) -> Rejection:
    if request.member.identifiers:
        path, code = f"{request.member.path}.identifier", PATIENT_NOT_FOUND
        words = "No member of ours has one of the identifiers of this patient."
    else:
        path, code = request.member.path, SUBSCRIBER_NOT_FOUND
        words = "The patient has no identifier, and no member of ours has the subscriber id of the coverage."
    words += " Send the identifier as it stands on the member's card, with its system."
    return Rejection(code, CORRECT_AND_RESUBMIT, path, words)


def _in_another_plan(request: AuthorizationRequest, eligibility: Eligibility, on: date) -> Iterator[Rejection]:
    """Lines of days on which the member has another plan than on the first day: one request is under one plan."""
    first = eligibility.enrollment_on(first_day_of(request, on), request.coverage)
    for place, line in enumerate(request.lines):
        if line.cancelled or first is None:
            continue
        found = eligibility.enrollment_on(first_day(line, on), request.coverage)
        if found is not None and found.plan != first.plan:
            yield Rejection(
                OTHER_PLAN,
                CORRECT_AND_RESUBMIT,
                f"Bundle.entry[0].resource.item[{place}].serviced",
                "On the days of this line the member has another plan than on those of the others. "
                "Ask for it in a request of its own.",
                line.sequence,
            )


def _names(coverage: Coverage, enrollment: Enrollment) -> bool:
    return any(value.lower() == enrollment.plan.lower() for _kind, value in coverage.classes)


def _same_day(said: date | None, known: date) -> bool:
    """False when the two differ. A partial birth date was read as its first day, and is compared as far as it goes."""
    if said is None or said == known:
        return True
    if (said.month, said.day) == (1, 1):
        return said.year == known.year
    return said.day == 1 and (said.year, said.month) == (known.year, known.month)
