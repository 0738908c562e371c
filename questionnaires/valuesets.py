"""Sets of codes with a name: what valuesets.yaml of a content directory says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import ValidationError, fields

from questionnaires.notation import Name, code_from, made
from questionnaires.spans import SpanSchema, level_one
from server.authorization.policy import CodeSpan
from server.authorization.request import Code

ValueSet = tuple[CodeSpan | Code, ...]
"""Single codes, ranges of codes, and codes that end with `*` for all that begin alike."""

MOST_CODES = 500
"""How many codes a range may stand for where codes are compared one by one."""


class ValueSetsField(fields.Field[dict[str, ValueSet]]):
    """A mapping of names to lists; an entry is a code (``icd10cm M54*``) or a range ({system, from, to})."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, ValueSet]:
        if not isinstance(value, Mapping):
            raise ValidationError("no value sets here - write lines of the form name: and a list of codes")
        read, wrong = {}, {}
        for name, entries in value.items():
            try:
                Name().deserialize(name)
                read[name] = _entries(entries)
            except ValidationError as error:
                wrong[name] = error.messages
        if wrong:
            raise ValidationError(wrong)
        return read


def _entries(entries: Any) -> ValueSet:
    if not isinstance(entries, list) or not entries:
        raise ValidationError("a list of codes is expected here - begin every one with a dash")
    read: list[CodeSpan | Code] = []
    wrong: dict[int, Any] = {}
    for number, entry in enumerate(entries):
        try:
            read.append(made(SpanSchema).load(entry) if isinstance(entry, Mapping) else level_one(code_from(entry)))
        except ValidationError as error:
            wrong[number] = error.messages
    if wrong:
        raise ValidationError(wrong)
    return tuple(read)


def spans_of(entries: ValueSet) -> Iterator[CodeSpan]:
    """The set as spans; codes with `*` have none."""
    for entry in entries:
        if isinstance(entry, CodeSpan):
            yield entry
        elif not entry.code.endswith("*"):
            yield CodeSpan(entry.system, entry.code.upper(), entry.code.upper())


def codes_of(entries: ValueSet) -> Iterator[Code]:
    """The set as codes to compare with; every code of a range."""
    for entry in entries:
        if isinstance(entry, Code):
            yield entry
        else:
            yield from (Code(entry.system, code) for code in numbered(entry))


def numbered(span: CodeSpan) -> Iterator[str]:
    """The codes of a range whose ends differ only in the number they end with."""
    head = span.first.rstrip("0123456789")
    width = len(span.first) - len(head)
    if span.is_single or not width:
        yield span.first
        return
    for number in range(int(span.first[-width:]), int(span.last[-width:]) + 1):
        yield f"{head}{number:0{width}}"


def is_numbered(span: CodeSpan) -> bool:
    """True for a range that can be written out, code by code."""
    head = span.first.rstrip("0123456789")
    width = len(span.first) - len(head)
    if span.is_single:
        return True
    same_head = span.last.startswith(head) and span.last[len(head) :].isdigit()
    return bool(width) and same_head and int(span.last[-width:]) - int(span.first[-width:]) < MOST_CODES
