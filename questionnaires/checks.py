"""What no single file can show: whether plans and topics fit together. One generator per check, in one table.

Where an earlier file of the same thing could not be read, a check says nothing rather than something misleading.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from questionnaires.files import ContentFiles, PlanFile, PlanRule
from questionnaires.overlaps import overlapping_spans
from questionnaires.problem import Problem, Severity
from questionnaires.rule_checks import RULE_CHECKS
from server.authorization.policy import Above, ReviewPath
from server.authorization.request import Period

Check = Callable[[ContentFiles], Iterator[Problem]]

NOT_AN_APPROVAL = re.compile(r"not (been |yet )*approved|not an approval", re.IGNORECASE)
CERTIFYING = (ReviewPath.CERTIFY, ReviewPath.CRITERIA)
"""The review paths by which a line can be certified without a person."""

LONGEST_SENTENCE = 22
"""Words; members read shorter sentences more easily (plain-language advice is 15 to 20)."""


def problems_of_rules(files: ContentFiles) -> list[Problem]:
    """Everything that the checks of plans and topics find, by file and line."""
    return sorted({problem for check in CHECKS for problem in check(files)})


def one_default_plan(files: ContentFiles) -> Iterator[Problem]:
    """Coverages that name no plan need exactly one default plan."""
    defaults = [plan for plan in files.plans if plan.values["default"]]
    if not defaults and len(files.plans) == len(files.plan_ids):
        what = "no plan is the default" if files.plans else "there are no plans"
        mend = "write default: true in one plan" if files.plans else "write plans/<plan>.yaml"
        yield Problem(str(files.directory / "plans"), 1, Severity.ERROR, what, mend)
    for plan in defaults[1:]:
        what = f"plans {defaults[0].id} and {plan.id} are both the default"
        yield plan.written.error(("default",), what, "keep one of them")


def a_class_selects_one_plan(files: ContentFiles) -> Iterator[Problem]:
    """A coverage class belongs to one plan, and every plan can be selected."""
    owners: dict[tuple[str, str], str] = {}
    for plan in files.plans:
        for number, pair in enumerate(plan.values["coverage_classes"]):
            owner = owners.setdefault(pair, plan.id)
            if owner != plan.id:
                what = f"coverage class {pair[0]} {pair[1]} also selects plan {owner}"
                yield plan.written.error(("coverage_classes", number), what, "keep it in one of them")
        if not plan.values["coverage_classes"] and not plan.values["default"]:
            what = f"no coverage selects plan {plan.id}"
            yield plan.written.warning((), what, "add coverage_classes, or write default: true")


def plans_are_there(files: ContentFiles) -> Iterator[Problem]:
    """A topic holds for plans that exist."""
    for topic in files.topics:
        for number, plan in enumerate(topic.values["plans"]):
            if plan not in files.plan_ids:
                listed = isinstance(topic.written.value["plans"], list)
                what = f"there is no plan '{plan}'"
                mend = f"the plans are {', '.join(sorted(files.plan_ids)) or 'still to be written'}"
                yield topic.written.error(("plans", number if listed else plan), what, mend)


def reasons_have_codes(files: ContentFiles) -> Iterator[Problem]:
    """Every reason that is named has a code in the plan."""
    plans = {plan.id: plan for plan in files.plans}
    for plan in files.plans:
        yield from _named_reason(plan, plan.values["uncovered"], plan, ("uncovered", "reason"))
        if "not_in_force" in plan.values:
            yield from _named_reason(plan, plan.values["not_in_force"], plan, ("not_in_force", "reason"))
        yield from _denial_reasons(plan, plan)
    for rule in files.rules:
        for outcome in ("pended", "modified", "denied"):
            if rule.plan in plans and outcome in rule.values:
                place = rule.place(outcome, "reason")
                yield from _named_reason(rule, rule.values[outcome], plans[rule.plan], place)
        if rule.plan in plans:
            yield from _denial_reasons(rule, plans[rule.plan])


def _denial_reasons(file: PlanFile | PlanRule, plan: PlanFile) -> Iterator[Problem]:
    for number, denial in file.held("denials"):
        yield from _named_reason(file, denial, plan, file.place("denials", number, "reason"))


def _named_reason(
    file: PlanFile | PlanRule, words: dict[str, str], plan: PlanFile, place: tuple[str | int, ...]
) -> Iterator[Problem]:
    codes = plan.values["reason_codes"]
    if words["reason"] not in codes:
        what = f"plan {plan.id} has no reason code for '{words['reason']}'"
        yield file.written.error(place, what, f"add it to reason_codes, or use one of {', '.join(codes)}")


def outcomes_have_words(files: ContentFiles) -> Iterator[Problem]:
    """Every outcome that a topic can have is explained (PF-20), and nothing else is."""
    for rule in files.rules:
        needed = _outcomes(rule.values)
        for outcome in needed:
            if outcome not in rule.values:
                what = f"plan {rule.plan}: lines can be {outcome} and nobody is told why"
                yield rule.written.error((), what, f"add {outcome}: with reason and member")
        for outcome in {"pended", "modified", "denied"} & set(rule.values) - needed:
            what = f"plan {rule.plan}: no line is ever {outcome} by this topic"
            yield rule.written.warning(rule.place(outcome), what, "delete these words")


def _outcomes(values: dict[str, Any]) -> set[str]:
    """What the lines of a topic can be besides approved."""
    if values["review"] is ReviewPath.NOT_COVERED:
        return {"denied"}
    reduces = "recommended" in values and values.get("above") is Above.REDUCE
    modified = {"modified"} if values["review"] in CERTIFYING and (reduces or "nudges" in values) else set()
    asks = values["review"] is not ReviewPath.CERTIFY or bool({"recommended", "nudges"} & set(values))
    return {"pended", *modified} if asks else set()


def limits_are_complete(files: ContentFiles) -> Iterator[Problem]:
    """A recommended quantity says what happens above it (PF-14), and only certifying topics have one."""
    for rule in files.rules:
        values = rule.values
        if "recommended" in values and "above" not in values:
            what = f"plan {rule.plan}: recommended says nothing about asking for more"
            yield rule.written.error(rule.place("recommended"), what, "add above: pend, or above: reduce")
        if "above" in values and "recommended" not in values:
            what = f"plan {rule.plan}: above what? There is no recommended quantity"
            yield rule.written.error(rule.place("above"), what, "add recommended: 20 visits, or delete above")
        if "recommended" in values and values["review"] not in CERTIFYING:
            what = f"plan {rule.plan}: with review '{values['review']}' the recommended quantity is never looked at"
            yield rule.written.error(rule.place("recommended"), what, "write review: certify, or delete it")


def documents_are_asked_for(files: ContentFiles) -> Iterator[Problem]:
    """Documents are listed exactly where the review asks for them (PF-17)."""
    for rule in files.rules:
        review = rule.values["review"]
        if review is ReviewPath.DOCUMENTATION and "documentation" not in rule.values:
            what = f"plan {rule.plan}: review 'documentation' without documents"
            yield rule.written.error(rule.place("review"), what, "add documentation: with system, code and words")
        if review not in (ReviewPath.DOCUMENTATION, ReviewPath.CRITERIA) and "documentation" in rule.values:
            what = f"plan {rule.plan}: with review '{review}' these documents are never asked for"
            yield rule.written.error(rule.place("documentation"), what, "write review: documentation, or delete them")
        if "fresh_days" in rule.values and "documentation" not in rule.values:
            what = f"plan {rule.plan}: fresh_days without documents that could be too old"
            yield rule.written.error(rule.place("fresh_days"), what, "add documentation:, or delete it")


def a_code_has_one_topic(files: ContentFiles) -> Iterator[Problem]:
    """In one plan and on one day a code belongs to one topic, and stands in it once."""
    for former, span, other, position in overlapping_spans(files.rules):
        if former is other:
            where, mend = "earlier in this list", "delete one of the two"
        else:
            where = f"in topic {former.topic} ({former.written.file})"
            mend = "give the codes to one topic, or end one period before the other begins"
        what = f"plan {other.plan}: {span} is also {where}"
        yield other.written.error(other.place("codes", position), what, mend)


def versions_follow_each_other(files: ContentFiles) -> Iterator[Problem]:
    """The versions of a topic have names of their own, do not overlap, and leave no day out."""
    versions: defaultdict[tuple[str, str], list[PlanRule]] = defaultdict(list)
    for rule in files.rules:
        versions[rule.topic, rule.plan].append(rule)
    for (_topic, plan), rules in versions.items():
        rules.sort(key=lambda rule: rule.values["in_force"].start)
        for former, latter in pairwise(rules):
            yield from _following(plan, former, latter)


def _following(plan: str, former: PlanRule, latter: PlanRule) -> Iterator[Problem]:
    if former.values["version"] == latter.values["version"]:
        what = f"version {latter.values['version']} is also the version of {former.written.file}"
        yield latter.written.error(("version",), what, "give each version its own name")
    ended, begun = _last_day(former.values["in_force"]), latter.values["in_force"].start
    if begun <= ended:
        what = f"plan {plan}: version {former.values['version']} still holds on {begun}"
        mend = f"end {former.written.file} on {begun - timedelta(days=1)}"
        yield latter.written.error(("in_force", "from"), what, mend)
    elif begun > ended + timedelta(days=1):
        what = f"plan {plan}: no version holds from {ended + timedelta(days=1)} to {begun - timedelta(days=1)}"
        mend = "close the gap, if the plan's default for uncovered lines is not meant there"
        yield latter.written.warning(("in_force", "from"), what, mend)


def _last_day(period: Period) -> date:
    return period.end or date.max - timedelta(days=1)


def pended_is_no_approval(files: ContentFiles) -> Iterator[Problem]:
    """What a plan says to the member of a pended line says that it is not an approval (PF-2)."""
    for plan in files.plans:
        if not NOT_AN_APPROVAL.search(plan.values["next_steps"]["pended"]):
            what = "the words for a pended line do not say that it is not an approval"
            yield plan.written.error(("next_steps", "pended"), what, "write: This is not an approval. ...")


def members_read_short_sentences(files: ContentFiles) -> Iterator[Problem]:
    """Words for members are easy to read (PF-20)."""
    for plan in files.plans:
        for outcome, words in plan.values["next_steps"].items():
            yield from _long_sentences(plan, words, ("next_steps", outcome))
        yield from _long_sentences(plan, plan.values["uncovered"]["member"], ("uncovered", "member"))
        yield from _long_denials(plan)
    for rule in files.rules:
        for outcome in {"pended", "modified", "denied"} & set(rule.values):
            yield from _long_sentences(rule, rule.values[outcome]["member"], rule.place(outcome, "member"))
        yield from _long_denials(rule)


def _long_denials(file: PlanFile | PlanRule) -> Iterator[Problem]:
    for number, denial in file.held("denials"):
        yield from _long_sentences(file, denial["member"], file.place("denials", number, "member"))


def _long_sentences(file: PlanFile | PlanRule, words: str, place: tuple[str | int, ...]) -> Iterator[Problem]:
    longest = max(len(sentence.split()) for sentence in re.split(r"[.!?](?:\s|$)", words))
    if longest > LONGEST_SENTENCE:
        what = f"a sentence of {longest} words is hard to read for many members"
        yield file.written.warning(place, what, f"say it in sentences of at most {LONGEST_SENTENCE} words")


CHECKS: tuple[Check, ...] = (
    one_default_plan,
    a_class_selects_one_plan,
    plans_are_there,
    reasons_have_codes,
    outcomes_have_words,
    limits_are_complete,
    documents_are_asked_for,
    a_code_has_one_topic,
    versions_follow_each_other,
    pended_is_no_approval,
    members_read_short_sentences,
    *RULE_CHECKS,
)
