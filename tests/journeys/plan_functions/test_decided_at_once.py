"""One message and its answer, as `submitted.json` says them."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.answers import answered_lines
from tests.journeys.conftest import Journey
from tests.journeys.plan_functions.asking import SUBMITTED, a_request, for_member
from tests.journeys.plan_functions.desk import asked_for, authorized, line_of, traced

Json = dict[str, Any]


def seen(plan: Journey, answered: Json, expects: Json) -> Json:
    """What the answer, the record and the trace say, of what a case expects."""
    line, trace, [told] = line_of(plan, answered), traced(plan, answered), answered_lines(answered)
    met = {each["criterion"]: each["result"] for each in trace["criteria"]}
    denied_by = expects.get("denied_by")
    says = {
        "status": told.status if told.status == line["status"] else f"{told.status}, on record {line['status']}",
        "waitsFor": line["waitsFor"],
        "missing": sorted(each["code"]["code"] for each in line["missing"]),
        "questions": sorted(line["questions"]),
        "form": line["form"],
        "delegate": line["delegate"],
        "authorized": authorized(line) if line["authorized"] else None,
        "reason": line["reasons"][0]["code"]["code"] if line["reasons"] else None,
        "criteria": {name: met.get(name) for name in expects.get("criteria", {})},
        "nudges": {each["nudge"]: [each["response"], each["reason"]] for each in trace["nudges"]},
        "denied_by": denied_by if met.get(denied_by or "") == "met" else None,
        "notes": [words for words in expects.get("notes", []) if words in told.reason],
    }
    if line["authorized"] and "authorized" in expects:
        says["authorized"] = {name: says["authorized"].get(name) for name in expects["authorized"]}
    return {name: says[name] for name in expects}


def expected(case: Json) -> Json:
    """What a case expects; the order of what is asked for does not count."""
    return {
        name: sorted(value) if name in ("missing", "questions") else value for name, value in case["expects"].items()
    }


@pytest.mark.parametrize("case", SUBMITTED, ids=[f"{'+'.join(each['shows'])}: {each['says']}" for each in SUBMITTED])
def test_a_request_is_decided(busy_plan: Journey, case: Json) -> None:
    answered = busy_plan.submit(for_member(f"PLX1{SUBMITTED.index(case):03}", a_request(case["says"])))
    line, [told] = line_of(busy_plan, answered), answered_lines(answered)

    assert seen(busy_plan, answered, case["expects"]) == expected(case)
    assert told.number == line["number"]
    wanted = [each["code"]["code"] for each in line["missing"]] + ["102089-0"] * bool(line["questions"])
    assert asked_for(answered) == sorted(wanted)
    if "not met" in case["expects"].get("criteria", {}).values():
        assert line["status"] == "pended"
