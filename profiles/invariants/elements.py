"""Reading elements of decoded JSON the way FHIRPath sees them, and the shapes most invariants have.

An element exists when it has a value or, being primitive, an `_name` sibling with its id or extensions. Names ending
in `[x]` mean any of their types. Values of an unforeseen JSON kind count as existing and are equal to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from math import isfinite
from typing import Any

from profiles.invariants.scope import Predicate, Surroundings

Json = dict[str, Any]
Test = Callable[[Json], bool]

UCUM = "http://unitsofmeasure.org"


def on_object(test: Test, says: str = "") -> Predicate:
    """`test` for an object; any other JSON holds, since its kind is reported already.

    The predicate's docstring is what it says: `says`, else the docstring of `test`.
    """

    def holds(element: Any, _scope: Surroundings) -> bool:
        return type(element) is not dict or test(element)

    holds.__doc__ = says or test.__doc__ or ""
    return holds


def on_string(test: Callable[[str], bool], says: str) -> Predicate:
    """`test` for a string; any other JSON holds."""

    def holds(element: Any, _scope: Surroundings) -> bool:
        return type(element) is not str or test(element)

    holds.__doc__ = says
    return holds


def exists(name: str) -> Test:
    """FHIRPath `name.exists()`; `value[x]` for a choice."""
    if name.endswith("[x]"):
        stem = name[:-3]
        return lambda node: choice_name(node, stem) is not None
    shadow = f"_{name}"
    return lambda node: node.get(name) is not None or shadow in node


def has(node: Json, name: str) -> bool:
    """FHIRPath `name.exists()` for an element of one type."""
    return node.get(name) is not None or f"_{name}" in node


def choice_name(node: Json, stem: str) -> str | None:
    """The name under which a choice stands: `valueQuantity` for `value`."""
    size = len(stem)
    for key in node:
        start = 1 if key[:1] == "_" else 0
        if key.startswith(stem, start) and key[start + size : start + size + 1].isupper():
            return key[start:]
    return None


def choice(node: Json, stem: str) -> Any:
    """The JSON value of a choice, None when it has none."""
    name = choice_name(node, stem)
    return None if name is None else node.get(name)


def listed(node: Json, name: str) -> list[Any]:
    """The repeats of an element, whatever they are; a single value is one."""
    value = node.get(name)
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def objects(node: Json, name: str) -> list[Json]:
    """The repeats of an element that are objects."""
    return [one for one in listed(node, name) if isinstance(one, dict)]


def child(node: Json, name: str) -> Json:
    """The element when it is an object, else one without content."""
    value = node.get(name)
    return value if isinstance(value, dict) else {}


def count(node: Json, name: str) -> int:
    """FHIRPath `name.count()`."""
    value = node.get(name)
    return len(value) if isinstance(value, list) else int(has(node, name))


def number(node: Json, name: str) -> int | Decimal | float | None:
    """The element when it is a finite number."""
    value = node.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return value if isinstance(value, (Decimal, float)) and isfinite(value) else None


def codings(node: Json, name: str) -> Iterator[Json]:
    """The codings of a CodeableConcept, or of all its repeats."""
    for concept in objects(node, name):
        yield from objects(concept, "coding")


def coded(node: Json, name: str, code: str, system: str | None = None) -> bool:
    """True when a coding of that concept has the code (and the system)."""
    return any(
        one.get("code") == code and (system is None or one.get("system") == system) for one in codings(node, name)
    )


def is_distinct(values: list[Any]) -> bool:
    """FHIRPath `isDistinct()` over strings; values of another kind are passed over."""
    words = [value for value in values if isinstance(value, str)]
    return len(words) == len(set(words))


def descendants(node: Any) -> Iterator[Json]:
    """Every object below `node`, without recursion."""
    waiting = [node]
    while waiting:
        one = waiting.pop()
        children = one.values() if isinstance(one, dict) else one
        for below in children:
            if isinstance(below, dict):
                yield below
                waiting.append(below)
            elif isinstance(below, list):
                waiting.append(below)


def extended(node: Json, url: str) -> bool:
    """True when `node` has an extension of that url."""
    return any(one.get("url") == url for one in objects(node, "extension"))


def never_fails(_element: Any, _scope: Surroundings) -> bool:
    """nothing has to be: the expression cannot fail."""
    return True


def some(*names: str) -> Predicate:
    """At least one of the elements exists."""
    says = f"{' or '.join(names)} exists"
    if not any(name.endswith("[x]") for name in names):
        keys = frozenset((*names, *(f"_{name}" for name in names)))
        return on_object(lambda node: not keys.isdisjoint(node), says)
    tests = [exists(name) for name in names]
    return on_object(lambda node: any(test(node) for test in tests), says)


def not_both(one: str, other: str) -> Predicate:
    """One of the elements is empty."""
    first, second = exists(one), exists(other)
    return on_object(lambda node: not (first(node) and second(node)), f"{one} and {other} do not both exist")


def exactly_one(one: str, other: str) -> Predicate:
    """One element exists and the other is empty."""
    first, second = exists(one), exists(other)
    return on_object(lambda node: first(node) is not second(node), f"either {one} or {other} exists")


def both_or_none(one: str, other: str) -> Predicate:
    """The elements exist together."""
    first, second = exists(one), exists(other)
    return on_object(lambda node: first(node) is second(node), f"{one} and {other} exist together or not at all")


def needs(name: str, other: str) -> Predicate:
    """Where the element exists, the other does."""
    test, needed = exists(name), exists(other)
    return on_object(lambda node: not test(node) or needed(node), f"{other} exists where {name} does")


def when(name: str, values: str, needed: str) -> Predicate:
    """Where the code `name` is one of `values` (blank-separated), `needed` exists."""
    codes, test = frozenset(values.split()), exists(needed)
    return on_object(
        lambda node: not _is_one(node.get(name), codes) or test(node), f"{needed} exists where {name} is {_or(values)}"
    )


def only_when(name: str, values: str, allowed: str) -> Predicate:
    """`allowed` exists only where the code `name` is one of `values` (blank-separated) or missing itself."""
    codes, test = frozenset(values.split()), exists(allowed)
    return on_object(
        lambda node: not isinstance(node.get(name), str) or node[name] in codes or not test(node),
        f"{allowed} exists only where {name} is {_or(values)}",
    )


def never_when(name: str, values: str, *refused: str) -> Predicate:
    """None of `refused` exists where the code `name` is one of `values` (blank-separated)."""
    codes, tests = frozenset(values.split()), [exists(other) for other in refused]
    return on_object(
        lambda node: not _is_one(node.get(name), codes) or not any(test(node) for test in tests),
        f"no {' and no '.join(refused)} exists where {name} is {_or(values)}",
    )


def distinct(name: str, part: str) -> Predicate:
    """The `part` of no two repeats of `name` is the same."""
    return on_object(
        lambda node: is_distinct([one.get(part) for one in objects(node, name)]), f"no two {name} have the same {part}"
    )


def matches(pattern: str, name: str = "") -> Predicate:
    """The whole string, or the string element `name` where there is one, fits `pattern`."""
    fits = re.compile(pattern).fullmatch
    if not name:
        return on_string(lambda text: fits(text) is not None, f"it fits {pattern}")

    def test(node: Json) -> bool:
        text = node.get(name)
        return not isinstance(text, str) or fits(text) is not None

    return on_object(test, f"{name} fits {pattern}")


def _is_one(value: Any, codes: frozenset[str]) -> bool:
    return isinstance(value, str) and value in codes


def _or(values: str) -> str:
    return " or ".join(values.split())
