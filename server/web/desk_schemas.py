"""What the payer's desk is asked and told in JSON, as marshmallow schemas; OpenAPI is made from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from marshmallow import Schema as PlainSchema
from marshmallow import ValidationError, fields, validate, validates_schema

from server.authorization.determination import WaitsFor
from server.authorization.npi import is_npi
from server.authorization.record import Channel
from server.authorization.systems import DECISION_REASONS, LOINC, PLACES_OF_SERVICE

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


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


def _is_npi(text: str) -> None:
    if not is_npi(text):
        raise ValidationError("This is no NPI: 10 digits, the last one a check digit.")


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


class CancelSchema(Schema):
    """Nobody asks for it any more: withdrawn by phone, or filed twice. No denial."""

    version = _version()
    words = Words(required=True, metadata={"description": "Who withdrew it, or why it is not needed any more."})


class DenySchema(Schema):
    """Not authorized: reason, criterion and words are all needed (PF-20)."""

    version = _version()
    reason = Words(required=True, longest=64, metadata={"description": "Coded reason (X12 886)."})
    reason_system = Words(load_default=DECISION_REASONS, longest=255)
    criterion = Words(required=True, longest=200, metadata={"description": "What was not met: criterion or guideline."})
    words = Words(required=True, metadata={"description": "The reason in words that the member understands."})


class ProviderSchema(Schema):
    """A provider by NPI and name."""

    npi = fields.String(required=True, validate=_is_npi)
    name = Words(required=True, longest=200)


class ModifySchema(DenySchema):
    """Less, elsewhere or by another provider (PF-21); always with its reason (PF-20)."""

    units = Units()
    start = fields.Date()
    end = fields.Date()
    place = Words(longest=64, metadata={"description": "Place of service."})
    place_system = Words(load_default=PLACES_OF_SERVICE, longest=255)
    provider = fields.Nested(ProviderSchema, metadata={"description": "Who provides it in place of who was asked for."})

    @validates_schema
    def _says_something(self, data: dict[str, Any], **_: Any) -> None:
        if not data.keys() & {"units", "start", "end", "place", "provider"}:
            raise ValidationError("Say what is authorized: units, start, end, place or provider.", "units")
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
    "cancel": CancelSchema,
    "ask": AskSchema,
    "assign": AssignSchema,
    "note": NoteSchema,
}
"""What `decision` may be, and what belongs to it."""


class WorklistQuery(Schema):
    """What of the worklist is wanted."""

    status = fields.String(load_default="pended", validate=validate.OneOf(["pended"]))
    due_before = fields.String(
        data_key="due-before", metadata={"description": "A day (YYYY-MM-DD) or a moment; 14 days from now by default."}
    )
    waits_for = fields.Enum(WaitsFor, by_value=True, data_key="waits-for")
    assigned = fields.String(metadata={"description": "Only lines of this person; empty: of nobody."})


class FilingQuery(Schema):
    """For whom a request is filed, and how it arrived."""

    organization = Words(
        required=True, longest=64, metadata={"description": "As it signs in, where it does; else its name here."}
    )
    channel = fields.String(required=True, validate=validate.OneOf([each.value for each in Channel if each]))


class RequestBundleSchema(Schema):
    """A PAS request Bundle, as $submit takes it."""

    resource_type = fields.String(required=True, validate=validate.Equal("Bundle"))
    type = fields.String(required=True, validate=validate.Equal("collection"))
    entry = fields.List(fields.Dict(), required=True)


class RequirementsQuery(Schema):
    """The plan and the code that are asked about."""

    plan = fields.String(
        load_default="", validate=validate.Length(max=100), metadata={"description": "The default plan by default."}
    )
    code = Words(
        required=True, longest=320, metadata={"description": "With or without its system: E1390, hcpcs:E1390."}
    )
