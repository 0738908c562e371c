"""Whether answers are answers to their questions. One generator for every kind of check, in one table.

What rests on elements that are not mustSupport (ranges, signatures of single items) only warns: a response that is
valid without them is taken (DTR conf-10). An answer of a type that says the same (valueInteger for a decimal) counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal

from questionnaires.answer_origin import answers_are_signed, the_origin_of_an_answer_is_told
from questionnaires.answer_problem import AnswerProblem
from questionnaires.answer_values import Value, value_in
from questionnaires.filled import Filled, FilledForm, problem_of
from questionnaires.forms import Item
from questionnaires.problem import Severity
from server.authorization.request import Code, Quantity
from server.authorization.units import converted, unit_word

AnswerCheck = Callable[[Filled, FilledForm], Iterator[AnswerProblem]]

TYPES: Mapping[str, tuple[str, ...]] = {
    "boolean": ("Boolean",),
    "decimal": ("Decimal", "Integer"),
    "integer": ("Integer", "Decimal"),
    "date": ("Date", "DateTime"),
    "dateTime": ("DateTime", "Date"),
    "time": ("Time",),
    "string": ("String",),
    "text": ("String",),
    "url": ("Uri",),
    "choice": ("Coding",),
    "open-choice": ("Coding", "String"),
    "attachment": ("Attachment",),
    "reference": ("Reference",),
    "quantity": ("Quantity",),
}
"""Item type -> the types its answers may have; the first is the one that R4 asks for."""

_TAKEN = ("decimal", "integer", "date", "dateTime")
"""The item types of which another type than the first counts, with a warning."""


def answered_where_asked(filled: Filled, form: FilledForm) -> Iterator[AnswerProblem]:
    """What other answers make superfluous does not count."""
    if filled.answers and not form.is_enabled(filled.item, filled.scope):
        yield problem_of(
            filled,
            "R4 Questionnaire.item.enableWhen",
            "is answered, though with the other answers it is not asked: the answer does not count",
            "leave the answer out, or correct the answers that it depends on",
            severity=Severity.WARNING,
            dropped=True,
        )


def only_questions_have_answers(filled: Filled, _form: FilledForm) -> Iterator[AnswerProblem]:
    """A group and a display have no answer."""
    if filled.answers and not filled.item.asks:
        what = f"is a {filled.item.type} and has an answer"
        yield problem_of(filled, "R4 Questionnaire.item.type", what, "leave the answer out")


def stands_where_the_form_has_it(filled: Filled, _form: FilledForm) -> Iterator[AnswerProblem]:
    """Items are nested as in the form."""
    if filled.misplaced:
        yield problem_of(
            filled,
            "R4 QuestionnaireResponse.item",
            "does not stand in the group in which the form has it",
            "nest the items as in the Questionnaire",
            severity=Severity.WARNING,
        )


def answers_have_the_type_of_the_item(filled: Filled, _form: FilledForm) -> Iterator[AnswerProblem]:
    """A value of the item's type."""
    wanted = _types(filled.item)
    for number, found in enumerate(filled.typed if filled.item.asks else ()):
        if found is None:
            mend = f"write value{wanted[0]}"
            yield problem_of(
                filled, "R4 Questionnaire.item.type", "has an answer without a value", mend, answer=number, dropped=True
            )
        elif found[0] not in wanted:
            what, mend = f"is of type {filled.item.type} and has a value{found[0]}", f"write value{wanted[0]}"
            yield problem_of(filled, "R4 Questionnaire.item.type", what, mend, answer=number, dropped=True)
        elif filled.item.type in _TAKEN and found[0] != wanted[0]:
            yield from _another_type(filled, number, found)


def _types(item: Item) -> tuple[str, ...]:
    """The types of the options count too: a choice may offer texts, numbers or days."""
    if not item.texts:
        return TYPES.get(item.type, ())
    named = [value_in(option) for option in item.resource.get("answerOption", ())]
    return (*dict.fromkeys(each[0] for each in named if each), *TYPES.get(item.type, ()))


def _another_type(filled: Filled, number: int, found: tuple[str, Value]) -> Iterator[AnswerProblem]:
    wanted = TYPES[filled.item.type][0]
    fraction = wanted == "Integer" and isinstance(found[1], Decimal) and found[1] != found[1].to_integral_value()
    yield problem_of(
        filled,
        "R4 Questionnaire.item.type",
        f"is of type {filled.item.type} and has a value{found[0]}" + (" that is no whole number" if fraction else ""),
        f"write value{wanted}",
        answer=number,
        dropped=fraction,
        severity=Severity.ERROR if fraction else Severity.WARNING,
    )


