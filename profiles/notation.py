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
