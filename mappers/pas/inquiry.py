"""PAS inquiry Bundle -> Inquiry: an example of what is looked for (PAS spec-43, spec-53)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mappers.fhir import (
    Json,
    codings,
    day,
    extension,
    extensions,
    object_in,
    objects,
    period,
    serviced,
    text_in,
)
from mappers.pas import names
from mappers.pas.orders import orderers
from mappers.pas.parties import care_team, focal_coverage, member, member_ids, party
from mappers.pas.read import references, services, trace_numbers
from mappers.pas.targets import Targets
from server.authorization.inquiry import InquiredLine, Inquiry
from server.authorization.request import Code, Period


def read_inquiry(bundle: Json) -> Inquiry:
    """What an inquiry Bundle asks; its first entry is the Claim. The Claim's own identifier names only the inquiry."""
    there = Targets(bundle)
    claim = there.claim
    known = member(object_in(claim, "patient"), there.of(focal_coverage(claim)), there)
    asking = (party(object_in(claim, "provider"), there), *care_team(claim, there), *orderers(claim, there))
    return Inquiry(
        member=replace(known, identifiers=member_ids(there.of(object_in(claim, "patient")))),
        npis=frozenset(npi for each in asking for npi in each.npis),
        insurer=party(object_in(claim, "insurer"), there),
        lines=tuple(_line(item) for item in objects(claim, "item")),
        numbers=tuple(references(claim)),
        serviced=period(object_in(claim, "billablePeriod")) or _event_days(claim),
        diagnoses=tuple(_diagnoses(claim)),
    )


def _event_days(claim: Json) -> Period | None:
    """The days of the event that is asked about."""
    for info in objects(claim, "supportingInfo"):
        if "patientEvent" in {code.code for code in codings(object_in(info, "category"))}:
            on = day(text_in(info, "timingDate"))
            return Period(on, on) if on else period(object_in(info, "timingPeriod"))
    return None


def _line(item: Json) -> InquiredLine:
    end = codings(object_in(extension(item, names.SERVICE_CODE_END), "valueCodeableConcept"))
    action = codings(object_in(extension(item, names.REVIEW_ACTION_CODE), "valueCodeableConcept"))
    return InquiredLine(
        numbers=tuple(references(item)),
        trace_numbers=tuple(trace_numbers(item)),
        services=services(item),
        service_end=end[0] if end else None,
        serviced=serviced(item),
        action=action[0].code if action else "",
        issued=_days(item, names.CERTIFICATION_ISSUED),
        effective=_days(item, names.CERTIFICATION_EFFECTIVE),
        expires=_days(item, names.CERTIFICATION_EXPIRES),
    )


def _days(item: Json, url: str) -> Period | None:
    """The day or days that an extension gives."""
    for each in extensions(item, url):
        on = day(text_in(each, "valueDate"))
        return Period(on, on) if on else period(object_in(each, "valuePeriod"))
    return None


def _diagnoses(claim: Json) -> Iterator[Code]:
    for each in objects(claim, "diagnosis"):
        yield from codings(object_in(each, "diagnosisCodeableConcept"))
