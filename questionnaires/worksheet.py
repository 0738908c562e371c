"""A form as a worksheet for people without an EHR: numbered questions with what can be answered (PF-11)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from questionnaires.answer_values import Moment, Opaque, Value, value_in
from questionnaires.forms import EnableWhen, Form, Item
from server.authorization.request import Code, Quantity
from server.authorization.systems import normal_system
from server.authorization.units import counted

MOST_OPTIONS = 45
"""Of longer lists the code is written by hand."""


class Kind(StrEnum):
    """What a row of a worksheet is, and how it is answered."""

    SECTION = "section"
    WORDS = "words"
    ONE = "one"
    SEVERAL = "several"
    DATE = "date"
    NUMBER = "number"
    TEXT = "text"
    LONG_TEXT = "long text"
    ENCLOSED = "enclosed"
    CALCULATED = "calculated"


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a section, words, or a question.

    number   ``2.3``, "" for words;  depth  0 for what stands outermost
    help     words under the question;  when  words that say when it is asked at all, "" for always
    options  what to choose from;  unit  in which a number is given;  filled  what is filled in beforehand
    """

    kind: Kind
    text: str
    number: str = ""
    depth: int = 0
    help: tuple[str, ...] = ()
    when: str = ""
    options: tuple[str, ...] = ()
    unit: str = ""
    required: bool = False
    filled: str = ""


@dataclass(frozen=True, slots=True)
class Worksheet:
    """A form to print: its rows in order, and how the answers are named when they are sent."""

    title: str
    canonical: str
    rows: tuple[Row, ...]


def worksheet(form: Form, recommended: Quantity | None = None) -> Worksheet:
    """The worksheet of a form; `recommended` is the plan's amount, filled in where the form wants it (PF-14)."""
    before, numbers = _whose(), {item.link_id: number for item, number, _ in _numbered(form.tree, "", 0)}
    rows = (_row(item, number, depth, form, numbers) for item, number, depth in _numbered(form.tree, "", 0))
    return Worksheet(form.title, form.canonical, (*before, *_filled(rows, form, numbers, recommended)))


def _whose() -> tuple[Row, ...]:
    """Whose request the worksheet goes with: what an EHR sends in the request itself."""
    asked = ("Authorization number, where the plan gave one", "Member number", "Name of the member")
    texts = [Row(Kind.TEXT, text, depth=1) for text in asked]
    born = Row(Kind.DATE, "Date of birth", depth=1)
    provider = [
        Row(Kind.TEXT, text, depth=1) for text in ("Provider who asks", "NPI of the provider", "Code of the service")
    ]
    return (Row(Kind.SECTION, "The request this belongs to"), *texts, born, *provider)


def _numbered(items: Iterable[Item], before: str, depth: int) -> Iterator[tuple[Item, str, int]]:
    """Every item that people see, with its number; help stands with its question."""
    place = 0
    for item in items:
        if item.hidden or item.help:
            continue
        place += item.type != "display"
        number = "" if item.type == "display" else f"{before}{place}"
        yield item, number, depth
        yield from _numbered(item.items, f"{number}." if number else before, depth + 1)


def _row(item: Item, number: str, depth: int, form: Form, numbers: dict[str, str]) -> Row:
    kind, options = _kind(item), _options(item, form)
    help = [each.text for each in item.items if each.help]
    if kind in (Kind.ONE, Kind.SEVERAL) and not 0 < len(options) <= MOST_OPTIONS:
        kind, options = Kind.TEXT, ()
        named = form.sets.get(item.value_set) if item.value_set else None
        help.append(f"Write the code{f', one of the list {named.title}' if named and named.title else ''}.")
    when, unit = _when(item, form, numbers), _unit(item)
    return Row(kind, item.text, number, depth, tuple(help), when, options, unit, item.required)


