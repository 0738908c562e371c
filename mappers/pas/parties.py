"""Who is who in a Claim: its member, its providers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mappers.fhir import Json, codings, day, identifiers, object_in, objects, text_in
from mappers.pas.targets import Targets
from server.authorization.request import Detail, Identifier, Member, Party

_MEMBER_NUMBER = "MB"
EMPLOYER_NUMBERS = "urn:oid:2.16.840.1.113883.4.4"
"""Employer identification numbers of the tax authority: what a provider's TIN is."""


def focal_coverage(claim: Json) -> Json:
    """The reference to the coverage that the Claim is made under."""
    insurances = objects(claim, "insurance")
    focal = next((each for each in insurances if each.get("focal") is True), insurances[0] if insurances else {})
    return object_in(focal, "coverage")


def member(reference: Json, coverage: Json, there: Targets) -> Member:
    """The patient as a member of the coverage; `reference` is the Claim's reference to the patient."""
    known = Member(subscriber_id=text_in(coverage, "subscriberId"), coverage_ids=member_ids(coverage))
    found = there.references.find(text_in(reference, "reference"), there.claim_url)
    if found is None:
        return known
    place, _url, patient = found
    birth_date = day(text_in(patient, "birthDate"))
    path = f"Bundle.entry[{place}].resource"
    return replace(known, identifiers=identifiers(patient), birth_date=birth_date, path=path)


def member_ids(resource: Json) -> tuple[Identifier, ...]:
    """Those identifiers that are member ids: typed MB, or not typed at all (as published examples are)."""
    return identifiers({"identifier": [each for each in objects(resource, "identifier") if _is_member_id(each)]})


def _is_member_id(identifier: Json) -> bool:
    types = {code.code for code in codings(object_in(identifier, "type"))}
    return not types or _MEMBER_NUMBER in types


def party(reference: Json, there: Targets, from_url: str = "") -> Party:
    """An Organization or Practitioner, or both parts of a PractitionerRole; referred to by the entry `from_url`."""
    url, resource = there.at(reference, from_url or there.claim_url)
    if resource.get("resourceType") != "PractitionerRole":
        return Party(identifiers(resource), _name(resource))
    parts = [there.at(object_in(resource, part), url)[1] for part in ("practitioner", "organization")]
    known = tuple(each for part in (resource, *parts) for each in identifiers(part))
    specialties = tuple(code for each in objects(resource, "specialty") for code in codings(each))
    return Party(known, next(filter(None, map(_name, parts)), ""), specialties)


def care_team(claim: Json, there: Targets) -> Iterator[Party]:
    """The members of the care team, each with its sequence."""
    for each in objects(claim, "careTeam"):
        sequence = each.get("sequence")
        yield replace(party(object_in(each, "provider"), there), sequence=sequence if isinstance(sequence, int) else 0)


def given_details(claim: Json, there: Targets) -> Iterator[Detail]:
    """Which details of the member and the provider the request gives (PF-23)."""
    patient = there.of(object_in(claim, "patient"))
    yield from _contact(patient, _OF_MEMBER)
    if day(text_in(patient, "birthDate")):
        yield Detail.MEMBER_BIRTH_DATE
    reference = object_in(claim, "provider")
    asking, url = party(reference, there), there.at(reference, there.claim_url)[0]
    role = there.of(reference)
    parts = [role, *(there.at(object_in(role, part), url)[1] for part in ("practitioner", "organization"))]
    yield from dict.fromkeys(detail for part in parts for detail in _contact(part, _OF_PROVIDER))
    if asking.npis:
        yield Detail.PROVIDER_NPI
    if any(each.system == EMPLOYER_NUMBERS for each in asking.identifiers):
        yield Detail.PROVIDER_TIN
    if asking.specialties or any(objects(member, "qualification") for member in _care_team(claim, reference)):
        yield Detail.PROVIDER_SPECIALTY


def _care_team(claim: Json, reference: Json) -> list[Json]:
    """Where the care team names the provider who asks, with what they are qualified for."""
    found = [each for each in objects(claim, "careTeam") if object_in(each, "provider") == reference]
    return [{"qualification": [object_in(each, "qualification")]} for each in found if object_in(each, "qualification")]


_OF_MEMBER = {"name": Detail.MEMBER_NAME, "address": Detail.MEMBER_ADDRESS, "phone": Detail.MEMBER_PHONE}
_OF_PROVIDER = {
    "name": Detail.PROVIDER_NAME,
    "address": Detail.PROVIDER_ADDRESS,
    "phone": Detail.PROVIDER_PHONE,
    "fax": Detail.PROVIDER_FAX,
}


def _contact(resource: Json, named: dict[str, Detail]) -> Iterator[Detail]:
    ways = {text_in(each, "system") for each in objects(resource, "telecom") if text_in(each, "value")}
    given = {*ways, *(["name"] if _name(resource) else []), *(["address"] if objects(resource, "address") else [])}
    yield from (detail for name, detail in named.items() if name in given)


def _name(resource: Json) -> str:
    if isinstance(resource.get("name"), str):
        return text_in(resource, "name")
    name = next(iter(objects(resource, "name")), {})
    given = name.get("given")
    words = [each for each in given if isinstance(each, str)] if isinstance(given, list) else []
    return " ".join([*words, text_in(name, "family")]).strip() or text_in(name, "text")
