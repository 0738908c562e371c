"""Reading a questionnaire.json: the form in it, or everything that is wrong with it, by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

from questionnaires.answer_values import Value, value_in
from questionnaires.form_valuesets import FormValueSets
from questionnaires.forms import KINDS, OTHER_TYPES, EnableWhen, Form, Item
from questionnaires.json_file import read_json
from questionnaires.problem import Problem
from questionnaires.written import Place, Written
from server.authorization.request import Code
from server.authorization.systems import normal_system
from server.authorization.units import unit_word

STATUSES = ("draft", "active", "retired", "unknown")
OPERATORS = ("exists", "=", "!=", ">", "<", ">=", "<=")
NO_SETS = FormValueSets()

_CORE = "http://hl7.org/fhir/StructureDefinition/"
_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-"
_UNIT, _UNIT_OPTION = _CORE + "questionnaire-unit", _CORE + "questionnaire-unitOption"
_LOW, _HIGH = _CORE + "minValue", _CORE + "maxValue"
_HIDDEN, _CONTROL = _CORE + "questionnaire-hidden", _CORE + "questionnaire-itemControl"
_SIGNED = _CORE + "questionnaire-signatureRequired"
_CALCULATED, ADAPTIVE = _SDC + "calculatedExpression", _SDC + "questionnaireAdaptive"
RECOMMENDED = "urn:placet:extension:recommended"
"""Marks an item for which the packager fills in the recommended amount of the member's plan (PF-14)."""

Json = Mapping[str, Any]


def read_form(path: Path, problems: list[Problem], sets: FormValueSets = NO_SETS) -> Form | None:
    """The form in a file; None where something is wrong with it, which is added to the problems.

    `sets` are the ValueSets that its items can name.
    """
    written, found = read_json(path)
    found = found or list(_problems(written, sets))
    problems.extend(found)
    return None if found else _form(written, sets)


def _form(written: Written, sets: FormValueSets) -> Form:
    value = written.value
    tree = tuple(_item(each, sets) for each in value.get("item", ()))
    items, around = dict(_flat(tree)), {inner.link_id: item.link_id for item in _all(tree) for inner in item.items}
    period = value.get("effectivePeriod") or {}
    return Form(
        value["url"],
        value["version"],
        value["title"],
        items,
        _digest(written, sets if any(item.value_set for item in items.values()) else NO_SETS),
        tree,
        around,
        adaptive=_extension(value, ADAPTIVE) != {},
        signed=_extension(value, _SIGNED) != {},
        first=_day(period.get("start")),
        last=_day(period.get("end")),
        sets=sets,
        resource=value,
    )


def _digest(written: Written, sets: FormValueSets) -> str:
    return sha256(" ".join((written.digest, *(each.digest for each in sets))).encode()).hexdigest()


def _flat(items: tuple[Item, ...]) -> Iterator[tuple[str, Item]]:
    return ((item.link_id, item) for item in _all(items))


def _all(items: tuple[Item, ...]) -> Iterator[Item]:
    for item in items:
        yield item
        yield from _all(item.items)


def _items(value: Json, place: Place) -> Iterator[tuple[Json, Place]]:
    """Every item at any depth, with its place."""
    inner = value.get("item")
    for number, item in enumerate(inner if isinstance(inner, list) else []):
        if isinstance(item, dict):
            where = (*place, "item", number)
            yield item, where
            yield from _items(item, where)


def _problems(written: Written, sets: FormValueSets) -> Iterator[Problem]:
    value = written.value
    if not isinstance(value, dict) or value.get("resourceType") != "Questionnaire":
        yield written.error((), "this is no Questionnaire", 'write {"resourceType": "Questionnaire", ...}')
        return
    for name in ("url", "version", "title"):
        if not isinstance(value.get(name), str):
            yield written.error((), f"the form has no {name}", f'write "{name}": "..."')
    if value.get("status") not in STATUSES:
        yield written.error(("status",), "the form has no status", f"write one of {', '.join(STATUSES)}")
    seen: dict[str, Place] = {}
    for item, place in _items(value, ()):
        yield from _item_problems(written, item, place, seen)
        yield from _option_problems(written, item, place, sets)
    for item, place in _items(value, ()):
        yield from _enabling_problems(written, item, place, seen)


def _item_problems(written: Written, item: Json, place: Place, seen: dict[str, Place]) -> Iterator[Problem]:
    link_id, kind = item.get("linkId"), item.get("type")
    if not isinstance(link_id, str):
        yield written.error(place, "an item has no linkId", "give it one: rules name the answer by it")
        return
    if link_id in seen:
        first = written.line(*seen[link_id])
        yield written.error(place, f"linkId '{link_id}' is given twice, first in line {first}", "rename one")
    seen.setdefault(link_id, place)
    if kind not in KINDS and kind not in OTHER_TYPES:
        types = ", ".join((*KINDS, *OTHER_TYPES))
        yield written.error((*place, "type"), f"'{kind}' is no type of item", f"write one of {types}")
    if not isinstance(item.get("text"), str):
        yield written.error(place, f"item '{link_id}' asks nothing", "give it a text")
    if kind == "choice" and not item.get("answerOption") and not item.get("answerValueSet"):
        yield written.error(place, f"item '{link_id}' has nothing to choose from", "add answerOption")


