"""What submitters are proposed is counted, and what they are asked for may be attached (PF-16, PF-17)."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner
from pymongo.database import Database

from conformance.answers import answered_lines
from server.cli import placet
from tests.journeys.attachments.attaching import attached, control_number, films, parameters, without_films
from tests.journeys.conftest import Journey
from tests.journeys.plan_functions.asking import a_request, for_member
from tests.journeys.plan_functions.desk import NURSE_TOKEN, asked_for, line_of

Json = dict[str, Any]

RESPONSES = {
    "Of 20 visits the recommended 12 are proposed": 1,
    "More than recommended is certified for an accepted reason": 2,
    "A preference is no accepted reason for more": 1,
    "An accepted proposal is authorized with fewer visits": 1,
}
"""How many members ask for what the case says."""


def test_proposals_are_counted_by_rule_response_and_reason(
    plan: Journey, database: Database[Json], store_uri: str
) -> None:
    """PF-16: at the desk and by placet stats, the same."""
    for number, says in enumerate(each for each, times in RESPONSES.items() for _ in range(times)):
        plan.submit(for_member(f"PLX2{number:03}", a_request(says)))
    status, told = plan.get("/api/proposals", NURSE_TOKEN)
    arguments = ["stats", "--json", "--mongodb", store_uri]
    counted = CliRunner().invoke(placet, arguments, env={"PLACET_DATABASE": database.name})

    assert (status, counted.exit_code) == (200, 0)
    assert json.loads(counted.output)["proposals"] == told["proposals"]
    assert {(each["rule"].partition("@")[0], each["nudge"]) for each in told["proposals"]} == {
        ("therapy-adult", "recommended-quantity")
    }
    assert {(each["response"], each["reason"]): each["lines"] for each in told["proposals"]} == {
        ("offered", ""): 1,
        ("declined", "surgery"): 2,
        ("declined", "preference"): 1,
        ("accepted", ""): 1,
    }


def test_exactly_the_document_that_is_asked_for_is_attached(plan: Journey) -> None:
    """PF-17: by $submit-attachment, under the control number it was asked for with; the line is decided then."""
    answered = plan.submit(without_films())
    attached(plan, parameters(control_number(answered), films()))
    line = line_of(plan, answered)

    assert ([told.status for told in answered_lines(answered)], asked_for(answered)) == (["pended"], ["18748-4"])
    assert (line["status"], line["missing"]) == ("approved", [])
