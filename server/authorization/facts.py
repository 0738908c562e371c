"""What is known about a line, its request, its member and their history, under the names that rules use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from msgspec import Struct

from server.authorization.request import Code, Quantity

FactValue = bool | Quantity | date | str | tuple[Code, ...]


class Kind(StrEnum):
    """What type a fact has; rules that compare it with another type do not lint."""

    TRUTH = "true or false"
    AMOUNT = "amount"
    DAY = "day"
    CODES = "codes"
    TEXT = "text"


class Known(Struct, frozen=True):
    """A fact: its value and where it was found (an answer's linkId and who gave it, an element, the record)."""

    value: FactValue
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts of one line by name; a name that is not in it is unknown.

    open    linkIds that the topic's form, as it was filled in, still requires;  faults  what is wrong with it, in words
    """

    on: date
    known: Mapping[str, Known]
    open: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()

    def get(self, name: str) -> Known | None:
        """The fact, or None where nobody said it."""
        return self.known.get(name)


ANSWER = "answer:"
"""Prefix of the answers to the topic's form: ``answer:pain.weeks`` for the item with that linkId."""

DOCUMENT = "document:"
"""Prefix of the day of the newest document of a type: ``document:http://loinc.org|11506-3``."""

HISTORY = "history."
"""Prefix of the facts that are looked up in the member's record."""

NAMED: Mapping[str, tuple[Kind, str]] = {
    "line.quantity": (Kind.AMOUNT, "how much is asked for"),
    "line.start": (Kind.DAY, "first day of service asked for"),
    "line.end": (Kind.DAY, "last day of service asked for"),
    "line.days": (Kind.AMOUNT, "how many days are asked for"),
    "line.service": (Kind.CODES, "what the line names and orders"),
    "line.modifiers": (Kind.CODES, "modifiers of the service"),
    "line.place": (Kind.CODES, "place of service"),
    "line.specialty": (Kind.CODES, "specialty of the provider of the line"),
    "member.age": (Kind.AMOUNT, "whole years on the first day of service"),
    "coverage.in_force": (Kind.TRUTH, "whether the coverage is in force on the first day of service"),
    "request.diagnoses": (Kind.CODES, "diagnoses of the request"),
    "request.expedited": (Kind.TRUTH, "whether a delay would endanger the member"),
    "request.retrospective": (Kind.TRUTH, "whether the first day of service is past"),
    "history.duplicate": (Kind.TRUTH, "whether the same service is already authorized for an overlapping period"),
    "history.visits_authorized": (Kind.AMOUNT, "how much of the topic is authorized for the member this calendar year"),
    "history.before": (Kind.TRUTH, "whether the topic was authorized for the member before, whenever that was"),
    "history.same_specialty": (Kind.TRUTH, "whether another provider has the topic authorized for the period"),
    "history.in_force": (Kind.TRUTH, "whether the topic is authorized for the member on the first day of service"),
}
"""Every fact besides answers and documents: its kind, and what it means."""


def kind_of(name: str) -> Kind | None:
    """The kind of a named fact; None for answers (the form says) and for names that do not exist."""
    if name.startswith(DOCUMENT):
        return Kind.DAY
    found = NAMED.get(name)
    return found[0] if found else None
