"""Primitive values: their syntax, length, bounds, fixed values and patterns."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from profiles.checks.bindings import bare_codes
from profiles.primitives import PRIMITIVES
from profiles.problem import Check, Problem, Problems, shown, snippet
from profiles.spot import Spot, rule_id, saying

if TYPE_CHECKING:
    from profiles.compiler import Compiler
    from profiles.visit import Visit

Matcher = Callable[[Any], bool]
QUOTABLE = {"code", "boolean", "integer", "positiveInt", "unsignedInt", "uri", "url", "canonical", "oid", "uuid"}
EXAMPLES = {
    "base64Binary": '"UGxhY2V0"',
    "boolean": "true",
    "code": '"a-code", without blanks around it',
    "markdown": '"text"',
    "string": '"text"',
    "canonical": '"http://example.org/Questionnaire/x|1.0"',
    "date": '"2026-01-31"',
    "dateTime": '"2026-01-31" or "2026-01-31T09:30:00-05:00"',
    "decimal": "12.50",
    "id": '"claim-1"',
    "instant": '"2026-01-31T09:30:00Z"',
    "integer": "1",
    "oid": '"urn:oid:2.16.840.1.113883"',
    "positiveInt": "1",
    "time": '"09:30:00"',
    "unsignedInt": "0",
    "uri": '"http://example.org/x"',
    "url": '"https://example.org/x"',
    "uuid": '"urn:uuid:11111111-2222-4333-8444-555555555555"',
}
NUMBERS = (int, float, Decimal)


def primitive(spot: Spot) -> Check:
    """The value is one of its FHIR type (calendar-true dates, ids, no lone surrogates, ...)."""
    code = spot.use.code
    reason_against = PRIMITIVES[code]
    rule = f"R4 {spot.path}"
    repair = f"Like {EXAMPLES[code]}" if code in EXAMPLES else ""

    def against(value: Any) -> Problems:
        reason = reason_against(value)
        if reason is None:
            return None
        kind = "structure" if value is None or isinstance(value, (dict, list)) else "value"
        return [Problem(kind, f"{code}: {reason}", rule, repair, gap=value is None)]

    if code in ONE_WORD:
        return _one_word(against)
    return _text(against) if code in TEXT else lambda value, _visit: against(value)


ONE_WORD = {"code", "uri", "url", "canonical"}
TEXT = {"string", "markdown"}
USUAL = 4096
Against = Callable[[Any], Problems]


def _one_word(against: Against) -> Check:
    """Nearly every code and uri is right at a glance; the others are looked at closely."""

    def check(value: Any, _visit: Visit) -> Problems:
        if type(value) is str and value and len(value) < USUAL and " " not in value and value.isprintable():
            return None
        return against(value)

    return check


def _text(against: Against) -> Check:
    """So is nearly every text that begins with no blank."""

    def check(value: Any, _visit: Visit) -> Problems:
        if type(value) is str and value and len(value) < USUAL and value[0] > " " and value.isprintable():
            return None
        return against(value)

    return check


ELSEWHERE = {
    "Claim.use": "Only requests for authorization are taken here: send claims for payment to the claims system.",
}
"""Where writing the demanded value is no help: who handles what was meant (PF-9)."""


def quickly(spot: Spot, compiler: Compiler, whole: Check) -> Check:
    """`whole`, but a string that is one of the few that are right by every rule passes with one look.

    Those are the fixed value, the pattern, or the codes of a complete value set, when no other kind of rule is there.
    """
    elements = [shape.element for shape in spot.shapes]
    if any(e.rules or e.length is not None or e.lowest or e.highest for e in elements):
        return whole
    literals = [literal.value for e in elements for literal in (e.fixed, e.pattern) if literal is not None]
    if literals:
        right = frozenset(literals[-1:]) if all(isinstance(v, str) and v == literals[-1] for v in literals) else None
    else:
        right = bare_codes(spot, compiler)
    if not right:
        return whole
    accepted = right

    def check(value: Any, visit: Visit) -> Problems:
        if type(value) is str and value in accepted:
            return None
        return whole(value, visit)

    return check


def length(spot: Spot, _compiler: Compiler) -> Check | None:
    """A string is not longer than its definitions allow."""
    limits = [(shape.element.length, shape) for shape in saying(spot.shapes, "length")]
    if not limits:
        return None
    longest, shape = min(limits, key=lambda limit: limit[0] or 0)
    rule = rule_id(shape, f"length {longest}")

    def check(value: Any, _visit: Visit) -> Problems:
        if not isinstance(value, str) or longest is None or len(value) <= longest:
            return None
        return [Problem("value", f"longer than {longest} characters ({len(value)})", rule, f"At most {longest}.")]

    return check


def bounds(spot: Spot, _compiler: Compiler) -> Check | None:
    """A number lies between the bounds its definitions set."""
    limits = [shape for shape in spot.shapes if shape.element.lowest or shape.element.highest]
    if not limits:
        return None
    shape = limits[-1]
    low = shape.element.lowest.value if shape.element.lowest else None
    high = shape.element.highest.value if shape.element.highest else None
    rule = rule_id(shape, f"from {snippet(low)} to {snippet(high)}")

    def check(value: Any, _visit: Visit) -> Problems:
        if not isinstance(value, NUMBERS):
            return None
        if (not isinstance(low, NUMBERS) or value >= low) and (not isinstance(high, NUMBERS) or value <= high):
            return None
        return [Problem("value", f"must be from {snippet(low)} to {snippet(high)}", rule)]

    return check


def fixed(spot: Spot, _compiler: Compiler) -> Check | None:
    """The value is exactly the fixed one."""
    demanding = list(saying(spot.shapes, "fixed"))
    if not demanding:
        return None
    shape = demanding[-1]
    expected = shape.element.fixed.value if shape.element.fixed else None
    return _must_be(spot, expected, lambda value: same(value, expected), rule_id(shape, "fixed"))


def pattern(spot: Spot, _compiler: Compiler) -> Check | None:
    """The value contains the pattern."""
    demanding = list(saying(spot.shapes, "pattern"))
    if not demanding:
        return None
    checks = []
    for shape in demanding:
        expected = shape.element.pattern.value if shape.element.pattern else None
        checks.append(_must_be(spot, expected, matcher(expected), rule_id(shape, "pattern")))
    if len(checks) == 1:
        return checks[0]

    def check(value: Any, visit: Visit) -> Problems:
        for one in reversed(checks):  # the most particular definition speaks for all
            found = one(value, visit)
            if found:
                return found
        return None

    return check


def _must_be(spot: Spot, expected: Any, matches: Matcher, rule: str) -> Check:
    text = snippet(expected)
    quotable = spot.use.code in QUOTABLE

    def check(value: Any, _visit: Visit) -> Problems:
        if matches(value):
            return None
        instead = f", not {shown(value)}" if quotable else ""
        verb = "contain" if isinstance(expected, dict) else "be"
        return [Problem("value", f"must {verb} {text}{instead}", rule, ELSEWHERE.get(spot.path, text))]

    return check


def same(value: Any, expected: Any) -> bool:
    """JSON equality in which true is not 1."""
    if isinstance(expected, dict):
        return (
            isinstance(value, dict)
            and value.keys() == expected.keys()
            and all(same(value[key], part) for key, part in expected.items())
        )
    if isinstance(expected, list):
        return isinstance(value, list) and len(value) == len(expected) and all(map(same, value, expected))
    if isinstance(expected, bool) or isinstance(value, bool):
        return value is expected
    return bool(value == expected)


def matcher(expected: Any) -> Matcher:
    """Whether a value contains a pattern: every name of it, and for each item of its lists one that matches."""
    if isinstance(expected, dict):
        coding = _single_coding(expected)
        return _has_coding(*coding) if coding else _has_parts(expected)
    if isinstance(expected, list):
        parts = [matcher(part) for part in expected]
        return lambda value: isinstance(value, list) and all(any(map(part, value)) for part in parts)
    return lambda value: same(value, expected)


def _has_parts(expected: dict[str, Any]) -> Matcher:
    parts = {key: matcher(part) for key, part in expected.items()}

    def matches(value: Any) -> bool:
        return isinstance(value, dict) and all(key in value and part(value[key]) for key, part in parts.items())

    return matches


def _single_coding(expected: dict[str, Any]) -> tuple[str, str] | None:
    """(system, code) of a pattern that is one coding with just these, the usual pattern by far."""
    codings = expected.get("coding")
    if (
        len(expected) == 1
        and isinstance(codings, list)
        and len(codings) == 1
        and codings[0].keys() == {"system", "code"}
    ):
        return codings[0]["system"], codings[0]["code"]
    return None


def _has_coding(system: str, code: str) -> Matcher:
    def matches(value: Any) -> bool:
        codings = value.get("coding") if isinstance(value, dict) else None
        if not isinstance(codings, list):
            return False
        return any(isinstance(c, dict) and c.get("code") == code and c.get("system") == system for c in codings)

    return matches
