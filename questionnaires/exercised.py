"""Rules that no case shows at work: every outcome of every criterion, every proposal, every denial."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from questionnaires.cases import Outcome
from questionnaires.files import ContentFiles, PlanRule
from questionnaires.problem import Problem
from questionnaires.topics import criteria_of
from questionnaires.worlds import outcomes
from server.authorization.criteria import Condition, Result

ORDER = (Result.MET, Result.NOT_MET, Result.UNKNOWN)


class Shown(NamedTuple):
    """What the cases of a topic or plan show of one rule: `what` is a result or the response to a proposal."""

    plan: str
    rule: str
    id: str
    what: str


def problems_of_exercise(files: ContentFiles, ran: Iterable[Outcome]) -> Iterator[Problem]:
    """Every rule of the newest versions and of the plans that no case shows as it can come out."""
    shown = {each for outcome in ran for each in _shown(outcome)}
    newest = {topic.topic: topic for topic in reversed(files.topics)}
    for topic in newest.values():
        rules = [rule for rule in topic.rules if rule.plan in files.plan_ids]
        yield from _criteria(rules, shown)
        for rule in rules:
            yield from _proposals(rule, shown)
            yield from _denials(rule, shown)
    for plan in files.plans:
        applied = {each.id for each in shown if each.plan == plan.id and each.rule == plan.id and each.what == "met"}
        for number, denial in plan.held("denials"):
            if denial["id"] not in applied:
                what = f"no case shows denial '{denial['id']}'"
                yield plan.written.error(("denials", number), what, "add a case to a topic of the plan")


def _shown(outcome: Outcome) -> Iterator[Shown]:
    for line in outcome.determination.lines:
        for judged in line.trace:
            yield Shown(outcome.case.plan, judged.rule, judged.criterion, judged.result.value)
        for nudged in line.nudges:
            yield Shown(outcome.case.plan, nudged.rule, nudged.nudge, nudged.response.value)


def _reference(rule: PlanRule) -> str:
    return f"{rule.topic}@{rule.values['version']}"


def _criteria(rules: list[PlanRule], shown: set[Shown]) -> Iterator[Problem]:
    """A criterion that is the same in several plans is shown by the cases of any of them."""
    plans: defaultdict[tuple[str, Condition], list[tuple[PlanRule, int]]] = defaultdict(list)
    for rule in rules:
        for (number, _), criterion in zip(rule.held("criteria"), criteria_of(rule), strict=True):
            plans[criterion.id, criterion.condition].append((rule, number))
    for (name, condition), holds in plans.items():
        rule, number = holds[0]
        seen = {
            each.what
            for each in shown
            for other, _ in holds
            if (each.plan, each.rule, each.id) == (other.plan, _reference(other), name)
        }
        possible = outcomes(condition, rule.scope.form)
        lacking = [result.value for result in ORDER if result in possible and result.value not in seen]
        if lacking:
            what = f"plan {rule.plan}: no case shows criterion '{name}' {' or '.join(lacking)}"
            yield rule.written.error(rule.place("criteria", number), what, "add one for every outcome")


def _proposals(rule: PlanRule, shown: set[Shown]) -> Iterator[Problem]:
    made = {each.id for each in shown if (each.plan, each.rule) == (rule.plan, _reference(rule))}
    for number, nudge in rule.held("nudges"):
        if nudge["id"] not in made:
            what = f"plan {rule.plan}: no case shows proposal '{nudge['id']}'"
            yield rule.written.warning(rule.place("nudges", number), what, "add one that asks for too much")


def _denials(rule: PlanRule, shown: set[Shown]) -> Iterator[Problem]:
    for number, denial in rule.held("denials"):
        if Shown(rule.plan, _reference(rule), denial["id"], Result.MET.value) not in shown:
            what = f"plan {rule.plan}: no case shows denial '{denial['id']}'"
            yield rule.written.error(rule.place("denials", number), what, "add one that is denied by it")
