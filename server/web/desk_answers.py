"""What the payer's desk answers in JSON, as marshmallow schemas over the record; OpenAPI is made from them."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from questionnaires.requirements import Need
from server.authorization.attachment import State, Way
from server.authorization.clocks import ClockState
from server.authorization.criteria import Result
from server.authorization.determination import Response, ReviewAction, WaitsFor
from server.authorization.record import Channel
from server.web.desk_schemas import Schema

STATUSES = tuple(action.status for action in ReviewAction)


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


class OtherProviderSchema(Schema):
    """A provider in place of those asked for."""

    npis = fields.List(fields.String())
    name = fields.String()


class AuthorizedSchema(Schema):
    """What may be provided."""

    quantity = fields.Nested(QuantitySchema, allow_none=True)
    period = fields.Nested(PeriodSchema, allow_none=True)
    place = fields.Nested(CodeSchema, allow_none=True)
    provider = fields.Nested(OtherProviderSchema, allow_none=True)


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


class Seconds(fields.Integer):
    """A length of time in whole seconds."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **_: Any) -> int:  # noqa: ARG002
        return int(value.total_seconds())


class ClockSchema(Schema):
    """The decision clock; durations in seconds."""

    state = fields.Enum(ClockState, by_value=True)
    started = fields.DateTime()
    due = fields.DateTime()
    remaining = Seconds()
    paused = Seconds()
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
    channel = fields.Enum(Channel, by_value=True, metadata={"description": "How it arrived; empty: electronically."})
    created = fields.DateTime()
    changed = fields.DateTime()
    statuses = fields.List(fields.String(validate=validate.OneOf(STATUSES)))
    lines = fields.List(fields.Nested(LineSchema))
    rejections = fields.List(fields.Nested(RejectionSchema))
    clock = fields.Nested(ClockSchema)
    history = fields.List(fields.Nested(EventSchema))


class DocumentOnRecordSchema(Schema):
    """A document that came with the request or apart from it."""

    id = fields.String(attribute="attachment.id")
    lines = fields.List(
        fields.Integer(),
        attribute="attachment.meant.lines",
        dump_default=[],
        metadata={"description": "The lines it is about; none: the whole request."},
    )
    types = fields.List(fields.Nested(CodeSchema), attribute="attachment.document.types", dump_default=[])
    media_type = fields.String(attribute="attachment.media_type", metadata={"description": "What its bytes are."})
    size = fields.Integer(attribute="attachment.size")
    sha256 = fields.String(attribute="attachment.sha256")
    title = fields.String(attribute="attachment.title")
    created = fields.Date(attribute="attachment.document.created", allow_none=True)
    received = fields.DateTime(attribute="attachment.received")
    how = fields.Enum(Way, by_value=True, attribute="attachment.way")
    state = fields.Enum(State, by_value=True, attribute="attachment.state")
    final = fields.Boolean(attribute="attachment.final")
    counts = fields.String(metadata={"description": "Whether reviews look at it: counts, not yet, or why not."})


class DocumentsSchema(Schema):
    """The documents of an authorization, oldest first."""

    documents = fields.List(fields.Nested(DocumentOnRecordSchema))


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


class ProposedSchema(Schema):
    """How often a rule's proposal had this response, with the coded reason of declines."""

    rule = fields.String()
    nudge = fields.String()
    response = fields.String()
    reason = fields.String()
    lines = fields.Integer()


class ProposalsSchema(Schema):
    """What was proposed to submitters, counted per rule."""

    proposals = fields.List(fields.Nested(ProposedSchema))


class OutcomeSchema(Schema):
    """What is wrong, as an OperationOutcome."""

    resource_type = fields.Constant("OperationOutcome", data_key="resourceType")
    issue = fields.List(fields.Dict(keys=fields.String()))