def chosen_from_the_options(filled: Filled, form: FilledForm) -> Iterator[AnswerProblem]:
    """A coded answer is one of the options; an open choice may be a text instead."""
    item = filled.item
    if item.type not in ("choice", "open-choice"):
        return
    allowed = form.options_of(item)
    for number, found in enumerate(filled.typed):
        if found is None or (item.type == "open-choice" and isinstance(found[1], str)):
            continue
        if not _is_option(found[1], item, allowed):
            rule = "Questionnaire.item.answerValueSet" if item.value_set else "Questionnaire.item.answerOption"
            mend = f"choose from {item.value_set}" if item.value_set else f"choose one of {_listed(item)}"
            what = "has an answer that is not one of its options"
            yield problem_of(filled, f"R4 {rule}", what, mend, answer=number, dropped=True)


def _is_option(value: Value, item: Item, allowed: frozenset[tuple[str, str]]) -> bool:
    if isinstance(value, Code):
        return (value.system, value.code) in allowed if allowed else bool(value.code) and not item.texts
    return value in item.texts


def _listed(item: Item) -> str:
    codes = [code.code for code in item.options]
    more = len(codes) - _MOST_LISTED
    return ", ".join(codes[:_MOST_LISTED]) + (f" and {more} more" if more > 0 else "") or "the options of the form"


_MOST_LISTED = 12


def measured_in_a_unit_of_the_form(filled: Filled, _form: FilledForm) -> Iterator[AnswerProblem]:
    """An amount is in one of the units that the form offers."""
    units = {unit.code for unit in filled.item.units}
    words = {unit_word(unit) for unit in units}
    for number, found in enumerate(filled.typed if units else ()):
        if found is None or not isinstance(found[1], Quantity):
            continue
        if found[1].unit not in units and unit_word(found[1].unit) not in words:
            what, mend = (
                "has an answer in another unit than the form offers",
                f"write it in {' or '.join(sorted(units))}",
            )
            yield problem_of(filled, "R4 questionnaire-unitOption", what, mend, answer=number, dropped=True)


def answered_as_often_as_asked(filled: Filled, _form: FilledForm) -> Iterator[AnswerProblem]:
    """One answer, unless the question repeats; then several in one item (SDC sdcqr-2)."""
    same = filled.scope.found[filled.item.link_id]
    if filled.item.type == "group":
        if len(same) > 1 and not filled.item.repeats and same[0] is not filled:
            what = "is a group that does not repeat, and is there again"
            yield problem_of(
                filled, "R4 Questionnaire.item.repeats", what, "put its items into one group", dropped=False
            )
        return
    if len(filled.answers) > 1 and not filled.item.repeats:
        what = "has several answers to a question that takes one"
        yield problem_of(filled, "R4 Questionnaire.item.repeats", what, "send one answer", dropped=True)
    elif len(same) > 1 and same[0] is not filled:
        what, mend = "is there more than once", "send one item with all answers"
        severity = Severity.WARNING if filled.item.repeats else Severity.ERROR
        dropped = not filled.item.repeats
        yield problem_of(filled, "SDC sdcqr-2", what, mend, dropped=dropped, severity=severity)


def within_its_range(filled: Filled, _form: FilledForm) -> Iterator[AnswerProblem]:
    """Numbers are within minValue and maxValue. These are not mustSupport: a warning."""
    item = filled.item
    if item.low is None and item.high is None:
        return
    for number, found in enumerate(filled.typed):
        value = _measured(found[1], item) if found else None
        if value is None:
            continue
        if (item.low is not None and value < item.low) or (item.high is not None and value > item.high):
            what = "has an answer outside of the range that the form gives"
            mend = f"write a number {_range(item)}"
            yield problem_of(filled, "R4 minValue, maxValue", what, mend, answer=number, severity=Severity.WARNING)


def _measured(value: Value, item: Item) -> Decimal | None:
    if isinstance(value, Quantity):
        return converted(Quantity(value.value, unit_word(value.unit)), item.unit)
    return value if isinstance(value, Decimal) else None


def _range(item: Item) -> str:
    sides = (("at least", item.low), ("at most", item.high))
    return " and ".join(f"{word} {bound}" for word, bound in sides if bound is not None)


ANSWER_CHECKS: tuple[AnswerCheck, ...] = (
    answered_where_asked,
    only_questions_have_answers,
    stands_where_the_form_has_it,
    answers_have_the_type_of_the_item,
    chosen_from_the_options,
    measured_in_a_unit_of_the_form,
    answered_as_often_as_asked,
    within_its_range,
    the_origin_of_an_answer_is_told,
    answers_are_signed,
)
