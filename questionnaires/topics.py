"""Plans and topics in the words of the review, made from files that have no error."""

from __future__ import annotations

from typing import Any

from questionnaires.files import PlanFile, PlanRule
from questionnaires.meaning import meant
from questionnaires.spans import with_level_one
from server.authorization.determination import Reason
from server.authorization.policy import (
    NOT_IN_FORCE,
    Above,
    AdministrativeDenial,
    Criterion,
    Nudge,
    Plan,
    ReviewPath,
    Topic,
)

_OUTCOMES = {
    ReviewPath.CERTIFY: ("modified", "pended"),
    ReviewPath.CRITERIA: ("modified", "pended"),
    ReviewPath.DOCUMENTATION: ("pended",),
    ReviewPath.CLINICAL: ("pended",),
    ReviewPath.NOT_COVERED: ("denied",),
}
"""For each review path the outcomes its reason is taken from: the first that has words."""


def plan_of(file: PlanFile) -> Plan:
    """The plan that a file says."""
    values = file.values
    return Plan(
        id=file.id,
        title=values["title"],
        uncovered=_reason(values["uncovered"], file, "pended"),
        coverage_classes=frozenset(values["coverage_classes"]),
        default=values["default"],
        approved_days=values["approved_days"],
        denials=_denials(file, file),
        most_lines=values["most_lines"],
        most_diagnoses=values["most_diagnoses"],
        groupers=tuple(values["groupers"]),
        npi_check=values["npi_check"],
        needs=tuple(values["needs"]),
        past_days=values["past_days"],
        future_days=values["future_days"],
        not_in_force=_reason(values["not_in_force"], file, "denied") if "not_in_force" in values else NOT_IN_FORCE,
        **values["clocks"],
    )


def topic_of(rule: PlanRule, plan: PlanFile) -> Topic:
    """A version of a topic as it holds for a plan, with the words of that plan."""
    values = rule.values
    return Topic(
        name=rule.topic,
        version=values["version"],
        title=values["title"],
        codes=tuple(with_level_one(span for _position, span in rule.spans)),
        plans=frozenset({rule.plan}),
        in_force=values["in_force"],
        source=values["source"],
        path=values["review"],
        reason=_main_reason(values, plan),
        provider_words=values.get("provider", ""),
        recommended=values.get("recommended"),
        above=values.get("above", Above.PEND),
        approved_days=values.get("approved_days", plan.values["approved_days"]),
        documentation=tuple(values.get("documentation", ())),
        pending=_reason(values["pended"], plan, "pended") if "pended" in values else None,
        form=rule.scope.form.canonical if rule.scope.form else "",
        criteria=criteria_of(rule),
        nudges=nudges_of(rule),
        denials=_denials(rule, plan),
        fresh_days=values.get("fresh_days"),
        delegate=values.get("delegate", ""),
        ages=values["ages"],
        scores=tuple(values["scores"]),
    )


def criteria_of(rule: PlanRule) -> tuple[Criterion, ...]:
    """The criteria of a rule, in the order they are written."""
    return tuple(
        Criterion(each["id"], each["title"], meant(each["met"], rule.scope), each["provider"])
        for _number, each in rule.held("criteria")
    )


def nudges_of(rule: PlanRule) -> tuple[Nudge, ...]:
    """The proposals of a rule."""
    return tuple(
        Nudge(
            each["id"],
            meant(each["when"], rule.scope),
            each["words"],
            each["answer"],
            each["decline"],
            frozenset(each["good"]),
            each["place"],
        )
        for _number, each in rule.held("nudges")
    )


def _denials(source: PlanFile | PlanRule, plan: PlanFile) -> tuple[AdministrativeDenial, ...]:
    return tuple(
        AdministrativeDenial(
            each["id"], each["title"], meant(each["when"], source.scope), _reason(each, plan, "denied")
        )
        for _number, each in source.held("denials")
    )


def _main_reason(values: dict[str, Any], plan: PlanFile) -> Reason:
    """Why a line of the topic is not simply certified; the plan's reason for a person where the topic has no limit."""
    outcome = next((each for each in _OUTCOMES[values["review"]] if each in values), None)
    if outcome is None:
        return _reason(plan.values["uncovered"], plan, "pended")
    return _reason(values[outcome], plan, outcome)


def _reason(words: dict[str, Any], plan: PlanFile, outcome: str) -> Reason:
    """The plan's code for the reason, and the words for the member with what happens next (PF-2, PF-20, PF-31)."""
    return Reason(
        plan.values["reason_codes"][words["reason"]], f"{words['member']} {plan.values['next_steps'][outcome]}"
    )
