"""Invariants of every domain resource: what may be contained, and that it is pointed to (R4 domainresource.html)."""

from __future__ import annotations

from typing import Any

from profiles.invariants.elements import Json, child, descendants, has, objects, on_object
from profiles.invariants.scope import Predicate, Surroundings

# What R4B brought that R4 does not have (dom-r4b).
_R4B_TYPES = frozenset(
    (
        "AdministrableProductDefinition",
        "Citation",
        "ClinicalUseDefinition",
        "Evidence",
        "EvidenceReport",
        "EvidenceVariable",
        "Ingredient",
        "MedicinalProductDefinition",
        "PackagedProductDefinition",
        "RegulatedAuthorization",
        "SubscriptionStatus",
        "SubscriptionTopic",
        "SubstanceDefinition",
    )
)


def _contains_none_twice(resource: Json) -> bool:
    """contained resources contain none themselves."""
    return not any(has(one, "contained") for one in objects(resource, "contained"))


def _contained_are_pointed_to(resource: Json) -> bool:
    """each contained resource is pointed to by #id, or points to its container by #.

    By a reference, canonical, uri or url anywhere in the resource. What has no id is not asked.
    """
    contained = [one for one in objects(resource, "contained") if has(one, "id")]
    if not contained:
        return True
    targets = _fragments_in(resource)
    return all(f"#{one.get('id')}" in targets or "#" in _fragments_in(one) for one in contained)


def _contained_have_ids_and_are_pointed_to(resource: Json) -> bool:
    """each contained resource has an id and is pointed to by #id, or points to its container by #."""
    nameless = [one for one in objects(resource, "contained") if not has(one, "id")]
    return all("#" in _fragments_in(one) for one in nameless) and _contained_are_pointed_to(resource)


def _fragments_in(resource: Json) -> set[str]:
    """Every `#...` text below `resource`; JSON does not tell canonicals from other texts, which only allows more."""
    places = [resource, *descendants(resource)]
    texts = (value for place in places for value in place.values())
    flat = (one for text in texts for one in (text if isinstance(text, list) else (text,)))
    return {one for one in flat if isinstance(one, str) and one.startswith("#")}


def _contained_without_version(resource: Json) -> bool:
    """contained resources have no meta.versionId and no meta.lastUpdated."""
    metas = [child(one, "meta") for one in objects(resource, "contained")]
    return not any(has(meta, "versionId") or has(meta, "lastUpdated") for meta in metas)


def _contained_without_security(resource: Json) -> bool:
    """contained resources have no meta.security."""
    return not any(has(child(one, "meta"), "security") for one in objects(resource, "contained"))


def _only_r4b_contains_r4b(contained: Any, scope: Surroundings) -> bool:
    """a resource type of R4B is contained only in one of R4B."""
    kind = contained.get("resourceType") if isinstance(contained, dict) else None
    if not isinstance(kind, str) or kind not in _R4B_TYPES:
        return True
    container = scope.resource.get("resourceType")
    return isinstance(container, str) and container in _R4B_TYPES


DOMAIN: dict[str, Predicate] = {
    "dom-2": on_object(_contains_none_twice),
    "dom-3": on_object(_contained_are_pointed_to),
    "dom-3@pas-2.2.1.Subscription": on_object(_contained_have_ids_and_are_pointed_to),
    "dom-4": on_object(_contained_without_version),
    "dom-5": on_object(_contained_without_security),
    "dom-6": on_object(lambda resource: has(child(resource, "text"), "div"), "text.div exists"),
    "dom-r4b": _only_r4b_contains_r4b,
}
