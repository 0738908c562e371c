"""How single things are written in plans, topics and cases: words, codes, amounts, days; each a marshmallow field.

A message of a field says what is wrong and, after " - ", how to mend it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate, validates_schema

from server.authorization.request import Code, Quantity
from server.authorization.systems import SHORT_NAMES, system_named
from server.authorization.units import unit_word

SOME = validate.Length(min=1, error="the list is empty - write at least one entry")

_AMOUNT = re.compile(r"(\d+(?:\.\d+)?)(?:\s+(\S+))?")
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@cache
def made(schema: type[Schema]) -> Schema:
    """The one instance of a schema: to make one takes longer than to read a topic with it."""
    return schema()


class Notation(Schema):
    """A mapping whose every field is known: a name that is not is an error that proposes the nearest one."""

    error_messages = {"type": "fields are expected here - write lines of the form name: value"}  # noqa: RUF012

    class Meta:
        unknown = EXCLUDE

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Say in our words that a field is missing, empty or no list."""
        name = field_obj.data_key or field_name
        field_obj.error_messages["required"] = f"'{name}' is missing - add it"
        field_obj.error_messages["null"] = f"'{name}' is empty - give it a value or delete the line"
        if isinstance(field_obj, fields.List):
            field_obj.error_messages["invalid"] = f"'{name}' is a list - begin every entry with a dash"
            field_obj.inner.error_messages["null"] = f"an entry of '{name}' is empty - write it or delete its dash"

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def every_field_is_known(self, _data: Any, original: Any, **_: Any) -> None:
        """Refuse names that are no fields of this mapping."""
        if not isinstance(original, Mapping):
            return
        known = [field.data_key or name for name, field in self.fields.items()]
        unknown = {name: [_unknown(name, known)] for name in original if name not in known}
        if unknown:
            raise ValidationError(unknown)


def _unknown(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    mend = f"did you mean '{near[0]}'?" if near else f"the fields here are {', '.join(known)}"
    return f"unknown field '{name}' - {mend}"


class Text(fields.Field[str]):
    """Words on one line; line breaks and runs of blanks become one blank."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str):
            raise ValidationError("a text is expected here - write it as words, in quotes if it has a colon")
        words = " ".join(value.split())
        if not words:
            raise ValidationError("the text is blank - write it or delete the line")
        return words


class Day(fields.Field[date]):
    """A day as 2026-01-31."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        try:
            return date.fromisoformat(value)
        except (ValueError, TypeError):
            raise ValidationError(f"{value!r} is no day - write it as 2026-01-31") from None


class Days(fields.Field[int]):
    """A number of days, 1 or more."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if not isinstance(value, str) or not value.isascii() or not value.isdigit() or not 1 <= int(value[:6]) <= 3660:
            raise ValidationError(f"{value!r} is no number of days - write a whole number from 1 to 3660")
        return int(value)


class Amount(fields.Field[Quantity]):
    """How much: ``20 visits``, ``3 units``, or a number alone where any unit will do."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Quantity:
        found = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
        if found is None or not Decimal(found[1]):
            raise ValidationError(f"{value!r} is no amount - write a number above 0 and a unit: 20 visits")
        return Quantity(Decimal(found[1]), _singular(found[2] or ""))


class Bound(fields.Field[Quantity]):
    """What an amount is compared with: ``88 %``, ``6 weeks``, ``0``. The unit keeps its letters: mmHg, kg/m2."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Quantity:
        found = _AMOUNT.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise ValidationError(f"{value!r} is no amount - write a number and a unit: 6 weeks")
        return Quantity(Decimal(found[1]), unit_word(found[2] or ""))


class Count(fields.Field[int]):
    """A whole number, 0 or more."""

    def __init__(self, least: int = 0, **options: Any) -> None:
        super().__init__(**options)
        self.least = least

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if not isinstance(value, str) or not value.isascii() or not value.isdigit() or int(value[:6]) < self.least:
            raise ValidationError(f"{value!r} is no number here - write a whole number, {self.least} or more")
        return int(value[:6])


class Number(fields.Field[Decimal]):
    """A number alone, without a unit."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Decimal:
        try:
            number = Decimal(value)
        except (InvalidOperation, TypeError, ValueError):
            number = Decimal("NaN")
        if not number.is_finite():
            raise ValidationError(f"{value!r} is no number - write digits: 5")
        return number


class YesNo(fields.Field[bool]):
    """yes or no."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if value not in ("yes", "no"):
            raise ValidationError(f"{value!r} is neither yes nor no - write one of them")
        return bool(value == "yes")


class Name(fields.Field[str]):
    """What something is called in rules: small letters, digits and dashes."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if not isinstance(value, str) or not _NAME.fullmatch(value):
            raise ValidationError(f"{value!r} is no name here - write small letters, digits and dashes: low-oxygen")
        return value


class SystemName(fields.Field[str]):
    """A code system by its short name or URI; read as the one URI that rules use."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        return _system_from(value)


class CodeText(fields.Field[Code]):
    """A code with its system: ``hcpcs E1390``."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Code:
        return code_from(value)


class Choice(fields.Field[Any]):
    """One of a few words."""

    def __init__(self, words: Iterable[StrEnum], **options: Any) -> None:
        super().__init__(**options)
        self.words = {str(word): word for word in words}

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> StrEnum:
        if not isinstance(value, str) or value not in self.words:
            raise ValidationError(f"{value!r} is no choice here - write one of: {', '.join(self.words)}")
        return self.words[value]


def _singular(word: str) -> str:
    plain = word.lower()
    return plain[:-1] if plain.endswith("s") and not plain.endswith("ss") else plain


def code_from(value: Any) -> Code:
    """The code written as system and code: ``hcpcs E1390``.

    Raises:
        ValidationError: it is written otherwise, or its system has no such short name.
    """
    system, _blank, code = value.partition(" ") if isinstance(value, str) else ("", "", "")
    if not code.strip():
        raise ValidationError(f"{value!r} is no code - write system and code: hcpcs E1390")
    return Code(_system_from(system), code.strip())


def _system_from(value: Any) -> str:
    uri = system_named(value) if isinstance(value, str) else None
    if uri is None:
        raise ValidationError(f"unknown code system {value!r} - use a URI or one of {', '.join(SHORT_NAMES)}")
    return uri
