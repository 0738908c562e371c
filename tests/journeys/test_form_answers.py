"""Filled forms in a request: what is fine counts, what is not is told and asked for, nothing is lost (PF-17)."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from conformance.answers import answered_lines
from server.authorization.determination import LineDetermination, ReviewAction, WaitsFor
from server.authorization.record import Authorization
from server.operations.authorization_replay import replay
from server.payer import Staff
from tests.dtr_client import by_hand, given
from tests.journeys.conftest import Journey, response_of
from tests.journeys.plan_functions.asking import KNEE, a_document, a_request, diagnosed, resource, supported
from tests.journeys.test_next_question import FIRST_DEVICE, PAP, all_items, canonical, steps

Json = dict[str, Any]
STAFF = Staff("a test")


def submitted(journey: Journey, bundle: Json) -> tuple[Json, Authorization]:
    """The answer to a request, and what is on record."""
    answer = journey.submit(bundle)
    number = answered_lines(answer)[0].number
    authorization = journey.payer.authorizations.by_number(STAFF, number)
    assert authorization is not None
    return answer, authorization


def decided(journey: Journey, bundle: Json) -> LineDetermination:
    """What is decided about the first line."""
    return submitted(journey, bundle)[1].lines[0].determination


def answer_to(bundle: Json, link_id: str) -> Json:
    """The item of the filled form."""
    return next(each for each in all_items(resource(bundle, "QuestionnaireResponse")) if each["linkId"] == link_id)


def told(answer: Json) -> str:
    """What people read."""
    return " ".join(each["text"] for each in response_of(answer)["processNote"])


def test_a_well_filled_form_decides_at_once(journey: Journey) -> None:
    answer, authorization = submitted(journey, a_request(KNEE))

    assert authorization.lines[0].determination.action is ReviewAction.CERTIFIED
    assert "cannot" not in told(answer) and "In the filled form" not in told(answer)


def test_an_answer_that_is_no_option_is_asked_for_again_and_the_rest_counts(journey: Journey) -> None:
    bundle = a_request(KNEE)
    answer_to(bundle, "imaging-grade")["answer"][0]["valueCoding"]["code"] = "9"
    answer, authorization = submitted(journey, bundle)
    line = authorization.lines[0].determination
    results = {each.criterion: each.result.value for each in line.trace}

    assert (line.action, line.waits_for) == (ReviewAction.PENDED, WaitsFor.MISSING_INFORMATION)
    assert "imaging-grade" in line.unanswered
    assert (results["imaging"], results["no-infection"], results["arthritis"]) == ("unknown", "met", "met")
    assert "answers to imaging-grade" in told(answer)
    assert "item 'imaging-grade' has an answer that is not one of its options; choose one of" in told(answer)


def test_what_is_required_and_open_is_asked_for(journey: Journey) -> None:
    bundle = a_request(KNEE)
    answer_to(bundle, "infection").pop("answer")
    line = decided(journey, bundle)

    assert (line.waits_for, line.unanswered) == (WaitsFor.MISSING_INFORMATION, ("infection",))
    assert line.ways[0] == ("answer:infection",)


def test_problems_are_kept_with_the_exchange_by_place_and_rule(journey: Journey) -> None:
    bundle = a_request(KNEE)
    form = resource(bundle, "QuestionnaireResponse")
    number = next(n for n, each in enumerate(bundle["entry"]) if each["resource"] is form)
    form["item"].append({"linkId": "no-such-item", "answer": [by_hand({"valueBoolean": True})]})
    _, authorization = submitted(journey, bundle)
    exchange = journey.payer.authorizations.exchange(STAFF, authorization.id)
    assert exchange is not None
    kept = [each for each in exchange.issues if each["rule"] == "R4 QuestionnaireResponse.item.linkId"]

    assert authorization.lines[0].determination.action is ReviewAction.CERTIFIED
    assert [each["expression"] for each in kept] == [f"Bundle.entry[{number}].resource.item[{len(form['item']) - 1}]"]
    assert [each["severity"] for each in kept] == ["warning"]


def test_an_answer_that_other_answers_make_superfluous_does_not_count(journey: Journey) -> None:
    """With films of grade 4 nobody asks for earlier treatment."""
    bundle = a_request(KNEE)
    answer_to(bundle, "imaging-grade")["answer"][0]["valueCoding"]["code"] = "4"
    line = decided(journey, bundle)
    values = {each.fact: each.value for judged in line.trace for each in judged.findings}

    assert values["answer:conservative-weeks"] == ""
    assert values["answer:imaging-grade"] == "4"


def test_the_trace_says_who_gave_an_answer(journey: Journey) -> None:
    bundle = a_request(KNEE)
    for name, source in (("infection", "auto-client"), ("koos-jr", "override")):
        given_by = by_hand({})["extension"][0]["extension"][1:] if source == "override" else []
        parts = [{"url": "source", "valueCode": source}, *given_by]
        url = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/information-origin"
        answer_to(bundle, name)["answer"][0]["extension"] = [{"url": url, "extension": parts}]
    findings = [each for judged in decided(journey, bundle).trace for each in judged.findings]
    origins = {each.fact: each.origin for each in findings}

    assert origins["answer:infection"] == "infection (auto-client)"
    assert origins["answer:koos-jr"] == "koos-jr (override)"
    assert origins["answer:imaging-grade"] == "imaging-grade (origin not said)"


def again(bundle: Json, **changes: Any) -> Json:
    """Another response to the same form, with changes."""
    form = copy.deepcopy(resource(bundle, "QuestionnaireResponse")) | changes
    return {name: value for name, value in form.items() if name != "id"}


@pytest.mark.parametrize(
    ("status", "authored", "action"),
    [
        ("completed", "2026-11-24T09:00:00Z", ReviewAction.PENDED),
        ("completed", "2026-11-22T09:00:00Z", ReviewAction.CERTIFIED),
        ("in-progress", "2026-11-24T09:00:00Z", ReviewAction.CERTIFIED),
    ],
)
def test_of_several_responses_to_a_form_the_one_finished_last_counts(
    journey: Journey, status: str, authored: str, action: ReviewAction
) -> None:
    """The other response says that there is an infection."""
    bundle = a_request(KNEE)
    other = again(bundle, status=status, authored=authored)
    next(each for each in all_items(other) if each["linkId"] == "infection")["answer"] = [{"valueBoolean": True}]

    assert decided(journey, supported(bundle, other)).action is action


def an_order(id: str) -> Json:
    """An order for the knee."""
    profile = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/profile-servicerequest"
    code = {"coding": [{"system": "http://www.ama-assn.org/go/cpt", "code": "27447"}]}
    order = {"resourceType": "ServiceRequest", "id": id, "meta": {"profile": [profile]}, "status": "active"}
    patient = {"reference": "Patient/member"}
    return {
        "fullUrl": f"https://ehr.example.org/fhir/ServiceRequest/{id}",
        "resource": order | {"intent": "order", "code": code, "subject": patient},
    }


def test_a_form_for_the_order_of_another_line_is_not_for_this_one(journey: Journey) -> None:
    bundle = a_request(KNEE)
    claim = bundle["entry"][0]["resource"]
    asks = {"url": "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/extension-requestedService"}
    lines = [copy.deepcopy(claim["item"][0]) | {"sequence": number} for number in (1, 2)]
    for line, order in zip(lines, (an_order("right"), an_order("left")), strict=True):
        bundle["entry"].append(order)
        reference = {"valueReference": {"reference": order["fullUrl"]}}
        line["extension"] = [*line.get("extension", []), asks | reference]
    claim["item"] = lines
    context = {"url": "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/qr-context"}
    order = {"reference": "https://ehr.example.org/fhir/ServiceRequest/right"}
    resource(bundle, "QuestionnaireResponse")["extension"] = [context | {"valueReference": order}]
    _, authorization = submitted(journey, bundle)
    first, second = (line.determination for line in authorization.lines)

    assert first.action is ReviewAction.CERTIFIED
    assert (second.waits_for, "infection" in second.unanswered) == (WaitsFor.MISSING_INFORMATION, True)


def test_a_review_with_problems_is_made_again_alike(journey: Journey) -> None:
    bundle = a_request(KNEE)
    answer_to(bundle, "imaging-grade")["answer"][0]["valueCoding"]["code"] = "9"
    answer_to(bundle, "infection").pop("answer")
    _, authorization = submitted(journey, bundle)
    rules = journey.payer.rules_for
    payer = type(journey.payer)(
        journey.payer.authorizations,
        rules,
        journey.payer.now,
        rules_kept=lambda _fingerprint: rules,
        forms_kept=journey.payer.forms_kept,
    )

    assert [each.differences for each in replay(payer, STAFF, authorization)] == [()]


def a_device(filled: Json) -> Json:
    """A request for a device, with a filled form and its documents."""
    bundle = a_request(KNEE, answers={}, service=["http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets", "E0601"])
    claim = bundle["entry"][0]["resource"]
    claim["diagnosis"] = diagnosed("G47.33")
    claim["item"][0]["quantity"] = {
        "value": 3,
        "unit": "months",
        "system": "https://codesystem.x12.org/005010/673",
        "code": "MO",
    }
    patient = {"reference": "https://ehr.example.org/fhir/Patient/member"}
    form = {name: each for name, each in filled.items() if name not in ("id", "meta", "extension")}
    documents = [a_document(code, "2026-11-01") for code in ("28633-6", "52063-5")]
    return supported(bundle, form | {"subject": patient}, *documents)


@pytest.mark.parametrize("dialect", ["2.2.0", "2.0.1"])
def test_a_completed_adaptive_response_decides_as_the_same_answers_to_a_standard_form(
    journey: Journey, dialect: str
) -> None:
    adaptive = steps(journey, PAP, dialect, given(FIRST_DEVICE))[-1]
    standard = {name: each for name, each in adaptive.items() if name != "contained"}
    standard["questionnaire"] = canonical(PAP)
    both = [decided(journey, a_device(each)) for each in (adaptive, standard)]

    assert both[0].action is ReviewAction.CERTIFIED, json.dumps([str(each) for each in both[0].trace])
    assert both[0] == both[1]