def _filled(rows: Iterable[Row], form: Form, numbers: dict[str, str], recommended: Quantity | None) -> Iterator[Row]:
    """The rows with what is filled in beforehand."""
    by_number = {number: form.items[link_id] for link_id, number in numbers.items() if number}
    for row in rows:
        item = by_number.get(row.number)
        if item is None:
            yield row
        elif item.recommended and recommended is not None:
            yield replace(row, filled=str(recommended.value))
        else:
            values = (value_in(each) for each in item.initial)
            yield replace(row, filled=", ".join(in_words(found[1], item, form) for found in values if found))


_KINDS = {
    "group": Kind.SECTION,
    "display": Kind.WORDS,
    "boolean": Kind.ONE,
    "date": Kind.DATE,
    "dateTime": Kind.DATE,
    "decimal": Kind.NUMBER,
    "integer": Kind.NUMBER,
    "quantity": Kind.NUMBER,
    "text": Kind.LONG_TEXT,
    "attachment": Kind.ENCLOSED,
    "reference": Kind.ENCLOSED,
}


def _kind(item: Item) -> Kind:
    if item.calculated and item.read_only:
        return Kind.CALCULATED
    if item.type in ("choice", "open-choice"):
        return Kind.SEVERAL if item.repeats else Kind.ONE
    return _KINDS.get(item.type, Kind.TEXT)


def _options(item: Item, form: Form) -> tuple[str, ...]:
    if item.type == "boolean":
        return "Yes", "No"
    words = _words_of_codes(item, form)
    codes = tuple(words.get(_key(code)) or code.code for code in item.options)
    return codes + tuple(in_words(each, item, form) for each in item.texts)


def _key(code: Code) -> tuple[str, str]:
    return code.system, code.code


def _words_of_codes(item: Item, form: Form) -> dict[tuple[str, str], str]:
    """The words of what can be chosen; of a ValueSet with the code, which people know."""
    given = (value_in(each) for each in item.resource.get("answerOption", ()))
    words = {_key(found[1]): found[1].display for found in given if found and isinstance(found[1], Code)}
    named = form.sets.get(item.value_set) if item.value_set else None
    for include in (named.resource.get("compose") or {}).get("include", []) if named else ():
        for concept in include.get("concept", ()):
            key = (normal_system(str(include.get("system", ""))), str(concept.get("code")))
            words[key] = f"{concept.get('code')} {concept.get('display', '')}".strip()
    return words


def _unit(item: Item) -> str:
    if item.units:
        return " or ".join(each.display or each.code for each in item.units)
    named = [each.get("valueCoding", {}) for each in item.resource.get("extension", ()) if each.get("url") in _UNITS]
    words = [each.get("display") or each.get("code", "") for each in named]
    return " or ".join(words) or ("" if item.unit in ("", "1") else item.unit)


_UNITS = (
    "http://hl7.org/fhir/StructureDefinition/questionnaire-unit",
    "http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption",
)
_OPERATORS = {
    "=": "is",
    "!=": "is not",
    ">": "is more than",
    "<": "is less than",
    ">=": "is at least",
    "<=": "is at most",
}


def _when(item: Item, form: Form, numbers: dict[str, str]) -> str:
    """When it is asked at all, in words that name other questions by their numbers."""
    conditions = [_condition(each, form, numbers) for each in item.enabled]
    return (" and " if item.all_enabled else " or ").join(conditions)


def _condition(condition: EnableWhen, form: Form, numbers: dict[str, str]) -> str:
    asked = form.items.get(condition.question)
    number = numbers.get(condition.question, "")
    name = f"question {number}" if number else "an earlier question"
    if condition.operator == "exists":
        return f"{name} is {'answered' if condition.answer is True else 'not answered'}"
    words = in_words(condition.answer, asked, form) if asked else ""
    return f"{name} {_OPERATORS.get(condition.operator, condition.operator)} {words}"


def in_words(value: Value, item: Item, form: Form) -> str:
    """A value as people write it down."""
    match value:
        case bool():
            return "Yes" if value else "No"
        case Code():
            return _words_of_codes(item, form).get(_key(value)) or value.display or value.code
        case Quantity():
            return counted(value)
        case Moment():
            return value.text
        case Opaque():
            return "enclosed"
        case _:
            return str(value)
