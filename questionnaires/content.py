"""The payer's content: plans and topics as the review needs them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from questionnaires.checks import problems_of_rules
from questionnaires.files import ContentFiles, PlanFile, PlanRule, read_files
from questionnaires.problem import ContentProblems, errors_in
from server.authorization.determination import Reason
from server.authorization.policy import Above, CodeSpan, Plan, ReviewPath, Rules, Topic
from server.authorization.request import AuthorizationRequest, Coverage
from server.authorization.systems import CPT, HCPCS

DEMO = Path(__file__).parent
"""The plans and topics that come with the server."""

_OUTCOMES = {
    ReviewPath.CERTIFY: ("modified", "pended"),
    ReviewPath.DOCUMENTATION: ("pended",),
    ReviewPath.CLINICAL: ("pended",),
    ReviewPath.NOT_COVERED: ("denied",),
}
"""For each review path the outcomes its reason is taken from: the first that has words."""


@dataclass(frozen=True, slots=True)
class Content:
    """Plans and topics; a topic that holds for several plans stands once for each, with that plan's words."""

    plans: tuple[Plan, ...]
    topics: tuple[Topic, ...]

    def plan_for(self, coverage: Coverage) -> Plan:
        """The plan that a class of the coverage names, else the default plan."""
        named = (plan for plan in self.plans if plan.is_named_by(coverage))
        return next(named, None) or next(plan for plan in self.plans if plan.default)

    def rules_for(self, request: AuthorizationRequest, on: date) -> Rules:
        """The plan of the request's coverage and the topics in force for it on the day."""
        plan = self.plan_for(request.coverage)
        return Rules(plan, tuple(topic for topic in self.topics if topic.holds(plan.id, on)))


def load_content(directory: Path | None = None) -> Content:
    """The plans and topics of a content directory, by default those that come with the server.

    Raises:
        ContentProblems: with every error in it, by file and line.
    """
    files, problems = read_files(directory or DEMO, with_cases=False)
    errors = errors_in([*problems, *problems_of_rules(files)])
    if errors:
        raise ContentProblems(errors)
    return content_of(files)


def content_of(files: ContentFiles) -> Content:
    """The content that error-free files say."""
    plans = {file.id: file for file in files.plans}
    return Content(
        tuple(_plan(file) for file in files.plans),
        tuple(_topic(rule, plans[rule.plan]) for rule in files.rules),
    )


def _plan(file: PlanFile) -> Plan:
    values = file.values
    return Plan(
        id=file.id,
        title=values["title"],
        uncovered=_reason(values["uncovered"], file, "pended"),
        coverage_classes=frozenset(values["coverage_classes"]),
        default=values["default"],
        approved_days=values["approved_days"],
    )


def _topic(rule: PlanRule, plan: PlanFile) -> Topic:
    values = rule.values
    return Topic(
        name=rule.topic,
        version=values["version"],
        title=values["title"],
        codes=tuple(_with_level_one(values["codes"])),
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
    )


def _main_reason(values: dict[str, Any], plan: PlanFile) -> Reason:
    """Why a line of the topic is not simply certified; the plan's reason for a person where the topic has no limit."""
    outcome = next((each for each in _OUTCOMES[values["review"]] if each in values), None)
    if outcome is None:
        return _reason(plan.values["uncovered"], plan, "pended")
    return _reason(values[outcome], plan, outcome)


def _reason(words: dict[str, str], plan: PlanFile, outcome: str) -> Reason:
    """The plan's code for the reason, and the words for the member with what happens next (PF-2, PF-20, PF-31)."""
    return Reason(
        plan.values["reason_codes"][words["reason"]], f"{words['member']} {plan.values['next_steps'][outcome]}"
    )


def _with_level_one(spans: Iterable[CodeSpan]) -> Iterable[CodeSpan]:
    """The spans; those of CPT also as HCPCS level I, since requests name these codes under either system."""
    for span in spans:
        yield span
        if span.system == CPT:
            yield CodeSpan(HCPCS, span.first, span.last)
