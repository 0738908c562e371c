"""From tables to checks: each element's definitions merged once into closures over plain dicts."""

from __future__ import annotations

import gc
from collections.abc import Callable
from threading import RLock
from typing import Any

from profiles.checks import extensions
from profiles.checks.bindings import binding
from profiles.checks.elements import Fields, extension_object, nothing_more, object_check
from profiles.checks.invariants import all_of, first_of, invariants, structure_then
from profiles.checks.narrative import narrative
from profiles.checks.quantities import quantities
from profiles.checks.references import targets
from profiles.checks.values import bounds, fixed, length, pattern, primitive, quickly
from profiles.fields import fill
from profiles.notation import CORE, TypeUse
from profiles.primitives import PRIMITIVES
from profiles.problem import Check
from profiles.spot import Shapes, Spot, children, like, limits_value
from profiles.tables import Tables
from profiles.visit import Candidates, declared_by

Json = dict[str, Any]

Names = tuple[tuple[str, str, str], ...]
Maker = Callable[[Spot, "Compiler"], Check | None]

# Every kind of rule that looks at one value; to add one, write its maker in profiles/checks and name it here.
# What a value must be: the first broken one speaks for all.
VALUE_CHECKS: tuple[Maker, ...] = (fixed, pattern, length, bounds, binding)
# What has to hold besides: each speaks for itself.
FURTHER_CHECKS: tuple[Maker, ...] = (invariants, targets, quantities)
RESOURCE = ("Resource", "DomainResource")


class Compiler:
    """Compiles definitions of one set of tables when first asked for, and keeps what it made.

    Threads may share it: one compiles at a time, and nobody sees a check before it is whole.
    """

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self._objects: dict[tuple[object, ...], Check] = {}
        self._values: dict[tuple[object, ...], Check] = {}
        self._resources: dict[str, Check] = {}
        self._candidates: dict[Candidates, Candidates] = {}
        self._declared: dict[str, tuple[str, str]] = {}
        self._any_extension: Check | None = None
        self._compiling = RLock()
        self._shared: dict[Names, Check] = {}
        self.resource_types = frozenset(
            kind
            for guide in tables.guides
            for canonical, kind in guide.types.items()
            if canonical == CORE + kind and canonical not in _NOT_RESOURCES and self._is_resource(kind)
        )

    def shared(self, names: Names, make: Callable[[Names, Compiler], Check]) -> Check:
        """What `make` makes of `names`, the same for the same ones."""
        known = self._shared.get(names)
        if known is None:
            known = self._shared[names] = make(names, self)
        return known

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
            with self._compiling:
                sources = self.tables.chain(canonical)
                kind = self.tables.type_of(canonical) or ""
                spot = Spot(sources, TypeUse(kind))
                known = all_of([self.object(sources, kind, kind), *self._further(spot)]) or nothing_more
                self._resources[canonical] = known
        return known

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
        definitions = [item for guide in self.tables.guides for item in guide.types.items()]
        collecting = gc.isenabled()
        gc.disable()  # what is made here stays: looking for garbage in it again and again takes half the time
        try:
            for canonical, kind in definitions:
                self._compile(canonical, kind)
        finally:
            if collecting:
                gc.enable()
        return len(definitions)

    def _compile(self, canonical: str, kind: str) -> None:
        if kind == "Extension":
            self.extension(canonical, (), frozenset())
        elif kind in self.resource_types:
            self.resource(canonical)
        else:
            self.data_type(canonical, kind)

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
        limited = any(limits_value(shape.element) for shape in spot.shapes)
        if code == "xhtml":
            return narrative(spot)
        if code in PRIMITIVES:
            first = primitive(spot)
            if not limited:
                return first
            return quickly(spot, self, first_of([first, *self._further(spot)]))
        if inner:
            structure = self.object(self._like(spot.shapes), "", inner)
            spot = Spot((*_repeated(spot.shapes), *spot.shapes), spot.use)
        else:
            structure = self.object(self._sources(spot), code, spot.path)
        value, others = self._value_checks(spot) if limited else None, self._other_checks(spot)
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
            try:
                fill(self, fields, sources, hosts)
            except Exception:
                del self._objects[key]  # a type that cannot be compiled must not be found half made
                raise
            if code == "Extension" and any(shape.element.fixed for shape in children(sources).get("url", ())):
                fields.table["url"] = nothing_more  # it is by its url that the definition was found
        return known

    @staticmethod
    def _hosts(sources: Shapes, code: str, path: str) -> frozenset[str]:
        """The names an extension's context may use for this element."""
        return frozenset({code, path, *(shape.element.id for shape in sources if "." not in shape.element.id)})

    # --- extensions

    @property
    def any_extension(self) -> Check:
        """The check of an extension that no definition is held for."""
        known = self._any_extension
        if known is not None:
            return known
        with self._compiling:
            chain = self.tables.type_chain("Extension")
            self._any_extension = self.object(chain, "Extension", "Extension")
        return self._any_extension

    def holds_extension(self, url: str) -> bool:
        """True when the tables define the extension `url`."""
        found = self.tables.find(url)
        return found is not None and found[0].types[found[1]] == "Extension"

    def extension(self, url: str, parts: Shapes, hosts: frozenset[str]) -> Check:
        """The check of an extension by its definition, what a profile adds to it, and where it stands."""
        with self._compiling:
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

    def data_type(self, canonical: str, kind: str) -> Check:
        """The check of a value of the data type `kind` by a profile of it."""
        with self._compiling:
            return self.value(Spot(self.tables.chain(canonical), TypeUse(kind)))

    def definition_shapes(self, canonical: str) -> Shapes:
        """The trees of a profile or extension, none when the tables do not hold it."""
        return self.tables.chain(canonical) if self.tables.find(canonical) else ()


_NOT_RESOURCES = frozenset({CORE + "Element", CORE + "BackboneElement"})


def _repeated(shapes: Shapes) -> Shapes:
    """The elements whose content is repeated at these shapes."""
    return tuple(found for shape in shapes if shape.element.like and (found := shape.below(shape.element.like)))
