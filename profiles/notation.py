"""The project's notation for constraints: one line per element, one file per profile or type.

A file starts with header lines (one word, a blank, a value), then a blank line, then the elements::

    profile http://hl7.org/fhir/us/davinci-pas/StructureDefinition/profile-claim|2.2.1
    type Claim
    on Claim

    Claim.item  1..*  must-support
    Claim.item.quantity  type Quantity{http://.../profile-quantity}
    Claim.use  pattern "preauthorization"

Header words: ``profile`` (canonical|version), ``type``, ``on`` (what the lines add to: a type name or a canonical;
absent for the types R4 starts from), ``derivation`` (specialization or constraint), ``abstract yes``, ``context`` (kind
and expression of a place an extension may stand at, repeated).

An element line has its id first and then fields, two blanks between them, in any order; a field that is absent adds
nothing to what `on` says:

    0..1                      how often
    must-support, modifier    flags
    type A or Reference(B or C) or Quantity{canonical}    allowed types, targets of references, profiles of types
    fixed JSON, pattern JSON  the value, or what the value must contain
    least JSON, most JSON     bounds of the value
    length N                  longest string
    binding STRENGTH CANONICAL
    rules KEY KEY             invariants (ele-1 and ext-1 hold everywhere and are never written)
    slices open|closed|openAtEnd [ordered] KIND:PATH ...    how the list is divided
    like PATH                 has the content of another element of the same type

Names without a colon are R4's own: ``Patient`` is http://hl7.org/fhir/StructureDefinition/Patient.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

CORE = "http://hl7.org/fhir/StructureDefinition/"
GAP = "  "


class NotationError(ValueError):
    """A line that is not of the notation; says which file and line."""


@dataclass(frozen=True, slots=True)
class TypeUse:
    """One allowed type of an element: FHIR type code, profiles of it, canonicals its references may point to."""

    code: str
    profiles: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Slicing:
    """How a list is divided: rules open, closed or openAtEnd; discriminators as (kind, path)."""

    rules: str
    ordered: bool
    discriminators: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Literal:
    """A JSON value of the tables; wraps it so that absent and null differ."""

    value: Any


@dataclass(slots=True)
class Element:
    """What one line says; None or empty means: adds nothing."""

    id: str
    least: int | None = None
    most: int | None = None
    many: bool = False
    must_support: bool = False
    modifier: bool = False
    types: tuple[TypeUse, ...] = ()
    fixed: Literal | None = None
    pattern: Literal | None = None
    lowest: Literal | None = None
    highest: Literal | None = None
    length: int | None = None
    binding: tuple[str, str] | None = None
    rules: tuple[str, ...] = ()
    slicing: Slicing | None = None
    like: str = ""

    @property
    def cardinality(self) -> str:
        """`1..*`, or empty when the line says nothing about it."""
        if self.least is None:
            return ""
        return f"{self.least}..{'*' if self.many else self.most}"


@dataclass(slots=True)
class Definition:
    """One file: a type of R4, or a profile or extension on one."""

    canonical: str
    version: str
    type: str
    on: str = ""
    derivation: str = "constraint"
    abstract: bool = False
    contexts: tuple[tuple[str, str], ...] = ()
    elements: list[Element] = field(default_factory=list)


def full(name: str) -> str:
    """The canonical a name of the notation stands for."""
    return name if ":" in name else CORE + name


def short(canonical: str) -> str:
    """How a canonical is written: R4's own without their common beginning."""
    tail = canonical.removeprefix(CORE)
    return tail if ":" not in tail and "/" not in tail else canonical


def read(text: str, source: str) -> Definition:
    """The definition a file holds. Raises NotationError naming `source` and the line."""
    head, _, body = text.partition("\n\n")
    definition = _header(head.splitlines(), source)
    start = head.count("\n") + 3
    for number, line in enumerate(body.splitlines(), start):
        if line:
            try:
                definition.elements.append(parse(line))
            except (ValueError, IndexError) as fault:
                raise NotationError(f"{source}:{number}: {fault}") from fault
    return definition


def _header(lines: list[str], source: str) -> Definition:
    said: dict[str, str] = {}
    contexts: list[tuple[str, str]] = []
    for line in lines:
        word, _, value = line.partition(" ")
        if word == "context":
            kind, _, expression = value.partition(" ")
            contexts.append((kind, expression))
        else:
            said[word] = value
    if "profile" not in said or "type" not in said:
        raise NotationError(f"{source}: a file starts with `profile` and `type`")
    canonical, _, version = said["profile"].partition("|")
    return Definition(
        canonical=canonical,
        version=version,
        type=said["type"],
        on=said.get("on", ""),
        derivation=said.get("derivation", "constraint"),
        abstract="abstract" in said,
        contexts=tuple(contexts),
    )


def parse(line: str) -> Element:
    """The element of one line. Raises ValueError for a field the notation does not know."""
    identity, *fields = line.split(GAP)
    element = Element(identity)
    for text in fields:
        word, _, rest = text.partition(" ")
        reader = _FIELDS.get(word)
        if reader is not None:
            reader(element, rest)
        elif word[0].isdigit():
            _cardinality(element, word)
        else:
            raise ValueError(f"unknown field {word!r}")
    return element


