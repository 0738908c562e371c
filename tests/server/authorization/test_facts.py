"""What is known about a line: each fact under its name, with its kind; what nobody said is not there."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from server.authorization.determination import Reason, ReviewAction
from server.authorization.facts import NAMED, Kind, Known, kind_of
from server.authorization.history import History, PriorLine
from server.authorization.known import facts_for
from server.authorization.policy import CodeSpan, ReviewPath, Source, Topic
from server.authorization.request import (
    Answer,
    Answers,
    AuthorizationRequest,
    Code,
    Coverage,
    Diagnosis,
    Document,
    Identifier,
    Member,
    Party,
    Period,
    Quantity,
    ServiceLine,
)
from server.authorization.systems import NPI, PLACES_OF_SERVICE, TAXONOMY

ON = date(2026, 3, 2)
NOTHING_ON_RECORD = History()
INJECTION, NOTE = Code("cpt", "64483"), Code("loinc", "11506-3")
TOPIC = Topic(
    "injections",
    "1",
    "Injections",
    (CodeSpan("cpt", "64483", "64484"),),
    frozenset({"gold"}),
    Period(date(2026, 1, 1)),
    Source("guideline"),
    ReviewPath.CRITERIA,
    Reason(Code("x", "0U"), "because"),
    form="urn:form|2",
)
LINE = ServiceLine(
    1,
    (INJECTION,),
    modifiers=(Code("hcpcs", "LT"),),
    quantity=Quantity(Decimal(2), "unit"),
    serviced=Period(date(2026, 3, 10), date(2026, 3, 19)),
    place=Code(PLACES_OF_SERVICE, "22"),
    providers=(1,),
)
REQUEST = AuthorizationRequest(
    "urn:claim",
    (LINE,),
    member=Member(birth_date=date(1960, 3, 11)),
    care_team=(
        Party((Identifier(NPI, "1111111112"),), specialties=(Code(TAXONOMY, "208VP0014X"),), sequence=1),
        Party((Identifier(NPI, "2222222222"),), specialties=(Code(TAXONOMY, "207Q00000X"),), sequence=2),
    ),
    coverage=Coverage(period=Period(date(2026, 1, 1), date(2026, 3, 15))),
    diagnoses=(Diagnosis(1, Code("icd", "M54.16")),),
    documents=(Document((NOTE,), created=date(2026, 2, 1)), Document((NOTE,), created=date(2026, 2, 20))),
)


def value(
    name: str, request: AuthorizationRequest = REQUEST, history: History = NOTHING_ON_RECORD, line: ServiceLine = LINE
) -> Any:
    """The value of the fact, None where nobody said it."""
    known = facts_for(line, request, TOPIC, history, ON).get(name)
    return known.value if known else None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("line.quantity", Quantity(Decimal(2), "unit")),
        ("line.start", date(2026, 3, 10)),
        ("line.end", date(2026, 3, 19)),
        ("line.days", Quantity(Decimal(10), "day")),
        ("line.service", (INJECTION,)),
        ("line.modifiers", (Code("hcpcs", "LT"),)),
        ("line.place", (Code(PLACES_OF_SERVICE, "22"),)),
        ("line.specialty", (Code(TAXONOMY, "208VP0014X"),)),
        ("member.age", Quantity(Decimal(65), "year")),
        ("coverage.in_force", True),
        ("request.diagnoses", (Code("icd", "M54.16"),)),
        ("request.expedited", False),
        ("request.retrospective", False),
        ("document:loinc|11506-3", date(2026, 2, 20)),
        ("document:loinc|34117-2", None),
        ("history.duplicate", False),
        ("history.before", False),
        ("history.in_force", False),
        ("history.same_specialty", False),
        ("history.visits_authorized", Quantity(Decimal(0))),
    ],
)
def test_a_fact_has_its_value(name: str, expected: object) -> None:
    assert value(name) == expected


def test_every_named_fact_is_there_with_the_type_of_its_kind() -> None:
    types = {Kind.TRUTH: bool, Kind.AMOUNT: Quantity, Kind.DAY: date, Kind.CODES: tuple, Kind.TEXT: str}

    known = facts_for(LINE, REQUEST, TOPIC, History(), ON).known

    assert {name: type(known[name].value) for name in NAMED} == {name: types[kind] for name, (kind, _) in NAMED.items()}
    assert (kind_of("document:loinc|1"), kind_of("answer:x"), kind_of("line.colour")) == (Kind.DAY, None, None)


def test_what_nobody_said_is_not_there() -> None:
    bare = AuthorizationRequest("urn:claim", (ServiceLine(1, (INJECTION,)),))
    known = facts_for(bare.lines[0], bare, None, History(), ON).known

    unsaid = {"line.quantity", "line.end", "line.days", "line.place", "line.specialty"}
    unsaid |= {"member.age", "coverage.in_force"}
    of_a_topic = {"history.before", "history.in_force", "history.same_specialty", "history.visits_authorized"}
    assert set(NAMED) - set(known) == unsaid | of_a_topic


@pytest.mark.parametrize(
    ("birthday", "age"), [(date(1960, 3, 10), 66), (date(1960, 3, 11), 65), (date(1960, 2, 29), 66)]
)
def test_age_is_in_whole_years_on_the_first_day_of_service(birthday: date, age: int) -> None:
    request = AuthorizationRequest("urn:claim", (LINE,), member=Member(birth_date=birthday))

    assert value("member.age", request) == Quantity(Decimal(age), "year")


def prior(**different: Any) -> PriorLine:
    """A line on record that is in force on the days asked for, by another provider."""
    values = {
        "authorization": "a",
        "number": "N-1",
        "topic": "injections",
        "service": Code("cpt", "64483", "as another system shows it"),
        "action": ReviewAction.CERTIFIED,
        "providers": ("2222222222",),
        "quantity": Quantity(Decimal(3), "unit"),
        "period": Period(date(2026, 3, 1), date(2026, 3, 12)),
    }
    return PriorLine(**{**values, **different})


@pytest.mark.parametrize(
    ("line", "duplicate", "in_force", "second", "authorized"),
    [
        (prior(), True, True, True, 3),
        (prior(action=ReviewAction.MODIFIED), True, True, True, 3),
        (prior(action=ReviewAction.PENDED), False, False, False, 0),
        (prior(action=ReviewAction.NOT_CERTIFIED), False, False, False, 0),
        (prior(action=ReviewAction.CANCELLED), False, False, False, 0),
        (prior(service=Code("cpt", "64484")), False, True, True, 3),
        (prior(providers=("1111111112",)), True, True, False, 3),
        (prior(topic="knee"), True, False, False, 0),
        (prior(period=Period(date(2026, 3, 11), date(2026, 4, 1))), True, False, True, 3),
        (prior(period=Period(date(2026, 1, 1), date(2026, 3, 9))), False, False, False, 3),
        (prior(period=Period(date(2025, 12, 1), date(2026, 3, 12))), True, True, True, 0),
        (prior(period=None), False, False, False, 0),
    ],
)
def test_history_is_what_is_in_force(
    line: PriorLine, duplicate: bool, in_force: bool, second: bool, authorized: int
) -> None:
    """PF-19 duplicates, PF-27 second provider of the specialty, PF-24 what is authorized this year."""
    history = History((line,))

    assert value("history.duplicate", history=history) is duplicate
    assert value("history.in_force", history=history) is in_force
    assert value("history.same_specialty", history=history) is second
    assert value("history.visits_authorized", history=history) == Quantity(Decimal(authorized))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Answer("x", truth=False), False),
        (Answer("x", amount=Quantity(Decimal(0))), Quantity(Decimal(0))),
        (Answer("x", day=ON), ON),
        (Answer("x", codes=(NOTE,)), (NOTE,)),
        (Answer("x", text="words"), "words"),
        (Answer("x"), None),
    ],
)
def test_an_answer_is_known_by_its_link_id_and_says_who_gave_it(answer: Answer, expected: object) -> None:
    request = AuthorizationRequest("urn:claim", (LINE,), answers=(Answers("urn:form|1", "completed", (answer,)),))

    assert value("answer:x", request) == expected
    if expected is not None:
        assert facts_for(LINE, request, TOPIC, History(), ON).get("answer:x") == Known(expected, "x (origin not said)")


def test_answers_to_another_form_are_not_known_and_the_last_filled_form_wins() -> None:
    forms = (
        Answers("urn:form|1", "completed", (Answer("x", truth=True), Answer("y", truth=True))),
        Answers("urn:form|2", "completed", (Answer("x", truth=False),)),
        Answers("urn:formal|2", "completed", (Answer("z", truth=True),)),
    )
    request = AuthorizationRequest("urn:claim", (LINE,), answers=forms)

    assert [value(f"answer:{name}", request) for name in "xyz"] == [False, True, None]
