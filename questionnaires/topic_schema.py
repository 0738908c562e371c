"""What a topic file may say, as marshmallow schemas. Where a thing stands is `questionnaires.files`."""

from __future__ import annotations

from typing import Any

from marshmallow import ValidationError, fields, post_load

from questionnaires.conditions import ConditionField
from questionnaires.notation import (
    SOME,
    Amount,
    Choice,
    CodeText,
    Count,
    Day,
    Days,
    Name,
    Notation,
    Number,
    SystemName,
    Text,
    made,
)
from questionnaires.spans import SpanSchema
from server.authorization.documentation import DocumentationRequirement
from server.authorization.policy import Above, CodeSpan, ReviewPath, Source
from server.authorization.request import Code, Period
from server.authorization.scores import Formula, Score


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


class DocumentSchema(Notation):
    """A document that is asked for; `others` are documents that serve as well."""

    system = SystemName(required=True)
    code = Text(required=True)
    words = Text(required=True)
    others = fields.List(CodeText(), load_default=[])

    @post_load
    def made(self, data: dict[str, Any], **_: Any) -> DocumentationRequirement:
        """The DocumentationRequirement."""
        return DocumentationRequirement(Code(data["system"], data["code"]), data["words"], tuple(data["others"]))


class WordsSchema(Notation):
    """Why: the name of one of the plan's reason codes, and words for the member."""

    reason = Text(required=True)
    member = Text(required=True)


class OfPlansSchema(Notation):
    """A rule of a topic that holds for some of its plans only; without `plans` for all."""

    plans = fields.List(Text(), validate=SOME)


class CriterionSchema(OfPlansSchema):
    """One condition of a certification; `provider` says what the submitter can do when it is not met."""

    id = Name(required=True)
    title = Text(required=True)
    met = ConditionField(required=True)
    provider = Text(required=True)


class NudgeSchema(OfPlansSchema):
    """A proposal (PF-16): `answer` and `decline` are linkIds, `good` names reasons to decline that are accepted.

    With `place` another place of service is proposed, without it the recommended quantity.
    """

    id = Name(required=True)
    when = ConditionField(required=True)
    words = Text(required=True)
    answer = Text(load_default="")
    decline = Text(load_default="")
    good = fields.List(Text(), load_default=[])
    place = CodeText(load_default=None)


class DenialSchema(WordsSchema):
    """A rule that denies without a clinical question (PF-19)."""

    id = Name(required=True)
    title = Text(required=True)
    when = ConditionField(required=True)


class TopicDenialSchema(DenialSchema, OfPlansSchema):
    """A denial of a topic: it may hold for some of its plans only."""


class ScoreSchema(Notation):
    """A measure whose score is calculated from its sections: `answer` and `items` are linkIds (PF-23)."""

    answer = Text(required=True)
    items = fields.List(Text(), required=True, validate=SOME)
    low = Number(data_key="from", required=True)
    high = Number(data_key="to", required=True)
    formula = Choice(Formula, required=True)
    needed = Count(least=1, required=True)
    source = fields.Nested(SourceSchema, required=True)

    @post_load
    def made(self, data: dict[str, Any], **_: Any) -> Score:
        """The Score."""
        if data["high"] <= data["low"]:
            raise ValidationError("the highest answer is not above the lowest - swap them", "to")
        if len(set(data["items"])) < len(data["items"]):
            raise ValidationError("an item is named twice - delete one", "items")
        if data["needed"] > len(data["items"]):
            raise ValidationError(f"there are only {len(data['items'])} items - need fewer", "needed")
        del data["source"]
        return Score(**data | {"items": tuple(data["items"])})


class AgesSchema(Notation):
    """Whole years from `from` to `to`, both included; either may be open."""

    youngest = Count(data_key="from", load_default=None)
    oldest = Count(data_key="to", load_default=None)

    @post_load
    def made(self, data: dict[str, Any], **_: Any) -> tuple[int | None, int | None]:
        """Youngest and oldest age."""
        youngest, oldest = data["youngest"], data["oldest"]
        if youngest is not None and oldest is not None and oldest < youngest:
            raise ValidationError("the last age is before the first - swap them", "to")
        return youngest, oldest


class SpansField(fields.Field[Any]):
    """An entry of `codes`: a code, a range, or the name of a value set (``{valueset: therapy-evaluations}``)."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> CodeSpan | str:
        if isinstance(value, dict) and set(value) == {"valueset"}:
            return Name()._deserialize(value["valueset"])
        span: CodeSpan = made(SpanSchema).load(value)
        return span


class RuleSchema(Notation):
    """How lines of a topic are decided; all of it may differ by plan."""

    source = fields.Nested(SourceSchema)
    codes = fields.List(SpansField(), validate=SOME)
    review = Choice(ReviewPath)
    recommended = Amount()
    above = Choice(Above)
    approved_days = Days()
    documentation = fields.List(fields.Nested(DocumentSchema), validate=SOME)
    fresh_days = Days()
    delegate = Text()
    criteria = fields.List(fields.Nested(CriterionSchema), validate=SOME)
    nudges = fields.List(fields.Nested(NudgeSchema), validate=SOME)
    denials = fields.List(fields.Nested(TopicDenialSchema), validate=SOME)
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
                different[plan] = made(RuleSchema).load({} if differences is None else differences)
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
    ages = fields.Nested(AgesSchema, load_default=(None, None))
    sensitive = fields.Boolean(
        load_default=False, error_messages={"invalid": "neither yes nor no - write sensitive: true, or delete the line"}
    )
    scores = fields.List(fields.Nested(ScoreSchema), load_default=[])
    plans = PlansField(required=True)
    codes = fields.List(SpansField(), required=True, validate=SOME)
    review = Choice(ReviewPath, required=True)
