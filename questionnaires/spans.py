"""Codes one by one and in ranges: how `codes` are written, and what a request may call them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from questionnaires.notation import Notation, SystemName, Text
from server.authorization.policy import CodeSpan
from server.authorization.request import Code
from server.authorization.systems import CPT, HCPCS


class SpanSchema(Notation):
    """One code (`code`) or a range of codes of one length (`from`, `to`) of a system."""

    system = SystemName(required=True)
    code = Text(load_default=None)
    first = Text(data_key="from", load_default=None)
    last = Text(data_key="to", load_default=None)

    @validates_schema
    def one_code_or_a_range(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse anything but one code or a range that has something in it."""
        code, first, last = data["code"], data["first"], data["last"]
        if (code is None) == (first is None and last is None):
            raise ValidationError("neither one code nor a range - write either code, or from and to")
        if code is None and (first is None or last is None):
            raise ValidationError("half a range - write both from and to")
        if code is None and len(first) != len(last):
            raise ValidationError(f"{first} and {last} differ in length - write a range for each length", "to")
        if code is None and first.upper() > last.upper():
            raise ValidationError(f"{last} comes before {first} - swap them", "to")

    @post_load
    def made(self, data: dict[str, Any], **_: Any) -> CodeSpan:
        """The CodeSpan. HCPCS level I is CPT: its codes, which begin with a digit, stand under CPT."""
        first, last = (data["code"] or data["first"]).upper(), (data["code"] or data["last"]).upper()
        system = CPT if data["system"] == HCPCS and first[0].isdigit() else data["system"]
        return CodeSpan(system, first, last)


def level_one(code: Code) -> Code:
    """HCPCS level I is CPT: codes that begin with a digit stand under CPT."""
    return Code(CPT, code.code) if code.system == HCPCS and code.code[:1].isdigit() else code


def with_level_one(spans: Iterable[CodeSpan]) -> Iterator[CodeSpan]:
    """The spans; those of CPT also as HCPCS level I, since requests name these codes under either system."""
    for span in spans:
        yield span
        if span.system == CPT:
            yield CodeSpan(HCPCS, span.first, span.last)
