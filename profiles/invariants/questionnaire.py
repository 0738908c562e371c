"""Invariants of Questionnaire and QuestionnaireResponse: R4, SDC and the DTR profiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from profiles.invariants.elements import (
    Json,
    choice_name,
    coded,
    count,
    descendants,
    extended,
    has,
    is_distinct,
    never_when,
    not_both,
    objects,
    on_object,
    only_when,
    some,
)
from profiles.invariants.scope import Predicate, Surroundings, resolved

_TASK_CODE = "http://hl7.org/fhir/CodeSystem/task-code"
_ANSWER_EXPRESSION = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-answerExpression"
_SDC_TEMP = "http://hl7.org/fhir/uv/sdc/CodeSystem/temp"
_WITH_OPTIONS = ("choice", "open-choice", "decimal", "integer", "date", "dateTime", "time", "string", "quantity")


def _is_group_or_has_no_items(item: Json) -> bool:
    """a group has items, a display none."""
    if item.get("type") == "group":
        return has(item, "item")
    return item.get("type") != "display" or not has(item, "item")


def _options_fit_type(item: Json) -> bool:
    """answerOption and answerValueSet exist only for types that choose."""
    kind = item.get("type")
    return kind is None or kind in _WITH_OPTIONS or not (has(item, "answerOption") or has(item, "answerValueSet"))


def _exists_asks_boolean(condition: Json) -> bool:
    """answerBoolean exists where operator is exists."""
    return condition.get("operator") != "exists" or choice_name(condition, "answer") in ("answerBoolean", None)


def _links_differ(questionnaire: Json) -> bool:
    """no two linkIds are the same."""
    return is_distinct([one.get("linkId") for one in descendants(questionnaire)])


def _answer_expression_stands_alone(item: Json) -> bool:
    """answerOption and answerValueSet do not exist beside answerExpression."""
    if not extended(item, _ANSWER_EXPRESSION):
        return True
    return not (has(item, "answerOption") or has(item, "answerValueSet"))


def _answered_once(response: Json) -> bool:
    """no two answered items with the same linkId stand side by side.

    Among the items directly below the response, an item or an answer, no two answered ones share a linkId.
    """
    return all(
        is_distinct([item.get("linkId") for item in objects(place, "item") if _is_answered(item)])
        for place in _places_of_items(response)
    )


def _places_of_items(response: Json) -> Iterator[Json]:
    waiting = [response]
    while waiting:
        place = waiting.pop()
        yield place
        waiting += objects(place, "item")
        waiting += objects(place, "answer")


def _is_answered(item: Json) -> bool:
    return any(choice_name(answer, "value") for answer in objects(item, "answer"))


def _task_fulfills_or_asks(task: Any, scope: Surroundings) -> bool:
    """a Task fulfills a ServiceRequest without naming a questionnaire, or names one to complete without focus."""
    if not isinstance(task, dict):
        return True
    asks = any(coded(one, "type", "questionnaire", _SDC_TEMP) for one in objects(task, "input"))
    if coded(task, "code", "fulfill", _TASK_CODE) and not asks:
        focus = resolved(task.get("focus"), scope)
        return focus is None or focus.get("resourceType") == "ServiceRequest"
    return coded(task, "code", "complete-questionnaire", _SDC_TEMP) and not has(task, "focus") and asks


QUESTIONNAIRE: dict[str, Predicate] = {
    "que-1": on_object(_is_group_or_has_no_items),
    "que-2": on_object(_links_differ),
    "que-3": never_when("type", "display", "code"),
    "que-4": not_both("answerOption", "answerValueSet"),
    "que-5": on_object(_options_fit_type),
    "que-6": never_when("type", "display", "required", "repeats"),
    "que-7": on_object(_exists_asks_boolean),
    "que-8": never_when("type", "group display", "initial"),
    "que-9": never_when("type", "display", "readOnly"),
    "que-10": only_when("type", "boolean decimal integer string text url open-choice", "maxLength"),
    "que-11": not_both("answerOption", "initial"),
    "que-12": on_object(
        lambda item: count(item, "enableWhen") <= 2 or has(item, "enableBehavior"),
        "enableBehavior exists beside three enableWhen",
    ),
    "que-13": on_object(
        lambda item: item.get("repeats") is True or count(item, "initial") <= 1,
        "initial exists once unless repeats is true",
    ),
    "qrs-1": not_both("answer", "item"),
    "sdc-1": on_object(_answer_expression_stands_alone),
    "sdc-t1": _task_fulfills_or_asks,
    "sdcqr-1": some("subject"),
    "sdcqr-2": on_object(_answered_once),
}
