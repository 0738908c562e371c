"""The plans and topics that come with the server say what they must to members, and cover what they claim to."""

from __future__ import annotations

from datetime import date

import pytest

from questionnaires.content import DEMO, load_content
from questionnaires.lint import lint
from server.authorization.determination import ReviewAction
from server.authorization.policy import Plan, ReviewPath, Topic
from server.authorization.request import AuthorizationRequest, Code, Coverage, Member, ServiceLine
from server.authorization.systems import CPT, HCPCS, SERVICE_TYPES

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
    of_their_own = {
        "home-oxygen": {*range(424, 445), 447, *range(1352, 1359), *range(1390, 1393), 1405, 1406},
        "pap-device": {470, 471, 472, 601},
        "hospital-bed": {*range(250, 271), *range(290, 305), 328, 329},
        "glucose-monitor": {2102, 2103},
    }
    topics = {number: topic for topic, numbers in of_their_own.items() for number in numbers}
    for number in range(100, 10000):
        code = Code(HCPCS, f"E{number:04}")
        assert topic_name(plan, code) == topics.get(number, "durable-equipment"), code


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
        (CPT, "97110", "therapy-adult"),
        (HCPCS, "97161", "therapy-evaluation"),
        (CPT, "92507", "speech-therapy"),
        (CPT, "98941", "chiropractic"),
        (CPT, "64483", "spinal-injections"),
        (CPT, "27447", "knee-replacement"),
        (CPT, "72149", "lumbar-mri"),
        (HCPCS, "K0823", "power-wheelchair"),
        (HCPCS, "K0817", ""),
        (HCPCS, "E0601", "pap-device"),
        (HCPCS, "A4239", "glucose-monitor"),
        (HCPCS, "E0260", "hospital-bed"),
    ],
)
def test_a_code_belongs_to_its_topic_in_every_plan(system: str, code: str, topic: str) -> None:
    assert {topic_name(plan, Code(system, code)) for plan in PLANS} == {topic}


def test_there_are_three_plans_and_ten_and_more_topics_with_criteria() -> None:
    assert sorted(PLANS) == ["commercial", "medicaid", "medicare-advantage"]
    for plan in PLANS.values():
        assert len([topic for topic in CONTENT.topics_of(plan, TODAY) if topic.criteria]) >= 10


def test_plans_count_visits_units_or_both() -> None:
    """PF-24: Medicaid limits the units of a line and, by a criterion, the visits in the plan of care."""
    therapy = {plan: by_name(plan)["therapy-adult"] for plan in PLANS}

    units = {plan: topic.recommended.unit for plan, topic in therapy.items()}
    assert units == {"commercial": "visit", "medicare-advantage": "visit", "medicaid": "unit"}
    assert {plan for plan, topic in therapy.items() if "visits-in-plan" in ids(topic)} == {"medicaid"}


def test_plans_differ_in_clocks_limits_and_how_long_they_take_requests_after_the_service() -> None:
    """PF-6, PF-10, PF-22."""
    clocks = {plan.id: (plan.expedited_hours, plan.standard_days, plan.pauses) for plan in PLANS.values()}

    assert clocks == {
        "commercial": (72, 7, False),
        "medicare-advantage": (72, 7, False),
        "medicaid": (48, 5, True),
    }
    assert {plan.id: plan.most_lines for plan in PLANS.values() if plan.most_lines != 10} == {"medicaid": 8}
    assert len({next(d.when for d in plan.denials if d.id == "asked-too-late") for plan in PLANS.values()}) == 3


def test_delegates_differ_by_plan() -> None:
    """PF-18."""
    delegates = {(topic.name, min(topic.plans)) for topic in CONTENT.topics if topic.delegate}

    assert delegates == {
        ("chiropractic", "medicaid"),
        ("knee-replacement", "commercial"),
        ("lumbar-mri", "medicaid"),
        ("spinal-injections", "medicare-advantage"),
        ("speech-therapy", "medicaid"),
        ("therapy-adult", "medicaid"),
        ("therapy-pediatric", "medicaid"),
    }


@pytest.mark.parametrize(("age", "topic"), [(0, "therapy-pediatric"), (17, "therapy-pediatric"), (18, "therapy-adult")])
def test_therapy_of_children_and_adults_is_decided_by_topics_of_their_own(age: int, topic: str) -> None:
    line = ServiceLine(1, services=(Code(CPT, "97110"),))
    request = AuthorizationRequest("urn:claim", (line,), member=Member(birth_date=date(TODAY.year - age, 1, 1)))

    assert [each.name for each in CONTENT.rules_for(request, TODAY).topics] == [topic]


def by_name(plan: str) -> dict[str, Topic]:
    """The topics of the plan today."""
    return {topic.name: topic for topic in CONTENT.topics_of(PLANS[plan], TODAY)}


def ids(topic: Topic) -> set[str]:
    """The ids of the criteria."""
    return {criterion.id for criterion in topic.criteria}


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
