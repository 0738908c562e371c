"""Cases: what is asked and what is decided, run through the real review."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple

from questionnaires.content import Content
from questionnaires.files import CaseFile, ContentFiles
from server.authorization.determination import LineDetermination
from server.authorization.policy import Plan
from server.authorization.request import (
    AuthorizationRequest,
    Code,
    Coverage,
    Diagnosis,
    Document,
    Quantity,
    ServiceLine,
)
from server.authorization.review import review
from server.authorization.systems import short_name

NO_TOPIC = "none"
"""How a case says that no topic decides a line."""


@dataclass(frozen=True, slots=True)
class Case:
    """A case of a topic as written, and where; `on` is the day it is reviewed on."""

    topic: str
    file: str
    line: int
    values: dict[str, Any]
    on: date

    @property
    def sentence(self) -> str:
        """The fact that the case states."""
        return str(self.values["case"])

    @property
    def plan(self) -> str:
        """The plan it is about."""
        return str(self.values["plan"])


class Difference(NamedTuple):
    """Something that a case expects of a line (numbered from 1) and did not get."""

    line: int
    what: str
    expected: str
    got: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what} expected {self.expected}, got {self.got}"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the review of a case gave: a determination per line, and what differs from what was expected."""

    case: Case
    lines: tuple[LineDetermination, ...]
    differences: tuple[Difference, ...]


def cases_in(files: ContentFiles) -> Iterator[Case]:
    """Every case whose plan and topic can be read, in order; where it names no day, the newest version's first."""
    first_days = {topic.topic: topic.values["in_force"].start for topic in reversed(files.topics)}
    plans = {plan.id for plan in files.plans}
    for file in files.cases:
        for number, values in enumerate(file.values):
            if values["plan"] in plans and file.topic in first_days:
                on = values["on"] or first_days[file.topic]
                yield Case(file.topic, file.written.file, file.written.line(number), values, on)


def run_case(case: Case, content: Content, files: ContentFiles) -> Outcome:
    """The case reviewed by the content, held against what it expects."""
    plan = next(plan for plan in content.plans if plan.id == case.plan)
    request = _request(case, plan)
    lines = review(request, content.rules_for(request, case.on), case.on).lines
    codes = next(file.values["reason_codes"] for file in files.plans if file.id == case.plan)
    differences = (
        difference
        for line, expected in zip(lines, case.values["expect"], strict=True)
        for difference in _differences(line, {"topic": case.topic, **expected}, codes)
    )
    return Outcome(case, lines, tuple(differences))


def uncovered_plans(file: CaseFile, plans: set[str]) -> set[str]:
    """Those of the plans that no case of the file is about."""
    return plans - {values["plan"] for values in file.values}


def _request(case: Case, plan: Plan) -> AuthorizationRequest:
    facts = case.values["facts"]
    named = min(plan.coverage_classes, default=None)
    return AuthorizationRequest(
        claim_url="urn:case",
        lines=tuple(_line(number, values) for number, values in enumerate(case.values["lines"], 1)),
        coverage=Coverage((named,) if named else ()),
        diagnoses=tuple(Diagnosis(number, code) for number, code in enumerate(facts["diagnoses"], 1)),
        documents=tuple(Document((code,)) for code in facts["documents"]),
        expedited=facts["expedited"],
    )


def _line(number: int, values: dict[str, Any]) -> ServiceLine:
    def codings(name: str) -> tuple[Code, ...]:
        return (values[name],) if values[name] else ()

    return ServiceLine(
        number,
        services=codings("service"),
        service_end=values["end"],
        ordered=codings("order"),
        category=codings("category"),
        quantity=values["quantity"],
    )


def _differences(line: LineDetermination, expected: dict[str, Any], codes: dict[str, Code]) -> Iterator[Difference]:
    got = {
        "status": line.action.status,
        "topic": line.topic.partition("@")[0] or NO_TOPIC,
        "reason": _reason_names(line, codes),
        "quantity": _amount(line.authorized.quantity if line.authorized else None),
        "waits_for": line.waits_for.value if line.waits_for else "nothing",
        "missing": _codes([each.code for each in line.missing]),
    }
    for what, value in expected.items():
        wanted = _shown(value)
        if not _agrees(what, wanted, got[what]):
            yield Difference(line.sequence, what, wanted, got[what])


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
    return _codes(value) if isinstance(value, list) else str(value)


def _amount(quantity: Quantity | None) -> str:
    return f"{quantity.value:f} {quantity.unit}".strip() if quantity else "none"


def _codes(codes: list[Code]) -> str:
    return ", ".join(sorted(f"{short_name(code.system)} {code.code}" for code in codes)) or "nothing"
