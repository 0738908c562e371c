"""What messages become, and what records become: every case is data (`reading.json`, `writing.json`)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conformance.samples import sample
from mappers.pas.read import read_request
from mappers.pas.write import write_response
from mappers.wire import from_bytes, to_bytes
from server.authorization.determination import (
    Authorized,
    Determination,
    LineDetermination,
    Reason,
    ReviewAction,
    WaitsFor,
)
from server.authorization.record import Authorization, open_authorization
from server.authorization.request import Code, Period, Quantity
from server.authorization.systems import HCPCS, PLACES_OF_SERVICE, UNITS
from tests.mappers.elements import elements_at, put

Json = dict[str, Any]

HERE = Path(__file__).parent
READING = json.loads((HERE / "reading.json").read_text("utf-8"))
WRITING = json.loads((HERE / "writing.json").read_text("utf-8"))
A_REASON = Reason(Code("https://codesystem.x12.org/external/886", "0V"), "The record does not show the need yet.")
CERTIFYING = (ReviewAction.CERTIFIED, ReviewAction.MODIFIED)
AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)


def message(case: Json) -> Json:
    """The sample of a facility stay, with what the case changes in it."""
    bundle = from_bytes(to_bytes(sample("pended-facility-stay")))
    for path, value in case.get("set", {}).items():
        put(bundle, path, value)
    return bundle


def fact_at(facts: Any, path: str) -> Any:
    """The fact at a path of names and numbers; "absent" where there is none."""
    for step in path.split("."):
        if isinstance(facts, list) and int(step) >= len(facts):
            return "absent"
        facts = facts[int(step)] if isinstance(facts, list) else facts[step]
    return facts


@pytest.mark.parametrize("case", READING, ids=lambda case: case["fact"])
def test_a_message_becomes_facts(case: Json) -> None:
    facts = json.loads(msgspec.json.encode(read_request(message(case))))
    undisplayed = json.loads(json.dumps(facts).replace(', "display": ""', ""))
    assert {path: fact_at(undisplayed, path) for path in case["expect"]} == case["expect"]


def authorized(action: ReviewAction, given: Json) -> Authorized | None:
    """What a certifying action authorizes: 30 visits as asked, 20 when modified, with what the case says."""
    if action not in CERTIFYING:
        return None
    quantity = Quantity(Decimal(30 if action is ReviewAction.CERTIFIED else 20), "visit", UNITS)
    start, end = given.get("period", ("2026-12-01", "2027-02-28"))
    return Authorized(
        quantity,
        Period(date.fromisoformat(start), date.fromisoformat(end)),
        Code(HCPCS, given["service"]) if "service" in given else None,
        Code(PLACES_OF_SERVICE, given["place"]) if "place" in given else None,
    )


def on_record(bundle: Json, case: Json) -> Authorization:
    """The request on record, its lines determined as the case says (else pended), numbered N-1, N-2 ..."""
    request = read_request(bundle)
    numbers = (f"N-{line.sequence}" for line in request.lines)
    lines = []
    for line in request.lines:
        action = ReviewAction(case.get("determine", {}).get(str(line.sequence), "A4"))
        waits_for = WaitsFor.CLINICAL_REVIEW if action is ReviewAction.PENDED else None
        reasons = () if action is ReviewAction.CERTIFIED else (A_REASON,)
        given = authorized(action, case.get("authorized", {}))
        lines.append(LineDetermination(line.sequence, action, reasons, given, waits_for))
    return open_authorization(
        request,
        Determination("commercial", tuple(lines)),
        authorization_id="0b6d0f0c-0001-4000-8000-000000000001",
        new_number=lambda: next(numbers),
        by="north",
        at=AT,
    )


@pytest.mark.parametrize("case", WRITING, ids=lambda case: case["fact"])
def test_a_record_becomes_an_answer(case: Json) -> None:
    bundle = message(case)
    answer = json.loads(to_bytes(write_response(on_record(bundle, case), bundle, "https://payer.example.org/fhir")))
    response = answer["entry"][0]["resource"]
    found = {path: list(elements_at(response, path)) for path in case["expect"]}
    assert found == case["expect"]
