"""Discriminators: what tells the items of one slice from those of another (ElementDefinition.slicing.discriminator)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from profiles.checks.bindings import codes_in
from profiles.checks.values import matcher, same
from profiles.conformance import conforms
from profiles.spot import Shapes, least, most
from profiles.tables import Shape

if TYPE_CHECKING:
    from profiles.compiler import Compiler
    from profiles.visit import Visit

Belongs = Callable[[Any, "Visit"], bool]
Values = Callable[[Any], Iterator[Any]]
_STEP = re.compile(r"extension\('([^']+)'\)|ofType\((\w+)\)|resolve\(\)|([A-Za-z$][\w$]*)(?: as (\w+))?")


def belongs_by(compiler: Compiler, kind: str, path: str, shapes: Shapes) -> Belongs | None:
    """Whether an item belongs to the slice `shapes` by one discriminator; None when that cannot be told here."""
    steps = _steps(path)
    values = _walker(steps)
    target = _descend(compiler, shapes, steps)
    if kind in ("value", "pattern"):
        return _by_value(compiler, steps, shapes, target, values)
    if kind == "exists":
        return _by_existence(target, values)
    if kind == "type":
        return _by_type(target, values, steps)
    if kind == "profile":
        return _by_profile(compiler, target, values, steps)
    return None


Step = tuple[str, str]


def _steps(path: str) -> list[Step]:
    """`extension('u').value.ofType(boolean)` as [(extension, u), (child, value), (ofType, boolean)]."""
    found: list[Step] = []
    for match in _STEP.finditer(path):
        url, kind, name, cast = match.groups()
        if url:
            found.append(("extension", url))
        elif kind:
            found.append(("ofType", kind))
        elif name and name != "$this":
            found.append(("child", name))
            found += [("ofType", cast)] if cast else []
        elif not name:
            found.append(("resolve", ""))
    return found


def _walker(steps: list[Step]) -> Values:
    def walk(item: Any) -> Iterator[Any]:
        values = [item]
        for number, (how, name) in enumerate(steps):
            cast = steps[number + 1][1] if number + 1 < len(steps) and steps[number + 1][0] == "ofType" else ""
            values = [below for value in values for below in _below(value, how, name, cast)]
        return iter(values)

    return walk


def _below(value: Any, how: str, name: str, cast: str) -> Iterator[Any]:
    if how in ("ofType", "resolve"):
        yield value
    elif isinstance(value, dict):
        if how == "extension":
            inside = value.get("extension")
            for part in inside if isinstance(inside, list) else ():
                if isinstance(part, dict) and part.get("url") == name:
                    yield part
            return
        keys = [name] if name in value else _choices(value, name, cast)
        for key in keys:
            child = value[key]
            yield from child if isinstance(child, list) else (child,)


def _choices(value: dict[str, Any], name: str, cast: str) -> list[str]:
    if cast:
        key = name + cast[0].upper() + cast[1:]
        return [key] if key in value else []
    size = len(name)
    return [key for key in value if key.startswith(name) and key[size : size + 1].isupper()]


def children_of(shapes: Shapes, name: str) -> Shapes:
    """What the definitions say of a child, a choice included."""
    found = []
    for shape in shapes:
        child = shape.children.get(name) or shape.children.get(f"{name}[x]")
        if child is not None:
            found.append(child)
    return tuple(found)


def _descend(compiler: Compiler, shapes: Shapes, steps: list[Step]) -> Shapes:
    """What the slice says of the element its discriminator leads to."""
    for how, name in steps:
        if how == "extension":
            inside = [s for shape in shapes for s in _extension_slices(shape, name)]
            shapes = tuple(inside) or compiler.definition_shapes(name)
        elif how == "child":
            below = children_of(shapes, name)
            profiles = [p for shape in shapes for use in shape.element.types for p in use.profiles]
            if not below and len(profiles) == 1:
                below = children_of(compiler.definition_shapes(profiles[0]), name)
            shapes = below
    return shapes


def _extension_slices(shape: Shape, url: str) -> Iterator[Shape]:
    inside = shape.children.get("extension")
    for part in inside.slices.values() if inside else ():
        profiles = [p.partition("|")[0] for use in part.element.types for p in use.profiles]
        fixed = part.children["url"].element.fixed if "url" in part.children else None
        tail = url.rsplit("/", 1)[-1].removeprefix("extension-")
        if url in profiles or (fixed is not None and fixed.value == url) or part.element.id.endswith(f":{tail}"):
            yield part


def _by_value(compiler: Compiler, steps: list[Step], shapes: Shapes, target: Shapes, values: Values) -> Belongs | None:
    expected = _expectation(compiler, target) or _inside_pattern(shapes, steps)
    if expected is None:
        return None
    fits = expected
    if len(steps) == 1 and steps[0][0] == "child":
        name = steps[0][1]

        def direct(item: Any, _visit: Visit) -> bool:
            part = item.get(name) if type(item) is dict else None
            return any(map(fits, part)) if type(part) is list else part is not None and fits(part)

        return direct
    if not steps:
        return lambda item, _visit: fits(item)
    return lambda item, _visit: any(map(fits, values(item)))


def _expectation(compiler: Compiler, target: Shapes) -> Callable[[Any], bool] | None:
    for shape in reversed(target):
        element = shape.element
        if element.fixed is not None:
            wanted = element.fixed.value
            return lambda value: same(value, wanted)
        if element.pattern is not None:
            return matcher(element.pattern.value)
        deeper = _deeper(shape)
        if deeper is not None:
            return deeper
        if element.binding and element.binding[0] == "required":
            found = compiler.tables.valuesets.expansion(element.binding[1])
            pairs, systems, bare = found.pairs, found.open_systems, found.codes
            if pairs or systems:
                return lambda value: (
                    value in bare
                    if isinstance(value, str)
                    else any(c in pairs or c[0] in systems for c in codes_in(value))
                )
    return None


def _deeper(shape: Shape) -> Callable[[Any], bool] | None:
    """Fixed values and patterns below the element itself: `coding.system` fixed of an identifier's type."""
    tests = []
    for name, child in shape.children.items():
        literal = child.element.fixed or child.element.pattern
        if literal is not None:
            tests.append((name, matcher(literal.value)))
        else:
            inner = _deeper(child)
            if inner is not None:
                tests.append((name, inner))
    if not tests:
        return None

    def fits(value: Any) -> bool:
        if not isinstance(value, dict):
            return False
        return all(
            any(map(test, value[name])) if isinstance(value.get(name), list) else name in value and test(value[name])
            for name, test in tests
        )

    return fits


