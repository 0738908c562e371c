"""Whose forms these are: the member of a coverage, under the plan that the payer knows, or that the coverage says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date

from mappers.dtr import package_outcome as outcome
from mappers.dtr.package_request import CoverageGiven
from mappers.fhir import Json
from profiles import Issue
from questionnaires.content import Content
from server.authorization.eligibility import Standing, as_enrolled
from server.authorization.known import years_between
from server.authorization.policy import Plan
from server.authorization.request import AuthorizationRequest, Identifier, Member
from server.errors import NotFound, refusal
from server.payer import Payer


@dataclass(frozen=True, slots=True)
class Covered:
    """A member under a plan: the coverage as the client refers to it; `path` is where it says so.

    member  by identifiers of its own only: what the record says of it may be told
    """

    plan: Plan
    age: int | None
    member: Member
    subject: Json
    coverage: Json
    path: str


def covered_by(given: CoverageGiven, payer: Payer, content: Content, on: date, issues: list[Issue]) -> Covered:
    """The member under the plan that the payer knows, else under the one that the coverage names.

    What is doubtful about it is added to the issues.

    Raises:
        NotFound: no member of the payer has this coverage (DTR spec-130).
    """
    member = given.member
    others = [*member.coverage_ids, *([Identifier("", member.subscriber_id)] if member.subscriber_id else [])]
    asked = replace(member, identifiers=(*member.identifiers, *others))
    request = AuthorizationRequest("", (), member=asked, coverage=given.coverage)
    eligibility = payer.members.eligibility(request, on)
    if eligibility.standing is Standing.UNKNOWN and asked.identifiers:
        raise _unknown_member(given.path)
    if eligibility.standing in (Standing.UNKNOWN, Standing.UNCONFIRMED):
        issues.append(outcome.unconfirmed_member(given.path))
    if eligibility.standing is Standing.KNOWN and eligibility.enrollment_on(on, given.coverage) is None:
        issues.append(outcome.not_covered(given.path))
    plan = content.plan_for(as_enrolled(request, eligibility, on).coverage)
    known = eligibility.birth_date if given.is_subscriber or member.identifiers else None
    same = member.birth_date is None or known is None or member.birth_date == known
    told = told_of(member) if same else Member()
    return Covered(plan, age_of(member.birth_date or known, on), told, given.subject, given.reference, given.path)


def told_of(member: Member) -> Member:
    """The member by identifiers that nobody shares: others of the family have the ids of the coverage too."""
    return Member(member.identifiers)


def age_of(birth: date | None, on: date) -> int | None:
    """Whole years on the day; None where the birth date is not known."""
    return years_between(birth, on) if birth else None


def _unknown_member(path: str) -> Exception:
    repair = "Give the member id as it stands on the card: Coverage.subscriberId, or an identifier with its system."
    return refusal(
        NotFound, "not-found", "No member of ours has this coverage.", "DTR spec-130", repair=repair, expression=path
    )
