"""An update changes the lines it changes; everything else stays as it was decided (PF-34, PF-1)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

from server.authorization.determination import Determination, ReviewAction
from server.authorization.record import Authorization
from server.authorization.request import AuthorizationRequest, Code, Document, Quantity, ServiceLine
from server.authorization.systems import LOINC
from server.authorization.update import update
from tests.builders import NOW, a_line, a_line_determination, a_request, an_authorization

A1, A3, A4, C = ReviewAction.CERTIFIED, ReviewAction.NOT_CERTIFIED, ReviewAction.PENDED, ReviewAction.CANCELLED
LATER = NOW + timedelta(days=2)


def updated(before: Authorization, request: AuthorizationRequest, *actions: ReviewAction) -> Authorization:
    """The record after an update whose lines would be decided like this."""
    lines = tuple(
        a_line_determination(line.sequence, action) for line, action in zip(request.lines, actions, strict=True)
    )
    new = count(1)
    return update(
        before, request, Determination("gold", lines), new_number=lambda: f"NEW-{next(new)}", by="north", at=LATER
    )


def twice_as_much(line: ServiceLine) -> ServiceLine:
    assert line.quantity is not None
    return replace(line, quantity=Quantity(line.quantity.value * 2, line.quantity.unit))


def actions(record: Authorization) -> list[ReviewAction]:
    return [line.determination.action for line in record.lines]


def test_an_unchanged_line_keeps_its_determination() -> None:
    before = an_authorization(A1, A4)
    after = updated(before, before.request, A3, A3)
    assert actions(after) == [A1, A4]
    assert after.version == before.version + 1


def test_a_changed_line_is_decided_anew_and_keeps_its_number() -> None:
    before = an_authorization(A1, A1)
    request = replace(before.request, lines=(before.request.lines[0], twice_as_much(before.request.lines[1])))
    after = updated(before, request, A4, A4)
    assert actions(after) == [A1, A4]
    assert after.numbers == before.numbers
    assert after.lines[1].asked.quantity == Quantity(Decimal(2), "UN")
    assert after.lines[1].issued is None
    assert after.lines[1].reviewed == after.version


def test_how_a_line_is_labelled_is_no_change_of_what_it_asks() -> None:
    before = an_authorization(A1)
    labelled = replace(before.request.lines[0], change="changed", certification="S", references=("X-1",))
    assert actions(updated(before, replace(before.request, lines=(labelled,)), A4)) == [A1]


def test_an_added_line_gets_a_number_of_its_own() -> None:
    before = an_authorization(A1)
    request = replace(before.request, lines=(*before.request.lines, a_line(2, "E0430")))
    after = updated(before, request, A1, A4)
    assert after.numbers == (*before.numbers, "NEW-1")
    assert [event.what for event in after.history[len(before.history) :]] == ["added"]


def test_a_withdrawn_line_is_cancelled_and_not_decided_again() -> None:
    before = an_authorization(A1, A4)
    withdrawn = replace(before.request.lines[0], cancelled=True)
    request = replace(before.request, lines=(withdrawn, before.request.lines[1]))
    after = updated(before, request, C, A4)
    assert actions(after) == [C, A4]
    again = updated(after, request, C, A4)
    assert again.lines[0] == after.lines[0]


def test_a_line_that_the_update_does_not_name_stays() -> None:
    before = an_authorization(A1, A4)
    after = updated(before, replace(before.request, lines=before.request.lines[:1]), A3)
    assert actions(after) == [A1, A4]


def test_withdrawing_the_request_cancels_also_what_it_does_not_name() -> None:
    before = an_authorization(A1, A4)
    after = updated(before, replace(before.request, lines=(), cancels=True))
    assert actions(after) == [C, C]
    assert [event.what for event in after.history[-2:]] == ["cancelled", "cancelled"]


def test_new_information_has_pended_lines_decided_again_and_no_others() -> None:
    before = an_authorization(A1, A4, A3)
    note = Document((Code(LOINC, "11506-3"),), created=NOW.date())
    after = updated(before, replace(before.request, documents=(note,)), A4, A1, A1)
    assert actions(after) == [A1, A1, A3]


def test_the_history_only_grows() -> None:
    before = an_authorization(A1)
    after = updated(before, a_request(twice_as_much(before.request.lines[0])), A4)
    assert after.history[: len(before.history)] == before.history
    assert (after.history[-1].before, after.history[-1].after) == (A1, A4)
