"""PAS request Bundle -> AuthorizationRequest; relies on the checks of `profiles`, cannot fail on what they let pass."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from mappers.dtr.read import read_answers
from mappers.fhir import (
    Json,
    codings,
    day,
    extension,
    extensions,
    identifiers,
    object_in,
    objects,
    period,
    text_in,
)
from mappers.pas import names
from mappers.units import unit_name
from profiles.references import BundleReferences
from server.authorization.request import (
    Answers,
    AuthorizationRequest,
    Code,
    Coverage,
    Diagnosis,
    Document,
    Identifier,
    Member,
    Party,
    Period,
    Quantity,
    ServiceLine,
)

_CANCEL = "3"
_URGENT_LEVELS = frozenset({"U", "03"})


def read_request(bundle: Json) -> AuthorizationRequest:
    """The authorization request that a PAS request Bundle carries; its first entry is the Claim (PAS spec-12)."""
    there = _Targets(bundle)
    claim, coverage = there.claim, there.of(_focal_coverage(there.claim))
    return AuthorizationRequest(
        claim_url=there.claim_url,
        identifiers=identifiers(claim),
        lines=tuple(_line(item, there) for item in objects(claim, "item")),
        member=_member(object_in(claim, "patient"), coverage, there),
        provider=_party(object_in(claim, "provider"), there),
        insurer=_party(object_in(claim, "insurer"), there),
        care_team=tuple(_care_team(claim, there)),
        coverage=_coverage(coverage),
        diagnoses=tuple(_diagnoses(claim)),
        documents=tuple(_documents(claim, there)),
        answers=tuple(_answers(claim, there)),
        prior=tuple(_prior(claim, there)),
        cancels=_certification(claim) == _CANCEL,
        expedited=_is_expedited(claim),
        senders=tuple(_senders(claim)),
    )


class _Targets:
    """The Claim of a request Bundle and what its references point to."""

    def __init__(self, bundle: Json) -> None:
        self.references = BundleReferences(bundle)
        _, self.claim_url, self.claim = self.references.entries[0]

    def at(self, reference: Json, from_url: str) -> tuple[str, Json]:
        """fullUrl and resource that a Reference of the entry `from_url` points to; ("", {}) where it is not there."""
        found = self.references.find(text_in(reference, "reference"), from_url)
        return (found[1], found[2]) if found else ("", {})

    def of(self, reference: Json) -> Json:
        """The resource that a Reference of the Claim points to; {} where it is not in the Bundle."""
        return self.at(reference, self.claim_url)[1]


def _line(item: Json, there: _Targets) -> ServiceLine:
    order_url, order = there.at(object_in(extension(item, names.REQUESTED_SERVICE), "valueReference"), there.claim_url)
    end = codings(object_in(extension(item, names.SERVICE_CODE_END), "valueCodeableConcept"))
    place = codings(object_in(item, "locationCodeableConcept"))
    return ServiceLine(
        sequence=int(item["sequence"]),
        services=tuple(code for code in codings(object_in(item, "productOrService")) if code.code != "not-applicable"),
        service_end=end[0] if end else None,
        modifiers=tuple(code for each in objects(item, "modifier") for code in codings(each)),
        ordered=_ordered(order, order_url, there),
        category=codings(object_in(item, "category")),
        quantity=_quantity(object_in(item, "quantity")) or _ordered_quantity(order),
        serviced=_serviced(item),
        place=place[0] if place else None,
        trace_numbers=tuple(_trace_numbers(item)),
        change=text_in(extension(item, names.INFO_CHANGED), "valueCode"),
        cancelled=_is_cancelled(item),
        certification=_certification(item),
        references=tuple(_references(item)),
        providers=tuple(each for each in item.get("careTeamSequence", ()) if isinstance(each, int)),
    )


def _is_cancelled(item: Json) -> bool:
    withdrawn = [each for each in objects(item, "modifierExtension") if each.get("url") == names.INFO_CANCELLED]
    return any(each.get("valueBoolean") is True for each in withdrawn) or _certification(item) == _CANCEL


def _certification(node: Json) -> str:
    """The certification type of an item, or of a whole Claim."""
    types = codings(object_in(extension(node, names.CERTIFICATION_TYPE), "valueCodeableConcept"))
    return types[0].code if types else ""


def _references(item: Json) -> Iterator[str]:
    """The authorization and tracking numbers that the submitter knows the line by."""
    for url in (names.AUTHORIZATION_NUMBER, names.ADMINISTRATION_REFERENCE_NUMBER):
        number = text_in(extension(item, url), "valueString")
        if number:
            yield number


def _trace_numbers(item: Json) -> Iterator[Identifier]:
    for each in extensions(item, names.ITEM_TRACE_NUMBER):
        trace = object_in(each, "valueIdentifier")
        if text_in(trace, "value"):
            yield Identifier(text_in(trace, "system"), text_in(trace, "value"))


def _ordered(order: Json, url: str, there: _Targets) -> tuple[Code, ...]:
    """What an order asks for, whichever of the four PAS order types it is."""
    match order.get("resourceType"):
        case "ServiceRequest":
            return codings(object_in(order, "code"))
        case "DeviceRequest":
            return codings(object_in(order, "codeCodeableConcept"))
        case "MedicationRequest":
            _, medication = there.at(object_in(order, "medicationReference"), url)
            return codings(object_in(order, "medicationCodeableConcept")) or codings(object_in(medication, "code"))
        case "NutritionOrder":
            return tuple(_nutrition_codes(order))
    return ()


def _nutrition_codes(order: Json) -> Iterator[Code]:
    for concept in objects(object_in(order, "oralDiet"), "type"):
        yield from codings(concept)
    for supplement in objects(order, "supplement"):
        yield from codings(object_in(supplement, "type"))
    yield from codings(object_in(object_in(order, "enteralFormula"), "baseFormulaType"))


def _ordered_quantity(order: Json) -> Quantity | None:
    dispensed = object_in(object_in(order, "dispenseRequest"), "quantity")
    return _quantity(object_in(order, "quantityQuantity")) or _quantity(dispensed)


def _quantity(node: Json) -> Quantity | None:
    value = node.get("value")
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    return Quantity(Decimal(value), unit_name(node), text_in(node, "system"))


def _serviced(item: Json) -> Period | None:
    on = day(text_in(item, "servicedDate"))
    return Period(on, on) if on else period(object_in(item, "servicedPeriod"))


def _focal_coverage(claim: Json) -> Json:
    insurances = objects(claim, "insurance")
    focal = next((each for each in insurances if each.get("focal") is True), insurances[0] if insurances else {})
    return object_in(focal, "coverage")


def _member(reference: Json, coverage: Json, there: _Targets) -> Member:
    known = Member(subscriber_id=text_in(coverage, "subscriberId"))
    found = there.references.find(text_in(reference, "reference"), there.claim_url)
    if found is None:
        return known
    place, _url, patient = found
    birth_date = day(text_in(patient, "birthDate"))
    path = f"Bundle.entry[{place}].resource"
    return replace(known, identifiers=identifiers(patient), birth_date=birth_date, path=path)


def _coverage(coverage: Json) -> Coverage:
    classes = tuple(
        (code.code, text_in(each, "value"))
        for each in objects(coverage, "class")
        for code in codings(object_in(each, "type"))
    )
    return Coverage(classes, period(object_in(coverage, "period")))


def _party(reference: Json, there: _Targets) -> Party:
    """An Organization or Practitioner, or both parts of a PractitionerRole."""
    url, resource = there.at(reference, there.claim_url)
    if resource.get("resourceType") != "PractitionerRole":
        return Party(identifiers(resource), _name(resource))
    parts = [there.at(object_in(resource, part), url)[1] for part in ("practitioner", "organization")]
    known = tuple(each for part in (resource, *parts) for each in identifiers(part))
    specialties = tuple(code for each in objects(resource, "specialty") for code in codings(each))
    return Party(known, next(filter(None, map(_name, parts)), ""), specialties)


def _care_team(claim: Json, there: _Targets) -> Iterator[Party]:
    for each in objects(claim, "careTeam"):
        sequence = each.get("sequence")
        yield replace(_party(object_in(each, "provider"), there), sequence=sequence if isinstance(sequence, int) else 0)


def _name(resource: Json) -> str:
    if isinstance(resource.get("name"), str):
        return text_in(resource, "name")
    name = next(iter(objects(resource, "name")), {})
    given = name.get("given")
    words = [each for each in given if isinstance(each, str)] if isinstance(given, list) else []
    return " ".join([*words, text_in(name, "family")]).strip() or text_in(name, "text")


def _diagnoses(claim: Json) -> Iterator[Diagnosis]:
    for each in objects(claim, "diagnosis"):
        for code in codings(object_in(each, "diagnosisCodeableConcept"))[:1]:
            yield Diagnosis(int(each["sequence"]), code)


def _documents(claim: Json, there: _Targets) -> Iterator[Document]:
    """The documents that supportingInfo points to, with the report type and control number it gives them."""
    for info in objects(claim, "supportingInfo"):
        target = there.of(object_in(info, "valueReference"))
        about = extension(info, names.DOCUMENT_INFORMATION)
        if target.get("resourceType") != "DocumentReference" and not about:
            continue
        report = codings(object_in(extension(about, "reportTypeCode"), "valueCodeableConcept"))
        control = text_in(extension(about, "controlNumber"), "valueString")
        if target:
            yield Document((*codings(object_in(target, "type")), *report), control, day(text_in(target, "date")))


def _answers(claim: Json, there: _Targets) -> Iterator[Answers]:
    """The filled forms that supportingInfo points to."""
    for info in objects(claim, "supportingInfo"):
        target = there.of(object_in(info, "valueReference"))
        if target.get("resourceType") == "QuestionnaireResponse":
            yield read_answers(target)


def _prior(claim: Json, there: _Targets) -> Iterator[str]:
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
