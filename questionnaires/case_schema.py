"""What cases.yaml may say, as marshmallow schemas. `like:` is read before: see `questionnaires.likeness`."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from questionnaires.notation import SOME, Amount, Choice, CodeText, Count, Day, Notation, Text, YesNo
from server.authorization.criteria import Result
from server.authorization.determination import Response, ReviewAction, WaitsFor


class Status(StrEnum):
    """The statuses a review can give."""

    APPROVED = ReviewAction.CERTIFIED.status
    MODIFIED = ReviewAction.MODIFIED.status
    PENDED = ReviewAction.PENDED.status
    DENIED = ReviewAction.NOT_CERTIFIED.status


class Proposed(StrEnum):
    """What became of a proposal, or that it was not made."""

    OFFERED = Response.OFFERED.value
    ACCEPTED = Response.ACCEPTED.value
    DECLINED = Response.DECLINED.value
    NONE = "none"


class DaysSchema(Notation):
    """From one day to another, both included; either may be open."""

    first = Day(data_key="from", load_default=None)
    last = Day(data_key="to", load_default=None)


class CaseLineSchema(DaysSchema):
    """A service line of a case: what it names, what it orders, its service type, how much, when, where, by whom."""

    service = CodeText(load_default=None)
    end = CodeText(load_default=None)
    order = CodeText(load_default=None)
    category = CodeText(load_default=None)
    quantity = Amount(load_default=None)
    place = CodeText(load_default=None)
    modifiers = fields.List(CodeText(), load_default=[])
    specialty = CodeText(load_default=None)
    provider = Text(load_default="")
    certification = Text(load_default="")


class DatedDocument(fields.Field[tuple[Any, Any]]):
    """A document by its code, with or without the day it is of: ``loinc 11506-3``, ``loinc 11506-3 2026-01-31``."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
        words = value.split() if isinstance(value, str) else []
        if len(words) == 3:
            return CodeText().deserialize(" ".join(words[:2])), Day().deserialize(words[2])
        return CodeText().deserialize(value), None


class FactsSchema(Notation):
    """What else is known of the request in a case."""

    documents = fields.List(DatedDocument(), load_default=[])
    diagnoses = fields.List(CodeText(), load_default=[])
    expedited = YesNo(load_default=False)


class MemberSchema(Notation):
    """The member of a case, by age in whole years on the day of the review, or by birth date."""

    age = Count(load_default=None)
    birth_date = Day(load_default=None)


class PriorSchema(DaysSchema):
    """A line on record for the member; by default approved under the case's own topic, by nobody's provider."""

    service = CodeText(required=True)
    topic = Text(load_default=None)
    status = Choice(Status, load_default=Status.APPROVED)
    quantity = Amount(load_default=None)
    provider = Text(load_default="")


class Words(fields.Field[dict[str, Any]]):
    """A mapping whose values are one of a few words; or any text, where no words are given."""

    def __init__(self, words: type[StrEnum] | None = None, **options: Any) -> None:
        super().__init__(**options)
        self.words = words

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ValidationError("fields are expected here - write lines of the form name: value")
        if self.words is None:
            return value
        known = Choice(self.words)
        read, wrong = {}, {}
        for name, word in value.items():
            try:
                read[name] = known.deserialize(word)
            except ValidationError as error:
                wrong[name] = error.messages
        if wrong:
            raise ValidationError(wrong)
        return read


class ExpectationSchema(Notation):
    """What is decided for a line; what is not said is not compared, but the topic is, by default the case's own."""

    status = Choice(Status, required=True)
    topic = Text()
    reason = Text()
    quantity = Amount()
    place = CodeText()
    waits_for = Choice(WaitsFor)
    missing = fields.List(CodeText())
    unanswered = fields.List(Text())
    delegate = Text()
    criteria = Words(Result)
    nudges = Words(Proposed)


class CaseSchema(Notation):
    """One case: a sentence of fact, what is asked under which plan, what is decided."""

    case = Text(required=True)
    plan = Text(required=True)
    on = Day(load_default=None)
    lines = fields.List(fields.Nested(CaseLineSchema), required=True, validate=SOME)
    facts = fields.Nested(FactsSchema, load_default=lambda: FactsSchema().load({}))
    answers = Words(load_default=dict)
    member = fields.Nested(MemberSchema, load_default=lambda: MemberSchema().load({}))
    coverage = fields.Nested(DaysSchema, load_default=None)
    history = fields.List(fields.Nested(PriorSchema), load_default=[])
    expect = fields.List(fields.Nested(ExpectationSchema), load_default=[])
    rejected = fields.List(Text(), load_default=[])

    @validates_schema
    def one_expectation_per_line(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a case that does not say what is expected of every line, or that the whole is rejected."""
        if data["rejected"] and data["expect"]:
            raise ValidationError("of a rejected request no line is decided - delete expect, or rejected", "expect")
        if not data["rejected"] and len(data["lines"]) != len(data["expect"]):
            raise ValidationError("lines and expectations differ in number - expect one for every line", "expect")
