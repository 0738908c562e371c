"""What cases.yaml may say, as marshmallow schemas."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from questionnaires.notation import Amount, Choice, CodeText, Day, Notation, Text
from server.authorization.determination import ReviewAction, WaitsFor

_SOME = validate.Length(min=1, error="the list is empty - write at least one entry")


class Status(StrEnum):
    """The statuses a review can give."""

    APPROVED = ReviewAction.CERTIFIED.status
    MODIFIED = ReviewAction.MODIFIED.status
    PENDED = ReviewAction.PENDED.status
    DENIED = ReviewAction.NOT_CERTIFIED.status


class CaseLineSchema(Notation):
    """A service line of a case: what it names, what it orders, its service type, how much."""

    service = CodeText(load_default=None)
    end = CodeText(load_default=None)
    order = CodeText(load_default=None)
    category = CodeText(load_default=None)
    quantity = Amount(load_default=None)


class FactsSchema(Notation):
    """What else is known of the request in a case."""

    documents = fields.List(CodeText(), load_default=[])
    diagnoses = fields.List(CodeText(), load_default=[])
    expedited = fields.Boolean(load_default=False)


class ExpectationSchema(Notation):
    """What is decided for a line; what is not said is not compared, but the topic is, by default the case's own."""

    status = Choice(Status, required=True)
    topic = Text()
    reason = Text()
    quantity = Amount()
    waits_for = Choice(WaitsFor)
    missing = fields.List(CodeText())


class CaseSchema(Notation):
    """One case: a sentence of fact, what is asked under which plan, what is decided."""

    case = Text(required=True)
    plan = Text(required=True)
    on = Day(load_default=None)
    lines = fields.List(fields.Nested(CaseLineSchema), required=True, validate=_SOME)
    facts = fields.Nested(FactsSchema, load_default=lambda: FactsSchema().load({}))
    expect = fields.List(fields.Nested(ExpectationSchema), required=True, validate=_SOME)

    @validates_schema
    def one_expectation_per_line(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a case that does not say what is expected of every line."""
        if len(data["lines"]) != len(data["expect"]):
            raise ValidationError("lines and expectations differ in number - expect one for every line", "expect")
