"""Requests that arrive by fax, phone or mail are filed by staff on the same record (PF-11)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from pymongo.database import Database

from conformance.answers import answered_lines
from server.cli import placet
from tests.journeys.conftest import NORTH_TOKEN, SOUTH_TOKEN, Journey, response_of
from tests.journeys.plan_functions.asking import ADULT, SAYING, a_request
from tests.journeys.plan_functions.desk import JSON, NURSE_TOKEN
from tests.journeys.test_submit import an_update

Json = dict[str, Any]


def filed(plan: Journey, bundle: Json, channel: str = "fax", organization: str = "north-clinic") -> Json:
    """The record of what the nurse filed for an organization."""
    path = f"/api/requests?organization={organization}&channel={channel}"
    status, record = plan.post(path, bundle, NURSE_TOKEN, **JSON)
    assert status == 200, record
    return record


@pytest.mark.parametrize("channel", ["fax", "phone", "mail", "portal"])
def test_it_is_on_the_record_of_the_organization_with_its_channel(plan: Journey, channel: str) -> None:
    """PF-11: the history names who filed it; the organization reads the answer, another one does not."""
    record = filed(plan, a_request(answers={"skilled": False}), channel)
    path = f"/fhir/ClaimResponse/{record['id']}"

    assert (record["channel"], record["statuses"]) == (channel, ["pended"])
    assert [(each["what"], each["by"]) for each in record["history"]] == [("filed", "nurse")]
    assert plan.get(path, NORTH_TOKEN)[1]["item"][0]["itemSequence"] == 1
    assert plan.get(path, SOUTH_TOKEN)[0] == 404


def test_a_completed_worksheet_makes_further_notes_unnecessary(plan: Journey) -> None:
    """PF-11: without it its questions are asked, with it nothing is."""
    nothing = dict.fromkeys(SAYING[ADULT]["asks"]["answers"])
    without = filed(plan, a_request(answers=nothing))["lines"][0]
    whole = filed(plan, a_request(**{"from": "2027-01-11"}))["lines"][0]

    assert (without["status"], without["waitsFor"]) == ("pended", "missing information")
    assert without["questions"]
    assert (whole["status"], whole["missing"], whole["questions"]) == ("approved", [], [])


def test_a_fax_continues_what_was_sent_electronically_and_the_other_way_round(plan: Journey) -> None:
    """PF-11: one record, one number; the channel is that of the latest request."""
    first = a_request(answers={"skilled": False})
    answered = plan.submit(first)
    number = plan.get(f"/api/authorizations/{response_of(answered)['id']}", NURSE_TOKEN)[1]["lines"][0]["number"]
    faxed = filed(plan, an_update(first, "by-fax"))
    again = plan.submit(an_update(first, "electronic"))
    record = plan.get(f"/api/authorizations/{response_of(again)['id']}", NURSE_TOKEN)[1]

    assert (faxed["version"], faxed["channel"], faxed["lines"][0]["number"]) == (2, "fax", number)
    assert (record["id"], record["channel"], answered_lines(again)[0].number) == (faxed["id"], "", number)


def test_the_same_sheet_filed_twice_is_one_request(plan: Journey) -> None:
    """PF-11: as a resend is."""
    bundle = a_request()
    assert filed(plan, bundle)["id"] == filed(plan, bundle)["id"]
    assert plan.payer.authorizations.counts().authorizations == 1


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("", ["channel", "organization"]),
        ("organization=north-clinic&channel=", ["channel"]),
        ("organization=north-clinic&channel=telegram", ["channel"]),
        ("organization=%20&channel=fax&dry-run=true", ["dry-run", "organization"]),
    ],
)
def test_for_whom_and_how_it_arrived_has_to_be_said(plan: Journey, query: str, places: list[str]) -> None:
    """PF-11."""
    status, refused = plan.post(f"/api/requests?{query}", a_request(), NURSE_TOKEN, **JSON)
    assert status == 400
    assert sorted(each["expression"][0] for each in refused["issue"]) == places


def test_what_is_wrong_with_it_is_said_as_to_a_submitter(plan: Journey) -> None:
    """PF-11: every problem with its place and rule, nothing on record; submitters do not file for others."""
    bundle = a_request()
    del bundle["entry"][0]["resource"]["insurer"]
    status, refused = plan.post("/api/requests?organization=north-clinic&channel=fax", bundle, NURSE_TOKEN, **JSON)
    by_submitter = plan.post("/api/requests?organization=north-clinic&channel=fax", a_request(), **JSON)[0]

    assert (status, by_submitter) == (400, 403)
    assert any("insurer" in each["diagnostics"] for each in refused["issue"])
    assert plan.payer.authorizations.counts().authorizations == 0


def placet_file(database: Database[Json], store_uri: str, sheet: Path, *more: str) -> tuple[int, str]:
    """Exit status and output of the command on the store of the test."""
    environment = {"PLACET_DATABASE": database.name, "PLACET_PAST_DAYS": "3650"}
    arguments = ["file", str(sheet), *more, "--mongodb", store_uri]
    result = CliRunner().invoke(placet, arguments, env=environment)
    return result.exit_code, result.output


def test_the_command_files_too(plan: Journey, database: Database[Json], store_uri: str, tmp_path: Path) -> None:
    """PF-11: on the same record; what is wrong is said with its place."""
    sheet, broken = tmp_path / "sheet.json", tmp_path / "broken.json"
    sheet.write_text(json.dumps(a_request()))
    broken.write_text('{"resourceType": "Bundle"}')
    by_phone = ("--organization", "north-clinic", "--channel", "phone")

    status, told = placet_file(database, store_uri, sheet, *by_phone)
    assert status == 0, told
    record = plan.get(f"/api/authorizations/{told.splitlines()[0]}", NURSE_TOKEN)[1]
    assert record["channel"] == "phone"
    assert record["lines"][0]["number"] in told
    status, told = placet_file(database, store_uri, broken, *by_phone)
    assert (status, "Bundle.type" in told) == (1, True)
    shown = CliRunner().invoke(
        placet, ["show", record["id"], "--mongodb", store_uri], env={"PLACET_DATABASE": database.name}
    )
    assert "arrived   by phone" in shown.output
