"""Resources inside resources: entries of a Bundle, contained ones, those of Parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from profiles.conformance import contained, inside
from profiles.notation import CORE, TypeUse
from profiles.problem import Check, Problem, Problems, is_name

if TYPE_CHECKING:
    from profiles.compiler import Compiler
    from profiles.visit import Candidates, Visit

ENTRY = "Bundle.entry.resource"
CONTAINED = "DomainResource.contained"


def resource_slot(compiler: Compiler, path: str, uses: tuple[TypeUse, ...], rule: str) -> Check:
    """The check of an element that holds a resource of one of the types `uses`, each by its profiles."""
    by_type: dict[str, Candidates] = {}
    for use in uses:
        if use.code not in ("Resource", "DomainResource"):
            held = tuple(profile for profile in use.profiles if compiler.tables.find(profile))
            by_type[use.code] = compiler.one_of(use.code, held or (CORE + use.code,))
    names = " or ".join(sorted(by_type))
    everything = compiler.resource_types

    def check(value: Any, visit: Visit) -> Problems:
        kind = value.get("resourceType") if type(value) is dict else None
        if type(kind) is not str:
            return [_not_a_resource(path)]
        if by_type and kind not in by_type:
            return [Problem("structure", f"a {_named(kind)} where only {names} may be", rule, f"Put {names} here.")]
        if kind not in everything:
            return [_unknown_type(kind, compiler, path)]
        place = visit.place_of(value) if path == ENTRY else None
        candidates = by_type.get(kind)
        if place is not None:
            if candidates:
                visit.want(place, candidates)
            return None
        return (contained if path == CONTAINED else inside)(compiler, value, kind, candidates, visit)

    return check


def _named(kind: str) -> str:
    return kind if is_name(kind) else "resource of another type"


def _not_a_resource(path: str) -> Problem:
    text = "must be a resource: an object with a resourceType"
    return Problem("structure", text, f"R4 {path}", '{"resourceType": "...", ...}')


def _unknown_type(kind: str, compiler: Compiler, path: str) -> Problem:
    if kind in compiler.tables.valuesets.expansion("http://hl7.org/fhir/ValueSet/resource-types").codes:
        text = f"{kind} is not among the resource types checked here"
        return Problem("not-supported", text, f"R4 {path}", severity="information", verdict="not-checkable")
    said = f"{kind} is not an R4 resource type" if is_name(kind) else "not an R4 resource type"
    return Problem("structure", said, f"R4 {path}", "Correct the resourceType.", trail=["resourceType"])
