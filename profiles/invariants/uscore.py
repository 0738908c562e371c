"""Invariants of US Core 7.0.0, 6.1.0 and 3.1.1 (a key was used again and again: the variants say for what)."""

from __future__ import annotations

from typing import Any

from profiles.invariants.elements import (
    UCUM,
    Json,
    child,
    choice_name,
    coded,
    codings,
    has,
    matches,
    never_fails,
    objects,
    on_object,
    on_string,
    some,
    when,
)
from profiles.invariants.r4 import has_result
from profiles.invariants.scope import Predicate, Surroundings, resolved

_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_NDC = "http://hl7.org/fhir/sid/ndc"
_CVX = "http://hl7.org/fhir/sid/cvx"
_SNOMED = "http://snomed.info/sct"
_IDENTIFIER_TYPE = "http://terminology.hl7.org/CodeSystem/v2-0203"
_CONDITION_CATEGORIES = (
    ["http://terminology.hl7.org/CodeSystem/condition-category", "problem-list-item"],
    ["http://terminology.hl7.org/CodeSystem/condition-category", "encounter-diagnosis"],
    ["http://hl7.org/fhir/us/core/CodeSystem/condition-category", "health-concern"],
)
_REPORTED = "partial preliminary final amended corrected appended"
_ORDERS = "order original-order reflex-order filler-order instance-order"
_ROLE_PARTS = ("practitioner", "organization", "healthcareService", "location")


def _named_or_absent(name: Json) -> bool:
    """either family or given exists, or the reason for their absence."""
    named = has(name, "family") or has(name, "given")
    return named is not any(one.get("url") == _ABSENT for one in objects(name, "extension"))


def _npi_check_digit(identifier: Json) -> bool:
    """the NPI has a right check digit.

    Luhn over 80840 and the ten digits; anything shorter or with letters is us-core-16's to report.
    """
    value = identifier.get("value")
    if not isinstance(value, str) or len(value) < 10 or not (value[:10].isascii() and value[:10].isdigit()):
        return True
    doubled = sum(2 * digit - 9 * (digit > 4) for digit in map(int, value[0:9:2]))
    return (doubled + sum(map(int, value[1:10:2])) + 24) % 10 == 0


def _ucum(quantity: Json) -> bool:
    """the system is that of UCUM where it exists."""
    return not has(quantity, "system") or quantity.get("system") == UCUM


def _range_in_ucum(span: Json) -> bool:
    """the systems of low and high are that of UCUM where they exist."""
    return _ucum(child(span, "low")) and _ucum(child(span, "high"))


def _snomed_among(value: Json) -> bool:
    """a coding of SNOMED CT is among the codings."""
    systems = [one.get("system") for one in objects(value, "coding") if has(one, "system")]
    return not systems or _SNOMED in systems


def _one_race_when_unknown(race: Json) -> bool:
    """ombCategory ASKU or UNK stands alone."""
    categories = [one for one in objects(race, "extension") if one.get("url") == "ombCategory"]
    codes = [child(one, "valueCoding").get("code") for one in categories]
    return len(categories) == 1 or not ("ASKU" in codes or "UNK" in codes)


def _value_is(value_type: str, *codes: str) -> Predicate:
    """Where the observation's code is one of `codes`, its value (if any) is of that type."""

    def test(observation: Json) -> bool:
        if not any(coded(observation, "code", code) for code in codes):
            return True
        return choice_name(observation, "value") in (f"value{value_type}", None)

    return on_object(test, f"value[x] is a {value_type} where code is {' or '.join(codes)}")


def _member_id(coverage: Json) -> bool:
    """an identifier of type MB or subscriberId exists."""
    identified = any(coded(one, "type", "MB", _IDENTIFIER_TYPE) for one in objects(coverage, "identifier"))
    return identified or has(coverage, "subscriberId")


def _category_is_of_us_core(condition: Json) -> bool:
    """category is problem-list-item, encounter-diagnosis or health-concern."""
    return any([one.get("system"), one.get("code")] in _CONDITION_CATEGORIES for one in codings(condition, "category"))


def _no_ndc(concept: Json) -> bool:
    """no coding is of NDC."""
    return not any(one.get("system") == _NDC for one in objects(concept, "coding"))


def _ndc_beside_cvx(immunization: Json) -> bool:
    """a coding of NDC stands beside one of CVX."""
    systems = [one.get("system") for one in codings(immunization, "vaccineCode")]
    return _CVX not in systems or _NDC in systems


