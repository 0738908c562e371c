"""A filled form is read with every answer at any depth, and with the form, the context and the rank that it has."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mappers.dtr.read import contexts, form_named_by, read_answers, supersedes
from mappers.pas.read import sent_forms
from server.authorization.request import Answer, Code, Quantity
from tests.dtr_client import DTR, begun

Json = dict[str, Any]
TEST = "urn:test"


def response(*items: Json, **more: Any) -> Json:
    """A completed response with these items."""
    return {"resourceType": "QuestionnaireResponse", "status": "completed", "item": list(items), **more}


def item(link_id: str, *answers: Json, **more: Any) -> Json:
    """An item with these answers."""
    return {"linkId": link_id, **({"answer": list(answers)} if answers else {}), **more}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"valueBoolean": False}, Answer("q", truth=False)),
        ({"valueInteger": 5}, Answer("q", amount=Quantity(Decimal(5)))),
        ({"valueDecimal": Decimal("1.50")}, Answer("q", amount=Quantity(Decimal("1.50")))),
        ({"valueQuantity": {"value": 15, "code": "/h"}}, Answer("q", amount=Quantity(Decimal(15), "/h"))),
        ({"valueDate": "2026-01-31"}, Answer("q", day=date(2026, 1, 31))),
        ({"valueDateTime": "2026-01-31T10:00:00Z"}, Answer("q", day=date(2026, 1, 31))),
        ({"valueTime": "10:00:00"}, Answer("q", text="10:00:00")),
        ({"valueString": "words"}, Answer("q", text="words")),
        ({"valueUri": "https://example.org"}, Answer("q", text="https://example.org")),
        ({"valueCoding": {"system": TEST, "code": "a"}}, Answer("q", codes=(Code(TEST, "a"),))),
        ({"valueReference": {"reference": "Patient/1"}}, Answer("q", text="valueReference")),
        ({"valueAttachment": {"contentType": "text/plain"}}, Answer("q", text="valueAttachment")),
    ],
)
def test_every_type_of_answer_is_read(value: Json, expected: Answer) -> None:
    assert read_answers(response(item("q", value))).answers == (expected,)


def test_answers_are_found_at_any_depth_in_their_order() -> None:
    yes = {"valueBoolean": True}
    deep = item("under-answer", yes, item=[item("under-item", yes)])
    read = read_answers(response(item("group", item=[item("q", yes | {"item": [deep]})]), item("last", yes)))

    assert [each.link_id for each in read.answers] == ["q", "under-answer", "under-item", "last"]


def test_deep_nesting_needs_no_recursion() -> None:
    node = item("q", {"valueBoolean": True})
    for _ in range(5000):
        node = item("g", item=[node])

    assert [each.link_id for each in read_answers(response(node)).answers] == ["q"]


def test_the_codes_of_a_question_in_several_items_count_together() -> None:
    coded = [{"valueCoding": {"system": TEST, "code": code}} for code in "abc"]
    read = read_answers(response(item("q", coded[0], coded[1]), item("q", coded[2])))

    assert [code.code for code in read.answers[0].codes] == ["a", "b", "c"]
    assert len(read.answers) == 1


def test_nothing_of_a_response_entered_in_error_counts() -> None:
    assert read_answers(response(item("q", {"valueBoolean": True}), status="entered-in-error")).answers == ()


@pytest.mark.parametrize(
    ("form", "named"),
    [
        ({"questionnaire": "urn:form|1.0.0"}, "urn:form|1.0.0"),
        ({"questionnaire": "urn:form"}, "urn:form"),
        ({}, ""),
        ({"questionnaire": "#form"}, ""),
        (begun("urn:form|2.0.0", "2.2.0"), "urn:form|2.0.0"),
        (
            {
                "questionnaire": "#f",
                "contained": [{"resourceType": "Questionnaire", "id": "f", "url": "urn:form", "version": "3.0.0"}],
            },
            "urn:form|3.0.0",
        ),
        (
            {"questionnaire": "#f", "contained": [{"resourceType": "Questionnaire", "id": "f", "url": "urn:form"}]},
            "urn:form",
        ),
        ({"questionnaire": "#f", "contained": [{"resourceType": "Questionnaire", "id": "other"}]}, ""),
    ],
)
def test_an_adaptive_response_names_the_form_that_its_own_is_derived_from(form: Json, named: str) -> None:
    assert form_named_by(response(**form)) == named


def test_what_is_finished_goes_before_what_is_newer() -> None:
    drafts = response(status="in-progress", authored="2026-12-01")
    old, new = response(authored="2026-01-01"), response(authored="2026-02-01", status="amended")

    assert sorted([new, drafts, old], key=supersedes) == [drafts, old, new]


def test_the_context_is_what_it_was_filled_in_for() -> None:
    context = {"url": DTR + "qr-context", "valueReference": {"reference": "DeviceRequest/1"}}
    other = {"url": DTR + "qr-coverage", "valueReference": {"reference": "Coverage/1"}}

    assert contexts(response(extension=[context, other])) == [{"reference": "DeviceRequest/1"}]


def a_bundle(*forms: Json) -> Json:
    """A request whose lines 1 and 2 point to orders, with filled forms that its supportingInfo points to."""
    base = "https://ehr.example.org/fhir/"
    asks = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-requestedService"
    lines = [
        {"sequence": n, "extension": [{"url": asks, "valueReference": {"reference": f"{base}DeviceRequest/{n}"}}]}
        for n in (1, 2)
    ]
    urls = [f"{base}QuestionnaireResponse/{number}" for number in range(len(forms))]
    info = [{"sequence": n, "valueReference": {"reference": url}} for n, url in enumerate(urls, 1)]
    claim = {"resourceType": "Claim", "item": lines, "supportingInfo": info}
    orders = [(f"{base}DeviceRequest/{n}", {"resourceType": "DeviceRequest", "id": str(n)}) for n in (1, 2)]
    entries = [(f"{base}Claim/1", claim), *orders, *zip(urls, forms, strict=True)]
    return {"resourceType": "Bundle", "entry": [{"fullUrl": url, "resource": each} for url, each in entries]}


def for_order(number: int, **more: Any) -> Json:
    """A response that was filled in for an order."""
    context = {"url": DTR + "qr-context", "valueReference": {"reference": f"DeviceRequest/{number}"}}
    return response(questionnaire="urn:form|1", extension=[context], **more)


def test_a_response_is_for_the_lines_that_ask_for_its_context() -> None:
    found = sent_forms(a_bundle(for_order(1), for_order(2), response(questionnaire="urn:form|1")))

    assert [each.lines for each in found] == [(1,), (2,), ()]
    assert [each.path for each in found] == [f"Bundle.entry[{number}].resource" for number in (3, 4, 5)]


def test_of_several_responses_for_the_same_lines_one_counts() -> None:
    old, new = for_order(1, authored="2026-01-01"), for_order(1, authored="2026-02-01")
    other = response(questionnaire="urn:other|1")

    assert [each.response for each in sent_forms(a_bundle(new, old, other))] == [new, other]
