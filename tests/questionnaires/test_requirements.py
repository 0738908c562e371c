"""Before asking: what a plan requires for a code (PF-12)."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner

from questionnaires.content import load_content
from questionnaires.requirements import Need, requirements
from server.authorization.systems import CPT, HCPCS, SERVICE_TYPES
from server.cli.lookup import lookup

CONTENT = load_content()
ON = date(2026, 3, 1)


def required(plan: str, code: str):
    """What the plan requires for the code."""
    return requirements(CONTENT, CONTENT.plan(plan), code, ON)


@pytest.mark.parametrize("text", ["E1390", "e1390", "hcpcs:E1390", "hcpcs E1390", f"{HCPCS}|E1390", " E1390 "])
def test_a_code_is_found_with_and_without_its_system(text: str) -> None:
    (found,) = required("medicare-advantage", text)

    assert (found.need, found.topic, found.code.system) == (Need.NEEDED, "home-oxygen@2026.2", HCPCS)
    assert [each.code.code for each in found.documentation] == ["52063-5", "59408-5", "11506-3"]
    assert found.form == "urn:placet:form:home-oxygen|2026.2.0"
    assert found.source.document.startswith("Medicare National Coverage")


def test_a_code_in_another_system_is_not_meant() -> None:
    (found,) = required("commercial", "cpt:E1390")

    assert (found.need, found.code.system, found.topic) == (Need.NO_RULE, CPT, "")


def test_a_code_of_two_ages_has_a_requirement_for_each() -> None:
    found = required("commercial", "97110")

    assert {each.topic.partition("@")[0]: each.ages for each in found} == {
        "therapy-adult": (18, None),
        "therapy-pediatric": (None, 17),
    }
    assert {str(each.recommended.value) for each in found} == {"12", "24"}


def test_plans_require_different_things_of_one_code() -> None:
    assert [required(plan, "64483")[0].delegate for plan in ("commercial", "medicare-advantage")] == [
        "",
        "Spine Review Partners (demo)",
    ]


def test_a_service_that_is_no_benefit_is_said_to_be_none() -> None:
    (found,) = required("commercial", "service-type:61")

    assert (found.need, found.code.system, found.approved_days) == (Need.NOT_A_BENEFIT, SERVICE_TYPES, None)


def test_a_code_that_no_topic_names_has_no_rule() -> None:
    (found,) = required("commercial", "B4184")

    assert (found.need, found.code.system) == (Need.NO_RULE, "")


def run(*arguments: str):
    """The command's result."""
    return CliRunner().invoke(lookup, arguments)


def test_the_command_answers_in_lines_for_people() -> None:
    result = run("--plan", "commercial", "--code", "27447", "--on", "2026-03-01")

    assert result.exit_code == 0
    lines = [line.strip() for line in result.output.splitlines()]
    assert lines[0] == "cpt 27447 in plan commercial: authorization is needed"
    assert "recommended:  1 unit; more is reviewed by a clinician" in lines
    assert "by:           Surgery Review Company (demo)" in lines
    assert any(line.startswith("document:") and "loinc 18748-4 or report-type RR" in line for line in lines)


def test_the_command_answers_in_json_for_programs() -> None:
    (found,) = json.loads(run("--code", "hcpcs:K0823", "--on", "2026-03-01", "--json").output)

    assert (found["plan"], found["authorization"], found["topic"]) == (
        "commercial",
        "needed",
        "power-wheelchair@2026.1",
    )
    assert found["documents"][1]["anyOf"] == ["loinc 34117-2", "loinc 11506-3"]
    assert "delegate" not in found


def test_rules_of_the_day_hold() -> None:
    assert "home-oxygen@2025.1" in run("--code", "E1390", "--on", "2025-06-30").output


def test_a_plan_that_is_not_there_is_said_with_those_that_are() -> None:
    result = run("--plan", "gold", "--code", "E1390")

    assert result.exit_code == 2
    assert "There is no plan 'gold'; the plans are commercial, medicaid, medicare-advantage." in result.stderr
