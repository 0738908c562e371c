"""The rules of the PAS guide about its Bundles that no profile expresses, one generator per rule."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from profiles.checks.claim_rules import claim_problems
from profiles.problem import Problem, is_name, snippet

if TYPE_CHECKING:
    from profiles.visit import Place, Visit

PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
INSIDE_SUPPORTING_INFO = ["supportingInfo", "resource", 0, "entry"]
DOCUMENTS = frozenset({"DocumentReference", "QuestionnaireResponse"})
_UUID = re.compile(r"urn:uuid:[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_REST = re.compile(r"https?://[^\s/?#]+(?:/[^\s?#]*)?/([A-Z][A-Za-z]+)/([A-Za-z0-9\-.]{1,64})")


@dataclass(frozen=True, slots=True)
class BundleKind:
    """One of the guide's Bundles: what comes first in it, and the ids of the rules about it."""

    first: str
    first_rule: str
    once_rule: str
    closure_rule: str = "PAS spec-13"
    url_rule: str = "PAS spec-16"
    pointed_rule: str = ""


KINDS = {
    PAS + "profile-pas-request-bundle": BundleKind("Claim", "PAS spec-12", "PAS spec-14", pointed_rule="PAS spec-20"),
    PAS + "profile-pas-inquiry-request-bundle": BundleKind("Claim", "PAS spec-12", "PAS spec-14"),
    PAS + "profile-pas-response-bundle": BundleKind("ClaimResponse", "PAS spec-30", "PAS spec-31"),
    PAS + "profile-pas-inquiry-response-bundle": BundleKind("ClaimResponse", "PAS spec-30", "PAS spec-31"),
}


def kind_of(canonical: str) -> BundleKind | None:
    """The rules of a Bundle by its profile; None for any other resource."""
    return KINDS.get(canonical.partition("|")[0])


def bundle_problems(visit: Visit, kind: BundleKind, problems: list[Problem]) -> list[Problem]:
    """`problems` of a Bundle completed by the guide's rules."""
    found = [problem for rule in RULES for problem in rule(visit, kind)]
    twice = {problem.trail[0] for problem in found if problem.rule == kind.once_rule}
    found = [p for p in found if p.rule != kind.pointed_rule or p.trail[1] not in twice]
    if any(problem.refuses and problem.trail[-4:] == INSIDE_SUPPORTING_INFO for problem in problems):
        for problem in found:  # what should have pointed may be what is wrong there
            problem.severity = "warning" if problem.rule == kind.pointed_rule else problem.severity
    for problem in problems:
        if problem.rule == kind.closure_rule and problem.trail[-3:] == ["resource", 0, "entry"]:
            problem.severity = "error"
    return problems + found


def first_entry(visit: Visit, kind: BundleKind) -> Iterator[Problem]:
    """The first entry is the Claim, or the ClaimResponse (PAS spec-12, spec-30)."""
    entries = visit.root.resource.get("entry")
    if not isinstance(entries, list) or not entries or not isinstance(entries[0], dict):
        return
    resource = entries[0].get("resource")
    if isinstance(resource, dict) and resource.get("resourceType") != kind.first:
        text = f"the first entry must be the {kind.first}"
        yield Problem(
            "structure", text, kind.first_rule, f"Put the {kind.first} first.", trail=["resource", 0, "entry"]
        )


def full_urls(visit: Visit, kind: BundleKind) -> Iterator[Problem]:
    """A fullUrl is the resource's REST URL, ending in its type and id, or a urn:uuid (PAS spec-16)."""
    for place in visit.entries():
        trail = ["fullUrl", *place.trail[1:]]
        if not place.full_url or not place.type or _UUID.fullmatch(place.full_url):
            continue
        rest = _REST.fullmatch(place.full_url)
        if rest is None:
            yield Problem(
                "value",
                "must be the URL of the resource, or urn:uuid: and a UUID",
                kind.url_rule,
                snippet("urn:uuid:11111111-2222-4333-8444-555555555555"),
                trail=trail,
            )
        elif rest[1] != place.type or rest[2] != place.resource.get("id", rest[2]):
            end = f"/{place.type}/{place.resource.get('id')}" if is_name(place.type) else "its type and id"
            text = "must end in the type and id of its resource"
            yield Problem("value", text, kind.url_rule, f"End it with {end}.", trail=trail)


def each_once(visit: Visit, kind: BundleKind) -> Iterator[Problem]:
    """Each instance is in the Bundle once (PAS spec-14, spec-31)."""
    urls: dict[str, Place] = {}
    named: dict[tuple[str, str], Place] = {}
    for place in visit.entries():
        identity = place.resource.get("id")
        other = urls.setdefault(place.full_url, place) if place.full_url else place
        if other is place and isinstance(identity, str) and place.type:
            key = (place.type, identity)
            other = named.setdefault(key, place)
            if other is not place and _elsewhere(other, place):
                other = place
        if other is not place:
            text = f"the same instance as entry[{other.trail[1]}]"
            yield Problem("business-rule", text, kind.once_rule, "Keep one of them.", trail=place.trail[1:])


def _elsewhere(one: Place, other: Place) -> bool:
    """Two servers may each have a Patient/1: then both fullUrls are URLs, and they differ."""
    return one.full_url.startswith("http") and other.full_url.startswith("http")


def pointed_to(visit: Visit, kind: BundleKind) -> Iterator[Problem]:
    """Every further entry is there because something refers to it (PAS spec-20).

    An error for documents, which nobody can place otherwise; for the rest a warning: more may have been sent.
    """
    places = visit.entries()
    if visit.given_up or not kind.pointed_rule or not places or places[0].type != kind.first:
        return
    for place in places[1:]:
        if id(place) not in visit.pointed:
            what = place.type if is_name(place.type) else "resource"
            text = f"nothing in the Bundle refers to this {what}"
            repair = snippet({"valueReference": {"reference": f"{what}/..."}})
            yield Problem(
                "business-rule",
                text,
                kind.pointed_rule,
                f"Refer to it from Claim.supportingInfo: {repair}, or leave it out.",
                severity="error" if place.type in DOCUMENTS else "warning",
                trail=list(place.trail),
            )


def sequences(visit: Visit, _kind: BundleKind) -> Iterator[Problem]:
    """The numbering inside each Claim holds together (PAS spec-22)."""
    for place in visit.entries():
        if place.type == "Claim":
            for problem in claim_problems(place.resource):
                yield problem.above(*place.trail)


RULES: tuple[Callable[[Any, BundleKind], Iterator[Problem]], ...] = (
    first_entry,
    full_urls,
    each_once,
    pointed_to,
    sequences,
)
