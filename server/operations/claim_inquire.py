"""Claim/$inquire: what is on record for a member, asked by example (PAS 2.2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from mappers.pas import names
from mappers.pas.inquiry import read_inquiry
from mappers.pas.write import write_inquiry_response
from mappers.wire import from_bytes
from profiles import Issue, issues_in
from server.authorization.inquiry import Inquiry, current, first_day, may_know, orders_or_renders
from server.errors import refuse_if
from server.operations.catalogue import Operation
from server.payer import Call, Inquired, Payer

Json = dict[str, Any]

MOST = 50
"""Authorizations in one answer."""


def inquire_claim(call: Call, payer: Payer) -> Json:
    """Answer a PAS inquiry Bundle with Parameters: one response Bundle for every authorization that it asks about.

    They are those of the member whose id, and of a requesting, ordering or rendering provider whose NPI, the inquiry
    names, whoever filed them (PAS spec-52, spec-53); the latest days of service first, at most 50. Where more are on
    record, or some are withheld (PAS spec-49), a warning says so and what to do. An unknown member, another provider
    and another insurer look the same: nothing is found.

    Raises:
        Invalid: the Bundle breaks rules of the guide, or names no member or no NPI.
    """
    refuse_if(issues_in(call.resource, names.INQUIRY_REQUEST_BUNDLE))
    inquiry = read_inquiry(call.resource)
    refuse_if(_unnamed(inquiry))
    own_npis = inquiry.npis & set(call.caller.npis) if payer.npi_binding else inquiry.npis
    known = [
        each for each in payer.authorizations.inquire(call.caller, inquiry) if _may_be_told(each, inquiry, own_npis)
    ]
    found = _latest_first(_current(known) if inquiry.gives_numbers else known)
    told = [each for each in found if not _is_withheld(each, own_npis, payer)]
    shown = told[:MOST]
    warnings = [_withheld()] if len(told) < len(found) else []
    warnings += [_more(first_day(shown[-1].authorization))] if len(told) > len(shown) else []
    return _parameters([_written(each, call, payer) for each in shown], warnings)


def _unnamed(inquiry: Inquiry) -> list[Issue]:
    """What an inquiry has to name: without it nobody may be told anything."""
    issues = []
    member = inquiry.member
    if not (member.identifiers or member.subscriber_id or member.coverage_ids):
        issues.append(
            Issue(
                "error",
                "required",
                member.path,
                "The inquiry gives neither a member id nor a subscriber id.",
                "PAS spec-53",
                "Give Patient.identifier with type MB, or Coverage.subscriberId.",
            )
        )
    if not inquiry.npis:
        issues.append(
            Issue(
                "error",
                "required",
                "Bundle.entry[0].resource.provider",
                "The inquiry names no provider by NPI.",
                "PAS spec-53",
                "Give the NPI of the requesting, ordering or rendering provider in Claim.provider or Claim.careTeam.",
            )
        )
    return issues


def _may_be_told(found: Inquired, inquiry: Inquiry, own_npis: frozenset[str]) -> bool:
    """Own records always; those of others where an NPI that the caller may use is one that may know."""
    return found.own or may_know(found.authorization, inquiry.member, own_npis)


def _current(found: Sequence[Inquired]) -> list[Inquired]:
    """Asked for by numbers, what was replaced is left to what replaced it (PAS spec-47, spec-48)."""
    latest = {each.id for each in current([each.authorization for each in found])}
    return [each for each in found if each.authorization.id in latest]


def _latest_first(found: Sequence[Inquired]) -> list[Inquired]:
    return sorted(found, key=lambda each: (first_day(each.authorization), each.authorization.created), reverse=True)


def _is_withheld(found: Inquired, own_npis: frozenset[str], payer: Payer) -> bool:
    """Whether it is sensitive, and who asks neither filed it nor orders nor renders it."""
    authorization = found.authorization
    return not found.own and payer.sensitive(authorization) and not orders_or_renders(authorization, own_npis)


def _written(found: Inquired, call: Call, payer: Payer) -> Json:
    request = from_bytes(payer.authorizations.inquired_request(found))
    return write_inquiry_response(found.authorization, request, call.base, call.resource, own=found.own)


def _withheld() -> Json:
    return _warning(
        "suppressed",
        "Some authorizations of this member are not shown to the provider who asks. "
        "Call the number for providers on the member's card to learn more.",
    )


def _more(day: date) -> Json:
    return _warning(
        "incomplete",
        f"More than {MOST} authorizations fit; these are the {MOST} with the latest days of service. For earlier ones "
        f"ask again with a Claim.billablePeriod that ends on {day.isoformat()}, or give a number or service.",
    )


def _warning(code: str, words: str) -> Json:
    return {"severity": "warning", "code": code, "details": {"text": words}, "diagnostics": words}


def _parameters(bundles: list[Json], warnings: list[Json]) -> Json:
    parameters: list[Json] = [{"name": "return", "resource": each} for each in bundles]
    if warnings:
        parameters.append({"name": "outcome", "resource": {"resourceType": "OperationOutcome", "issue": warnings}})
    return {"resourceType": "Parameters", "parameter": parameters} if parameters else {"resourceType": "Parameters"}


OPERATION = Operation(
    name="$inquire",
    kind="operation",
    resource="Claim",
    definition="http://hl7.org/fhir/us/davinci-pas/OperationDefinition/Claim-inquiry",
    handler=inquire_claim,
    summary="Ask by example what is on record for a member; a member id and a provider's NPI have to match.",
    profiles=(names.PAS + "profile-claim-inquiry",),
)
