"""Which plan and which topics hold for a request on a day, and what the loader makes of the files."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from time import process_time

import pytest

from questionnaires.content import Content, load_content
from server.authorization.criteria import TruthIs
from server.authorization.determination import ReviewAction
from server.authorization.policy import CodeSpan
from server.authorization.request import AuthorizationRequest, Code, Coverage, ServiceLine
from server.authorization.systems import CPT, DECISION_REASONS, HCPCS

TODAY = date(2026, 3, 1)


def a_request(*classes: tuple[str, str]) -> AuthorizationRequest:
    """A request for one visit under a coverage with these classes."""
    line = ServiceLine(1, services=(Code(HCPCS, "G0151"),))
    return AuthorizationRequest("urn:claim", (line,), coverage=Coverage(classes))


@pytest.mark.parametrize(
    ("classes", "plan"),
    [
        ([("plan", "silver")], "silver"),
        ([("Plan", "SILVER")], "silver"),
        ([("group", "4711"), ("plan", "silver")], "silver"),
        ([("plan", "gold")], "gold"),
        ([("group", "silver")], "gold"),
        ([("plan", "bronze")], "gold"),
        ([], "gold"),
    ],
)
def test_a_class_of_the_coverage_selects_the_plan_else_the_default_holds(write, classes, plan) -> None:
    assert load_content(write()).rules_for(a_request(*classes), TODAY).plan.id == plan


@pytest.mark.parametrize(
    ("on", "topics"),
    [
        (date(2024, 12, 31), set()),
        (date(2025, 1, 1), {"visits@1", "chairs@1"}),
        (date(2025, 12, 31), {"visits@1", "chairs@1"}),
        (date(2026, 1, 1), {"visits@2", "chairs@1"}),
        (date(2040, 1, 1), {"visits@2", "chairs@1"}),
    ],
)
def test_the_version_of_a_topic_that_is_in_force_on_the_day_holds(write, on, topics) -> None:
    content = load_content(write())

    assert {topic.reference for topic in content.topics_of(content.plan("gold"), on)} == topics


def test_the_rules_for_a_request_are_those_of_its_services(write) -> None:
    content = load_content(write())

    assert [topic.reference for topic in content.rules_for(a_request(), TODAY).topics] == ["visits@2"]
    assert [topic.reference for topic in content.rules_for(a_request(), date(2025, 3, 1)).topics] == ["visits@1"]
    assert content.rules_for(replace(a_request(), lines=()), TODAY).topics == ()


def test_a_topic_holds_only_for_its_plans(write) -> None:
    rules = load_content(write()).rules_for(a_request(("plan", "silver")), TODAY)

    assert [topic.name for topic in rules.topics] == ["visits"]


def test_what_differs_in_a_plan_holds_there_and_the_rest_is_shared(write) -> None:
    content = load_content(write())
    gold, silver = (topic_of(content, plan) for plan in ("gold", "silver"))

    assert (gold.recommended.value, gold.above, gold.approved_days) == (10, "pend", 45)
    assert (silver.recommended.value, silver.above, silver.approved_days) == (5, "reduce", 90)
    assert gold.codes == silver.codes


def test_a_reason_has_the_code_of_the_plan_and_its_next_steps(write) -> None:
    silver = topic_of(load_content(write()), "silver")

    assert silver.reason.code == Code(DECISION_REASONS, "0Y")
    assert silver.reason.words == "Some visits are approved. Ask us to look again."


def test_a_pended_line_of_a_reducing_topic_is_never_told_that_something_is_approved(write) -> None:
    silver = topic_of(load_content(write()), "silver")

    assert "This is not an approval." in silver.reason_for(ReviewAction.PENDED).words
    assert silver.reason_for(ReviewAction.MODIFIED) == silver.reason


def test_codes_of_hcpcs_level_one_are_found_under_cpt_and_hcpcs(write, files) -> None:
    chairs = files["chairs/topic.yaml"].replace("from: E1000, to: E1299", "from: '97001', to: '97004'")
    content = load_content(write({"chairs/topic.yaml": chairs}))

    topic = next(topic for topic in content.topics if topic.name == "chairs")
    assert set(topic.codes) == {CodeSpan(CPT, "97001", "97004"), CodeSpan(HCPCS, "97001", "97004")}


def test_codes_keep_their_zeros_and_other_plain_scalars_their_letters(write, files) -> None:
    plan = files["plans/gold.yaml"].replace("0U", "010").replace("title: Gold", "title: no")
    content = load_content(write({"plans/gold.yaml": plan}))

    gold = next(plan for plan in content.plans if plan.id == "gold")
    assert (gold.uncovered.code.code, gold.title) == ("010", "no")


def test_a_reason_code_can_be_of_another_system(write, files) -> None:
    plan = files["plans/gold.yaml"].replace("review: 0U", "review: urn:our-reasons R1")
    content = load_content(write({"plans/gold.yaml": plan}))

    assert next(plan for plan in content.plans if plan.id == "gold").uncovered.code == Code("urn:our-reasons", "R1")


def test_a_plan_says_its_limits_clocks_and_denials(write, files) -> None:
    """PF-6 to PF-8, PF-19, PF-22."""
    more = """\
clocks: {expedited_hours: 24, standard_days: 3, extended_days: 10, pauses: yes}
most_lines: 4
most_diagnoses: 3
npi_check: yes
past_days: 30
future_days: 180
groupers: [{system: urn:drg, from: "001", to: "999"}]
not_in_force: {reason: limit, member: You are not covered on this day.}
denials:
  - {id: late, title: Late, when: {fact: request.retrospective, is: yes}, reason: limit, member: It was too late.}
"""
    gold = load_content(write({"plans/gold.yaml": files["plans/gold.yaml"] + more})).plan("gold")

    assert (gold.expedited_hours, gold.standard_days, gold.extended_days, gold.pauses) == (24, 3, 10, True)
    assert (gold.most_lines, gold.most_diagnoses, gold.npi_check) == (4, 3, True)
    assert (gold.past_days, gold.future_days) == (30, 180)
    assert gold.groupers == (CodeSpan("urn:drg", "001", "999"),)
    assert gold.not_in_force.words == "You are not covered on this day. You can appeal."
    assert [(each.id, each.when, each.reason.words) for each in gold.denials] == [
        ("late", TruthIs("request.retrospective", True), "It was too late. You can appeal.")
    ]


def test_topics_are_found_by_looking_and_other_folders_are_left_alone(write) -> None:
    directory = write({"notes/readme.txt": "not content", ".hidden": "x"})

    assert {topic.name for topic in load_content(directory).topics} == {"visits", "chairs"}


def test_a_hundred_topics_are_loaded_within_a_second_of_work(write, files) -> None:
    many = {
        f"topic-{number:03}/topic.yaml": files["visits/topic.yaml"]
        .replace("from: G0151, to: G0160", f"from: T{number:03}0, to: T{number:03}8")
        .replace("G0299", f"T{number:03}9")
        for number in range(100)
    }
    directory = write(many)
    started = process_time()

    content = load_content(directory)

    assert process_time() - started < 1
    assert len(content.topics) == 2 * 100 + 2 + 2 + 1


def topic_of(content: Content, plan: str):
    """The visits topic as it holds for the plan today."""
    return next(topic for topic in content.topics if topic.name == "visits" and topic.holds(plan, TODAY))