def _inside_pattern(shapes: Shapes, steps: list[Step]) -> Callable[[Any], bool] | None:
    """The value at the path when only an element above it has a pattern (`type` for `type.coding.system`)."""
    names = [name for how, name in steps if how == "child"]
    for depth in range(len(names)):
        above = shapes
        for name in names[:depth]:
            above = children_of(above, name)
        for shape in reversed(above):
            literal = shape.element.fixed or shape.element.pattern
            if literal is not None:
                found = _dig(literal.value, names[depth:])
                if found:
                    return lambda value, found=found: any(same(value, one) for one in found)  # type: ignore[misc]
    return None


def _dig(value: Any, names: list[str]) -> list[Any]:
    values = [value]
    for name in names:
        below = [v[name] for v in values if isinstance(v, dict) and name in v]
        values = [item for v in below for item in (v if isinstance(v, list) else [v])]
    return values


def _by_existence(target: Shapes, values: Values) -> Belongs | None:
    low, _ = least(target) if target else (0, None)
    high = most(target)[0] if target else None
    if high == 0:
        return lambda item, _visit: next(values(item), None) is None
    if low > 0:
        return lambda item, _visit: next(values(item), None) is not None
    return None


def _by_type(target: Shapes, values: Values, steps: list[Step]) -> Belongs | None:
    codes: frozenset[str] = frozenset()
    for shape in target:
        if shape.element.types:
            codes = frozenset(use.code for use in shape.element.types)
    if not codes or "Resource" in codes:
        return None

    if len(steps) == 1 and steps[0][0] == "child":
        name = steps[0][1]

        def direct(item: Any, _visit: Visit) -> bool:
            part = item.get(name) if type(item) is dict else None
            kind = part.get("resourceType") if type(part) is dict else None
            return type(kind) is str and kind in codes

        return direct

    def belongs(item: Any, _visit: Visit) -> bool:
        kinds = (value.get("resourceType") for value in values(item) if isinstance(value, dict))
        return any(isinstance(kind, str) and kind in codes for kind in kinds)

    return belongs


def _by_profile(compiler: Compiler, target: Shapes, values: Values, steps: list[Step]) -> Belongs | None:
    uses = next((shape.element.types for shape in reversed(target) if shape.element.types), ())
    profiles = [profile for use in uses for profile in use.profiles]
    if not profiles:
        return _by_type(target, values, steps)

    def belongs(item: Any, visit: Visit) -> bool:
        return any(conforms(compiler, value, profile, visit) for value in values(item) for profile in profiles)

    return belongs
