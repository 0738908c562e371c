"""The step of an adaptive form as the response it is answered with (DTR next-question): everything sent is echoed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from mappers.dtr import names
from mappers.dtr.questionnaire import Writing, initial_of, write_contained_form
from mappers.dtr.read import contained_form
from mappers.fhir import extension, objects, text_in
from mappers.pas.instants import instant

Json = dict[str, Any]

NEXT_INPUT = names.DTR + "dtr-next-question-input-parameters"
NEXT_OUTPUT = names.DTR + "dtr-next-question-output-parameters"
_ID = "form"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked by now.

    form      the whole form;  items  those of its items that are asked, with the items in them
    begun     linkIds of questions asked for the first time, for which something may be filled in beforehand
    scores    linkId -> score that is calculated from the answers, None while too few are given
    complete  nothing more is asked
    """

    form: Mapping[str, Any]
    items: tuple[Mapping[str, Any], ...]
    begun: frozenset[str]
    scores: Mapping[str, Decimal | None]
    complete: bool


def asked_before(response: Json) -> frozenset[str]:
    """The linkIds of the contained form: what was asked so far."""
    found: set[str] = set()
    waiting = [contained_form(response)]
    while waiting:
        items = objects(waiting.pop(), "item")
        found |= {text_in(each, "linkId") for each in items}
        waiting += items
    return frozenset(found)


def write_next(response: Json, asked: Asked, writing: Writing, at: datetime) -> Json:
    """The response with the items that are asked now, and with what the payer fills in: recommended amounts, scores.

    A response that is complete already is echoed as it came.
    """
    if asked.complete and text_in(response, "status") == "completed":
        return response
    had = contained_form(response)
    id = text_in(had, "id") or _ID
    form = write_contained_form(asked.form, id, _url(response, had, asked), writing, asked.items)
    others = [each for each in objects(response, "contained") if each is not had]
    written = {**response, "contained": [form, *others], "questionnaire": f"#{id}"}
    written["status"] = "completed" if asked.complete else "in-progress"
    written.setdefault("authored", instant(at))
    items = _merged(asked.items, objects(response, "item"), asked, writing)
    if not items and not writing.dialect.empty_answers:
        items = [_said(each) for each in asked.items if each["type"] != "display"]
    return {name: each for name, each in written.items() if name != "item"} | ({"item": items} if items else {})


def _url(response: Json, had: Json, asked: Asked) -> str:
    """A url of the contained form's own: the one it has, else one that is the same for the same response."""
    known = text_in(had, "url")
    if known.startswith("urn:uuid:"):
        return known
    named = f"{asked.form['url']}|{asked.form['version']}|{text_in(response, 'id')}"
    return f"urn:uuid:{uuid5(NAMESPACE_URL, named)}"


def _merged(items: Iterable[Mapping[str, Any]], sent: list[Json], asked: Asked, writing: Writing) -> list[Json]:
    """The items that were sent, and in their order in the form those that the payer fills in."""
    by_name: dict[str, list[Json]] = {}
    for each in sent:
        by_name.setdefault(text_in(each, "linkId"), []).append(each)
    merged: list[Json] = []
    for item in items:
        there = by_name.pop(item["linkId"], [])
        if item["linkId"] in asked.scores:
            there = [each for each in there if not _is_calculated(each)]
        filled = _filled(item, asked, writing, answered=any(objects(each, "answer") for each in there))
        if filled:
            merged.append({**(there[0] if there else _said(item)), "answer": filled})
        elif item["type"] == "group":
            merged += _groups(item, there, asked, writing)
        else:
            merged += there
    return [*merged, *(each for left in by_name.values() for each in left)]


def _groups(item: Mapping[str, Any], there: list[Json], asked: Asked, writing: Writing) -> list[Json]:
    """The instances of a group; one that is not there comes with what the payer fills in."""
    inner = item.get("item", ())
    if there:
        return [_within(each, _merged(inner, objects(each, "item"), asked, writing)) for each in there]
    filled = _merged(inner, [], asked, writing)
    return [_within(_said(item), filled)] if filled else []


def _within(node: Json, items: list[Json]) -> Json:
    return {name: each for name, each in node.items() if name != "item"} | ({"item": items} if items else {})


def _filled(item: Mapping[str, Any], asked: Asked, writing: Writing, *, answered: bool) -> list[Json]:
    """The answers by the payer: a score, again at every step; what is filled in beforehand, where nobody answered."""
    points = asked.scores.get(item["linkId"])
    if points is not None:
        values = [{"valueDecimal": points}]
    elif item["linkId"] in asked.begun and not answered:
        values = initial_of(item, writing.recommended)
    else:
        return []
    source = {"url": "source", "valueCode": writing.dialect.origin}
    return [{"extension": [{"url": names.ORIGIN, "extension": [source]}], **value} for value in values]


def _is_calculated(node: Json) -> bool:
    """Whether a system gave the answer: a score that was calculated before is calculated again, or is none any more."""
    sources = (extension(extension(each, names.ORIGIN), "source") for each in objects(node, "answer"))
    return any(text_in(each, "valueCode").startswith("auto") for each in sources)


def _said(item: Mapping[str, Any]) -> Json:
    return {"linkId": item["linkId"], "text": item["text"]}


def write_output(response: Json) -> Json:
    """The answer as Parameters, for who asked with Parameters of DTR 2.2.0."""
    parameter = {"name": "return", "resource": response}
    return {"resourceType": "Parameters", "meta": {"profile": [NEXT_OUTPUT]}, "parameter": [parameter]}
