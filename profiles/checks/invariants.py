"""The invariants of the tables, each a native predicate; ele-1 and ext-1 are part of the structure checks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from profiles.checks.elements import nothing_more
from profiles.invariants import UNDECIDABLE, predicate_for
from profiles.issue import Severity
from profiles.problem import Check, Problem, Problems
from profiles.spot import Spot

if TYPE_CHECKING:
    from profiles.compiler import Compiler
    from profiles.visit import Visit

# ele-1 and ext-1 are part of the structure checks, txt-1 and txt-2 of the narrative's.
NATIVE = frozenset({"ele-1", "ext-1", "txt-1", "txt-2"})
UNFORESEEN = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
ADVICE = "information"  # best practice of R4 (dom-6: have a narrative), which would be said of nearly every resource

# Invariants about an element that is seldom there: without it they hold, and need not be asked.
ONLY_WITH = {
    "dom-2": "contained",
    "dom-3": "contained",
    "dom-4": "contained",
    "dom-5": "contained",
    "att-1": "data",
    "tim-1": "duration",
    "tim-2": "period",
    "tim-4": "duration",
    "tim-5": "period",
    "tim-6": "periodMax",
    "tim-7": "durationMax",
    "tim-8": "countMax",
    "tim-9": "offset",
    "tim-10": "timeOfDay",
}


def invariants(spot: Spot, compiler: Compiler) -> Check | None:
    """Every invariant the definitions name for this element holds."""
    named: dict[str, tuple[str, str, str]] = {}
    for shape in (*compiler.type_roots(spot.use), *spot.shapes):
        for key in shape.element.rules:
            if key not in NATIVE and key not in UNDECIDABLE:
                named.setdefault(key, (key, shape.guide, shape.element.id.partition(".")[0]))
    return compiler.shared(tuple(named.values()), _all_named) if named else None


def _all_named(names: tuple[tuple[str, str, str], ...], compiler: Compiler) -> Check:
    """The checks of several invariants, each by key, guide and type; those of seldom elements behind one question."""
    checks: list[Check] = []
    seldom: dict[str, list[Check]] = {}
    for key, guide, kind in names:
        severity = compiler.tables.severity(guide, key)
        one = None if severity == ADVICE else _invariant(key, guide, kind, severity)
        if one is not None:
            (seldom.setdefault(ONLY_WITH[key], []) if key in ONLY_WITH else checks).append(one)
    rare = [_only_with(name, inside) for name, group in seldom.items() if (inside := all_of(group))]
    return all_of([*checks, *rare]) or nothing_more


def _only_with(name: str, inside: Check) -> Check:
    shadow = f"_{name}"

    def check(value: Any, visit: Visit) -> Problems:
        return inside(value, visit) if type(value) is dict and (name in value or shadow in value) else None

    return check


def all_of(checks: list[Check]) -> Check | None:
    """Several checks as one."""
    if len(checks) < 2:
        return checks[0] if checks else None
    several = tuple(checks)

    def check(value: Any, visit: Visit) -> Problems:
        problems: Problems = None
        for one in several:
            found = one(value, visit)
            if found:
                if problems is None:
                    problems = found
                else:
                    problems += found
        return problems

    return check


LEAVES = frozenset({"code", "system", "value"})


def structure_then(structure: Check, value: Check, others: Check | None) -> Check:
    """A complex value: its structure, then what it must be unless a flaw of its code explains that already."""

    def check(part: Any, visit: Visit) -> Problems:
        problems = structure(part, visit)
        if not problems or not any(p.trail and p.trail[0] in LEAVES for p in problems):
            found = value(part, visit)
            if found:
                problems = [*(problems or ()), *found]
        found = others(part, visit) if others is not None else None
        return [*(problems or ()), *found] if found else problems

    return check


def first_of(checks: list[Check]) -> Check:
    """Several checks of which the first broken one speaks."""
    if len(checks) == 1:
        return checks[0]
    several = tuple(checks)

    def check(value: Any, visit: Visit) -> Problems:
        for one in several:
            found = one(value, visit)
            if found:
                return found
        return None

    return check


def _invariant(key: str, guide: str, path: str, severity: str) -> Check | None:
    predicate = predicate_for(key, guide, path)
    if predicate is None:
        return None
    holds = predicate
    meaning = (predicate.__doc__ or "").strip().partition("\n")[0].rstrip(".")
    message = f"{key} does not hold" + (f": {meaning}" if meaning else "")
    grave = cast(Severity, severity)

    def check(value: Any, visit: Visit) -> Problems:
        try:
            if holds(value, visit):
                return None
        except UNFORESEEN:
            return None  # a value of no use to the invariant is reported for what it is
        return [Problem("invariant", message, key, f"Make true: {meaning}." if meaning else "", severity=grave)]

    return check
