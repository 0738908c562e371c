"""Deciding: what becomes of a line, in which order rules are looked at, and what holds for every request."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.authorization.criteria import All, AmountIs, AnyOf, CodeIn, DayWithin, Not, Result, TruthIs
from server.authorization.determination import Determination, Reason, ReviewAction, WaitsFor
from server.authorization.documentation import DocumentationRequirement
from server.authorization.history import History, PriorLine
from server.authorization.policy import (
    Above,
    AdministrativeDenial,
    CodeSpan,
    Criterion,
    Nudge,
    Plan,
    ReviewPath,
    Rules,
    Source,
    Topic,
)
from server.authorization.request import (
    Answer,
    Answers,
    AuthorizationRequest,
    Code,
    Coverage,
    Diagnosis,
    Document,
    Period,
    Quantity,
    ServiceLine,
)
from server.authorization.review import review

ON = date(2026, 3, 2)
NOTE, LETTER = Code("loinc", "11506-3"), Code("loinc", "34117-2")
LIMITED, WAITING, LATE = (Reason(Code("x", code), f"words of {code}") for code in ("limit", "wait", "late"))
OUTPATIENT = Code("pos", "22")
VISIT = "visit"


def visits(number: int) -> Quantity:
    return Quantity(Decimal(number), VISIT)


LASTING = Criterion("lasting", "Six weeks", AmountIs("answer:weeks", low=Quantity(Decimal(6), "week")), "Wait.")
SKILLED = Criterion(
    "skilled", "Skilled", All((TruthIs("answer:skilled", True), Not(TruthIs("answer:alone", True)))), "Say why."
)
LETTERED = Criterion(
    "lettered",
    "A letter for emergencies",
    AnyOf((TruthIs("request.expedited", False), DayWithin("document:loinc|34117-2"))),
)
TOPIC = Topic(
    "therapy",
    "2",
    "Therapy",
    (CodeSpan("cpt", "97110", "97140"),),
    frozenset({"gold"}),
    Period(date(2026, 1, 1)),
    Source("guideline"),
    ReviewPath.CRITERIA,
    LIMITED,
    pending=WAITING,
    recommended=visits(6),
    documentation=(DocumentationRequirement(NOTE, "The note", (Code("loinc", "11508-9"),)),),
    form="urn:form|1",
    criteria=(LASTING, SKILLED, LETTERED),
    nudges=(Nudge("fewer", AmountIs("line.quantity", low=visits(6), inclusive=False), "Six now.", "fewer"),),
    fresh_days=30,
)
PLAN = Plan(
    "gold",
    "Gold",
    WAITING,
    denials=(
        AdministrativeDenial("late", "Asked too late", TruthIs("request.retrospective", True), LATE),
        AdministrativeDenial("twice", "Authorized already", TruthIs("history.duplicate", True), LATE),
    ),
    most_lines=10,
)
COMPLETE = (
    Answer("weeks", amount=Quantity(Decimal(8), "week")),
    Answer("skilled", truth=True),
    Answer("alone", truth=False),
)
FRESH = Document((NOTE,), created=date(2026, 2, 20))
LINE = ServiceLine(1, (Code("cpt", "97110"),), quantity=visits(6))
REQUEST = AuthorizationRequest(
    "urn:claim", (LINE,), documents=(FRESH,), answers=(Answers("urn:form|1", "completed", COMPLETE),)
)


def answered(*answers: Answer, documents: tuple[Document, ...] = (FRESH,), **different: Any) -> AuthorizationRequest:
    """The request with these answers."""
    given_answers = (Answers("urn:form|1", "completed", answers),)
    return replace(REQUEST, answers=given_answers, documents=documents, **different)


def decided(request: AuthorizationRequest = REQUEST, topic: Topic = TOPIC, history: History | None = None):
    """The determination of the first line."""
    return review(request, Rules(PLAN, (topic,)), ON, history or History()).lines[0]


def test_with_everything_met_a_line_is_certified_and_every_criterion_is_in_the_trace() -> None:
    found = decided()

    assert (found.action, found.reasons, found.waits_for, found.ways) == (ReviewAction.CERTIFIED, (), None, ())
    assert (found.authorized.quantity, found.authorized.period) == (visits(6), Period(ON, date(2026, 5, 30)))
    assert (found.topic, found.form) == ("therapy@2", "urn:form|1")
    assert [(each.criterion, each.rule, each.result) for each in found.trace] == [
        ("late", "gold", Result.NOT_MET),
        ("twice", "gold", Result.NOT_MET),
        ("lasting", "therapy@2", Result.MET),
        ("skilled", "therapy@2", Result.MET),
        ("lettered", "therapy@2", Result.MET),
    ]


def test_a_reason_for_more_counts_only_in_a_form_that_is_whole() -> None:
    """PF-14: also where the topic has no criteria."""
    declined = Nudge("fewer", TOPIC.nudges[0].when, "Six now.", "fewer", "why", frozenset({"surgery"}))
    topic = replace(TOPIC, path=ReviewPath.CERTIFY, criteria=(), documentation=(), nudges=(declined,))
    reason = (Answer("fewer", truth=False), Answer("why", codes=(Code("a", "surgery"),)))
    asked = replace(REQUEST, lines=(replace(LINE, quantity=visits(9)),))
    whole = Answers("urn:form|1", "completed", reason)

    assert decided(replace(asked, answers=(whole,)), topic).action is ReviewAction.CERTIFIED
    found = decided(replace(asked, answers=(replace(whole, open=("homebound",)),)), topic)
    assert (found.action, found.waits_for) == (ReviewAction.PENDED, WaitsFor.MISSING_INFORMATION)
    assert found.unanswered == ("homebound",)


def test_what_is_unknown_is_asked_for_and_nothing_else() -> None:
    """PF-3, PF-17."""
    found = decided(answered(COMPLETE[0], documents=(), expedited=True))

    assert (found.action, found.waits_for) == (ReviewAction.PENDED, WaitsFor.MISSING_INFORMATION)
    assert found.unanswered == ("skilled", "alone")
    assert [(each.code, each.words) for each in found.missing] == [
        (NOTE, "The note"),
        (LETTER, "A letter for emergencies"),
    ]
    assert found.ways[0] == ("document:loinc|11506-3", "answer:skilled", "answer:alone", "document:loinc|34117-2")
    assert found.reasons == (WAITING,)


def test_what_is_asked_for_certifies_the_line() -> None:
    asked = decided(answered(documents=()))
    complete = {answer.link_id: answer for answer in COMPLETE}

    given_now = answered(*(complete[name] for name in asked.unanswered), documents=(FRESH,))
    assert [each.code for each in asked.missing] == [NOTE]
    assert decided(given_now).action is ReviewAction.CERTIFIED


@pytest.mark.parametrize(
    ("document", "there"),
    [
        (Document((NOTE,), created=date(2026, 1, 31)), True),
        (Document((NOTE,), created=date(2026, 1, 30)), False),
        (Document((NOTE,)), False),
        (Document((Code("loinc", "11508-9"),), created=ON), True),
        (Document((LETTER,), created=ON), False),
        (Document((LETTER, NOTE), created=ON), True),
    ],
)
def test_a_document_serves_when_it_is_of_a_wanted_kind_and_fresh(document: Document, there: bool) -> None:
    found = decided(replace(REQUEST, documents=(document,)))

    assert (found.action is ReviewAction.CERTIFIED) is there
    assert bool(found.missing) is not there


def test_without_a_limit_a_document_of_any_or_no_day_serves() -> None:
    any_age = replace(TOPIC, fresh_days=None)

    assert decided(replace(REQUEST, documents=(Document((NOTE,)),)), any_age).action is ReviewAction.CERTIFIED


def test_what_is_not_met_is_for_a_clinician_with_advice_and_never_denied() -> None:
    """PF-19."""
    found = decided(answered(Answer("weeks", amount=Quantity(Decimal(5), "week")), *COMPLETE[1:]))

    assert (found.action, found.waits_for) == (ReviewAction.PENDED, WaitsFor.CLINICAL_REVIEW)
    assert (found.notes, found.unanswered) == (("Wait.",), ())


def test_not_met_goes_before_unknown() -> None:
    found = decided(answered(Answer("weeks", amount=Quantity(Decimal(5), "week")), documents=()))

    assert found.waits_for is WaitsFor.CLINICAL_REVIEW
    assert [each.code for each in found.missing] == [NOTE]


def test_a_delegated_topic_waits_for_the_delegate() -> None:
    """PF-18."""
    found = decided(answered(Answer("skilled", truth=False), *COMPLETE[::2]), replace(TOPIC, delegate="Company"))

    assert (found.waits_for, found.delegate) == (WaitsFor.DELEGATE, "Company")


@pytest.mark.parametrize("path", [ReviewPath.DOCUMENTATION, ReviewPath.CLINICAL])
def test_some_topics_are_always_for_a_clinician(path: ReviewPath) -> None:
    found = decided(topic=replace(TOPIC, path=path))

    assert (found.action, found.waits_for) == (ReviewAction.PENDED, WaitsFor.CLINICAL_REVIEW)


@pytest.mark.parametrize(
    ("more", "action", "quantity"),
    [
        ({}, ReviewAction.PENDED, None),
        ({"answers": (Answer("fewer", truth=True),)}, ReviewAction.MODIFIED, visits(6)),
        ({"answers": (Answer("fewer", truth=False),)}, ReviewAction.PENDED, None),
        ({"nudges": ()}, ReviewAction.PENDED, None),
        ({"nudges": (), "above": Above.REDUCE}, ReviewAction.MODIFIED, visits(6)),
    ],
)
def test_asking_for_more_than_recommended(
    more: dict[str, Any], action: ReviewAction, quantity: Quantity | None
) -> None:
    """PF-14, PF-16, PF-21."""
    answers = more.pop("answers", ())
    request = answered(*COMPLETE, *answers, lines=(replace(LINE, quantity=visits(7)),))

    found = decided(request, replace(TOPIC, **more))

    assert found.action is action
    assert (found.authorized.quantity if found.authorized else None) == quantity
    assert found.reasons == ((LIMITED,) if action is ReviewAction.MODIFIED else (WAITING,))


@pytest.mark.parametrize(
    ("different", "history", "reason"),
    [
        ({"serviced": Period(date(2026, 3, 1))}, (), "late"),
        (
            {},
            (PriorLine("a", "N", "x", Code("cpt", "97110"), ReviewAction.CERTIFIED, period=Period(ON, ON)),),
            "twice",
        ),
    ],
)
def test_an_administrative_denial_goes_first_and_says_which_rule(different, history, reason) -> None:
    """PF-10, PF-19, PF-20: even where nothing is answered yet."""
    request = answered(documents=(), lines=(replace(LINE, **different),))

    found = decided(request, history=History(history))

    assert (found.action, found.reasons) == (ReviewAction.NOT_CERTIFIED, (LATE,))
    assert (found.trace[-1].criterion, found.trace[-1].result) == (reason, Result.MET)


def test_a_denial_of_the_plan_holds_for_lines_that_no_topic_covers() -> None:
    request = replace(REQUEST, lines=(ServiceLine(1, (Code("cpt", "1"),), serviced=Period(date(2020, 1, 1))),))

    assert (decided(request).action, decided(request).topic) == (ReviewAction.NOT_CERTIFIED, "gold")


def test_a_withdrawn_line_is_not_reviewed() -> None:
    assert decided(replace(REQUEST, lines=(replace(LINE, cancelled=True),))).action is ReviewAction.CANCELLED
    assert decided(replace(REQUEST, cancels=True)).action is ReviewAction.CANCELLED


@pytest.mark.parametrize("number", [11, 40])
def test_a_request_beyond_the_limits_is_rejected_and_no_line_is_reviewed(number: int) -> None:
    """PF-6."""
    lines = tuple(replace(LINE, sequence=place) for place in range(1, number + 1))

    found = review(replace(REQUEST, lines=lines), Rules(PLAN, (TOPIC,)), ON)

    assert found.lines == ()
    assert [(each.code, each.follow_up) for each in found.rejections] == [("33", "C")]


ANSWERS = {
    "weeks": [Answer("weeks", amount=Quantity(Decimal(number), "week")) for number in (5, 6)],
    "skilled": [Answer("skilled", truth=True), Answer("skilled", truth=False)],
    "alone": [Answer("alone", truth=True), Answer("alone", truth=False)],
    "fewer": [Answer("fewer", truth=True), Answer("fewer", truth=False)],
}
SOME_ANSWERS = st.fixed_dictionaries({}, optional={name: st.sampled_from(each) for name, each in ANSWERS.items()})
LINES = st.lists(
    st.builds(
        ServiceLine,
        st.just(0),
        st.sampled_from([(Code("cpt", "97110"),), (Code("cpt", "97140"),), (Code("cpt", "1"),)]),
        quantity=st.one_of(st.none(), st.integers(1, 9).map(visits)),
        serviced=st.sampled_from([None, Period(ON), Period(date(2026, 3, 1))]),
        cancelled=st.booleans(),
    ),
    min_size=1,
    max_size=6,
).map(lambda lines: tuple(replace(line, sequence=place) for place, line in enumerate(lines, 1)))
DOCUMENTS = st.lists(
    st.sampled_from([FRESH, Document((LETTER,)), Document((NOTE,), created=date(2020, 1, 1))]), max_size=3
)
RULES = Rules(PLAN, (TOPIC,))


def asked(lines, answers, documents) -> AuthorizationRequest:
    """A request with these lines, answers and documents."""
    return answered(*answers.values(), documents=tuple(documents), lines=lines)


@given(LINES, SOME_ANSWERS, DOCUMENTS, st.randoms())
def test_the_order_of_lines_does_not_matter(lines, answers, documents, random) -> None:
    """PF-1: every line by itself."""
    shuffled = list(lines)
    random.shuffle(shuffled)

    one = review(asked(lines, answers, documents), RULES, ON)
    two = review(asked(tuple(shuffled), answers, documents), RULES, ON)

    assert {each.sequence: each for each in one.lines} == {each.sequence: each for each in two.lines}
    assert [each.sequence for each in two.lines] == [line.sequence for line in shuffled]


@given(LINES, SOME_ANSWERS, SOME_ANSWERS, DOCUMENTS)
def test_another_answer_never_makes_a_judged_criterion_unknown_or_the_opposite(lines, answers, more, documents) -> None:
    before = results(review(asked(lines, answers, documents), RULES, ON))
    after = results(review(asked(lines, {**more, **answers}, documents), RULES, ON))

    assert before.keys() == after.keys()
    assert all(result in (Result.UNKNOWN, after[key]) for key, result in before.items())


@given(LINES, SOME_ANSWERS, DOCUMENTS)
def test_nothing_is_certified_with_a_criterion_that_is_not_met_or_unknown(lines, answers, documents) -> None:
    for line in review(asked(lines, answers, documents), RULES, ON).lines:
        if line.action in (ReviewAction.CERTIFIED, ReviewAction.MODIFIED):
            assert {each.result for each in line.trace if each.rule == "therapy@2"} == {Result.MET}
            assert line.missing == line.unanswered == ()


@given(LINES, SOME_ANSWERS, DOCUMENTS)
def test_every_line_but_a_certified_or_withdrawn_one_has_a_reason_and_a_pended_one_waits_for_something(
    lines, answers, documents
) -> None:
    """PF-3, PF-20."""
    for line in review(asked(lines, answers, documents), RULES, ON).lines:
        assert bool(line.reasons) is (line.action not in (ReviewAction.CERTIFIED, ReviewAction.CANCELLED))
        assert bool(line.waits_for) is (line.action is ReviewAction.PENDED)
        assert bool(line.missing or line.unanswered) or line.waits_for is not WaitsFor.MISSING_INFORMATION


@given(LINES, SOME_ANSWERS, DOCUMENTS)
def test_the_same_request_has_the_same_determination(lines, answers, documents) -> None:
    request = asked(lines, answers, documents)

    assert review(request, RULES, ON) == review(request, RULES, ON)


def results(determination: Determination) -> dict[tuple[int, str], Result]:
    """The results of the topic's criteria by line and criterion."""
    return {
        (line.sequence, each.criterion): each.result
        for line in determination.lines
        for each in line.trace
        if each.rule == "therapy@2"
    }


def test_a_condition_over_the_diagnoses_is_known_even_without_any() -> None:
    criterion = Criterion("back", "Back", CodeIn("request.diagnoses", (Code("icd", "M54*"),)))
    topic = replace(TOPIC, criteria=(criterion,))

    assert decided(topic=topic).waits_for is WaitsFor.CLINICAL_REVIEW
    with_diagnosis = replace(REQUEST, diagnoses=(Diagnosis(1, Code("icd", "M54.5")),), coverage=Coverage())
    assert decided(with_diagnosis, topic).action is ReviewAction.CERTIFIED
