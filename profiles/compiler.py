"""From tables to checks: each element's definitions merged once into closures over plain dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from profiles.checks import extensions, resources, slicing
from profiles.checks.bindings import binding
from profiles.checks.bundle_rules import bundle_problems, kind_of
from profiles.checks.claim_rules import claim_problems
from profiles.checks.elements import (
    Fields,
    Needed,
    extension_object,
    list_check,
    nothing_more,
    object_check,
    sibling_list,
)
from profiles.checks.invariants import all_of, first_of, invariants, structure_then
from profiles.checks.narrative import narrative
from profiles.checks.quantities import quantities
from profiles.checks.references import targets
from profiles.checks.values import bounds, fixed, length, pattern, primitive, quickly
from profiles.notation import CORE, TypeUse
from profiles.primitives import PRIMITIVES
from profiles.problem import Check, Problem, Problems, snippet
from profiles.spot import Shapes, Spot, children, is_list, least, like, most, rule_id, slices, types
from profiles.spot import slicing as slicing_of
from profiles.tables import Shape, Tables
from profiles.visit import Candidates, Conformance, Place, Visit, declared_by

Json = dict[str, Any]

Maker = Callable[[Spot, "Compiler"], Check | None]

# Every kind of rule that looks at one value; to add one, write its maker in profiles/checks and name it here.
# What a value must be: the first broken one speaks for all.
VALUE_CHECKS: tuple[Maker, ...] = (fixed, pattern, length, bounds, binding)
# What has to hold besides: each speaks for itself.
FURTHER_CHECKS: tuple[Maker, ...] = (invariants, targets, quantities)
RESOURCE = ("Resource", "DomainResource")
EXTENSIONS = ("extension", "modifierExtension")


class Compiler:
    """Compiles definitions of one set of tables when first asked for, and keeps what it made."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._objects: dict[tuple[int, ...], Check] = {}
        self._values: dict[tuple[object, ...], Check] = {}
        self._resources: dict[str, Check] = {}
        self._candidates: dict[Candidates, Candidates] = {}
        self._declared: dict[str, tuple[str, str]] = {}
        self._extensions: dict[tuple[object, ...], Check] = {}
        self._any_extension: Check | None = None
        self.resource_types = frozenset(
            kind
            for guide in tables.guides
            for canonical, kind in guide.types.items()
            if canonical == CORE + kind and canonical not in _NOT_RESOURCES and self._is_resource(kind)
        )

    def is_type(self, name: str) -> bool:
        """True for a type of R4, primitive or not."""
        return name in PRIMITIVES or self.tables.find(CORE + name) is not None

    def is_resource(self, name: str) -> bool:
        """True for a type of R4 that is a resource."""
        return name in self.resource_types or name in RESOURCE

    def _is_resource(self, kind: str) -> bool:
        codes = self.tables.valuesets.expansion("http://hl7.org/fhir/ValueSet/resource-types").codes
        return kind in codes and kind not in RESOURCE

    # --- resources

    def resource(self, canonical: str) -> Check:
        """The check of a resource by a type or profile. Raises KeyError when the tables do not hold it."""
        known = self._resources.get(canonical)
        if known is None:
            sources = self.tables.chain(canonical)
            kind = self.tables.type_of(canonical) or ""
            spot = Spot(sources, TypeUse(kind))
            known = all_of([self.object(sources, kind, kind), *self._further(spot)]) or nothing_more
            self._resources[canonical] = known
        return known

    def at(self, canonical: str, place: Place, visit: Visit) -> Problems:
        """The problems of the resource at `place`; a Bundle is walked through by a visit of its own."""
        if place.type == "Bundle" and place is not visit.root:
            return self.whole(place.resource, canonical, visit.narratives)
        return self.resource(canonical)(place.resource, visit)

    def whole(self, resource: Json, canonical: str, narratives: dict[str, str | None] | None = None) -> list[Problem]:
        """Everything wrong with a resource, its entries and what they refer to, with trails from the resource."""
        visit = Visit(resource, narratives)
        kind = None
        if visit.root.type == "Bundle":
            visit.open_bundle()
            kind = kind_of(canonical)
            visit.closure = kind.closure_rule if kind else ""
        conformance = Conformance(visit, self.at)
        visit.want(visit.root, self.one_of(visit.root.type, (canonical,)))
        problems = conformance.run()
        for place in visit.entries():
            self._want_declared(place, visit)
        conformance.run()
        if visit.root.type == "Claim" and not canonical.startswith(CORE):
            problems += claim_problems(resource)
        return bundle_problems(visit, kind, problems) if kind else problems

    def _want_declared(self, place: Place, visit: Visit) -> None:
        """An entry has to be right by R4, and by each profile it says it has."""
        kind = place.type
        if kind not in self.resource_types:
            return
        declared = self.declared(place.resource)
        for canonical in declared:
            visit.want(place, self.one_of(kind, (canonical,)))
        if not declared and not any(key[0] == id(place) for key in visit.results):
            visit.want(place, self.one_of(kind, (CORE + kind,)))

    def declared(self, resource: Json) -> list[str]:
        """The profiles in meta.profile that the tables hold in the version named and that are about this type."""
        kind = resource.get("resourceType")
        said = declared_by(resource)
        return (
            [held for canonical in dict.fromkeys(said) if (held := self._declarable(canonical, kind))] if said else []
        )

    def _declarable(self, canonical: str, kind: object) -> str:
        """The canonical as the tables name it, without a version where that means the same; empty when not held."""
        known = self._declared.get(canonical)
        if known is None:
            found = self.tables.find(canonical)
            if found is None or not self.tables.holds(canonical):
                return ""
            guide, plain = found
            name = plain if self.tables.find(plain) == found else canonical
            known = self._declared[canonical] = (name, guide.types[plain])
        return known[0] if known[1] == kind else ""

    def inside(
        self, resource: Json, kind: str, candidates: Candidates | None, visit: Visit, *, contained: bool
    ) -> Problems:
        """The problems of a resource that stands inside another, by one of `candidates` or what it declares."""
        if not contained:
            declared = self.declared(resource)
            if candidates is None or len(candidates) == 1:
                canonical = candidates[0] if candidates else (declared[0] if declared else CORE + kind)
                return self.whole(resource, canonical, visit.narratives)
            results = [self.whole(resource, one, visit.narratives) for one in candidates]
            return min(results, key=lambda found: sum(problem.refuses for problem in found))
        number = _position(visit.place.resource.get("contained"), resource)
        before = visit.enter(visit.contained(resource, number))
        found = self.resource(candidates[0] if candidates else CORE + kind)(resource, visit)
        visit.enter(before)
        return found

    def conforms(self, value: Any, canonical: str, visit: Visit) -> bool:
        """True when a value has a profile; for slices told apart by profile."""
        if not isinstance(value, dict) or not self.tables.find(canonical):
            return False
        kind = value.get("resourceType")
        if kind is not None:
            return kind == self.tables.type_of(canonical) and not any(
                p.refuses for p in self.whole(value, canonical, visit.narratives)
            )
        spot = Spot(self.tables.chain(canonical), TypeUse(self.tables.type_of(canonical) or ""))
        return not any(problem.refuses for problem in self.value(spot)(value, visit) or ())

    def one_of(self, kind: str, canonicals: Candidates) -> Candidates:
        """The same tuple for the same canonicals; R4's own type alone when nothing narrower is held."""
        known = self._candidates.get(canonicals)
        if known is None:
            held = tuple(c for c in canonicals if self.tables.find(c))
            held = held or ((CORE + kind,) if self.tables.find(CORE + kind) else ())
            known = self._candidates[canonicals] = self._candidates.setdefault(held, held)
        return known

    def compile_everything(self) -> int:
        """Compile every definition of the set now instead of when first needed; gives how many there are."""
        compiled = 0
        for guide in self.tables.guides:
            for canonical, kind in guide.types.items():
                if kind == "Extension":
                    self.extension(canonical, (), frozenset())
                elif kind in self.resource_types:
                    self.resource(canonical)
                else:
                    self.value(Spot(self.tables.chain(canonical), TypeUse(kind)))
                compiled += 1
        return compiled

    # --- values

    def value(self, spot: Spot) -> Check:
        """The check of one value of one type."""
        key = (*map(id, spot.shapes), spot.use)
        known = self._values.get(key)
        if known is None:
            known = self._values[key] = self._value(spot)
        return known

    def _value(self, spot: Spot) -> Check:
        code = spot.use.code
        inner = like(spot.shapes)
        if code in PRIMITIVES or code == "xhtml":
            first = narrative(spot) if code == "xhtml" else primitive(spot)
            return quickly(spot, self, first_of([first, *self._further(spot)]))
        if inner:
            structure = self.object(self._like(spot.shapes), "", inner)
            spot = Spot((*_repeated(spot.shapes), *spot.shapes), spot.use)
        else:
            structure = self.object(self._sources(spot), code, spot.path)
        value, others = self._value_checks(spot), self._other_checks(spot)
        if value is not None:
            return structure_then(structure, value, all_of(others))
        return all_of([structure, *others]) or structure

    def _value_checks(self, spot: Spot) -> Check | None:
        """What the value must be, None when nothing is said."""
        made = [check for make in VALUE_CHECKS if (check := make(spot, self)) is not None]
        return first_of(made) if made else None

    def _other_checks(self, spot: Spot) -> list[Check]:
        """What has to hold besides."""
        return [check for make in FURTHER_CHECKS if (check := make(spot, self)) is not None]

    def _further(self, spot: Spot) -> list[Check]:
        """Both kinds in their order."""
        value = self._value_checks(spot)
        return [value, *self._other_checks(spot)] if value else self._other_checks(spot)

    def _like(self, shapes: Shapes) -> Shapes:
        """The content of another element of the same definition (`Questionnaire.item`), for R4 and each profile."""
        repeated = _repeated(shapes)
        code = repeated[0].element.types[0].code if repeated[0].element.types else "BackboneElement"
        own = (shape for shape in shapes if shape.children)
        return tuple(dict.fromkeys((*self.tables.type_chain(code), *repeated, *own)))

    def _sources(self, spot: Spot) -> Shapes:
        """The definitions that say what an object of this spot holds."""
        own = tuple(shape for shape in spot.shapes if shape.children)
        profiles: Shapes = ()
        for profile in spot.use.profiles:
            if len(spot.use.profiles) == 1 and self.tables.type_of(profile) == spot.use.code:
                profiles = self.tables.chain(profile)
        base = self.tables.type_chain(spot.use.code)
        merged = dict.fromkeys((*base, *profiles, *own))
        return tuple(merged)

    def type_roots(self, use: TypeUse) -> Shapes:
        """The root elements of a type and its profile, whose invariants hold wherever it is used."""
        if use.code in RESOURCE or not self.tables.find(CORE + use.code):
            return ()
        roots = self.tables.type_chain(use.code)
        for profile in use.profiles:
            if len(use.profiles) == 1 and self.tables.type_of(profile) == use.code:
                roots = tuple(dict.fromkeys((*roots, *self.tables.chain(profile))))
        return roots

    # --- objects

    def object(self, sources: Shapes, code: str, path: str, *, beside: bool = False) -> Check:
        """The check of an object that these definitions describe together; `beside` a primitive, an id alone is one."""
        key = (beside, *map(id, sources))
        known = self._objects.get(key)
        if known is None:
            fields = Fields(what=code or path, path=path, beside=beside)
            known = extension_object(fields) if code == "Extension" else object_check(fields)
            self._objects[key] = known
            hosts = self._hosts(sources, code, path)
            if code in self.resource_types:
                fields.table["resourceType"] = nothing_more
            for name, shapes in children(sources).items():
                self._field(fields, name, shapes, hosts)
            if code == "Extension" and any(shape.element.fixed for shape in children(sources).get("url", ())):
                fields.table["url"] = nothing_more  # it is by its url that the definition was found
        return known

    @staticmethod
    def _hosts(sources: Shapes, code: str, path: str) -> frozenset[str]:
        """The names an extension's context may use for this element."""
        return frozenset({code, path, *(shape.element.id for shape in sources if "." not in shape.element.id)})

    def _field(self, fields: Fields, name: str, shapes: Shapes, hosts: frozenset[str]) -> None:
        if not shapes[0].element.types and not shapes[0].element.like:
            return  # a profile that speaks of something R4 does not have (the value of a primitive)
        if name.endswith("[x]"):
            self._choice(fields, name.removesuffix("[x]"), shapes)
        elif name in EXTENSIONS:
            fields.table[name] = extensions.extension_list(self, shapes, hosts)
            self._need_extensions(fields, name, shapes)
        else:
            self._plain(fields, name, shapes)

    def _need_extensions(self, fields: Fields, name: str, shapes: Shapes) -> None:
        low, by = least(shapes)
        missing = [d for d in extensions.demands(self, shapes).values() if d.at_least]
        if most(shapes)[0] == 0:
            del fields.table[name]
            fields.forbidden[name] = (rule_id(most(shapes)[1], "0..0"), "Remove it.")
        elif missing:
            fields.needed.append(Needed((name,), lambda _v: [extensions.missing_extension(d) for d in missing]))
            fields.quick.add(name)
        elif low:
            self._need(fields, (name,), name, rule_id(by, f"{low}..*"), "")

    def _plain(self, fields: Fields, name: str, shapes: Shapes) -> None:
        low, low_by = least(shapes)
        high, high_by = most(shapes)
        if high == 0:
            fields.forbidden[name] = (rule_id(high_by, "0..0"), f"Remove {name}.")
            return
        uses, said_by = types(shapes)
        many = is_list(shapes)
        fact = f"{low}..{'*' if high is None else high}"
        rule = rule_id(low_by if low else high_by, fact)
        item, needs = self._item(shapes, uses, said_by, name)
        path = shapes[0].element.id
        if many:
            fields.table[name] = self._list(shapes, item, uses, said_by, path, (low, high, rule))
        else:
            fields.table[name] = item
        names: tuple[str, ...] = (name,)
        if uses and uses[0].code in PRIMITIVES:
            names = (name, f"_{name}")
            self._sibling(fields, name, shapes, uses[0], many)
        if low:
            self._need(fields, names, name, rule, needs)
        elif many:
            self._need_slices(fields, name, shapes)

    def _item(self, shapes: Shapes, uses: tuple[TypeUse, ...], said_by: Shape, name: str) -> tuple[Check, str]:
        """The check of one value of a plain element, and what to write when it is missing."""
        if like(shapes):
            return self.value(Spot(shapes, TypeUse("BackboneElement"))), f"Add {name}."
        if all(self._holds_resource(use) for use in uses):
            rule = rule_id(said_by, " or ".join(use.code for use in uses))
            extra = all_of([m for m in (invariants(Spot(shapes, TypeUse("Resource")), self),) if m])
            slot = resources.resource_slot(self, shapes[0].element.id, uses, rule)
            return (slot if extra is None else first_of([slot, extra])), f"Add {name}."
        return self.value(Spot(shapes, uses[0])), _example(name, shapes)

    def _holds_resource(self, use: TypeUse) -> bool:
        return use.code in RESOURCE or use.code in self.resource_types

    def _list(
        self,
        shapes: Shapes,
        item: Check,
        uses: tuple[TypeUse, ...],
        said_by: Shape,
        path: str,
        card: tuple[int, int | None, str],
    ) -> Check:
        parts = self._slices(shapes, uses, said_by)
        how = slicing_of(shapes)
        if not parts or how is None:
            return list_check(item, path, *card)
        promised = sum(part.at_least for part in parts)
        low, high, rule = card
        whole = list_check(nothing_more, path, low if low > promised else 0, high, rule)
        return slicing.sliced_list(whole, item, parts, how, rule_id(shapes[-1], f"slices {how.rules}"))

    def _slices(self, shapes: Shapes, uses: tuple[TypeUse, ...], said_by: Shape) -> list[slicing.Slice]:
        how = slicing_of(shapes)
        named = slices(shapes)
        if how is None or not named:
            return []

        def item_check(parts: Shapes) -> Check:
            together = (*shapes, *parts)
            narrowed, by = types(together)
            return self._item(together, narrowed, by, "")[0]

        return slicing.slice_items(self, how, named, item_check)

    def _need_slices(self, fields: Fields, name: str, shapes: Shapes) -> None:
        """A slice that must be there makes its list necessary, even one that may be absent for R4."""
        missing = [part for part in self._slices(shapes, *types(shapes)) if part.at_least]
        if missing:
            fields.needed.append(Needed((name,), lambda _v: [slicing.missing_slice(part) for part in missing]))
            fields.quick.add(name)

    def _sibling(self, fields: Fields, name: str, shapes: Shapes, use: TypeUse, many: bool) -> None:
        """The `_x` that carries id and extensions of a primitive."""
        own = tuple(shape for shape in shapes if shape.children)
        inside = self.object((*self.tables.type_chain("Element"), *own), use.code, shapes[0].element.id, beside=True)
        fields.table[f"_{name}"] = sibling_list(inside, shapes[0].element.id) if many else inside
        fields.aliases[f"_{name}"] = fields.aliases.get(name, name)
        if own and not many and any(_demands_extension(shape) for shape in own):
            fields.siblings.append((name, _only_required(inside)))

    def _need(self, fields: Fields, names: tuple[str, ...], name: str, rule: str, repair: str) -> None:
        said = f"{name} is missing"
        fields.needed.append(Needed(names, lambda _visit: [Problem("required", said, rule, repair)]))
        fields.quick.add(names[0])

    def _choice(self, fields: Fields, stem: str, shapes: Shapes) -> None:
        uses, said_by = types(shapes)
        low, low_by = least(shapes)
        high, high_by = most(shapes)
        by_type = slices(shapes)
        allowed = uses if high != 0 else ()
        names: list[str] = []
        for use in allowed:
            name = stem + use.code[0].upper() + use.code[1:]
            parts = _slices_of(by_type, name, use)
            if parts and most(parts)[0] == 0:
                fields.forbidden[name] = (rule_id(most(parts)[1], "0..0"), f"Remove {name}.")
                continue
            together = (*shapes, *parts)
            narrowed = next((u for u in types(together)[0] if u.code == use.code), use)
            fields.aliases[name] = stem
            fields.table[name] = self.value(Spot(together, narrowed))
            names.append(name)
            if use.code in PRIMITIVES:
                self._sibling(fields, name, together, use, many=False)
            if parts and least(parts)[0]:
                self._need(fields, (name, f"_{name}"), name, rule_id(least(parts)[1], "1..1"), f"Add {name}.")
        instead = f"Use {' or '.join(names)}." if names else "Remove it."
        rule = rule_id(high_by, "0..0") if high == 0 else rule_id(said_by, " or ".join(u.code for u in uses))
        for use in shapes[0].element.types:
            name = stem + use.code[0].upper() + use.code[1:]
            if name not in fields.table:
                fields.forbidden.setdefault(name, (rule, instead))
                fields.aliases[name] = stem
        if len(names) > 1 and len(names) < MANY_CHOICES:
            fields.choices.append(frozenset(names))
        if low and names:
            either = (*names, *(f"_{name}" for name in names))
            text = f"{stem}[x] is missing"
            found = rule_id(low_by, "1..1")
            needed = Needed(either, lambda _v: [Problem("required", text, found, f"Add {instead[4:]}")], stem)
            if len(names) == 1:
                fields.needed.append(needed)
                fields.quick.add(names[0])
            else:
                fields.either.append(needed)

    # --- extensions

    @property
    def any_extension(self) -> Check:
        """The check of an extension that no definition is held for."""
        if self._any_extension is None:
            chain = self.tables.type_chain("Extension")
            self._any_extension = self.object(chain, "Extension", "Extension")
        return self._any_extension

    def holds_extension(self, url: str) -> bool:
        """True when the tables define the extension `url`."""
        found = self.tables.find(url)
        return found is not None and found[0].types[found[1]] == "Extension"

    def extension(self, url: str, parts: Shapes, hosts: frozenset[str]) -> Check:
        """The check of an extension by its definition, what a profile adds to it, and where it stands."""
        chain = self.tables.type_chain("Extension")
        made: list[Check] = []
        if self.holds_extension(url):
            definition = self.tables.definition(url)
            chain = tuple(dict.fromkeys((*chain, *self.tables.chain(url))))
            rule = f"{self.tables.chain(url)[-1].label} context"
            out_of_place = extensions.context(self, url, definition.contexts, hosts, rule)
            made = [out_of_place] if out_of_place else []
        sources = (*chain, *(shape for shape in parts if shape.children))
        spot = Spot((*chain, *parts), TypeUse("Extension"))
        return all_of([self.object(sources, "Extension", "Extension"), *self._further(spot), *made]) or nothing_more

    def definition_shapes(self, canonical: str) -> Shapes:
        """The trees of a profile or extension, none when the tables do not hold it."""
        return self.tables.chain(canonical) if self.tables.find(canonical) else ()


