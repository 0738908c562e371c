"""Invariants of the PAS profiles (2.0.1 and 2.2.1); those of its Bundles are with the Bundles."""

from __future__ import annotations

from profiles.invariants.elements import Json, coded, extended, has, objects, on_object, on_string
from profiles.invariants.scope import Predicate

_PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
_CERTIFICATION_TYPE = _PAS + "extension-certificationType"
_LEVEL_OF_SERVICE = _PAS + "extension-levelOfServiceCode"


def _task_asks_with(code: str, input_type: str) -> Predicate:
    """A Task of that code has an input of that type."""

    def test(task: Json) -> bool:
        return not coded(task, "code", code) or any(coded(one, "type", input_type) for one in objects(task, "input"))

    return on_object(test, f"an input of type {input_type} exists where code is {code}")


def _immediate_has_level(item: Json) -> bool:
    """the extension levelOfServiceCode exists where certificationType is 1.

    The value is a CodeableConcept, whose `code` does not exist: only a malformed value breaks this.
    """
    immediate = any(
        one.get("url") == _CERTIFICATION_TYPE and _bare_code(one) == "1" for one in objects(item, "extension")
    )
    return not immediate or extended(item, _LEVEL_OF_SERVICE)


def _bare_code(extension: Json) -> object:
    value = next((value for name, value in extension.items() if name.startswith("value")), None)
    return value.get("code") if isinstance(value, dict) else None


def _identified_unless_by_voice(request: Json) -> bool:
    """identifier exists unless medium is VO."""
    return coded(request, "medium", "VO") or has(request, "identifier")


def _subscriber_unless_self(coverage: Json) -> bool:
    """subscriber exists unless relationship is 18."""
    return coded(coverage, "relationship", "18") or has(coverage, "subscriber")


PAS: dict[str, Predicate] = {
    "AttachmentNeeded": _task_asks_with("attachment-request-code", "attachments-needed"),
    "QuestionnaireNeeded": _task_asks_with("attachment-request-questionnaire", "questionnaires-needed"),
    "QuestionnaireContext": _task_asks_with("attachment-request-questionnaire", "questionnaire-context"),
    "FullDateRule": on_string(lambda day: len(day) == 10, "the date says year, month and day, and no time"),
    "IdentifierUnlessVO": on_object(_identified_unless_by_voice),
    "ImmediateLevelOfCare": on_object(_immediate_has_level),
    "self-beneficiary": on_object(_subscriber_unless_self),
}
