"""Cases: what is asked and what is decided, run through the real review."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from questionnaires.case_request import answers_wrong, history_of, request_of
from questionnaires.content import Content
from questionnaires.files import CaseFile, ContentFiles
from questionnaires.forms import Form
from questionnaires.problem import Problem
from server.authorization.determination import Determination, LineDetermination
from server.authorization.request import Code, Period, Quantity
from server.authorization.review import review
from server.authorization.systems import short_name

NO_TOPIC = "none"
"""How a case says that no topic decides a line."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case of a topic as written, and where; `on` is the day it is reviewed on, `form` the topic's form then."""

    topic: str
    file: str
    line: int
    values: dict[str, Any]
    on: date
    form: Form | None = None

    @property
    def sentence(self) -> str:
        """The fact that the case states."""
        return str(self.values["case"])

    @property
    def plan(self) -> str:
        """The plan it is about."""
        return str(self.values["plan"])


class Difference(NamedTuple):
    """Something that a case expects of a line (numbered from 1; 0 is the whole request) and did not get."""

    line: int
    what: str
    expected: str
    got: str

    def __str__(self) -> str:
        where = f"line {self.line}" if self.line else "request"
        return f"{where}: {self.what} expected {self.expected}, got {self.got}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the review of a case gave: a determination per line, and what differs from what was expected."""

    case: Case
    determination: Determination
    differences: tuple[Difference, ...]

    @property
    def statuses(self) -> tuple[str, ...]:
        """What was decided, line by line; of a rejected request that it was rejected."""
        lines = tuple(line.action.status for line in self.determination.lines)
        return lines or ("rejected",)


def cases_in(files: ContentFiles) -> Iterator[Case]:
    """Every case whose plan and topic can be read, in order; where it names no day, the newest version's first."""
    first_days = {topic.topic: topic.values["in_force"].start for topic in reversed(files.topics)}
    plans = {plan.id for plan in files.plans}
    for file in files.cases:
        for number, values in enumerate(file.values):
            if values["plan"] in plans and file.topic in first_days:
                on = values["on"] or first_days[file.topic]
                line = file.written.line(number)
                yield Case(file.topic, file.written.file, line, values, on, _form(file.topic, on, files))


def _form(topic: str, on: date, files: ContentFiles) -> Form | None:
    """The form of the version that holds on the day, else of the newest."""
    versions = [each for each in files.topics if each.topic == topic]
    held = (each for each in versions if _holds(each.values["in_force"], on))
    return next(held, versions[0]).form


def _holds(period: Period, on: date) -> bool:
    return (period.start or date.min) <= on <= (period.end or date.max)


def problems_of_answers(files: ContentFiles) -> Iterator[Problem]:
    """The answers of a case are answers to the form of its topic."""
    for file in files.cases:
        if not any(topic.topic == file.topic for topic in files.topics):
            continue
        for number, values in enumerate(file.values):
            on = values["on"] or date.max
            for link_id, what, mend in answers_wrong(values, _form(file.topic, on, files)):
                yield file.written.error((number, "answers", link_id), what, mend)


def run_case(case: Case, content: Content, files: ContentFiles) -> Outcome:
    """The case reviewed by the content, held against what it expects."""
    plan = next(plan for plan in content.plans if plan.id == case.plan)
    request = request_of(case.values, plan, case.form, case.on)
    history = history_of(case.values, case.topic)
    determination = review(request, content.rules_for(request, case.on), case.on, history)
    codes = next(file.values["reason_codes"] for file in files.plans if file.id == case.plan)
    return Outcome(case, determination, tuple(_all_differences(case, determination, codes)))


def _all_differences(case: Case, determination: Determination, codes: dict[str, Code]) -> Iterator[Difference]:
    rejected = sorted(each.code for each in determination.rejections)
    if rejected != sorted(case.values["rejected"]):
        yield Difference(0, "rejected", _names(case.values["rejected"]), _names(rejected))
    if not rejected and case.values["expect"]:
        for line, expected in zip(determination.lines, case.values["expect"], strict=True):
            yield from _differences(line, {"topic": case.topic, **expected}, codes)


def uncovered_plans(file: CaseFile, plans: set[str]) -> set[str]:
    """Those of the plans that no case of the file is about."""
    return plans - {values["plan"] for values in file.values}


def _differences(line: LineDetermination, expected: dict[str, Any], codes: dict[str, Code]) -> Iterator[Difference]:
    got: dict[str, Any] = {
        "status": line.action.status,
        "topic": line.topic.partition("@")[0] or NO_TOPIC,
        "reason": _reason_names(line, codes),
        "quantity": _amount(line.authorized.quantity if line.authorized else None),
        "waits_for": line.waits_for.value if line.waits_for else "nothing",
        "missing": _codes([each.code for each in line.missing]),
        "unanswered": _names(line.unanswered),
        "delegate": line.delegate or "none",
        "place": _codes([line.authorized.place] if line.authorized and line.authorized.place else []),
        "criteria": {each.criterion: each.result.value for each in line.trace},
        "nudges": {each.nudge: each.response.value for each in line.nudges},
    }
    for what, value in expected.items():
        if isinstance(value, dict):
            yield from _named_differences(line.sequence, what, value, got[what])
            continue
        wanted = _shown(value)
        if not _agrees(what, wanted, got[what]):
            yield Difference(line.sequence, what, wanted, got[what])


def _named_differences(sequence: int, what: str, expected: dict[str, str], got: dict[str, str]) -> Iterator[Difference]:
    """Of criteria and proposals those that are named are compared."""
    for name, value in expected.items():
        if got.get(name, "none") != value:
            yield Difference(sequence, f"{what} {name}", value, got.get(name, "none"))


def _agrees(what: str, wanted: str, got: str) -> bool:
    """True when they are the same; an amount without a unit holds for any unit, one reason for all of a code."""
    if what == "reason":
        return wanted in got.split(" or ")
    if what == "quantity" and " " not in wanted:
        return wanted == got.partition(" ")[0]
    return wanted == got


def _reason_names(line: LineDetermination, codes: dict[str, Code]) -> str:
    """The plan's names for the code of the first reason."""
    if not line.reasons:
        return "none"
    code = line.reasons[0].code
    return " or ".join(name for name, known in codes.items() if known == code) or code.code


def _shown(value: Any) -> str:
    if isinstance(value, Quantity):
        return _amount(value)
    if isinstance(value, Code):
        return _codes([value])
    if isinstance(value, list):
        return _codes(value) if value and isinstance(value[0], Code) else _names(value)
    return str(value)


def _names(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "nothing"


def _amount(quantity: Quantity | None) -> str:
    return f"{quantity.value:f} {quantity.unit}".strip() if quantity else "none"


def _codes(codes: list[Code]) -> str:
    return ", ".join(sorted(f"{short_name(code.system)} {code.code}" for code in codes)) or "nothing"
