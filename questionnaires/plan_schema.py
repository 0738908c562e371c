"""What a plan file may say, as marshmallow schemas."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load

from questionnaires.notation import Choice, Count, Days, Notation, Text, YesNo, code_from
from questionnaires.spans import SpanSchema
from questionnaires.topic_schema import DenialSchema, WordsSchema
from server.authorization.request import Code, Detail
from server.authorization.systems import DECISION_REASONS


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


class ClocksSchema(Notation):
    """By when the plan decides (PF-22), and whether the clock stops while information is awaited."""

    expedited_hours = Count(least=1, load_default=72)
    standard_days = Count(least=1, load_default=7)
    extended_days = Count(least=1, load_default=14)
    pauses = YesNo(load_default=False)


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
    denials = fields.List(fields.Nested(DenialSchema), load_default=[])
    most_lines = Count(least=1, load_default=10)
    most_diagnoses = Count(least=1, load_default=10)
    npi_check = YesNo(load_default=False)
    needs = fields.List(Choice(Detail), load_default=[])
    past_days = Days(load_default=None)
    future_days = Days(load_default=None)
    not_in_force = fields.Nested(WordsSchema)
    groupers = fields.List(fields.Nested(SpanSchema), load_default=[])
    clocks = fields.Nested(ClocksSchema, load_default=lambda: ClocksSchema().load({}))
