"""What an answer is: value[x] of FHIR JSON as a plain value that can be compared.

boolean  bool       integer, decimal  Decimal       date, dateTime  Moment       time, string, uri  str
Coding   Code       Quantity          Quantity      others (Reference, Attachment)  Opaque
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from server.authorization.request import Code, Quantity
from server.authorization.systems import normal_system
from server.authorization.units import converted, unit_word

_MOMENT = re.compile(r"(\d{4}(-\d\d(-\d\d)?)?)(T\d\d:\d\d.*)?")


@dataclass(frozen=True, slots=True)
class Moment:
    """A date or dateTime as it was sent, perhaps only a year or a month."""

    text: str

    @property
    def day(self) -> str:
        """The date in it, as far as it goes."""
        return self.text[:10]


@dataclass(frozen=True, slots=True)
class Opaque:
    """A value that is only given or not: a Reference or an Attachment."""

    type: str


Value = bool | Decimal | Moment | str | Code | Quantity | Opaque


def value_in(node: Mapping[str, Any], prefix: str = "value") -> tuple[str, Value] | None:
    """The type and value of the choice `prefix`[x] in FHIR JSON; None where there is none that is well formed.

    The type is as in the name of the element: ``Coding`` of ``valueCoding``.
    """
    for name, given in node.items():
        if name.startswith(prefix) and len(name) > len(prefix) and name[len(prefix)].isupper():
            type_ = name[len(prefix) :]
            value = _READ[type_](given) if type_ in _READ else None
            if value is not None:
                return type_, value
    return None


def _boolean(given: Any) -> bool | None:
    return given if isinstance(given, bool) else None


def _number(given: Any) -> Decimal | None:
    return Decimal(given) if isinstance(given, (int, Decimal)) and not isinstance(given, bool) else None


def _moment(given: Any) -> Moment | None:
    return Moment(given) if isinstance(given, str) and _MOMENT.fullmatch(given) else None


def _text(given: Any) -> str | None:
    return given if isinstance(given, str) and given.strip() else None


def _coding(given: Any) -> Code | None:
    if not isinstance(given, Mapping):
        return None
    system, code, display = (given.get(name) for name in ("system", "code", "display"))
    words = display if isinstance(display, str) else ""
    if not isinstance(code, str):
        return Code("", "", words) if words else None
    return Code(normal_system(system) if isinstance(system, str) else "", code, words)


def _quantity(given: Any) -> Quantity | None:
    number = _number(given.get("value")) if isinstance(given, Mapping) else None
    if number is None:
        return None
    code, unit, system = (given.get(name) for name in ("code", "unit", "system"))
    word = code if isinstance(code, str) else unit if isinstance(unit, str) else ""
    return Quantity(number, word, system if isinstance(system, str) else "")


def _reference(given: Any) -> Opaque | None:
    return Opaque("Reference") if isinstance(given, Mapping) and given else None


def _attachment(given: Any) -> Opaque | None:
    return Opaque("Attachment") if isinstance(given, Mapping) and given else None


_READ: Mapping[str, Any] = {
    "Boolean": _boolean,
    "Decimal": _number,
    "Integer": _number,
    "Date": _moment,
    "DateTime": _moment,
    "Time": _text,
    "String": _text,
    "Uri": _text,
    "Coding": _coding,
    "Quantity": _quantity,
    "Reference": _reference,
    "Attachment": _attachment,
}


def same(one: Value, other: Value) -> bool:
    """True when the two mean the same: codes of one system, amounts in units that can be converted."""
    if isinstance(one, Code) and isinstance(other, Code):
        return (one.system, one.code) == (other.system, other.code)
    if isinstance(one, Moment) and isinstance(other, Moment):
        length = min(len(one.day), len(other.day))
        return one.day[:length] == other.day[:length]
    order = compared(one, other)
    return one == other if order is None and type(one) is type(other) else order == 0


def compared(one: Value, other: Value) -> int | None:
    """-1, 0 or 1 where the first is below, equal to or above the second; None where they have no order."""
    match one, other:
        case Quantity(), Quantity():
            value = converted(Quantity(one.value, unit_word(one.unit)), unit_word(other.unit))
            return None if value is None else _sign(value, other.value)
        case Decimal(), Decimal():
            return _sign(one, other)
        case Moment(), Moment():
            length = min(len(one.day), len(other.day))
            return _sign(one.day[:length], other.day[:length])
        case str(), str():
            return _sign(one, other)
        case _:
            return None


def _sign(one: Any, other: Any) -> int:
    return 1 if one > other else -1 if one < other else 0