_has_date = some("manufactureDate", "expirationDate", "lotNumber", "serialNumber", "distinctIdentifier")


def _device_is_identified(device: Any, scope: Surroundings) -> bool:
    """a production identifier exists where udiCarrier does."""
    return not isinstance(device, dict) or not has(device, "udiCarrier") or _has_date(device, scope)


def _carrier_is_readable(device: Json) -> bool:
    """carrierAIDC or carrierHRF exists where udiCarrier does."""
    carriers = objects(device, "udiCarrier")
    return not carriers or any(has(one, "carrierAIDC") or has(one, "carrierHRF") for one in carriers)


def _on_behalf_when_person_or_device(agent: Any, scope: Surroundings) -> bool:
    """onBehalfOf exists where who is a Practitioner or Device."""
    if not isinstance(agent, dict) or has(agent, "onBehalfOf"):
        return True
    who = resolved(agent.get("who"), scope)
    return who is None or who.get("resourceType") not in ("Practitioner", "Device")


_to_the_day = on_string(lambda moment: len(moment) >= 10, "a dateTime says the day at least")
_to_the_month = on_string(lambda moment: len(moment) >= 8, "a dateTime says the day at least")
_reported_is_effective = when("status", _REPORTED, "effective[x]")
_quantity_in_ucum = on_object(
    lambda observation: _ucum(child(observation, "valueQuantity")), "the unit of valueQuantity is of UCUM"
)

USCORE: dict[str, Predicate] = {
    "pd-1": some("telecom", "endpoint"),
    "provenance-1": _on_behalf_when_person_or_device,
    "us-core-1": _to_the_day,
    "us-core-2": has_result,
    "us-core-3": on_object(_ucum),
    "us-core-4": on_object(_snomed_among),
    "us-core-5": on_object(_ndc_beside_cvx),
    "us-core-6": on_object(_named_or_absent),
    "us-core-6@DocumentReference": some("url", "data"),
    "us-core-7": when("status", "completed in-progress", "performed[x]"),
    "us-core-8": _reported_is_effective,
    "us-core-8@Patient": on_object(_named_or_absent),
    "us-core-9": when("status", _REPORTED, "issued"),
    "us-core-9@Device": _device_is_identified,
    "us-core-10": _reported_is_effective,
    "us-core-12": on_object(_carrier_is_readable),
    "us-core-13": some(*_ROLE_PARTS),
    "us-core-14": some("name", "relationship"),
    "us-core-15": on_object(_member_id),
    "us-core-16": matches(r"[0-9]{10}", "value"),
    "us-core-17": on_object(_npi_check_digit),
    "us-core-18": matches(r"[0-9]{2}D[0-9]{7}", "value"),
    "us-core-19": matches(r"[0-9]{5}", "value"),
    "us-core-20": when("status", "completed", "whenHandedOver"),
    "us-core-21": when("intent", _ORDERS, "requester"),
    "us-core-22": on_object(_range_in_ucum),
    "us-core-23": on_object(_one_race_when_unknown),
    "us-core-24": _value_is("CodeableConcept", "72166-2", "11367-0"),
    "us-core-25": _value_is("Quantity", "401201003", "782516008"),
    "us-core-26": some("value[x]", "dataAbsentReason"),
    "vs-1": _to_the_day,
    "pd-1@uscore-3.1.1": some("telecom", "endpoint"),
    "pd-1@uscore-6.1.0": some("telecom", "endpoint"),
    "us-core-1@uscore-6.1.0": never_fails,
    "us-core-3@uscore-6.1.0": _quantity_in_ucum,
    "us-core-4@uscore-6.1.0": never_fails,
    "us-core-5@uscore-6.1.0": on_object(
        lambda it: not any(one.get("system") == _NDC for one in codings(it, "vaccineCode")),
        "no vaccineCode is of NDC",
    ),
    "us-core-13@uscore-6.1.0": some(*_ROLE_PARTS),
    "vs-1@r4-4.0.1": _to_the_month,
    "vs-1@uscore-6.1.0": _to_the_month,
    "us-core-1@uscore-3.1.1.Condition": on_object(_category_is_of_us_core),
    "us-core-1@uscore-3.1.1.Immunization": on_object(_no_ndc),
    "us-core-1@uscore-3.1.1.Observation": _to_the_month,
    "us-core-3@uscore-3.1.1": _quantity_in_ucum,
    "us-core-4@uscore-3.1.1": never_fails,
    "provenance-1@uscore-3.1.1": never_fails,
    "vs-1@uscore-3.1.1": _to_the_month,
}
