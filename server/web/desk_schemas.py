"""What the payer's desk reads and answers in JSON, as marshmallow schemas; the OpenAPI document is made from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import Schema as PlainSchema
from marshmallow import ValidationError, fields, validate, validates_schema

from questionnaires.requirements import Need
from server.authorization.clocks import ClockState
from server.authorization.criteria import Result
from server.authorization.determination import Response, ReviewAction, WaitsFor
from server.authorization.systems import DECISION_REASONS, LOINC, PLACES_OF_SERVICE

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
STATUSES = tuple(action.status for action in ReviewAction)


class Schema(PlainSchema):
    """Names in JSON are written as FHIR writes them: ``waitsFor``."""

    def on_bind_field(self, field_name: str, field_obj: fields.Field[Any]) -> None:
        """Give the field its name in JSON, unless it has one of its own."""
        if field_obj.data_key is None:
            first, *others = field_name.split("_")
            field_obj.data_key = first + "".join(other.capitalize() for other in others)


class Words(fields.String):
    """Text for people: something besides blanks, without control characters."""

    def __init__(self, *, longest: int = 4000, **options: Any) -> None:
        super().__init__(validate=[validate.Length(max=longest), self._is_said], **options)

    @staticmethod
    def _is_said(text: str) -> None:
        if not text.strip():
            raise ValidationError("This is empty.")
        if _CONTROL.search(text):
            raise ValidationError("Control characters are not words.")


class Whole(fields.Integer):
    """A whole number, written as one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(strict=True, **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> Any:
        if isinstance(value, bool | str):
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **more)


class Units(fields.Decimal):
    """A number, more than zero; decimals are kept as written."""

    def __init__(self, **options: Any) -> None:
        super().__init__(validate=validate.Range(min=0, min_inclusive=False), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **more: Any) -> Any:
        if isinstance(value, bool):
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **more)


def _version() -> fields.Field[Any]:
    about = "The version of the authorization that you saw; or send it as If-Match."
    return Whole(validate=validate.Range(min=1), metadata={"description": about})


class CertifySchema(Schema):
    """As asked."""

    version = _version()
    words = Words(metadata={"description": "For the history."})


class DocumentSchema(Schema):
    """A document that is needed, by its code."""

    code = Words(required=True, longest=64)
    system = Words(load_default=LOINC, longest=255)
    words = Words(required=True, metadata={"description": "What it is, for the submitter."})


class DenySchema(Schema):
    """Not authorized: reason, criterion and words are all needed (PF-20)."""

    version = _version()
    reason = Words(required=True, longest=64, metadata={"description": "Coded reason (X12 886)."})
    reason_system = Words(load_default=DECISION_REASONS, longest=255)
    criterion = Words(required=True, longest=200, metadata={"description": "What was not met: criterion or guideline."})
    words = Words(required=True, metadata={"description": "The reason in words that the member understands."})


class ModifySchema(DenySchema):
    """Less, or elsewhere: fewer units, other dates, another place (PF-21); always with its reason (PF-20)."""

    units = Units()
    start = fields.Date()
    end = fields.Date()
    place = Words(longest=64, metadata={"description": "Place of service."})
    place_system = Words(load_default=PLACES_OF_SERVICE, longest=255)

    @validates_schema
    def _says_something(self, data: dict[str, Any], **_: Any) -> None:
        if not data.keys() & {"units", "start", "end", "place"}:
            raise ValidationError("Say what is authorized: units, start, end or place.", "units")
        if data.get("start", date.min) > data.get("end", date.max):
            raise ValidationError("The period ends before it starts.", "end")


class AskSchema(Schema):
    """The line waits for documents, or answers of its form (linkIds)."""

    version = _version()
    documents = fields.List(fields.Nested(DocumentSchema), load_default=[], validate=validate.Length(max=50))
    questions = fields.List(Words(longest=255), load_default=[], validate=validate.Length(max=200))
    words = Words(load_default="", metadata={"description": "What for, for the submitter."})

    @validates_schema
    def _asks_something(self, data: dict[str, Any], **_: Any) -> None:
        if not data.get("documents") and not data.get("questions"):
            raise ValidationError("Name the documents or the questions of the form that are missing.", "documents")


class AssignSchema(Schema):
    """Somebody of the payer works on the line."""

    version = _version()
    to = fields.String(
        required=True,
        validate=validate.Length(max=100),
        metadata={"description": "Their name; empty gives the line back to nobody in particular."},
    )


class NoteSchema(Schema):
    """A remark in the history; the submitter does not read it."""

    version = _version()
    words = Words(required=True)


