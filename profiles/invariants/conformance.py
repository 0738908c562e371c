"""Invariants of R4's conformance and terminology resources (CapabilityStatement, ValueSet, CodeSystem, ...)."""

from __future__ import annotations

from profiles.invariants.elements import (
    Json,
    descendants,
    distinct,
    has,
    is_distinct,
    matches,
    needs,
    never_when,
    not_both,
    objects,
    on_object,
    some,
    when,
)
from profiles.invariants.scope import Predicate

# The same rule under another key for each resource type (warnings): a name that a program can use.
_NAMED = "adf cpb csd ig lib opd pdf que sdf vsd"
_NAME = r"[A-Z]([A-Za-z0-9_]){0,254}"


def _codes_differ(system: Json) -> bool:
    """no two concepts have the same code."""
    places = [system, *descendants(system)]
    return is_distinct([concept.get("code") for place in places for concept in objects(place, "concept")])


def _documents_differ(statement: Json) -> bool:
    """no two documents have the same profile and mode."""
    return is_distinct([f"{one.get('profile', '')}{one.get('mode', '')}" for one in objects(statement, "document")])


def _endpoints_of_instances_only(statement: Json) -> bool:
    """messaging.endpoint exists only where kind is instance."""
    return statement.get("kind") in ("instance", None) or not any(
        has(one, "endpoint") for one in objects(statement, "messaging")
    )


def _software_not_implementation(statement: Json) -> bool:
    """software exists and implementation does not where kind is capability."""
    if statement.get("kind") != "capability":
        return True
    return has(statement, "software") and not has(statement, "implementation")


CONFORMANCE: dict[str, Predicate] = {
    **{f"{key}-0": matches(_NAME, "name") for key in _NAMED.split()},
    "cpb-1": some("rest", "messaging", "document"),
    "cpb-2": some("description", "software", "implementation"),
    "cpb-3": on_object(_endpoints_of_instances_only),
    "cpb-7": on_object(_documents_differ),
    "cpb-9": distinct("resource", "type"),
    "cpb-12": distinct("searchParam", "name"),
    "cpb-14": when("kind", "instance", "implementation"),
    "cpb-15": on_object(_software_not_implementation),
    "cpb-16": never_when("kind", "requirements", "implementation", "software"),
    "csd-1": on_object(_codes_differ),
    "vsd-1": some("valueSet", "system"),
    "vsd-2": on_object(
        lambda it: not (has(it, "concept") or has(it, "filter")) or has(it, "system"),
        "system exists where concept or filter does",
    ),
    "vsd-3": not_both("concept", "filter"),
    "vsd-6": some("code", "display"),
    "vsd-9": on_object(lambda it: has(it, "code") or it.get("abstract") is True, "code exists unless abstract"),
    "vsd-10": needs("code", "system"),
}
