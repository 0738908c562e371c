"""What a snapshot adds to the type it is about, element by element."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from profiles import notation
from profiles.notation import CORE, Definition, Element, Literal, Slicing, TypeUse
from profiles.primitives import PRIMITIVES
from profiles.tables import Shape, Tables

Json = dict[str, Any]

SYSTEM_TYPE = "http://hl7.org/fhirpath/System."
FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
BEST_PRACTICE = "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice"
NATIVE_RULES = ("ele-1", "ext-1")
NATIVE_SLICINGS = ((("value", "url"),), (("type", "$this"),))


@dataclass(slots=True)
class Place:
    """What is known before a snapshot element is read: the shapes and elements it refines, and its allowed types."""

    shapes: tuple[Shape, ...]
    refined: tuple[Element, ...]
    types: tuple[TypeUse, ...]
    type_rules: frozenset[str] = frozenset()


@dataclass(slots=True)
class Extraction:
    """Turns StructureDefinitions of one package into definitions of the notation.

    tables hold R4; siblings are the package's own definitions, whose facts a profile that uses them need not repeat.
    """

    tables: Tables
    version: str
    siblings: dict[str, Json]
    not_expressed: list[str]
    rules: dict[str, str] = field(default_factory=dict)
    _facts: dict[str, dict[str, Element]] = field(default_factory=dict)

    def definition(self, sd: Json) -> Definition:
        """The definition of one StructureDefinition: header and the elements that add something."""
        base = sd["url"] == CORE + sd["type"]
        whole = sd.get("baseDefinition", "").removeprefix(CORE) if base else sd["type"]
        raw = sd.get("snapshot", {}).get("element")
        if raw is None:
            raw = sd.get("differential", {}).get("element", [])
            whole = notation.short(sd["baseDefinition"])
            self.not_expressed.append(f"{sd['url']}: no snapshot; its differential stands on {whole}")
        definition = Definition(
            canonical=sd["url"],
            version=self.version,
            type=sd["type"],
            on=whole,
            derivation="specialization" if base else "constraint",
            abstract=bool(sd.get("abstract")),
            contexts=tuple((c["type"], c["expression"].strip()) for c in sd.get("context", [])),
        )
        if sd.get("contextInvariant"):
            self.not_expressed.append(f"{sd['url']}: contextInvariant")
        definition.elements = self._added(sd, raw, definition)
        return definition

    def _added(self, sd: Json, raw: list[Json], definition: Definition) -> list[Element]:
        places: dict[str, Place] = {}
        facts = {e["id"]: self._element(e, sd) for e in raw}
        added = []
        for identity, element in facts.items():
            place = self._place(identity, element, places, facts, definition)
            places[identity] = place
            line = _what_it_adds(element, place)
            if line is not None and not _is_value_of_primitive(identity, places):
                added.append(line)
        return added

    def _place(
        self,
        identity: str,
        element: Element,
        places: dict[str, Place],
        facts: dict[str, Element],
        definition: Definition,
    ) -> Place:
        parent_id, _, name = identity.rpartition(".")
        plain = name.partition(":")[0]
        if not parent_id:
            shapes = self._roots(definition)
            return Place(shapes, self._facts_of(shapes), ())
        parent = places.get(parent_id)
        shapes = self._below(parent, plain) if parent else ()
        refined = self._facts_of(shapes)
        types = element.types or next((e.types for e in reversed(refined) if e.types), ())
        refined += tuple(facts[other] for other in _less_sliced(identity) if other in facts)
        if parent:
            refined += self._from_profiles(parent.types, plain)
        return Place(shapes, refined, types, self._type_rules(types))

    def _type_rules(self, types: tuple[TypeUse, ...]) -> frozenset[str]:
        """The invariants that come with the types themselves, wherever they are used."""
        roots = (shape.element for use in types for shape in self.tables.type_chain(use.code))
        return frozenset(key for root in roots for key in root.rules)

    def _roots(self, definition: Definition) -> tuple[Shape, ...]:
        try:
            return self.tables.chain(notation.full(definition.on)) if definition.on else ()
        except KeyError:
            self.not_expressed.append(f"{definition.canonical}: {definition.on} is not in the tables; written in full")
            return ()

    def _below(self, parent: Place, name: str) -> tuple[Shape, ...]:
        """The shapes a child refines: from the parent's own shapes, then from the types the parent may have."""
        sources = [*parent.shapes]
        for use in parent.types:
            sources += self.tables.type_chain(use.code) or self.tables.type_chain("Element")
        return tuple(shape.children[name] for shape in sources if name in shape.children)

    @staticmethod
    def _facts_of(shapes: tuple[Shape, ...]) -> tuple[Element, ...]:
        return tuple(shape.element for shape in shapes)

    def _from_profiles(self, types: tuple[TypeUse, ...], name: str) -> tuple[Element, ...]:
        """What the one profile of the parent's type, when the package has it, already says of this child."""
        profiles = [profile.partition("|")[0] for use in types for profile in use.profiles]
        if len(profiles) != 1 or profiles[0] not in self.siblings:
            return ()
        sd = self.siblings[profiles[0]]
        if sd["type"] not in ("Extension", "Identifier", "Quantity", "Timing"):
            return ()
        if sd["url"] not in self._facts:
            raw = sd.get("snapshot", {}).get("element", [])
            self._facts[sd["url"]] = {e["id"]: self._element(e, sd) for e in raw}
        found = self._facts[sd["url"]].get(f"{sd['type']}.{name}")
        return (found,) if found else ()

    def _element(self, raw: Json, sd: Json) -> Element:
        element = Element(raw["id"])
        if "min" in raw or "max" in raw:
            element.least = raw.get("min", 0)
            element.many = raw.get("max") == "*"
            element.most = None if element.many else int(raw.get("max", "1"))
        element.must_support = bool(raw.get("mustSupport"))
        element.modifier = bool(raw.get("isModifier"))
        element.types = self._types(raw, sd)
        element.fixed = _literal(raw, "fixed")
        element.pattern = _literal(raw, "pattern")
        element.lowest = _literal(raw, "minValue")
        element.highest = _literal(raw, "maxValue")
        element.length = raw.get("maxLength")
        element.like = raw.get("contentReference", "").partition("#")[2]
        element.slicing = self._slicing(raw, sd)
        binding = raw.get("binding", {})
        if binding.get("valueSet"):
            element.binding = (binding["strength"], self._canonical(binding["valueSet"]))
        element.rules = self._rules(raw)
        return element

    def _types(self, raw: Json, sd: Json) -> tuple[TypeUse, ...]:
        return tuple(
            TypeUse(
                _code(use, raw["path"], sd),
                tuple(map(self._canonical, use.get("profile", []))),
                tuple(map(self._canonical, use.get("targetProfile", []))),
            )
            for use in raw.get("type", [])
        )

    def _canonical(self, canonical: str) -> str:
        """Without a version where there is only one to mean: R4's, and the package's own."""
        plain, _, version = canonical.partition("|")
        if version in ("", "4.0.1") or (version == self.version and plain in self.siblings):
            return plain
        return canonical

    def _slicing(self, raw: Json, sd: Json) -> Slicing | None:
        slicing = raw.get("slicing")
        if slicing is None:
            return None
        discriminators = tuple((d["type"], d["path"]) for d in slicing.get("discriminator", []))
        if not discriminators and slicing["rules"] != "closed":
            self.not_expressed.append(f"{sd['url']} {raw['id']}: slicing without discriminator")
            return None
        native = discriminators in NATIVE_SLICINGS and (slicing["rules"] == "open" or raw["id"].endswith("[x]"))
        return None if native else Slicing(slicing["rules"], bool(slicing.get("ordered")), discriminators)

    def _rules(self, raw: Json) -> tuple[str, ...]:
        keys = []
        for rule in raw.get("constraint", []):
            if rule["key"] in NATIVE_RULES:
                continue
            self.rules.setdefault(rule["key"], "information" if _is_advice(rule) else rule["severity"])
            keys.append(rule["key"])
        return tuple(dict.fromkeys(keys))