class ExtensionSchema(Schema):
    """More time, once (PF-22)."""

    version = _version()
    reason = Words(required=True)


DECISIONS: dict[str, type[Schema]] = {
    "certify": CertifySchema,
    "modify": ModifySchema,
    "deny": DenySchema,
    "ask": AskSchema,
    "assign": AssignSchema,
    "note": NoteSchema,
}
"""What `decision` may be, and what belongs to it."""


class CodeSchema(Schema):
    """A code in its system."""

    system = fields.String()
    code = fields.String()


class QuantitySchema(Schema):
    """How much."""

    value = fields.Decimal()
    unit = fields.String()


class PeriodSchema(Schema):
    """First and last day; null where a side is open."""

    start = fields.Date(allow_none=True)
    end = fields.Date(allow_none=True)


class ReasonSchema(Schema):
    """Why, in code and words."""

    code = fields.Nested(CodeSchema)
    criterion = fields.String()
    words = fields.String()


class AuthorizedSchema(Schema):
    """What may be provided."""

    quantity = fields.Nested(QuantitySchema, allow_none=True)
    period = fields.Nested(PeriodSchema, allow_none=True)
    place = fields.Nested(CodeSchema, allow_none=True)


class MissingSchema(Schema):
    """A document that is awaited."""

    code = fields.Nested(CodeSchema)
    words = fields.String()


class AskedSchema(Schema):
    """What the submitter asked for."""

    service = fields.Nested(CodeSchema)
    quantity = fields.Nested(QuantitySchema, allow_none=True)
    period = fields.Nested(PeriodSchema, attribute="serviced", allow_none=True)
    place = fields.Nested(CodeSchema, allow_none=True)


class LineSchema(Schema):
    """One service line: its number for ever, and its determination now."""

    line = fields.Integer(attribute="sequence")
    number = fields.String()
    status = fields.String(attribute="determination.action.status", validate=validate.OneOf(STATUSES))
    asked = fields.Nested(AskedSchema)
    authorized = fields.Nested(AuthorizedSchema, attribute="determination.authorized", allow_none=True)
    issued = fields.Date(allow_none=True)
    reasons = fields.List(fields.Nested(ReasonSchema), attribute="determination.reasons")
    waits_for = fields.Enum(WaitsFor, by_value=True, attribute="determination.waits_for", allow_none=True)
    missing = fields.List(fields.Nested(MissingSchema), attribute="determination.missing")
    questions = fields.List(fields.String(), attribute="determination.unanswered")
    form = fields.String(attribute="determination.form")
    delegate = fields.String(attribute="determination.delegate")
    topic = fields.String(attribute="determination.topic")
    decided_by_a_person = fields.Boolean(attribute="determination.human")
    assigned = fields.String()


class ClockSchema(Schema):
    """The decision clock; durations in seconds."""

    state = fields.Enum(ClockState, by_value=True)
    started = fields.DateTime()
    due = fields.DateTime()
    remaining = fields.TimeDelta()
    paused = fields.TimeDelta()
    extended = fields.Boolean()
    breached = fields.Boolean()
    stopped = fields.DateTime(allow_none=True)


class EventSchema(Schema):
    """Something that happened; `line` is null where it concerns all of them."""

    at = fields.DateTime()
    by = fields.String()
    what = fields.String()
    line = fields.Integer(allow_none=True)
    before = fields.String(attribute="before.status")
    after = fields.String(attribute="after.status")
    waits_for = fields.Enum(WaitsFor, by_value=True, allow_none=True)
    note = fields.String()


class RejectionSchema(Schema):
    """Why the request could not be reviewed."""

    code = fields.String()
    path = fields.String()
    words = fields.String()
    line = fields.Integer(allow_none=True)


class AuthorizationSchema(Schema):
    """An authorization on record."""

    id = fields.String(metadata={"description": "Also the id of its ClaimResponse."})
    version = fields.Integer()
    plan = fields.String()
    expedited = fields.Boolean(attribute="request.expedited")
    diagnoses = fields.List(fields.Nested(CodeSchema))
    created = fields.DateTime()
    changed = fields.DateTime()
    statuses = fields.List(fields.String(validate=validate.OneOf(STATUSES)))
    lines = fields.List(fields.Nested(LineSchema))
    rejections = fields.List(fields.Nested(RejectionSchema))
    clock = fields.Nested(ClockSchema)
    history = fields.List(fields.Nested(EventSchema))


class FindingSchema(Schema):
    """One comparison: the fact, what was wanted of it, what it was, where that was found."""

    fact = fields.String()
    wanted = fields.String()
    result = fields.Enum(Result, by_value=True)
    value = fields.String()
    origin = fields.String()