def _option_problems(written: Written, item: Json, place: Place, sets: FormValueSets) -> Iterator[Problem]:
    canonical = item.get("answerValueSet")
    if canonical is not None and sets.get(str(canonical)) is None:
        what = f"item '{item.get('linkId')}' names a value set that is not there: {canonical}"
        known = ", ".join(each.canonical for each in sets) or "still to be written, in valuesets/"
        yield written.error((*place, "answerValueSet"), what, f"the value sets are {known}")
    for number, option in enumerate(item.get("answerOption") or ()):
        if not isinstance(option, dict) or value_in(option) is None:
            what = f"an option of item '{item.get('linkId')}' has no value"
            yield written.error((*place, "answerOption", number), what, 'write {"valueCoding": {...}}')


def _enabling_problems(written: Written, item: Json, place: Place, seen: dict[str, Place]) -> Iterator[Problem]:
    conditions = item.get("enableWhen") or ()
    for number, each in enumerate(conditions):
        where = (*place, "enableWhen", number)
        question = each.get("question") if isinstance(each, dict) else None
        if question not in seen:
            what = f"item '{item.get('linkId')}' depends on an item that is not there: {question}"
            yield written.error(where, what, "correct the linkId")
        elif each.get("operator") not in OPERATORS or value_in(each, "answer") is None:
            what = f"item '{item.get('linkId')}' depends on an answer in a way that is not known"
            yield written.error(where, what, f"write answer[x], and operator one of {', '.join(OPERATORS)}")
    if len(conditions) > 1 and item.get("enableBehavior") not in ("all", "any"):
        what = f"item '{item.get('linkId')}' does not say whether all of its conditions count"
        yield written.error(place, what, "write enableBehavior: all, or any")


def _item(item: Json, sets: FormValueSets) -> Item:
    unit = _extension(item, _UNIT).get("valueCoding") or {}
    units = [
        each["valueCoding"] for each in _extensions(item, _UNIT_OPTION) if isinstance(each.get("valueCoding"), dict)
    ]
    word = unit or (units[0] if units else {})
    return Item(
        item["linkId"],
        item["type"],
        " ".join(item["text"].split()),
        unit_word(str(word.get("code", ""))),
        _number(item, _LOW),
        _number(item, _HIGH),
        tuple(_options(item, sets)),
        item.get("repeats") is True,
        item.get("readOnly") is True,
        _calculated(item),
        item.get("required") is True,
        _extension(item, _HIDDEN).get("valueBoolean") is True,
        tuple(Code(str(each.get("system", "")), str(each.get("code", ""))) for each in units),
        tuple(_texts(item)),
        str(item.get("answerValueSet", "")),
        tuple(_enabled(item)),
        item.get("enableBehavior") == "all",
        tuple(item.get("initial", ())),
        _extension(item, _SIGNED) != {},
        _is_help(item),
        _extension(item, RECOMMENDED).get("valueBoolean") is True,
        tuple(_item(each, sets) for each in item.get("item", ())),
        item,
    )


def _enabled(item: Json) -> Iterator[EnableWhen]:
    for each in item.get("enableWhen", ()):
        found = value_in(each, "answer")
        if found is not None:
            yield EnableWhen(each["question"], each["operator"], found[1])


def _option_values(item: Json) -> Iterator[Value]:
    for option in item.get("answerOption", ()):
        found = value_in(option)
        if found is not None:
            yield found[1]


def _options(item: Json, sets: FormValueSets) -> Iterator[Code]:
    for value in _option_values(item):
        if isinstance(value, Code):
            yield Code(normal_system(value.system), value.code)
    named = sets.get(str(item.get("answerValueSet", "")))
    if named is not None:
        yield from named.codes or ()


def _texts(item: Json) -> Iterator[Value]:
    return (value for value in _option_values(item) if not isinstance(value, Code))


def _calculated(item: Json) -> str:
    found = _extension(item, _CALCULATED).get("valueExpression")
    is_path = isinstance(found, dict) and found.get("language") == "text/fhirpath"
    return str(found.get("expression", "")) if found and is_path else ""


def _is_help(item: Json) -> bool:
    control = _extension(item, _CONTROL).get("valueCodeableConcept")
    codings = control.get("coding", ()) if isinstance(control, dict) else ()
    return any(each.get("code") == "help" for each in codings)


def _extensions(node: Json, url: str) -> Iterator[Json]:
    return (each for each in node.get("extension", ()) if isinstance(each, dict) and each.get("url") == url)


def _extension(node: Json, url: str) -> Json:
    return next(_extensions(node, url), {})


def _number(item: Json, url: str) -> Decimal | None:
    found = value_in(_extension(item, url))
    return found[1] if found and isinstance(found[1], Decimal) else None


def _day(text: object) -> date | None:
    try:
        return date.fromisoformat(str(text)[:10])
    except ValueError:
        return None