def _cardinality(element: Element, text: str) -> None:
    least, _, most = text.partition("..")
    element.least = int(least)
    element.many = most == "*"
    element.most = None if element.many else int(most)


def _types(element: Element, rest: str) -> None:
    element.types = tuple(_type(text) for text in _alternatives(rest))


def _alternatives(text: str) -> list[str]:
    """`A or B(C or D)` as [`A`, `B(C or D)`]."""
    if "(" not in text and "{" not in text:
        return text.split(" or ")
    parts = [""]
    for word in text.split(" or "):
        open_ones = parts[-1].count("(") + parts[-1].count("{") - parts[-1].count(")") - parts[-1].count("}")
        if open_ones:
            parts[-1] += " or " + word
        else:
            parts.append(word)
    return parts[1:]


def _type(text: str) -> TypeUse:
    targets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    if text.endswith(")"):
        text, _, inner = text[:-1].partition("(")
        targets = tuple(full(name) for name in inner.split(" or "))
    if text.endswith("}"):
        text, _, inner = text[:-1].partition("{")
        profiles = tuple(full(name) for name in inner.split(" or "))
    return TypeUse(text, profiles, targets)


def _fixed(element: Element, rest: str) -> None:
    element.fixed = Literal(json.loads(rest))


def _pattern(element: Element, rest: str) -> None:
    element.pattern = Literal(json.loads(rest))


def _lowest(element: Element, rest: str) -> None:
    element.lowest = Literal(json.loads(rest))


def _highest(element: Element, rest: str) -> None:
    element.highest = Literal(json.loads(rest))


def _length(element: Element, rest: str) -> None:
    element.length = int(rest)


def _binding(element: Element, rest: str) -> None:
    strength, _, canonical = rest.partition(" ")
    element.binding = (strength, canonical)


def _rules(element: Element, rest: str) -> None:
    element.rules = tuple(rest.split(" "))


def _slices(element: Element, rest: str) -> None:
    rules, *words = rest.split(" ")
    ordered = words[:1] == ["ordered"]
    pairs = (word.partition(":") for word in words[ordered:])
    element.slicing = Slicing(rules, ordered, tuple((kind, path.replace("%20", " ")) for kind, _, path in pairs))


def _like(element: Element, rest: str) -> None:
    element.like = rest


def _must_support(element: Element, _rest: str) -> None:
    element.must_support = True


def _modifier(element: Element, _rest: str) -> None:
    element.modifier = True


_FIELDS = {
    "must-support": _must_support,
    "modifier": _modifier,
    "type": _types,
    "fixed": _fixed,
    "pattern": _pattern,
    "least": _lowest,
    "most": _highest,
    "length": _length,
    "binding": _binding,
    "rules": _rules,
    "slices": _slices,
    "like": _like,
}


def write(definition: Definition) -> str:
    """The file of a definition; `read` gives it back."""
    head = [f"profile {definition.canonical}|{definition.version}", f"type {definition.type}"]
    if definition.on:
        head.append(f"on {definition.on}")
    if definition.derivation != "constraint":
        head.append(f"derivation {definition.derivation}")
    if definition.abstract:
        head.append("abstract yes")
    head += [f"context {kind} {expression}" for kind, expression in definition.contexts]
    return "\n".join([*head, "", *map(line_of, definition.elements)]) + "\n"


def line_of(element: Element) -> str:
    """The line of an element; `parse` gives it back."""
    fields = [element.id, element.cardinality]
    fields += ["must-support"] if element.must_support else []
    fields += ["modifier"] if element.modifier else []
    fields += ["type " + " or ".join(map(_type_text, element.types))] if element.types else []
    for word, literal in (
        ("fixed", element.fixed),
        ("pattern", element.pattern),
        ("least", element.lowest),
        ("most", element.highest),
    ):
        fields += [f"{word} {_json(literal.value)}"] if literal else []
    fields += [f"length {element.length}"] if element.length is not None else []
    fields += ["binding " + " ".join(element.binding)] if element.binding else []
    fields += ["rules " + " ".join(element.rules)] if element.rules else []
    fields += [_slicing_text(element.slicing)] if element.slicing else []
    fields += [f"like {element.like}"] if element.like else []
    return GAP.join(text for text in fields if text)


def _type_text(use: TypeUse) -> str:
    text = use.code
    if use.profiles:
        text += "{" + " or ".join(map(short, use.profiles)) + "}"
    if use.targets:
        text += "(" + " or ".join(map(short, use.targets)) + ")"
    return text


def _json(value: Any) -> str:
    """JSON on one line in which two blanks never meet, so that a field stays one field."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace(GAP, " \\u0020")


def _slicing_text(slicing: Slicing) -> str:
    words = ["slices", slicing.rules, *(["ordered"] if slicing.ordered else [])]
    return " ".join(words + [f"{kind}:{path.replace(' ', '%20')}" for kind, path in slicing.discriminators])