def _is_value_of_primitive(identity: str, places: dict[str, Place]) -> bool:
    """Snapshots give a primitive's own value as a child, which JSON does not have."""
    parent, _, name = identity.rpartition(".")
    held = places[parent].types if parent in places else ()
    return name == "value" and bool(held) and held[0].code in PRIMITIVES


def _is_advice(rule: Json) -> bool:
    """FHIR marks a few invariants as best practice: worth a word, never a reproach."""
    return any(e.get("url") == BEST_PRACTICE and e.get("valueBoolean") for e in rule.get("extension", []))


def _code(use: Json, path: str, sd: Json) -> str:
    code = str(use["code"])
    if not code.startswith(SYSTEM_TYPE):
        return code
    if path == f"{sd['type']}.id" and sd["kind"] == "resource":
        return "id"  # R4 types it string; every server and the datatypes page mean an id
    for extension in use.get("extension", []):
        if extension["url"] == FHIR_TYPE:
            return str(extension.get("valueUrl") or extension.get("valueUri"))
    return code.removeprefix(SYSTEM_TYPE).lower()


def _literal(raw: Json, word: str) -> Literal | None:
    return next((Literal(value) for key, value in raw.items() if key.startswith(word) and key != word), None)


def _less_sliced(identity: str) -> list[str]:
    """The same element outside its slices: `Claim.item:A.x:B.y` -> `Claim.item.x.y` and what lies between."""
    names = identity.split(".")
    sliced = [n for n, name in enumerate(names) if ":" in name]
    others = []
    for last in sliced:
        names[last] = names[last].partition(":")[0]
        others.append(".".join(names))
    return others


def _what_it_adds(element: Element, place: Place) -> Element | None:
    """The line, without what is said already; None when nothing is left."""
    said = place.refined
    is_slice = ":" in element.id.rpartition(".")[2]
    own = Element(element.id)
    if is_slice or not any(element.cardinality == e.cardinality for e in said):
        own.least, own.most, own.many = element.least, element.most, element.many
    own.must_support = element.must_support and not any(e.must_support for e in said)
    own.modifier = element.modifier and not any(e.modifier for e in said)
    own.types = () if any(set(element.types) == set(e.types) for e in said) else element.types
    own.fixed = None if any(element.fixed == e.fixed for e in said) else element.fixed
    own.pattern = None if any(element.pattern == e.pattern for e in said) else element.pattern
    own.lowest = None if any(element.lowest == e.lowest for e in said) else element.lowest
    own.highest = None if any(element.highest == e.highest for e in said) else element.highest
    own.length = None if any(element.length == e.length for e in said) else element.length
    own.binding = None if any(element.binding == e.binding for e in said) else element.binding
    own.rules = tuple(k for k in element.rules if k not in place.type_rules and not any(k in e.rules for e in said))
    own.slicing = None if any(element.slicing == e.slicing for e in said) else element.slicing
    own.like = "" if any(element.like == e.like for e in said) else element.like
    if "." not in element.id:
        own.least, own.most, own.many = None, None, False  # how often a root occurs is for its place to say
    return own if is_slice or own != Element(element.id) else None
