"""What an object may hold, from the definitions of its elements: filling `Fields` for the check of the object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from profiles.checks import extensions, resources, slicing
from profiles.checks.elements import Choice, Fields, Needed, list_check, nothing_more, sibling_list
from profiles.checks.invariants import first_of, invariants
from profiles.notation import TypeUse
from profiles.primitives import PRIMITIVES
from profiles.problem import Check, Problem, Problems, snippet
from profiles.spot import Shapes, Spot, children, is_list, least, like, most, rule_id, slices, types
from profiles.spot import slicing as slicing_of
from profiles.tables import Shape

if TYPE_CHECKING:
    from profiles.compiler import Compiler
    from profiles.visit import Visit

EXTENSIONS = ("extension", "modifierExtension")
MANY_CHOICES = 40  # more than these only Extension.value[x] has, where the extension's own check sees two values


def fill(compiler: Compiler, fields: Fields, sources: Shapes, hosts: frozenset[str]) -> None:
    """Every element the definitions `sources` name; `hosts` are the names extensions may know this object by."""
    for name, shapes in children(sources).items():
        if not shapes[0].element.types and not shapes[0].element.like:
            continue  # a profile speaks of something R4 does not have
        if name.endswith("[x]"):
            _choice(compiler, fields, name.removesuffix("[x]"), shapes)
        elif name in EXTENSIONS:
            _extensions(compiler, fields, name, shapes, hosts)
        else:
            _plain(compiler, fields, name, shapes)


def _extensions(compiler: Compiler, fields: Fields, name: str, shapes: Shapes, hosts: frozenset[str]) -> None:
    low, by = least(shapes)
    if most(shapes)[0] == 0:
        fields.forbidden[name] = (rule_id(most(shapes)[1], "0..0"), "Remove it.")
        return
    fields.table[name] = extensions.extension_list(compiler, shapes, hosts)
    missing = [d for d in extensions.demands(compiler, shapes).values() if d.at_least]
    if missing:
        fields.needed.append(Needed((name,), lambda _visit: [extensions.missing_extension(d) for d in missing]))
        fields.quick.add(name)
    elif low:
        _need(fields, (name,), rule_id(by, f"{low}..*"), f"Add {name}.")


def _plain(compiler: Compiler, fields: Fields, name: str, shapes: Shapes) -> None:
    low, low_by = least(shapes)
    high, high_by = most(shapes)
    if high == 0:
        fields.forbidden[name] = (rule_id(high_by, "0..0"), f"Remove {name}.")
        return
    uses, _ = types(shapes)
    many = is_list(shapes)
    rule = rule_id(low_by if low else high_by, f"{low}..{'*' if high is None else high}")
    item = _item(compiler, shapes)
    parts = _slices(compiler, shapes) if many else []
    fields.table[name] = _list(shapes, item, parts, (low, high, rule)) if many else item
    names: tuple[str, ...] = (name,)
    if uses and uses[0].code in PRIMITIVES:
        names = (name, f"_{name}")
        _sibling(compiler, fields, name, shapes, uses[0], many=many)
    missing = [part for part in parts if part.at_least]
    if low:
        _need(fields, names, rule, _example(name, shapes))
    elif missing:
        # A slice that must be there makes its list necessary, even one that may be absent for R4.
        fields.needed.append(Needed((name,), lambda _visit: [slicing.missing_slice(part) for part in missing]))
        fields.quick.add(name)


def _item(compiler: Compiler, shapes: Shapes) -> Check:
    """The check of one value of an element that is no choice."""
    if like(shapes):
        return compiler.value(Spot(shapes, TypeUse("BackboneElement")))
    uses, said_by = types(shapes)
    if not all(compiler.is_resource(use.code) for use in uses):
        return compiler.value(Spot(shapes, uses[0]))
    rule = rule_id(said_by, " or ".join(use.code for use in uses))
    slot = resources.resource_slot(compiler, shapes[0].element.id, uses, rule)
    further = invariants(Spot(shapes, TypeUse("Resource")), compiler)
    return slot if further is None else first_of([slot, further])


def _list(shapes: Shapes, item: Check, parts: list[slicing.Slice], card: tuple[int, int | None, str]) -> Check:
    """The check of the array, of its items, and of the slices it is divided into."""
    path = shapes[0].element.id
    how = slicing_of(shapes)
    low, high, rule = card
    if not parts or how is None:
        return list_check(item, path, low, high, rule)
    promised = sum(part.at_least for part in parts)
    whole = list_check(nothing_more, path, low if low > promised else 0, high, rule)
    return slicing.sliced_list(whole, item, parts, how, rule_id(shapes[-1], f"slices {how.rules}"))


def _slices(compiler: Compiler, shapes: Shapes) -> list[slicing.Slice]:
    how = slicing_of(shapes)
    named = slices(shapes)
    if how is None or not named:
        return []
    return slicing.slice_items(compiler, how, named, lambda parts: _item(compiler, (*shapes, *parts)))


def _sibling(compiler: Compiler, fields: Fields, name: str, shapes: Shapes, use: TypeUse, *, many: bool) -> None:
    """The `_x` that carries id and extensions of a primitive."""
    own = tuple(shape for shape in shapes if shape.children)
    path = shapes[0].element.id
    sources = (*compiler.tables.type_chain("Element"), *own)
    inside = compiler.object(sources, use.code if own else "Element", path if own else "Element", beside=True)
    fields.table[f"_{name}"] = sibling_list(inside, path) if many else inside
    fields.aliases[f"_{name}"] = fields.aliases.get(name, name)
    if own and not many and any(_demands_extension(shape) for shape in own):
        fields.siblings.append((name, _only_required(inside)))


def _demands_extension(shape: Shape) -> bool:
    inside = shape.children.get("extension")
    return inside is not None and (
        bool(inside.element.least) or any(part.element.least for part in inside.slices.values())
    )


def _only_required(inside: Check) -> Check:
    """What is missing in the sibling of a primitive that has none."""

    def check(_value: Any, visit: Visit) -> Problems:
        found = inside({"id": "x"}, visit)
        return [problem for problem in found or () if problem.code == "required"] or None

    return check


def _need(fields: Fields, names: tuple[str, ...], rule: str, repair: str) -> None:
    said = f"{names[0]} is missing"
    fields.needed.append(Needed(names, lambda _visit: [Problem("required", said, rule, repair)]))
    fields.quick.add(names[0])


def _choice(compiler: Compiler, fields: Fields, stem: str, shapes: Shapes) -> None:
    uses, said_by = types(shapes)
    low, low_by = least(shapes)
    high, high_by = most(shapes)
    names = [name for use in uses if high != 0 and (name := _one_type(compiler, fields, stem, shapes, use))]
    options = " or ".join(names)
    rule = rule_id(high_by, "0..0") if high == 0 else rule_id(said_by, " or ".join(use.code for use in uses))
    fields.stems.append(Choice(stem, shapes[0].element.types, rule, f"Use {options}." if options else "Remove it."))
    if 1 < len(names) < MANY_CHOICES:
        fields.choices.append(frozenset(names))
    if low and names:
        text, demand = f"{stem}[x] is missing", rule_id(low_by, "1..1")
        either = (*names, *(f"_{name}" for name in names))
        needed = Needed(either, lambda _visit: [Problem("required", text, demand, f"Add {options}.")], stem)
        if len(names) == 1:
            fields.needed.append(needed)
            fields.quick.add(names[0])
        else:
            fields.either.append(needed)


def _one_type(compiler: Compiler, fields: Fields, stem: str, shapes: Shapes, use: TypeUse) -> str:
    """The JSON name of a choice for one of its types; empty when a slice takes that type away."""
    name = stem + use.code[0].upper() + use.code[1:]
    parts = _slices_of(shapes, name, use)
    fields.aliases[name] = stem
    if parts and most(parts)[0] == 0:
        fields.forbidden[name] = (rule_id(most(parts)[1], "0..0"), f"Remove {name}.")
        return ""
    together = (*shapes, *parts)
    narrowed = next((u for u in types(together)[0] if u.code == use.code), use) if parts else use
    fields.table[name] = compiler.value(Spot(together, narrowed))
    if use.code in PRIMITIVES:
        _sibling(compiler, fields, name, together, use, many=False)
    if parts and least(parts)[0]:
        _need(fields, (name, f"_{name}"), rule_id(least(parts)[1], "1..1"), f"Add {name}.")
    return name


def _slices_of(shapes: Shapes, name: str, use: TypeUse) -> Shapes:
    """The type slices of a choice that are about one type: by name, or by being of that type alone."""
    by_name = slices(shapes)
    found: Shapes = by_name.get(name, ())
    for other, parts in by_name.items():
        if other != name and {u.code for u in types(parts)[0]} == {use.code}:
            found = (*found, *parts)
    return found


def _example(name: str, shapes: Shapes) -> str:
    """The missing element as JSON when its value is fixed, else its name."""
    for shape in reversed(shapes):
        literal = shape.element.fixed or shape.element.pattern
        if literal is not None:
            return f"{snippet(name)}: {snippet(literal.value)}"
    return f"Add {name}."
