"""An installation with a desk, and what is seen there of what was asked."""

from __future__ import annotations

import json
from typing import Any

from pymongo.database import Database

from questionnaires.content import Content
from questionnaires.requirements import requirements
from server.operations.catalogue import catalogue
from server.payer import Payer
from server.stores.attachments import MongoAttachments
from server.stores.authorizations import MongoAuthorizations
from server.web.access import access_for
from server.web.fhir import web_application
from tests.journeys.conftest import Clock, Journey, response_of, settings_with_two_callers

Json = dict[str, Any]

NURSE_TOKEN = "nurse-token-0123456789"
JSON = {"Content-Type": "application/json"}


def an_installation(content: Content, database: Database[Json]) -> Journey:
    """A payer on a store, with a nurse at the desk, who can look up what codes require."""
    staff = [{"token": NURSE_TOKEN, "name": "nurse"}]
    settings, clock = settings_with_two_callers(staff_tokens_inline=json.dumps(staff)), Clock()
    payer = Payer(
        authorizations=MongoAuthorizations(database),
        attachments=MongoAttachments(database),
        rules_for=content.rules_for,
        content=lambda: content,
        forms_kept=lambda _fingerprint: content.forms,
        requirements=lambda name, code, on: (
            requirements(content, found, code, on) if (found := content.plan(name)) else None
        ),
        now=clock,
    )
    app = web_application(settings, catalogue(), payer, access_for(settings), ready=payer.authorizations.ping)
    return Journey(payer, clock, app.test_client())


def record_of(plan: Journey, answered: Json) -> Json:
    """The record behind an answer, as the desk sees it now."""
    status, record = plan.get(f"/api/authorizations/{response_of(answered)['id']}", NURSE_TOKEN)
    assert status == 200, record
    return record


def line_of(plan: Journey, answered: Json) -> Json:
    """The only line of the record behind an answer."""
    [line] = record_of(plan, answered)["lines"]
    found: Json = line
    return found


def traced(plan: Journey, answered: Json) -> Json:
    """The trace of the only line behind an answer."""
    status, trace = plan.get(f"/api/authorizations/{response_of(answered)['id']}/trace", NURSE_TOKEN)
    assert status == 200, trace
    [line] = trace["lines"]
    found: Json = line
    return found


def asked_for(answered: Json) -> list[str]:
    """The codes that the CommunicationRequests of an answer ask for."""
    resources = [each["resource"] for each in answered["entry"]]
    wanted = [each for each in resources if each["resourceType"] == "CommunicationRequest"]
    return sorted(payload["contentString"] for each in wanted for payload in each["payload"])


def authorized(line: Json) -> Json:
    """What was authorized, in the words of the cases."""
    given = line["authorized"]
    quantity, period, place = given["quantity"] or {}, given["period"] or {}, given["place"] or {}
    amount = {"quantity": int(float(quantity["value"])), "unit": quantity["unit"]} if quantity else {}
    return {**amount, **period, **({"place": place["code"]} if place else {})}


def call(plan: Journey, path: str, **body: Any) -> Json:
    """What the desk answers to a body that is posted."""
    status, answered = plan.post(path, body, NURSE_TOKEN, **JSON)
    assert status == 200, answered
    return answered


def decided(plan: Journey, answered: Json, **body: Any) -> Json:
    """The record after the nurse's decision on its only line."""
    record = record_of(plan, answered)
    return call(plan, f"/api/authorizations/{record['id']}/lines/1/determination", version=record["version"], **body)


def errors_of(plan: Journey, bundle: Json) -> list[str]:
    """The words of the business errors that a request is rejected with; none where it is reviewed."""
    return [each["code"]["text"] for each in response_of(plan.submit(bundle)).get("error", [])]


def shown_numbers(answered: Json) -> list[tuple[str | None, str | None]]:
    """For every line the number in its review action, and its administration reference number."""
    shown = []
    for item in response_of(answered)["item"]:
        outer = {each["url"].rpartition("/")[2]: each for each in item["extension"]}
        inner = {each["url"]: each for each in item["adjudication"][0]["extension"][0]["extension"]}
        reference = outer.get("extension-administrationReferenceNumber", {})
        shown.append((inner.get("number", {}).get("valueString"), reference.get("valueString")))
    return shown
