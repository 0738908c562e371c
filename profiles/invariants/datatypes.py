"""Invariants of R4's data types (datatypes.html, metadatatypes.html, references.html, extensibility.html)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from profiles import narrative
from profiles.invariants.elements import (
    UCUM,
    Json,
    child,
    exactly_one,
    exists,
    has,
    listed,
    needs,
    not_both,
    number,
    on_object,
    some,
)
from profiles.invariants.moments import not_after
from profiles.invariants.scope import Predicate, Surroundings, contained

_MEAL_TIMES = ("C", "CM", "CD", "CV")
_CURRENCY = "urn:iso:std:iso:4217"
_COMPARABLE = ("system", "code", "unit")

has_value = exists("value[x]")


def _has_content(element: Any, _scope: Surroundings) -> bool:
    """the element has a value or children besides its id."""
    return not isinstance(element, dict) or any(name != "id" for name in element)


def _extends_or_values(extension: Json) -> bool:
    """either extension or value[x] exists."""
    return has(extension, "extension") is not has_value(extension)


def _is_safe_narrative(element: Any, _scope: Surroundings) -> bool:
    """the narrative keeps to the safe subset of XHTML."""
    return not isinstance(element, str) or narrative.problem_in(element) in (None, narrative.EMPTY)


def _has_narrative(element: Any, _scope: Surroundings) -> bool:
    """the narrative has text or an image."""
    return not isinstance(element, str) or narrative.problem_in(element) != narrative.EMPTY


def _system_is(quantity: Json, system: str) -> bool:
    return not has(quantity, "system") or quantity.get("system") == system


def _coded_in(system: str, code: str | None = None) -> Any:
    def test(quantity: Json) -> bool:
        if has(quantity, "value") and not has(quantity, "code"):
            return False
        return _system_is(quantity, system) and (code is None or not has(quantity, "code") or quantity["code"] == code)

    return test


def _age(quantity: Json) -> bool:
    """an age above 0 has a code, of UCUM."""
    value = number(quantity, "value")
    return _coded_in(UCUM)(quantity) and (value is None or value > 0)


def _whole_count(quantity: Json) -> bool:
    """a count is a whole number with the code 1 of UCUM."""
    value = number(quantity, "value")
    return _coded_in(UCUM, "1")(quantity) and (value is None or "." not in str(value))


def _duration(quantity: Json) -> bool:
    """a coded duration has a value and the system of UCUM."""
    return not has(quantity, "code") or (quantity.get("system") == UCUM and has(quantity, "value"))


def _period_in_order(period: Json) -> bool:
    """start is not after end."""
    return not_after(period.get("start"), period.get("end")) is not False


def _range_in_order(span: Json) -> bool:
    """low is not above high."""
    low, high = child(span, "low"), child(span, "high")
    least, most = number(low, "value"), number(high, "value")
    if least is None or most is None or any(low.get(name) != high.get(name) for name in _COMPARABLE):
        return True
    return Decimal(least) <= Decimal(most)


def _ratio(ratio: Json) -> bool:
    """numerator and denominator exist, or neither and an extension."""
    top = has(ratio, "numerator")
    return top is has(ratio, "denominator") and (top or has(ratio, "extension"))


def _contained_target(reference: Any, scope: Surroundings) -> bool:
    """a reference #id points to a contained resource of that id."""
    literal = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(literal, str) or len(literal) < 2 or literal[0] != "#":
        return True
    return contained(literal[1:], scope) is not None


def _not_negative(name: str) -> Predicate:
    return on_object(lambda repeat: (number(repeat, name) or 0) >= 0, f"{name} is not negative")


def _offset_has_an_event(repeat: Json) -> bool:
    """offset exists only beside a when other than C, CM, CD, CV."""
    if not has(repeat, "offset"):
        return True
    events = listed(repeat, "when")
    return bool(events) and not any(event in _MEAL_TIMES for event in events if isinstance(event, str))


def _trigger_has_its_part(trigger: Json) -> bool:
    """a trigger has the name, timing or data its type asks for."""
    kind = trigger.get("type")
    if not isinstance(kind, str):
        return True
    if kind.startswith("data-"):
        return has(trigger, "data")
    if kind == "named-event":
        return has(trigger, "name")
    return kind != "periodic" or has_timing(trigger)


has_timing = exists("timing[x]")


DATATYPES: dict[str, Predicate] = {
    "ele-1": _has_content,
    "ele-1@pas-2.2.1.Subscription": _has_content,
    "ext-1": on_object(_extends_or_values),
    "txt-1": _is_safe_narrative,
    "txt-2": _has_narrative,
    "age-1": on_object(_age),
    "cnt-3": on_object(_whole_count),
    "dis-1": on_object(_coded_in(UCUM), "a distance has a code, of UCUM"),
    "drt-1": on_object(_duration),
    "mqty-1": on_object(_coded_in(_CURRENCY), "an amount has a code, of ISO 4217"),
    "qty-3": needs("code", "system"),
    "sqty-1": on_object(lambda quantity: not has(quantity, "comparator"), "comparator does not exist"),
    "att-1": needs("data", "contentType"),
    "cpt-2": needs("value", "system"),
    "drq-1": exactly_one("path", "searchParam"),
    "drq-2": exactly_one("path", "searchParam"),
    "exp-1": some("expression", "reference"),
    "per-1": on_object(_period_in_order),
    "rat-1": on_object(_ratio),
    "ref-1": _contained_target,
    "rng-2": on_object(_range_in_order),
    "tim-1": needs("duration", "durationUnit"),
    "tim-2": needs("period", "periodUnit"),
    "tim-4": _not_negative("duration"),
    "tim-5": _not_negative("period"),
    "tim-6": needs("periodMax", "period"),
    "tim-7": needs("durationMax", "duration"),
    "tim-8": needs("countMax", "count"),
    "tim-9": on_object(_offset_has_an_event),
    "tim-10": not_both("timeOfDay", "when"),
    "trd-1": not_both("data", "timing[x]"),
    "trd-2": needs("condition", "data"),
    "trd-3": on_object(_trigger_has_its_part),
}
