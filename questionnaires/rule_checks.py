"""Whether the rules inside a topic or plan fit together: value sets, conditions, proposals, what is looked at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from questionnaires.conditions import Said
from questionnaires.files import ContentFiles, PlanFile, PlanRule
from questionnaires.forms import Item
from questionnaires.meaning import wrong_in
from questionnaires.problem import Problem
from questionnaires.scores import scores_are_calculated
from questionnaires.valuesets import spans_of
from questionnaires.written import Place
from server.authorization.facts import Kind
from server.authorization.policy import ReviewPath

HELD = {"criteria": "met", "nudges": "when", "denials": "when"}
"""The lists of rules that have conditions, and the field that each has it in."""


def sources(files: ContentFiles) -> Iterator[PlanFile | PlanRule]:
    """Everything that can have rules with conditions."""
    yield from files.plans
    yield from files.rules


def conditions_in(source: PlanFile | PlanRule) -> Iterator[tuple[dict[str, Any], Said, Place]]:
    """Every rule with a condition: its values, the condition and the condition's place."""
    for name, held in HELD.items():
        for number, rule in source.held(name):
            yield rule, rule[held], source.place(name, number, held)


def value_sets_are_there(files: ContentFiles) -> Iterator[Problem]:
    """A topic names value sets that exist and have codes."""
    for rule in files.rules:
        for number, name in enumerate(rule.values["codes"]):
            if not isinstance(name, str):
                continue
            if name not in files.sets:
                mend = f"the sets in valuesets.yaml are {', '.join(files.sets) or 'still to be written'}"
                yield rule.written.error(rule.place("codes", number), f"there is no value set '{name}'", mend)
            elif not list(spans_of(files.sets[name])):
                what = f"value set '{name}' has no code that a topic could have"
                yield rule.written.error(rule.place("codes", number), what, "write its codes without *")


def conditions_have_a_meaning(files: ContentFiles) -> Iterator[Problem]:
    """Conditions name what exists, and compare it as its type allows."""
    for source in sources(files):
        for _rule, said, place in conditions_in(source):
            for where, what, mend in wrong_in(said, place, source.scope):
                yield source.written.error(where, what, mend)


def rules_have_names_of_their_own(files: ContentFiles) -> Iterator[Problem]:
    """The trace tells criteria, proposals and denials apart by id."""
    for source in sources(files):
        seen: Counter[str] = Counter()
        for name in HELD:
            for number, rule in source.held(name):
                seen[rule["id"]] += 1
                if seen[rule["id"]] == 2:
                    yield source.written.error(
                        source.place(name, number, "id"), f"the id '{rule['id']}' is given twice", "rename one"
                    )


def criteria_are_looked_at(files: ContentFiles) -> Iterator[Problem]:
    """Criteria and proposals stand where the review looks at them."""
    for rule in files.rules:
        review = rule.values["review"]
        if review is ReviewPath.CRITERIA and not any(rule.held("criteria")):
            what = f"plan {rule.plan}: review 'criteria' without criteria"
            yield rule.written.error(rule.place("review"), what, "add criteria:, or write review: certify")
        for name, paths in _LOOKED_AT.items():
            if name in rule.values and review not in paths:
                what = f"plan {rule.plan}: with review '{review}' these {name} are never looked at"
                yield rule.written.error(rule.place(name), what, f"write review: {paths[0]}, or delete them")


_LOOKED_AT = {
    "criteria": (ReviewPath.CRITERIA, ReviewPath.DOCUMENTATION),
    "nudges": (ReviewPath.CRITERIA, ReviewPath.CERTIFY),
}


def rules_hold_for_plans_of_the_topic(files: ContentFiles) -> Iterator[Problem]:
    """A rule for some plans only names plans that the topic holds for."""
    for topic in files.topics:
        for name in HELD:
            for number, rule in enumerate(topic.values.get(name, ())):
                for position, plan in enumerate(rule.get("plans", ())):
                    if plan not in topic.values["plans"]:
                        what = f"the topic does not hold for plan '{plan}'"
                        mend = f"its plans are {', '.join(topic.values['plans'])}"
                        yield topic.written.error((name, number, "plans", position), what, mend)


def proposals_can_be_answered(files: ContentFiles) -> Iterator[Problem]:
    """A proposal says what is proposed, and the form lets people accept it or decline it for a reason (PF-16)."""
    for rule in files.rules:
        for number, nudge in rule.held("nudges"):
            place = rule.place("nudges", number)
            if nudge["place"] is None and "recommended" not in rule.values:
                what = f"plan {rule.plan}: proposal '{nudge['id']}' proposes neither a place nor a quantity"
                yield rule.written.error(place, what, "add place:, or recommended: to the topic")
            if nudge["good"] and not nudge["decline"]:
                yield rule.written.error((*place, "good"), "nothing asks for these reasons", "add decline: linkId")
            yield from _asked(rule, nudge, place, "answer", Kind.TRUTH)
            yield from _asked(rule, nudge, place, "decline", Kind.CODES)


def _asked(rule: PlanRule, nudge: dict[str, Any], place: Place, name: str, kind: Kind) -> Iterator[Problem]:
    if not nudge[name]:
        return
    items = rule.scope.form.items if rule.scope.form else {}
    item: Item | None = items.get(nudge[name])
    if item is None or item.kind is not kind:
        what = f"there is no item '{nudge[name]}' of type {'boolean' if kind is Kind.TRUTH else 'choice'} in the form"
        yield rule.written.error((*place, name), what, "add it to questionnaire.json")
        return
    options = {code.code for code in item.options}
    for number, reason in enumerate(nudge["good"] if name == "decline" else ()):
        if options and reason not in options:
            what = f"'{reason}' is no option of item '{item.link_id}'"
            yield rule.written.error((*place, "good", number), what, f"its options are {', '.join(sorted(options))}")


RULE_CHECKS: tuple[Callable[[ContentFiles], Iterator[Problem]], ...] = (
    value_sets_are_there,
    conditions_have_a_meaning,
    rules_have_names_of_their_own,
    criteria_are_looked_at,
    rules_hold_for_plans_of_the_topic,
    proposals_can_be_answered,
    scores_are_calculated,
)