class ChangeSchema(Schema):
    """A fact, and what it would have had to be."""

    fact = fields.String()
    needed = fields.String()


class CriterionSchema(Schema):
    """A criterion as it came out, and the smallest changes any of which would have turned it."""

    criterion = fields.String()
    title = fields.String()
    rule = fields.String()
    result = fields.Enum(Result, by_value=True)
    findings = fields.List(fields.Nested(FindingSchema))
    turned_by = fields.List(fields.List(fields.Nested(ChangeSchema)))


class NudgedSchema(Schema):
    """A proposal that was made, and what became of it."""

    nudge = fields.String()
    rule = fields.String()
    response = fields.Enum(Response, by_value=True)
    reason = fields.String()


class LineTraceSchema(Schema):
    """How the rules came to a line's determination, and by which version of them."""

    line = fields.Integer(attribute="sequence")
    number = fields.String()
    status = fields.String()
    decided_by_a_person = fields.Boolean(attribute="human")
    topic = fields.String()
    on = fields.Date(allow_none=True)
    content = fields.String(metadata={"description": "Fingerprint of the plans and topics that were in use."})
    criteria = fields.List(fields.Nested(CriterionSchema))
    nudges = fields.List(fields.Nested(NudgedSchema))
    certified_by = fields.List(
        fields.List(fields.String()), metadata={"description": "Sets of facts any of which would certify the line."}
    )


class TraceSchema(Schema):
    """The trace of every line."""

    id = fields.String()
    version = fields.Integer()
    lines = fields.List(fields.Nested(LineTraceSchema))


class WaitingSchema(Schema):
    """An entry of the worklist."""

    id = fields.String()
    version = fields.Integer()
    plan = fields.String()
    expedited = fields.Boolean(attribute="request.expedited")
    created = fields.DateTime()
    clock = fields.Nested(ClockSchema)
    lines = fields.List(fields.Nested(LineSchema))


class WorklistSchema(Schema):
    """What waits, soonest due first; `more` when the list was cut."""

    due_before = fields.DateTime()
    waiting = fields.List(fields.Nested(WaitingSchema))
    more = fields.Boolean()


class WorklistQuery(Schema):
    """What of the worklist is wanted."""

    status = fields.String(load_default="pended", validate=validate.OneOf(["pended"]))
    due_before = fields.String(
        data_key="due-before", metadata={"description": "A day (YYYY-MM-DD) or a moment; 14 days from now by default."}
    )
    waits_for = fields.Enum(WaitsFor, by_value=True, data_key="waits-for")
    assigned = fields.String(metadata={"description": "Only lines of this person; empty: of nobody."})


class RequirementsQuery(Schema):
    """The plan and the code that are asked about."""

    plan = fields.String(
        load_default="", validate=validate.Length(max=100), metadata={"description": "The default plan by default."}
    )
    code = Words(
        required=True, longest=320, metadata={"description": "With or without its system: E1390, hcpcs:E1390."}
    )


class WantedDocumentSchema(Schema):
    """A document that goes with the request: of any of these codes."""

    any_of = fields.List(fields.String(), attribute="anyOf")
    words = fields.String()


class GuidelineSchema(Schema):
    """Where the rule is written for people."""

    document = fields.String()
    page = fields.String()
    url = fields.String()


class RequirementSchema(Schema):
    """What one topic of the plan requires for the code; what does not apply is left out."""

    plan = fields.String()
    system = fields.String()
    code = fields.String()
    authorization = fields.String(validate=validate.OneOf([need.value for need in Need]))
    topic = fields.String()
    title = fields.String()
    ages = fields.Dict(keys=fields.String(), values=fields.Integer())
    review = fields.String()
    form = fields.String()
    documents = fields.List(fields.Nested(WantedDocumentSchema))
    fresh_days = fields.Integer(attribute="freshDays")
    criteria = fields.List(fields.String())
    recommended = fields.String()
    above_recommended = fields.String(attribute="aboveRecommended")
    approved_days = fields.Integer(attribute="approvedDays")
    delegate = fields.String()
    words = fields.String()
    guideline = fields.Nested(GuidelineSchema)


class RequirementsSchema(Schema):
    """What the plan requires for the code, one entry per topic that names it."""

    requirements = fields.List(fields.Nested(RequirementSchema))


class OutcomeSchema(Schema):
    """What is wrong, as an OperationOutcome."""

    resource_type = fields.Constant("OperationOutcome", data_key="resourceType")
    issue = fields.List(fields.Dict(keys=fields.String()))
