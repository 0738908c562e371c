"""What a request may hold at all: beyond it, it is rejected with a business error, not denied (PF-6 to PF-8).

One generator for each kind of limit, in one table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

from server.authorization.determination import Rejection
from server.authorization.npi import is_npi
from server.authorization.policy import Plan
from server.authorization.request import AuthorizationRequest, Detail

CORRECT_AND_RESUBMIT = "C"
"""X12 889: please correct and resubmit."""

NEW_REQUEST = "N"
"""X12 889: resubmission not allowed; a new request is made."""

INVALID_REQUEST = "33"
"""X12 901: input errors."""

INVALID_CODE = "AG"
"""X12 901: invalid or missing procedure code."""


PROVIDER_IDENTIFICATION = "43"
"""X12 901: invalid or missing provider identification."""

DATE_NOT_ALLOWED = "62"
DATE_IN_FUTURE = "63"
"""X12 901: the date of service lies too far in the past, or in the future."""


def rejections(request: AuthorizationRequest, plan: Plan, on: date) -> tuple[Rejection, ...]:
    """Every limit of the plan that the request breaks, as of the day `on`."""
    return tuple(rejection for broken in LIMITS for rejection in broken(request, plan, on))


def _too_many_lines(request: AuthorizationRequest, plan: Plan, _on: date) -> Iterator[Rejection]:
    if len(request.lines) > plan.most_lines:
        yield Rejection(
            INVALID_REQUEST,
            CORRECT_AND_RESUBMIT,
            "Bundle.entry[0].resource.item",
            f"A request has at most {plan.most_lines} service lines, this one has {len(request.lines)}. "
            "Send the others in another request.",
        )


def _too_many_diagnoses(request: AuthorizationRequest, plan: Plan, _on: date) -> Iterator[Rejection]:
    if len(request.diagnoses) > plan.most_diagnoses:
        yield Rejection(
            INVALID_REQUEST,
            CORRECT_AND_RESUBMIT,
            "Bundle.entry[0].resource.diagnosis",
            f"A request has one primary and at most {plan.most_diagnoses - 1} further diagnoses, "
            f"this one has {len(request.diagnoses)}.",
        )


def _groupers(request: AuthorizationRequest, plan: Plan, _on: date) -> Iterator[Rejection]:
    for place, line in enumerate(request.lines):
        grouped = [code for code in line.services if any(code in span for span in plan.groupers)]
        for code in grouped:
            yield Rejection(
                INVALID_CODE,
                CORRECT_AND_RESUBMIT,
                f"Bundle.entry[0].resource.item[{place}].productOrService",
                f"{code.code} groups many services and cannot be authorized. Ask for the specific services.",
                line.sequence,
            )


def _malformed_npis(request: AuthorizationRequest, plan: Plan, _on: date) -> Iterator[Rejection]:
    if not plan.npi_check or request.cancels:
        return
    named = [("provider", request.provider)]
    named += [(f"careTeam[{place}].provider", party) for place, party in enumerate(request.care_team)]
    for path, party in named:
        if not all(map(is_npi, party.npis)):
            yield Rejection(
                PROVIDER_IDENTIFICATION,
                CORRECT_AND_RESUBMIT,
                f"Bundle.entry[0].resource.{path}",
                "The NPI of this provider is not one: an NPI has ten digits, the last of which checks the others.",
            )


def _far_dates(request: AuthorizationRequest, plan: Plan, on: date) -> Iterator[Rejection]:
    for place, line in enumerate(request.lines):
        if line.serviced is None or line.serviced.start is None or line.cancelled or request.cancels:
            continue
        ahead, path = (line.serviced.start - on).days, f"Bundle.entry[0].resource.item[{place}].serviced"
        if plan.past_days is not None and -ahead > plan.past_days:
            words = f"The first day of service lies more than {plan.past_days} days in the past. Correct it."
            yield Rejection(DATE_NOT_ALLOWED, CORRECT_AND_RESUBMIT, path, words, line.sequence)
        if plan.future_days is not None and ahead > plan.future_days:
            words = f"The first day of service lies more than {plan.future_days} days ahead. Correct it, or ask later."
            yield Rejection(DATE_IN_FUTURE, CORRECT_AND_RESUBMIT, path, words, line.sequence)


_CODES = {
    Detail.MEMBER_NAME: "65",
    Detail.MEMBER_BIRTH_DATE: "58",
    Detail.PROVIDER_NAME: "44",
    Detail.PROVIDER_NPI: PROVIDER_IDENTIFICATION,
    Detail.PROVIDER_TIN: PROVIDER_IDENTIFICATION,
    Detail.PROVIDER_SPECIALTY: "45",
    Detail.PROVIDER_PHONE: "46",
    Detail.PROVIDER_ADDRESS: "97",
}
"""X12 901: which detail is missing; input errors for the others."""


def _missing_details(request: AuthorizationRequest, plan: Plan, _on: date) -> Iterator[Rejection]:
    if request.cancels:
        return
    for detail in plan.needs:
        if detail not in request.given:
            of_member = detail.startswith("member")
            path = request.member.path if of_member else "Bundle.entry[0].resource.provider"
            words = f"Your plan needs the {detail} to decide. Send the request again with it."
            yield Rejection(_CODES.get(detail, INVALID_REQUEST), CORRECT_AND_RESUBMIT, path, words)


LIMITS: tuple[Callable[[AuthorizationRequest, Plan, date], Iterator[Rejection]], ...] = (
    _too_many_lines,
    _too_many_diagnoses,
    _groupers,
    _malformed_npis,
    _far_dates,
    _missing_details,
)


def rejected_update() -> tuple[Rejection, ...]:
    """An update of a denied request: a new request is made instead (PF-34)."""
    words = "This request was denied and cannot be updated. Send a new request, or ask for a reconsideration."
    return (Rejection(INVALID_REQUEST, NEW_REQUEST, "Bundle.entry[0].resource.related", words),)
