"""What people decide: approved, modified, denied, asked, assigned, noted; always on the record, with its reason."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from server.authorization.casework import InformationRequest, ask, assign, note
from server.authorization.criteria import Finding, Result
from server.authorization.decision import Decision, NoSuchLine, NotDecidable, NotPended, Verdict, decide
from server.authorization.determination import Authorized, Judged, ReviewAction, WaitsFor
from server.authorization.documentation import DocumentationRequirement
from server.authorization.notices import Notice, notices
from server.authorization.record import Authorization
from server.authorization.request import Code, Period, Quantity
from tests.builders import NOW, a_line, a_request, an_authorization

PENDED, CERTIFIED, DENIED = ReviewAction.PENDED, ReviewAction.CERTIFIED, ReviewAction.NOT_CERTIFIED
LATER = NOW + timedelta(days=1)
REASON = Code("https://codesystem.x12.org/external/886", "0F")
OFFICE = Code("place-of-service", "11")
TRACE = (
    Judged("tried", "Exercises were tried", "pt@1", Result.NOT_MET, (Finding("answer:weeks", "6", Result.NOT_MET),)),
)
ORDER = DocumentationRequirement(Code("http://loinc.org", "52063-5"), "The written order")


def waiting(*actions: ReviewAction, quantity: str = "12") -> Authorization:
    """Lines that ask for twelve, with the trace of the rules and a form."""
    request = a_request(*(a_line(place, quantity=quantity) for place in range(1, max(len(actions), 1) + 1)))
    opened = an_authorization(*actions, request=request)
    lines = (
        replace(each, determination=replace(each.determination, trace=TRACE, form="urn:form|1"))
        for each in opened.lines
    )
    return replace(opened, lines=tuple(lines))


def decided(authorization: Authorization, verdict: Verdict, line: int | None = 1, **more: Any) -> Authorization:
    return decide(authorization, Decision(verdict, "nurse", **more), line=line, at=LATER)


def test_a_cancellation_is_no_denial_keeps_the_number_and_says_why() -> None:
    before = waiting()
    after = decided(before, Verdict.CANCEL, words="Withdrawn by phone.")
    line = after.lines[0]

    assert (line.determination.action, line.determination.reasons) == (ReviewAction.CANCELLED, ())
    assert (line.number, line.determination.notes) == (before.lines[0].number, ("Withdrawn by phone.",))
    assert [(each.kind, each.line) for each in notices(before, after)] == [("decided", 1)]
    assert after.history[-1].note == "Withdrawn by phone."
    with pytest.raises(NotDecidable, match="note"):
        decided(before, Verdict.CANCEL, words=" ")


def test_an_approval_gives_what_was_asked_for_under_the_same_number() -> None:
    before = waiting()
    after = decided(before, Verdict.APPROVE)
    line = after.lines[0]

    assert line.determination.action is CERTIFIED
    assert line.determination.authorized == Authorized(
        Quantity(Decimal(12), "UN"), Period(date(2026, 3, 3), date(2026, 5, 31))
    )
    assert (line.number, line.issued, after.version) == (before.lines[0].number, date(2026, 3, 3), 2)
    assert line.determination.human
    assert line.determination.trace == TRACE  # what the rules found stays readable
    assert after.history[-1].what == "decided"


@pytest.mark.parametrize(
    ("more", "authorized"),
    [
        ({"units": Decimal(8)}, Authorized(Quantity(Decimal(8), "UN"), Period(date(2026, 3, 3), date(2026, 5, 31)))),
        (
            {"period": Period(date(2026, 4, 1), date(2026, 4, 30))},
            Authorized(Quantity(Decimal(12), "UN"), Period(date(2026, 4, 1), date(2026, 4, 30))),
        ),
        (
            {"period": Period(None, date(2026, 3, 31))},
            Authorized(Quantity(Decimal(12), "UN"), Period(date(2026, 3, 3), date(2026, 3, 31))),
        ),
        (
            {"place": OFFICE},
            Authorized(Quantity(Decimal(12), "UN"), Period(date(2026, 3, 3), date(2026, 5, 31)), place=OFFICE),
        ),
    ],
    ids=["units", "dates", "end", "place"],
)
def test_a_modification_gives_something_else(more: dict[str, Any], authorized: Authorized) -> None:
    reasoned = {"code": REASON, "words": "Eight are usual.", "criterion": "guideline 4.2"}
    determination = decided(waiting(), Verdict.MODIFY, **more, **reasoned).lines[0].determination

    assert (determination.action, determination.authorized) == (ReviewAction.MODIFIED, authorized)
    assert (determination.reasons[0].code, determination.reasons[0].criterion) == (REASON, "guideline 4.2")


@pytest.mark.parametrize(
    ("verdict", "more", "words"),
    [
        (Verdict.MODIFY, {}, "the dates, the place or the provider"),
        (Verdict.MODIFY, {"units": Decimal(12)}, "less than the 12"),
        (Verdict.MODIFY, {"units": Decimal(0)}, "more than 0"),
        (Verdict.MODIFY, {"units": Decimal("NaN")}, "more than 0"),
        (Verdict.MODIFY, {"period": Period(date(2026, 9, 1), date(2026, 8, 1))}, "before it starts"),
        (Verdict.DENY, {"code": REASON}, "coded reason and a note"),
        (Verdict.DENY, {"code": REASON, "words": "  "}, "coded reason and a note"),
        (Verdict.DENY, {"words": "No."}, "coded reason and a note"),
    ],
)
def test_a_decision_that_lacks_something_is_not_made(verdict: Verdict, more: dict[str, Any], words: str) -> None:
    with pytest.raises(NotDecidable, match=words):
        decided(waiting(), verdict, **more)


@pytest.mark.parametrize(("line", "kind"), [(2, NotPended), (7, NoSuchLine)])
def test_only_a_pended_line_is_decided(line: int, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        decided(waiting(PENDED, CERTIFIED), Verdict.APPROVE, line)


def test_without_a_line_every_pended_one_is_decided_and_no_other() -> None:
    after = decided(waiting(PENDED, DENIED, PENDED), Verdict.APPROVE, None)

    assert after.statuses == ("approved", "denied", "approved")
    with pytest.raises(NotPended):
        decided(after, Verdict.APPROVE, None)


def test_a_question_lets_the_line_wait_for_exactly_what_is_missing() -> None:
    wanted = InformationRequest("nurse", (ORDER,), ("weeks",), "Please send these.")
    after = ask(waiting(PENDED, PENDED), wanted, line=2, at=LATER)
    first, second = (line.determination for line in after.lines)

    assert first.waits_for is WaitsFor.CLINICAL_REVIEW
    assert (second.action, second.waits_for) == (PENDED, WaitsFor.MISSING_INFORMATION)
    assert (second.missing, second.unanswered) == ((ORDER,), ("weeks",))
    assert after.history[-1].waits_for is WaitsFor.MISSING_INFORMATION


def test_what_the_rules_found_missing_stays_missing() -> None:
    before = waiting()
    note_of = DocumentationRequirement(Code("http://loinc.org", "11506-3"), "Progress note")
    line = replace(before.lines[0], determination=replace(before.lines[0].determination, missing=(note_of, ORDER)))
    after = ask(replace(before, lines=(line,)), InformationRequest("nurse", (ORDER,)), line=1, at=LATER)

    assert after.lines[0].determination.missing == (note_of, ORDER)


def test_questions_need_a_form_and_something_to_ask() -> None:
    without_form = an_authorization(PENDED)
    with pytest.raises(NotDecidable, match="no form"):
        ask(without_form, InformationRequest("nurse", unanswered=("weeks",)), line=1, at=LATER)
    with pytest.raises(NotDecidable, match="Name the documents"):
        ask(without_form, InformationRequest("nurse"), line=1, at=LATER)


def test_assigning_and_noting_change_nothing_that_was_decided() -> None:
    before = waiting(PENDED, CERTIFIED)
    after = note(assign(before, "dr.lee", line=1, by="desk", at=LATER), "Called back.", line=None, by="desk", at=LATER)

    assert [line.assigned for line in after.lines] == ["dr.lee", ""]
    assert [line.determination for line in after.lines] == [line.determination for line in before.lines]
    assert [(event.what, event.line, event.note) for event in after.history[2:]] == [
        ("assigned", 1, "dr.lee"),
        ("noted", None, "Called back."),
    ]
    with pytest.raises(NoSuchLine):
        assign(before, "dr.lee", line=9, by="desk", at=LATER)


def test_changes_of_what_was_pended_make_notices_and_nothing_else_does() -> None:
    before = waiting(PENDED, PENDED, CERTIFIED)
    approved = decided(before, Verdict.APPROVE, 1)
    asked = ask(approved, InformationRequest("nurse", (ORDER,)), line=2, at=LATER)
    assigned = assign(asked, "dr.lee", line=2, by="desk", at=LATER)

    assert list(notices(before, approved)) == [Notice("decided", 1, LATER, 2)]
    assert list(notices(approved, asked)) == [Notice("asked", 2, LATER, 3)]
    assert list(notices(asked, assigned)) == []
    assert list(notices(assigned, note(assigned, "x", line=2, by="desk", at=LATER))) == []
