"""The plans and topics that come with the server say what they must to members, and cover what they claim to."""

from __future__ import annotations

from datetime import date

import pytest

from questionnaires.content import DEMO, load_content
from questionnaires.lint import lint
from server.authorization.determination import ReviewAction
from server.authorization.policy import Plan, ReviewPath, Topic
from server.authorization.request import AuthorizationRequest, Code, Coverage, ServiceLine
from server.authorization.systems import HCPCS, SERVICE_TYPES

CONTENT = load_content()
TODAY = date(2026, 3, 1)
PLANS = {plan.id: plan for plan in CONTENT.plans}


def topic_name(plan: str, code: Code) -> str:
    """The topic of a line that names the code today, "" where there is none."""
    line = ServiceLine(1, services=(code,))
    coverage = Coverage((min(PLANS[plan].coverage_classes),))
    topic = CONTENT.rules_for(AuthorizationRequest("urn:claim", (line,), coverage=coverage), TODAY).topic_for(line)
    return topic.name if topic else ""


def test_it_has_no_problem() -> None:
    assert [str(problem) for problem in lint(DEMO)] == []


def test_the_commercial_plan_is_the_default() -> None:
    assert [plan.id for plan in CONTENT.plans if plan.default] == ["commercial"]


@pytest.mark.parametrize("plan", sorted(PLANS))
def test_every_code_of_equipment_has_one_topic(plan: str) -> None:
    oxygen = {*range(424, 445), 447, *range(1352, 1359), *range(1390, 1393), 1405, 1406}
    for number in range(100, 10000):
        code = Code(HCPCS, f"E{number:04}")
        wanted = "home-oxygen" if number in oxygen else "durable-equipment"
        assert topic_name(plan, code) == wanted, code


@pytest.mark.parametrize(
    ("system", "code", "topic"),
    [
        (SERVICE_TYPES, "3", "consultation"),
        (SERVICE_TYPES, "61", "not-covered"),
        (SERVICE_TYPES, "1", ""),
        (HCPCS, "E1223", "durable-equipment"),
        (HCPCS, "e1390", "home-oxygen"),
        (HCPCS, "G0154", "home-health"),
        (HCPCS, "G0165", ""),
        (HCPCS, "A4253", "glucose-test-supplies"),
        (HCPCS, "B4184", ""),
    ],
)
def test_a_code_belongs_to_its_topic_in_both_plans(system: str, code: str, topic: str) -> None:
    assert {topic_name(plan, Code(system, code)) for plan in PLANS} == {topic}


def test_plans_differ_in_recommended_visits_limits_exclusions_and_documents() -> None:
    commercial, medicare = (
        {topic.name: topic for topic in CONTENT.topics_of(PLANS[plan], TODAY)} for plan in sorted(PLANS)
    )
    differing = [
        name
        for name in commercial
        if (commercial[name].recommended, commercial[name].codes, commercial[name].documentation)
        != (medicare[name].recommended, medicare[name].codes, medicare[name].documentation)
    ]

    assert sorted(differing) == ["glucose-test-supplies", "home-health", "home-oxygen", "not-covered"]


@pytest.mark.parametrize("topic", CONTENT.topics, ids=lambda topic: f"{topic.reference} {min(topic.plans)}")
def test_words_for_the_member_say_what_happens_next_and_never_call_a_pended_line_approved(topic: Topic) -> None:
    pended = topic.reason_for(ReviewAction.PENDED).words
    if topic.path is ReviewPath.NOT_COVERED:
        assert "appeal" in pended or "look at this again" in pended
    else:
        assert "This is not an approval." in pended
        assert "We will write to you" in pended


@pytest.mark.parametrize("plan", CONTENT.plans, ids=lambda plan: plan.id)
def test_a_line_that_no_topic_covers_is_said_to_wait_for_a_person(plan: Plan) -> None:
    assert "This is not an approval." in plan.uncovered.words
    assert "looks at it" in plan.uncovered.words


def test_every_topic_names_its_source() -> None:
    assert all(topic.source.document for topic in CONTENT.topics)