MANY_CHOICES = 40  # more than these only Extension.value[x] has, where ext-1's check sees two values
_NOT_RESOURCES = frozenset({CORE + "Element", CORE + "BackboneElement"})


def _repeated(shapes: Shapes) -> Shapes:
    """The elements whose content is repeated at these shapes."""
    return tuple(found for shape in shapes if shape.element.like and (found := shape.below(shape.element.like)))


def _position(items: Any, resource: Json) -> int:
    return next((n for n, item in enumerate(items if isinstance(items, list) else ()) if item is resource), 0)


def _slices_of(by_type: dict[str, Shapes], name: str, use: TypeUse) -> Shapes:
    """The type slices of a choice that are about one type: by name, or by being of that type alone."""
    found: Shapes = by_type.get(name, ())
    for other, shapes in by_type.items():
        if other != name:
            codes = {u.code for u in types(shapes)[0]}
            found = (*found, *shapes) if codes == {use.code} else found
    return found


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


def _example(name: str, shapes: Shapes) -> str:
    """The missing element as JSON when its value is fixed, else its name."""
    for shape in reversed(shapes):
        literal = shape.element.fixed or shape.element.pattern
        if literal is not None:
            return f"{snippet(name)}: {snippet(literal.value)}"
    return f"Add {name}."
