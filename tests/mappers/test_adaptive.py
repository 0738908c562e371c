"""A step of an adaptive form is written into the response it answers: scores, recommended amounts, all that came."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from mappers.dtr.adaptive import Asked, asked_before, write_next
from mappers.dtr.dialects import DIALECTS
from mappers.dtr.questionnaire import Writing
from server.authorization.request import Quantity
from tests.dtr_client import by_hand

Json = dict[str, Any]
AT = datetime(2026, 11, 23, 15, tzinfo=UTC)
ORIGIN = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/information-origin"
UNITS = {"linkId": "units", "text": "Units", "type": "integer"}
ITEMS: list[Json] = [
    {
        "linkId": "g",
        "text": "G",
        "type": "group",
        "item": [
            {"linkId": "s-1", "text": "Section", "type": "integer"},
            {"linkId": "score", "text": "Score", "type": "decimal", "readOnly": True},
        ],
    },
    UNITS | {"extension": [{"url": "urn:placet:extension:recommended", "valueBoolean": True}]},
]
FORM: Json = {
    "resourceType": "Questionnaire",
    "url": "urn:test:form",
    "version": "1.0.0",
    "title": "Test",
    "status": "active",
    "subjectType": ["Patient"],
    "extension": [],
    "item": ITEMS,
}


def written(items: list[Json], dialect: str = "2.2.0", **more: Any) -> Json:
    """The response with these items, answered with a step that asks for everything."""
    response: Json = {"resourceType": "QuestionnaireResponse", "status": "in-progress"}
    parts: dict[str, Any] = {"begun": frozenset(), "scores": {}, "complete": False, **more}
    asked = Asked(FORM, tuple(ITEMS), **parts)
    writing = Writing(DIALECTS[dialect], "https://payer.example.org/fhir", Quantity(Decimal(12), "visit"))
    return write_next(response | ({"item": items} if items else {}), asked, writing, AT)


def given(answer: Json) -> tuple[str, Any]:
    """Who gave an answer, and its value."""
    [origin] = [each["extension"] for each in answer["extension"] if each["url"] == ORIGIN]
    return origin[0]["valueCode"], next(value for name, value in answer.items() if name.startswith("value"))


SECTION: Json = {"linkId": "s-1", "answer": [by_hand({"valueInteger": 3})]}


def scored(points: str, source: str) -> Json:
    """The score as it came."""
    origin = {"url": ORIGIN, "extension": [{"url": "source", "valueCode": source}]}
    return {"linkId": "score", "answer": [{"extension": [origin], "valueDecimal": Decimal(points)}]}


@pytest.mark.parametrize(("dialect", "source"), [("2.2.0", "auto-server"), ("2.0.1", "auto")])
def test_a_score_is_filled_in_by_the_server(dialect: str, source: str) -> None:
    response = written([{"linkId": "g", "item": [SECTION]}], dialect, scores={"score": Decimal("60.0")})
    section, score = response["item"][0]["item"]

    assert section == SECTION
    assert given(score["answer"][0]) == (source, Decimal("60.0"))


def test_a_score_is_calculated_again_at_every_step() -> None:
    sent = [{"linkId": "g", "item": [SECTION, scored("10", "auto-server")]}]
    again = written(sent, scores={"score": Decimal("60.0")})
    too_few = written(sent, scores={"score": None})

    assert given(again["item"][0]["item"][1]["answer"][0]) == ("auto-server", Decimal("60.0"))
    assert again["item"][0]["item"][1:] != sent[0]["item"][1:]
    assert too_few["item"] == [{"linkId": "g", "item": [SECTION]}]
    assert written([{"linkId": "g", "item": [sent[0]["item"][1]]}], scores={"score": None})["item"] == [{"linkId": "g"}]


def test_a_score_that_a_person_gave_stays_where_none_can_be_calculated() -> None:
    sent = [{"linkId": "g", "item": [scored("10", "manual")]}]

    assert written(sent, scores={"score": None})["item"] == sent


def test_the_recommended_amount_is_filled_in_once() -> None:
    first = written([], begun=frozenset({"units"}))
    own = [{"linkId": "units", "answer": [by_hand({"valueInteger": 20})]}]

    assert [each["linkId"] for each in first["item"]] == ["units"]
    assert given(first["item"][0]["answer"][0]) == ("auto-server", 12)
    assert written(own, begun=frozenset({"units"}))["item"] == own
    assert "item" not in written([])


def test_in_2_0_1_a_response_is_never_without_items() -> None:
    assert [each["linkId"] for each in written([], "2.0.1")["item"]] == ["g", "units"]


def test_the_contained_form_has_a_url_that_stays() -> None:
    first = written([])

    assert first["contained"][0]["url"] == written([])["contained"][0]["url"]
    assert first["contained"][0]["url"].startswith("urn:uuid:")
    assert asked_before(first) == {"g", "s-1", "score", "units"}


def test_other_contained_resources_stay() -> None:
    other = {"resourceType": "Practitioner", "id": "nurse"}
    response = {"resourceType": "QuestionnaireResponse", "status": "in-progress", "contained": [other]}
    asked = Asked(FORM, tuple(ITEMS), frozenset(), {}, complete=True)
    answer = write_next(response, asked, Writing(DIALECTS["2.2.0"], "https://payer.example.org/fhir"), AT)

    assert answer["contained"][1:] == [other]
    assert answer["status"] == "completed"
