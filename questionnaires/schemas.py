"""What a plan file and a topic file may say, as marshmallow schemas. Where a thing stands is `questionnaires.files`."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from questionnaires.notation import Amount, Choice, Day, Days, Notation, SystemName, Text, code_from
from server.authorization.documentation import DocumentationRequirement
from server.authorization.policy import Above, CodeSpan, ReviewPath, Source
from server.authorization.request import Code, Period
from server.authorization.systems import CPT, DECISION_REASONS, HCPCS

_SOME = validate.Length(min=1, error="the list is empty - write at least one entry")

PATHS = (ReviewPath.CERTIFY, ReviewPath.DOCUMENTATION, ReviewPath.CLINICAL, ReviewPath.NOT_COVERED)
"""The review paths that a topic file can ask for: those whose rules can be written in it."""


class PeriodSchema(Notation):
    """Days from `from` to `to`, both included; without `to` it is open."""

    start = Day(data_key="from", required=True)
    end = Day(data_key="to", load_default=None)

    @post_load
    def made(self, data: dict[str, Any], **_: Any) -> Period:
        """The Period."""
        if data["end"] and data["end"] < data["start"]:
            raise ValidationError("the last day is before the first - swap them", "to")
        return Period(**data)


class SourceSchema(Notation):
    """Where the rule is written for people."""

    document = Text(required=True)
    page = Text(load_default="")
    url = Text(load_default="")

    @post_load
    def made(self, data: dict[str, Any], **_: Any) -> Source:
        """The Source."""
        return Source(**data)


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


class DocumentSchema(Notation):
    """A document that is asked for."""

    system = SystemName(required=True)
    code = Text(required=True)
    words = Text(required=True)

    @post_load
    def made(self, data: dict[str, Any], **_: Any) -> DocumentationRequirement:
        """The DocumentationRequirement."""
        return DocumentationRequirement(Code(data["system"], data["code"]), data["words"])


class WordsSchema(Notation):
    """Why: the name of one of the plan's reason codes, and words for the member."""

    reason = Text(required=True)
    member = Text(required=True)


class RuleSchema(Notation):
    """How lines of a topic are decided; all of it may differ by plan."""

    codes = fields.List(fields.Nested(SpanSchema), validate=_SOME)
    review = Choice(PATHS)
    recommended = Amount()
    above = Choice(Above)
    approved_days = Days()
    documentation = fields.List(fields.Nested(DocumentSchema), validate=_SOME)
    pended = fields.Nested(WordsSchema)
    modified = fields.Nested(WordsSchema)
    denied = fields.Nested(WordsSchema)
    provider = Text()


class PlansField(fields.Field[dict[str, dict[str, Any]]]):
    """The plans a topic holds for: a list of them, or a mapping from plan to what is different there."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, dict[str, Any]]:
        if isinstance(value, list) and value and all(isinstance(each, str) for each in value):
            value = dict.fromkeys(value)
        if not isinstance(value, dict) or not value:
            raise ValidationError("no plans here - write a list of plans, or plan: what differs there")
        wrong, different = {}, {}
        for plan, differences in value.items():
            try:
                different[plan] = RuleSchema().load({} if differences is None else differences)
            except ValidationError as error:
                wrong[plan] = error.messages
        if wrong:
            raise ValidationError(wrong)
        return different


class TopicSchema(RuleSchema):
    """One version of a topic."""

    title = Text(required=True)
    version = Text(required=True)
    in_force = fields.Nested(PeriodSchema, required=True)
    source = fields.Nested(SourceSchema, required=True)
    plans = PlansField(required=True)
    codes = fields.List(fields.Nested(SpanSchema), required=True, validate=_SOME)
    review = Choice(PATHS, required=True)


class CoverageClassSchema(Notation):
    """A class of a Coverage: its type and value, as in FHIR Coverage.class."""

    type = Text(required=True)
    value = Text(required=True)

    @post_load
    def made(self, data: dict[str, Any], **_: Any) -> tuple[str, str]:
        """The pair, in lower case: classes are compared without case."""
        return data["type"].lower(), data["value"].lower()


class NextStepsSchema(Notation):
    """What happens next, said to the member after the reason of a line."""

    pended = Text(required=True)
    modified = Text(required=True)
    denied = Text(required=True)


class ReasonCodes(fields.Field[dict[str, Code]]):
    """Names of reasons and their codes: X12 886 codes, or system and code."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Code]:
        if not isinstance(value, dict) or not all(isinstance(code, str) for code in value.values()):
            raise ValidationError("no reason codes here - write lines of the form name: code")
        return {name: code_from(code) if " " in code else Code(DECISION_REASONS, code) for name, code in value.items()}


class PlanSchema(Notation):
    """One product of the payer."""

    title = Text(required=True)
    default = fields.Boolean(
        load_default=False, error_messages={"invalid": "neither yes nor no - write default: true, or delete the line"}
    )
    coverage_classes = fields.List(fields.Nested(CoverageClassSchema), load_default=[])
    approved_days = Days(load_default=90)
    reason_codes = ReasonCodes(required=True)
    uncovered = fields.Nested(WordsSchema, required=True)
    next_steps = fields.Nested(NextStepsSchema, required=True)
