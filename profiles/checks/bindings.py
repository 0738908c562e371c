"""Required bindings: an error only where the value set expands completely from the tables (licensed codes do not)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from profiles.problem import Check, Problem, Problems, shown, snippet
from profiles.spot import Spot, rule_id
from profiles.tables import Shape
from profiles.valuesets import Code, Expansion

if TYPE_CHECKING:
    from profiles.compiler import Compiler
    from profiles.visit import Visit

LISTED = 12
CODED = {"CodeableConcept", "Coding", "Quantity", "Age", "Duration", "Count", "Distance", "MoneyQuantity"}
BARE = {"code", "string", "uri", "url", "canonical"}


def binding(spot: Spot, compiler: Compiler) -> Check | None:
    """A code comes from the required value set; of several the most particular that can be told decides."""
    if spot.use.code not in CODED and spot.use.code not in BARE:
        return None
    required = [s for s in reversed(spot.shapes) if s.element.binding and s.element.binding[0] == "required"]
    open_set: Check | None = None
    for shape in required:
        canonical = shape.element.binding[1] if shape.element.binding else ""
        expansion = compiler.tables.valuesets.expansion(canonical)
        if expansion.complete and expansion.pairs:
            decides = _from_set(spot, shape, canonical, expansion)
            return decides if open_set is None else _both(open_set, decides)
        if open_set is None and spot.use.code in CODED and (expansion.open_systems or expansion.pairs):
            open_set = _from_open_set(shape, canonical, expansion)
    return open_set


def bare_codes(spot: Spot, compiler: Compiler) -> frozenset[str] | None:
    """The codes a `code` may have, when one complete value set decides; None otherwise."""
    if spot.use.code != "code":
        return None
    required = [s.element.binding[1] for s in spot.shapes if s.element.binding and s.element.binding[0] == "required"]
    expansions = [compiler.tables.valuesets.expansion(canonical) for canonical in reversed(required)]
    decides = next((found for found in expansions if found.complete and found.pairs), None)
    return decides.codes if decides else None


def _both(first: Check, second: Check) -> Check:
    def check(value: Any, visit: Visit) -> Problems:
        return second(value, visit) or first(value, visit)

    return check


def _from_set(spot: Spot, shape: Shape, canonical: str, expansion: Expansion) -> Check:
    rule = rule_id(shape, "binding required")
    name = canonical.partition("|")[0]
    allowed = sorted(expansion.codes)
    listing = ", ".join(allowed[:LISTED]) + (", ..." if len(allowed) > LISTED else "")
    repair = f"One of: {listing}" if spot.use.code in BARE else _coding_repair(spot, expansion)
    bare = expansion.codes
    pairs = expansion.pairs

    def check_code(value: Any, _visit: Visit) -> Problems:
        if not isinstance(value, str) or value in bare:
            return None
        return [Problem("code-invalid", f"{shown(value)} is not in the value set {name}", rule, repair)]

    def check_codings(value: Any, _visit: Visit) -> Problems:
        for code in codes_in(value):
            if code in pairs:
                return None
        return [Problem("code-invalid", _not_in(value, name), rule, repair)]

    return check_code if spot.use.code in BARE else check_codings


def _coding_repair(spot: Spot, expansion: Expansion) -> str:
    codes = sorted(expansion.pairs)
    if len(codes) > LISTED:
        return f"Use a code of {', '.join(sorted(expansion.systems))}."
    codings = [{"system": system, "code": code} for system, code in codes]
    as_concept = spot.use.code == "CodeableConcept"
    return "One of: " + " or ".join(snippet({"coding": [coding]} if as_concept else coding) for coding in codings)


def _from_open_set(shape: Shape, canonical: str, expansion: Expansion) -> Check:
    """Part of the value set is licensed or external: only a system it does not draw from is worth a word."""
    rule = rule_id(shape, "binding required")
    name = canonical.partition("|")[0]
    systems = expansion.systems
    listing = ", ".join(sorted(systems))

    def check(value: Any, _visit: Visit) -> Problems:
        used = [system for system, _ in codes_in(value)]
        if any(system in systems for system in used):
            return None
        if not used:
            return [Problem("code-invalid", _not_in(value, name), rule, f"Add a coding of {listing}.")]
        return [
            Problem(
                "code-invalid",
                f"whether {_used(used)} belongs to {name} cannot be told here: it draws on {listing}",
                rule,
                f"Use a code of {listing}, where there is one.",
                severity="information",
                verdict="not-checkable",
            )
        ]

    return check


def _used(systems: list[str]) -> str:
    return ", ".join(f"a code of {shown(system)}" if system else "a code without system" for system in systems[:3])


def _not_in(value: Any, name: str) -> str:
    codes = [f"{shown(code)} of {shown(system)}" for system, code in codes_in(value)]
    if not codes:
        return f"has no code, and one of the value set {name} is required"
    return f"{', '.join(codes[:3])} {'is' if len(codes) == 1 else 'are'} not in the value set {name}"


def codes_in(value: Any) -> Iterator[Code]:
    """(system, code) of a CodeableConcept, a Coding or a Quantity; an absent system is empty."""
    if isinstance(value, dict):
        codings = value.get("coding")
        for coding in codings if isinstance(codings, list) else (value,):
            if isinstance(coding, dict) and isinstance(coding.get("code"), str):
                system = coding.get("system")
                yield (system if isinstance(system, str) else "", coding["code"])
