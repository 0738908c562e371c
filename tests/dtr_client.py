"""A form filler: answers what a Questionnaire asks, as its enableWhen says, with every answer's origin."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from questionnaires.answer_values import Value, value_in
from questionnaires.filled import is_met
from questionnaires.forms import EnableWhen

Json = dict[str, Any]
Pick = Callable[[Json], list[Json]]
"""What is answered to an item: values such as {"valueBoolean": true}, none for no answer."""

DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/"
SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
CRD_CODES = "http://hl7.org/fhir/us/davinci-crd/CodeSystem/"


def by_hand(value: Json) -> Json:
    """The value as an answer that a nurse gave."""
    role = {"url": "author", "extension": [{"url": "role", "valueCodeableConcept": {"text": "Nurse"}}]}
    origin = {"url": DTR + "information-origin", "extension": [{"url": "source", "valueCode": "manual"}, role]}
    return {"extension": [origin], **value}


def given(answers: Mapping[str, Any]) -> Pick:
    """Answers by linkId: one value, or a list of them."""

    def pick(item: Json) -> list[Json]:
        found = answers.get(item["linkId"], [])
        return found if isinstance(found, list) else [found]

    return pick


def coded(code: str) -> Json:
    """An option of the payer's own."""
    return {"valueCoding": {"system": "urn:placet:answer", "code": code}}


def fill(items: list[Json], response: Json, pick: Pick) -> Json:
    """The response with an answer to every question of these items that is shown and has none."""
    values: dict[str, list[Value]] = {}
    _note(response.get("item", []), values)
    filled = _fill(items, response.get("item", []), values, pick)
    return {name: each for name, each in response.items() if name != "item"} | ({"item": filled} if filled else {})


def _note(items: list[Json], values: dict[str, list[Value]]) -> None:
    for item in items:
        found = [value_in(each) for each in item.get("answer", [])]
        values[item["linkId"]] = [each[1] for each in found if each]
        _note(item.get("item", []), values)


def _fill(items: list[Json], have: list[Json], values: dict[str, list[Value]], pick: Pick) -> list[Json]:
    there = {each["linkId"]: each for each in have}
    filled = []
    for item in items:
        had = there.pop(item["linkId"], {})
        if not is_shown(item, values):
            filled += [had] if had else []
            continue
        own: Json = {"linkId": item["linkId"], "text": item["text"]}
        if item["type"] == "group":
            inner = _fill(item.get("item", []), had.get("item", []), values, pick)
            filled += [own | {"item": inner}] if inner else []
        elif had.get("answer"):
            filled.append(had)
        elif item["type"] != "display" and not item.get("readOnly"):
            answers = [by_hand(each) for each in pick(item)]
            _note([own | {"answer": answers}], values)
            filled += [own | {"answer": answers}] if answers else []
    return [*filled, *there.values()]


def is_shown(item: Json, values: Mapping[str, list[Value]]) -> bool:
    """Whether an item is asked by the answers so far."""
    conditions = [
        EnableWhen(each["question"], each["operator"], answer[1])
        for each in item.get("enableWhen", [])
        if (answer := value_in(each, "answer"))
    ]
    met = [is_met(each, values.get(each.question, [])) for each in conditions]
    return not met or (all(met) if item.get("enableBehavior") == "all" else any(met))


def questions(items: list[Json]) -> Iterator[str]:
    """The linkIds of the questions at any depth."""
    for item in items:
        if item["type"] not in ("group", "display"):
            yield item["linkId"]
        yield from questions(item.get("item", []))


def contained_items(response: Json) -> list[Json]:
    """What the contained form of a response asks."""
    items: list[Json] = response["contained"][0].get("item", [])
    return items


def begun(canonical: str, dialect: str) -> Json:
    """An adaptive response as a package gives it: a contained form without items."""
    current = dialect == "2.2.0"
    about = [
        (DTR + ("qr-coverage" if current else "qr-context"), "Coverage/1"),
        (DTR + "qr-context", "DeviceRequest/1"),
    ]
    use = {"system": CRD_CODES + ("coverage-information-codes" if current else "temp"), "code": "withpa"}
    profile = DTR + "dtr-questionnaireresponse-adapt" if current else SDC + "sdc-questionnaireresponse-adapt"
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "session",
        "meta": {"profile": [profile]},
        "contained": [{"resourceType": "Questionnaire", "id": "form", "status": "active", "derivedFrom": [canonical]}],
        "extension": [
            *({"url": url, "valueReference": {"reference": target}} for url, target in about),
            {"url": DTR + "intendedUse", "valueCodeableConcept": {"coding": [use]}},
        ],
        "questionnaire": "#form",
        "status": "in-progress",
        "subject": {"reference": "Patient/1"},
        "authored": "2026-11-23T15:00:00Z",
    }


def values_for(item: Json, choose: Callable[[list[Any]], Any]) -> list[Json]:
    """One of a few answers that an item may have."""
    kinds: dict[str, list[Json]] = {
        "boolean": [{"valueBoolean": True}, {"valueBoolean": False}],
        "date": [{"valueDate": each} for each in ("2026-11-20", "2026-06-01", "2024-01-31")],
        "dateTime": [{"valueDateTime": "2026-11-20T10:00:00Z"}],
        "string": [{"valueString": "words"}],
        "text": [{"valueString": "more words"}],
        "integer": [{"valueInteger": each} for each in _numbers(item)],
        "decimal": [{"valueDecimal": Decimal(each)} for each in _numbers(item)],
        "quantity": [{"valueQuantity": {"value": each, **_unit(item)}} for each in _numbers(item)],
    }
    if item["type"] in ("choice", "open-choice"):
        options = [
            {name: each for name, each in option.items() if name.startswith("value")} for option in options_of(item)
        ]
        return [choose(options)] if options else []
    return [choose(kinds[item["type"]])] if item["type"] in kinds else []


def options_of(item: Json) -> list[Json]:
    """The options that stand in the item itself."""
    options: list[Json] = item.get("answerOption", [])
    return options


def _numbers(item: Json) -> list[int]:
    bounds = {each["url"].rpartition("/")[2]: each for each in item.get("extension", [])}
    low, high = (
        next(iter(_values(bounds.get(name, {}))), other) for name, other in (("minValue", 0), ("maxValue", 90))
    )
    return sorted({int(low), int((low + high) / 2), int(high)})


def _values(node: Json) -> list[Any]:
    return [value for name, value in node.items() if name.startswith("value")]


def _unit(item: Json) -> Json:
    found = (each["valueCoding"] for each in item.get("extension", []) if each["url"].endswith("unitOption"))
    return {name: value for name, value in next(found, {}).items() if name in ("system", "code")}
