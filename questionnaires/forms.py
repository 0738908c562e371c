"""The form of a topic: what its questionnaire.json asks, as the rules need to know it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from questionnaires.problem import Problem
from questionnaires.written import Place, Written, read_yaml
from server.authorization.facts import Kind
from server.authorization.request import Code
from server.authorization.systems import normal_system
from server.authorization.units import unit_word

KINDS = {
    "boolean": Kind.TRUTH,
    "decimal": Kind.AMOUNT,
    "integer": Kind.AMOUNT,
    "quantity": Kind.AMOUNT,
    "date": Kind.DAY,
    "dateTime": Kind.DAY,
    "choice": Kind.CODES,
    "open-choice": Kind.CODES,
    "string": Kind.TEXT,
    "text": Kind.TEXT,
    "url": Kind.TEXT,
}
"""The types of items that a rule can look at, and the kind of fact each gives."""

OTHER_TYPES = ("group", "display", "time", "attachment", "reference")
STATUSES = ("draft", "active", "retired", "unknown")

_SDC = "http://hl7.org/fhir/StructureDefinition/"
_UNIT, _LOW, _HIGH = _SDC + "questionnaire-unit", _SDC + "minValue", _SDC + "maxValue"
_UNIT_OPTION = _SDC + "questionnaire-unitOption"
_CALCULATED = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression"


@dataclass(frozen=True, slots=True)
class Item:
    """One question.

    unit     the unit of the answer: of a decimal or integer the one in which it is given, since it is not sent along
    low, high  the range of answers;  options  the codes to choose from, none where any code will do
    calculated  FHIRPath by which the form calculates the answer, "" where it does not
    """

    link_id: str
    type: str
    text: str = ""
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    options: tuple[Code, ...] = ()
    repeats: bool = False
    read_only: bool = False
    calculated: str = ""

    @property
    def kind(self) -> Kind | None:
        """The kind of fact its answer is; None where rules cannot look at it."""
        return KINDS.get(self.type)


@dataclass(frozen=True, slots=True)
class Form:
    """A DTR Questionnaire as far as rules look at it; `digest` is the hash of the whole file."""

    url: str
    version: str
    title: str
    items: Mapping[str, Item] = field(hash=False)
    digest: str = ""

    @property
    def canonical(self) -> str:
        """url|version: how messages name it."""
        return f"{self.url}|{self.version}"


def read_form(path: Path, problems: list[Problem]) -> Form | None:
    """The form in a file; None where something is wrong with it, which is added to the problems.

    JSON is read as YAML, of which it is a part, for the lines of its places.
    """
    written, found = read_yaml(path)
    found = found or list(_problems(written))
    problems.extend(found)
    if found:
        return None
    value = written.value
    items = {item["linkId"]: _item(item) for item, _place in _items(value, ())}
    return Form(value["url"], value["version"], value["title"], items, written.digest)


def _items(value: Mapping[str, Any], place: Place) -> Iterator[tuple[dict[str, Any], Place]]:
    """Every item at any depth, with its place."""
    inner = value.get("item")
    for number, item in enumerate(inner if isinstance(inner, list) else []):
        if isinstance(item, dict):
            where = (*place, "item", number)
            yield item, where
            yield from _items(item, where)


def _problems(written: Written) -> Iterator[Problem]:
    value = written.value
    if not isinstance(value, dict) or value.get("resourceType") != "Questionnaire":
        yield written.error((), "this is no Questionnaire", 'write {"resourceType": "Questionnaire", ...}')
        return
    for name in ("url", "version", "title"):
        if not isinstance(value.get(name), str):
            yield written.error((), f"the form has no {name}", f'write "{name}": "..."')
    if value.get("status") not in STATUSES:
        yield written.error(("status",), "the form has no status", f"write one of {', '.join(STATUSES)}")
    seen: dict[str, int] = {}
    for item, place in _items(value, ()):
        yield from _item_problems(written, item, place, seen)


def _item_problems(written: Written, item: dict[str, Any], place: Place, seen: dict[str, int]) -> Iterator[Problem]:
    link_id, kind = item.get("linkId"), item.get("type")
    if not isinstance(link_id, str):
        yield written.error(place, "an item has no linkId", "give it one: rules name the answer by it")
        return
    if link_id in seen:
        yield written.error(place, f"linkId '{link_id}' is given twice, first in line {seen[link_id]}", "rename one")
    seen.setdefault(link_id, written.line(*place))
    if kind not in KINDS and kind not in OTHER_TYPES:
        types = ", ".join((*KINDS, *OTHER_TYPES))
        yield written.error((*place, "type"), f"'{kind}' is no type of item", f"write one of {types}")
    if not isinstance(item.get("text"), str):
        yield written.error(place, f"item '{link_id}' asks nothing", "give it a text")
    if kind == "choice" and not item.get("answerOption") and not item.get("answerValueSet"):
        yield written.error(place, f"item '{link_id}' has nothing to choose from", "add answerOption")


def _item(item: dict[str, Any]) -> Item:
    extensions = [each for each in item.get("extension", []) if isinstance(each, dict)]
    unit = _coding(extensions, _UNIT) or _coding(extensions, _UNIT_OPTION)
    return Item(
        item["linkId"],
        item["type"],
        " ".join(item["text"].split()),
        unit_word(str(unit.get("code", ""))),
        _number(extensions, _LOW),
        _number(extensions, _HIGH),
        tuple(_options(item)),
        item.get("repeats") == "true",
        item.get("readOnly") == "true",
        _calculated(extensions),
    )


def _calculated(extensions: list[dict[str, Any]]) -> str:
    found = next((each.get("valueExpression") for each in extensions if each.get("url") == _CALCULATED), None)
    is_path = isinstance(found, dict) and found.get("language") == "text/fhirpath"
    return str(found.get("expression", "")) if found and is_path else ""


def _coding(extensions: list[dict[str, Any]], url: str) -> dict[str, str]:
    found = next((each.get("valueCoding") for each in extensions if each.get("url") == url), None)
    return found if isinstance(found, dict) else {}


def _number(extensions: list[dict[str, Any]], url: str) -> Decimal | None:
    found = next((each for each in extensions if each.get("url") == url), {})
    text = found.get("valueDecimal", found.get("valueInteger"))
    try:
        return Decimal(text) if text is not None else None
    except InvalidOperation:
        return None


def _options(item: dict[str, Any]) -> Iterator[Code]:
    given = item.get("answerOption")
    for option in given if isinstance(given, list) else []:
        coding = option.get("valueCoding") if isinstance(option, dict) else None
        if isinstance(coding, dict):
            yield Code(normal_system(str(coding.get("system", ""))), str(coding.get("code", "")))
