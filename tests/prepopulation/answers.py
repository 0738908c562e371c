"""What defines give, as answers: every question takes its type, its options and its units, and nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from questionnaires.prepopulation import defines_named


def answers(
    questionnaire: Mapping[str, Any],
    values: Mapping[str, Mapping[str, Any]],
    value_sets: Iterable[Mapping[str, Any]] = (),
) -> dict[str, list[dict[str, Any]]]:
    """What the defines give (library -> define -> value) as answers to the questions that name them."""
    items = {item["linkId"]: item for item in items_of(questionnaire)}
    sets = [*value_sets]
    given = {}
    for link_id, library, define in defines_named(questionnaire):
        assert define in values.get(library, {}), f"{link_id}: {library} does not define {define}"
        value = values[library][define]
        each = [one for one in (value if isinstance(value, list) else [value]) if one is not None]
        assert len(each) < 2 or items[link_id].get("repeats"), f"{link_id}: several answers to one question"
        if each:
            given[link_id] = [answer(items[link_id], one, sets) for one in each]
    return given


def items_of(questionnaire: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every item, at any depth."""
    for item in questionnaire.get("item", []):
        yield item
        yield from items_of(item)


def answer(item: Mapping[str, Any], value: Any, value_sets: list[Mapping[str, Any]]) -> dict[str, Any]:
    """A value as answer to the question, which must take it: AssertionError says why not."""
    where = f"{item['linkId']} ({item['type']})"
    assert not (isinstance(value, dict) and "error" in value), f"{where}: {value}"
    assert not item.get("readOnly"), f"{where}: what is read only is not filled from the record (DTR sec-4)"
    assert item["type"] in ANSWERS, f"{where}: cannot be filled beforehand"
    name, made = ANSWERS[item["type"]](value)
    assert made is not None, f"{where}: {value!r} is no answer of this type"
    if name == "valueCoding":
        codes = options(item, value_sets)
        chosen = (made.get("system"), made.get("code"))
        assert codes is None or item["type"] == "open-choice" or chosen in codes, f"{where}: {chosen} is no option"
    if name == "valueQuantity":
        units = units_of(item)
        assert not units or made["code"] in units, f"{where}: {made['code']} is none of the units {sorted(units)}"
    return {name: made}


def options(item: Mapping[str, Any], value_sets: list[Mapping[str, Any]]) -> set[tuple[str, str]] | None:
    """The codes that can be chosen; None where they are not known here."""
    if "answerValueSet" in item:
        url, _, version = item["answerValueSet"].partition("|")
        known = [each for each in value_sets if each["url"] == url and version in ("", each.get("version"))]
        return {code for each in known for code in codes_in(each)} if known else None
    codings = [option["valueCoding"] for option in item.get("answerOption", []) if "valueCoding" in option]
    return {(coding["system"], coding["code"]) for coding in codings}


def codes_in(value_set: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """System and code of all that is listed in a value set."""
    for each in value_set.get("expansion", {}).get("contains", []):
        yield each["system"], each["code"]
    for include in value_set.get("compose", {}).get("include", []):
        yield from ((include["system"], each["code"]) for each in include.get("concept", []))


def units_of(item: Mapping[str, Any]) -> set[str]:
    """The codes of the units in which a quantity can be given."""
    url = "http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption"
    return {each["valueCoding"]["code"] for each in item.get("extension", []) if each["url"] == url}


def _plain(name: str, *types: type) -> Any:
    return lambda value: (
        name,
        value if isinstance(value, types) and isinstance(value, bool) == (bool in types) else None,
    )


def _date(value: Any) -> tuple[str, Any]:
    """A date, also the day of a moment."""
    moment = value.get("date", value.get("dateTime")) if isinstance(value, dict) else None
    return "valueDate", moment[:10] if moment else None


def _moment(value: Any) -> tuple[str, Any]:
    return "valueDateTime", value.get("dateTime", value.get("date")) if isinstance(value, dict) else None


def _quantity(value: Any) -> tuple[str, Any]:
    given = value.get("quantity") if isinstance(value, dict) else None
    if not given:
        return "valueQuantity", None
    unit = {"unit": given["unit"], "system": "http://unitsofmeasure.org", "code": given["unit"]}
    return "valueQuantity", {"value": given["value"], **unit}


def _coding(value: Any) -> tuple[str, Any]:
    if not isinstance(value, dict):
        return "valueCoding", None
    given = value["value"] if value.get("fhir") == "Coding" else value.get("code")
    return "valueCoding", {name: each for name, each in given.items() if each is not None} if given else None


def _open(value: Any) -> tuple[str, Any]:
    return ("valueString", value) if isinstance(value, str) else _coding(value)


ANSWERS = {
    "boolean": _plain("valueBoolean", bool),
    "decimal": _plain("valueDecimal", int, float),
    "integer": _plain("valueInteger", int),
    "string": _plain("valueString", str),
    "text": _plain("valueString", str),
    "date": _date,
    "dateTime": _moment,
    "quantity": _quantity,
    "choice": _coding,
    "open-choice": _open,
}
"""Type of item -> what makes the name and the value of its answer."""
