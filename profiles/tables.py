"""The constraint tables on disk: one folder per guide and version, read when first asked for.

A folder holds `guide.txt` (header, then one line per definition: its canonical and its type), one `NAME.txt` per
definition in the notation, `rules.txt` (invariant key and severity), `valuesets.txt` and `codesystems.txt`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from profiles import notation
from profiles.notation import CORE, Definition, Element
from profiles.reading import read
from profiles.valuesets import ValueSets

HERE = Path(__file__).parent


@dataclass(slots=True, eq=False)
class Shape:
    """One element of a definition with what is below it; `label` says whose rule it is (`PAS profile-claim`)."""

    label: str
    guide: str
    element: Element
    children: dict[str, Shape] = field(default_factory=dict)
    slices: dict[str, Shape] = field(default_factory=dict)
    root: Shape | None = None

    def below(self, path: str) -> Shape | None:
        """Another element of the same definition by its path, `Questionnaire.item`; None when it says nothing of it."""
        found = self.root or self
        for name in path.split(".")[1:]:
            if name not in found.children:
                return None
            found = found.children[name]
        return found


@dataclass(slots=True, eq=False)
class Guide:
    """One folder; `key` is its name (`uscore-7.0.0`).

    `label` begins the rule ids of its definitions; `types` gives the FHIR type of each canonical.
    """

    folder: Path
    key: str = ""
    name: str = ""
    version: str = ""
    label: str = ""
    types: dict[str, str] = field(default_factory=dict)
    _severities: dict[str, str] | None = None
    _shapes: dict[str, tuple[Definition, Shape]] = field(default_factory=dict)

    @property
    def severities(self) -> dict[str, str]:
        """Invariant key -> error or warning."""
        if self._severities is None:
            lines = (self.folder / "rules.txt").read_text("utf-8").splitlines()
            self._severities = dict(line.split(" ") for line in lines)
        return self._severities

    def add(self, definition: Definition) -> None:
        """Hold a definition that is not on disk yet."""
        self.types[definition.canonical] = definition.type
        self._shapes[definition.canonical] = (definition, shape_of(definition, self))

    def definition(self, canonical: str) -> tuple[Definition, Shape]:
        """The definition and its tree. Raises KeyError when this guide does not hold it."""
        held = self._shapes.get(canonical)
        if held is None:
            if canonical not in self.types:
                raise KeyError(canonical)
            path = self.folder / f"{file_name(canonical)}.txt"
            definition = read(path.read_text("utf-8"), f"{self.key}/{path.name}")
            held = self._shapes[canonical] = (definition, shape_of(definition, self))
        return held


def file_name(canonical: str) -> str:
    """The last part of a canonical, which names its file."""
    return canonical.rsplit("/", 1)[-1]


def read_guide(folder: Path) -> Guide:
    """The guide of a folder, its definitions not yet read."""
    guide = Guide(folder, folder.name)
    head, _, body = (folder / "guide.txt").read_text("utf-8").partition("\n\n")
    said = dict(line.split(" ", 1) for line in head.splitlines())
    guide.name, guide.version, guide.label = said["guide"], said["version"], said["label"]
    for line in body.splitlines():
        canonical, _, kind = line.partition(" ")
        guide.types[notation.full(canonical)] = kind
    return guide


def shape_of(definition: Definition, guide: Guide) -> Shape:
    """The tree of a definition's elements; parents that have no line of their own add nothing."""
    base = definition.canonical == CORE + definition.type
    label = guide.label if base else f"{guide.label} {file_name(definition.canonical)}"
    root = Shape(label, guide.key, Element(definition.type))
    for element in definition.elements:
        shape = root
        names = element.id.split(".")
        for depth, name in enumerate(names[1:], 2):
            shape = _below(shape, name, ".".join(names[:depth]))
        shape.element = element
    return root


def _below(shape: Shape, name: str, identity: str) -> Shape:
    plain, _, slice_name = name.partition(":")
    if plain not in shape.children:
        parent = identity.rpartition(".")[0]
        shape.children[plain] = _shape(shape, f"{parent}.{plain}")
    shape = shape.children[plain]
    if slice_name:
        if slice_name not in shape.slices:
            shape.slices[slice_name] = _shape(shape, identity)
        shape = shape.slices[slice_name]
    return shape


def _shape(above: Shape, identity: str) -> Shape:
    return Shape(above.label, above.guide, Element(identity), root=above.root or above)


class Tables:
    """Several guides, the earlier ones preferred where a canonical is asked for without a version."""

    def __init__(self, guides: Iterable[Guide]) -> None:
        self.guides = tuple(guides)
        self.valuesets = ValueSets([guide.folder for guide in self.guides])
        self._chains: dict[str, tuple[Shape, ...]] = {}
        self._types: dict[str, tuple[Shape, ...]] = {}

    def find(self, canonical: str) -> tuple[Guide, str] | None:
        """The guide that holds `canonical` (its |version obeyed when one has it) and the canonical without version."""
        plain, _, version = canonical.partition("|")
        first: tuple[Guide, str] | None = None
        for guide in self.guides:
            if plain in guide.types:
                if not version or guide.version == version:
                    return guide, plain
                first = first or (guide, plain)
        return first

    def holds(self, canonical: str) -> bool:
        """True when the canonical is held in exactly the version it names, or in any when it names none."""
        found = self.find(canonical)
        version = canonical.partition("|")[2]
        return found is not None and version in ("", found[0].version)

    def type_of(self, canonical: str) -> str | None:
        """The FHIR type a canonical is about; None when no guide holds it."""
        found = self.find(canonical)
        return found[0].types[found[1]] if found else None

    def definition(self, canonical: str) -> Definition:
        """The definition of a canonical. Raises KeyError when no guide holds it."""
        found = self.find(canonical)
        if found is None:
            raise KeyError(canonical)
        return found[0].definition(found[1])[0]

    def chain(self, canonical: str) -> tuple[Shape, ...]:
        """The trees that make up a type or profile, the most general first. Raises KeyError when not held."""
        known = self._chains.get(canonical)
        if known is None:
            found = self.find(canonical)
            if found is None:
                raise KeyError(canonical)
            definition, shape = found[0].definition(found[1])
            below = self.chain(notation.full(definition.on)) if definition.on else ()
            known = self._chains[canonical] = (*below, shape)
        return known

    def type_chain(self, code: str) -> tuple[Shape, ...]:
        """The trees of an R4 type by its code; empty for a primitive."""
        known = self._types.get(code)
        if known is None:
            if self.find(CORE + code) is None:
                return ()
            known = self._types[code] = self.chain(CORE + code)
        return known

    def severity(self, guide: str, key: str) -> str:
        """How grave an invariant is: as its guide says, else as R4 says, else an error."""
        for held in self.guides:
            if held.key == guide and key in held.severities:
                return held.severities[key]
        return next((held.severities[key] for held in self.guides if key in held.severities), "error")


def value_of(literal: Any) -> Any:
    """The JSON value in a Literal, None for None."""
    return None if literal is None else literal.value
