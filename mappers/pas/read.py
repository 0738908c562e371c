"""PAS request Bundle -> AuthorizationRequest; relies on the checks of `profiles`, cannot fail on what they let pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from mappers.cdex.contents import written_on
from mappers.dtr.read import contexts, form_named_by, read_answers, supersedes
from mappers.fhir import (
    Json,
    codings,
    extension,
    extensions,
    identifiers,
    object_in,
    objects,
    period,
    serviced,
    text_in,
)
from mappers.pas import names
from mappers.pas.orders import order_of, ordered, ordered_quantity, orderers
from mappers.pas.parties import care_team, focal_coverage, given_details, member, party
from mappers.pas.targets import Targets
from mappers.units import read_quantity
from server.authorization.request import (
    AuthorizationRequest,
    Code,
    Coverage,
    Diagnosis,
    Document,
    Identifier,
    ServiceLine,
)

_CANCEL = "3"
_URGENT_LEVELS = frozenset({"U", "03"})


def read_request(bundle: Json) -> AuthorizationRequest:
    """The authorization request that a PAS request Bundle carries; its first entry is the Claim (PAS spec-12)."""
    there = Targets(bundle)
    claim, coverage = there.claim, there.of(focal_coverage(there.claim))
    return AuthorizationRequest(
        claim_url=there.claim_url,
        identifiers=identifiers(claim),
        lines=tuple(_line(item, there) for item in objects(claim, "item")),
        member=member(object_in(claim, "patient"), coverage, there),
        provider=party(object_in(claim, "provider"), there),
        insurer=party(object_in(claim, "insurer"), there),
        care_team=tuple(care_team(claim, there)),
        coverage=read_coverage(coverage),
        diagnoses=tuple(_diagnoses(claim)),
        documents=tuple(_documents(claim, there)),
        answers=tuple(read_answers(each.response, each.lines) for each in _sent_forms(there)),
        prior=tuple(_prior(claim, there)),
        cancels=_certification(claim) == _CANCEL,
        expedited=_is_expedited(claim),
        senders=tuple(_senders(claim)),
        orderers=tuple(orderers(claim, there)),
        announced=tuple(_announced(claim)),
        given=tuple(given_details(claim, there)),
    )


def _line(item: Json, there: Targets) -> ServiceLine:
    order_url, order = order_of(item, there)
    end = codings(object_in(extension(item, names.SERVICE_CODE_END), "valueCodeableConcept"))
    place = codings(object_in(item, "locationCodeableConcept"))
    return ServiceLine(
        sequence=int(item["sequence"]),
        services=services(item),
        service_end=end[0] if end else None,
        modifiers=tuple(code for each in objects(item, "modifier") for code in codings(each)),
        ordered=ordered(order, order_url, there),
        category=codings(object_in(item, "category")),
        quantity=read_quantity(object_in(item, "quantity")) or ordered_quantity(order),
        serviced=serviced(item),
        place=place[0] if place else None,
        trace_numbers=tuple(trace_numbers(item)),
        change=text_in(extension(item, names.INFO_CHANGED), "valueCode"),
        cancelled=_is_cancelled(item),
        certification=_certification(item),
        references=tuple(references(item)),
        providers=tuple(each for each in item.get("careTeamSequence", ()) if isinstance(each, int)),
    )


def services(item: Json) -> tuple[Code, ...]:
    """What an item names; nothing where it says that a code is not applicable (PAS spec-43)."""
    return tuple(code for code in codings(object_in(item, "productOrService")) if code.code != "not-applicable")


def _is_cancelled(item: Json) -> bool:
    withdrawn = [each for each in objects(item, "modifierExtension") if each.get("url") == names.INFO_CANCELLED]
    return any(each.get("valueBoolean") is True for each in withdrawn) or _certification(item) == _CANCEL


def _certification(node: Json) -> str:
    """The certification type of an item, or of a whole Claim."""
    types = codings(object_in(extension(node, names.CERTIFICATION_TYPE), "valueCodeableConcept"))
    return types[0].code if types else ""


def references(item: Json) -> Iterator[str]:
    """The authorization and tracking numbers that the submitter knows the line by."""
    for url in (names.AUTHORIZATION_NUMBER, names.ADMINISTRATION_REFERENCE_NUMBER):
        number = text_in(extension(item, url), "valueString")
        if number:
            yield number


def trace_numbers(item: Json) -> Iterator[Identifier]:
    """The trace numbers of an item."""
    for each in extensions(item, names.ITEM_TRACE_NUMBER):
        trace = object_in(each, "valueIdentifier")
        if text_in(trace, "value"):
            yield Identifier(text_in(trace, "system"), text_in(trace, "value"))


def read_coverage(coverage: Json) -> Coverage:
    """A Coverage as far as it says plan and days."""
    classes = tuple(
        (code.code, text_in(each, "value"))
        for each in objects(coverage, "class")
        for code in codings(object_in(each, "type"))
    )
    return Coverage(classes, period(object_in(coverage, "period")))


def _diagnoses(claim: Json) -> Iterator[Diagnosis]:
    for each in objects(claim, "diagnosis"):
        for code in codings(object_in(each, "diagnosisCodeableConcept"))[:1]:
            yield Diagnosis(int(each["sequence"]), code)


def _documents(claim: Json, there: Targets) -> Iterator[Document]:
    """The documents that supportingInfo points to, with the report type and control number it gives them."""
    for info in objects(claim, "supportingInfo"):
        target = there.of(object_in(info, "valueReference"))
        about = extension(info, names.DOCUMENT_INFORMATION)
        if target.get("resourceType") != "DocumentReference" and not about:
            continue
        report = codings(object_in(extension(about, "reportTypeCode"), "valueCodeableConcept"))
        control = text_in(extension(about, "controlNumber"), "valueString")
        if target:
            yield Document((*codings(object_in(target, "type")), *report), control, written_on(target))


def _announced(claim: Json) -> Iterator[str]:
    """The control numbers that the Claim gives its supporting information, also what is to come apart (X12 PWK06)."""
    for info in objects(claim, "supportingInfo"):
        control = text_in(extension(extension(info, names.DOCUMENT_INFORMATION), "controlNumber"), "valueString")
        if control:
            yield control


class SentForm(NamedTuple):
    """A filled form in a request Bundle: where it is, itself, and the lines it was filled in for (none = all)."""

    path: str
    response: Json
    lines: tuple[int, ...] = ()


def sent_forms(bundle: Json) -> list[SentForm]:
    """The filled forms of a request Bundle, in the order of `AuthorizationRequest.answers`."""
    return _sent_forms(Targets(bundle))


def _sent_forms(there: Targets) -> list[SentForm]:
    """Those that supportingInfo points to; of several to one form and for the same lines the one that counts."""
    latest: dict[tuple[str, tuple[int, ...]], SentForm] = {}
    for info in objects(there.claim, "supportingInfo"):
        reference = text_in(object_in(info, "valueReference"), "reference")
        number, url, response = there.references.find(reference, there.claim_url) or (0, "", {})
        if response.get("resourceType") != "QuestionnaireResponse":
            continue
        found = SentForm(f"Bundle.entry[{number}].resource", response, _filled_in_for(response, url, there))
        key = (form_named_by(response).partition("|")[0], found.lines)
        had = latest.get(key)
        if had is None or supersedes(response) >= supersedes(had.response):
            latest[key] = found
    return list(latest.values())


def _filled_in_for(response: Json, url: str, there: Targets) -> tuple[int, ...]:
    """The lines that ask for what the form was filled in for (DTR qr-context)."""
    orders = {target for each in contexts(response) if (target := there.at(each, url)[0])}
    if not orders:
        return ()
    items = [item for item in objects(there.claim, "item") if order_of(item, there)[0] in orders]
    return tuple(int(item["sequence"]) for item in items)


def _prior(claim: Json, there: Targets) -> Iterator[str]:
    """By what the Claim names the one it updates: fullUrl, reference as sent, identifiers (PAS related claim)."""
    for related in objects(claim, "related"):
        reference = object_in(related, "claim")
        url, prior = there.at(reference, there.claim_url)
        named = [url, text_in(reference, "reference")]
        named += [identifier_key(each) for each in identifiers(prior)]
        named += [identifier_key(each) for each in identifiers({"identifier": [object_in(reference, "identifier")]})]
        yield from dict.fromkeys(each for each in named if each)


def identifier_key(identifier: Identifier) -> str:
    """An identifier as one word: ``system|value``."""
    return f"{identifier.system}|{identifier.value}"


def _is_expedited(claim: Json) -> bool:
    priority = {code.code for code in codings(object_in(claim, "priority"))}
    level = codings(object_in(extension(claim, names.LEVEL_OF_SERVICE), "valueCodeableConcept"))
    return "stat" in priority or any(code.code in _URGENT_LEVELS for code in level)


def _senders(claim: Json) -> Iterator[str]:
    transmission = extension(claim, names.TRANSMISSION_IDENTIFIERS)
    for part in ("interchangeSenderID", "applicationSenderCode"):
        sender = text_in(extension(transmission, part), "valueString")
        if sender:
            yield sender
