"""The answers of a case as the filled form that would be sent, so that a case holds what a request would be held to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from questionnaires.answer_problem import Checked
from questionnaires.forms import Form, Item
from questionnaires.response_check import check_response
from server.authorization.request import Answer

Json = dict[str, Any]


def checked_answers(given: Mapping[str, Answer], form: Form) -> Checked:
    """The answers by linkId held against the form, as a completed response; nobody says who gave them."""
    items = list(_items(form.tree, given))
    found = check_response({"resourceType": "QuestionnaireResponse", "status": "completed", "item": items}, form)
    told = tuple(each for each in found.problems if not each.rule.startswith("DTR information-origin"))
    return Checked(told, found.missing, found.dropped)


def _items(items: tuple[Item, ...], given: Mapping[str, Answer]) -> Iterator[Json]:
    for item in items:
        inner = list(_items(item.items, given))
        answers = list(_answers(item, given[item.link_id])) if item.link_id in given else []
        if answers or inner:
            parts = {"answer": answers, "item": inner}
            yield {"linkId": item.link_id} | {name: each for name, each in parts.items() if each}


def _answers(item: Item, answer: Answer) -> Iterator[Json]:
    if answer.codes:
        for code in answer.codes:
            yield {"valueCoding": {"system": code.system, "code": code.code}}
    elif answer.truth is not None:
        yield {"valueBoolean": answer.truth}
    elif answer.day is not None:
        yield {"valueDate" if item.type == "date" else "valueDateTime": answer.day.isoformat()}
    elif answer.amount is not None:
        yield _amount(item, answer)
    else:
        yield {_TEXTS.get(item.type, "valueString"): answer.text}


_TEXTS = {"url": "valueUri", "time": "valueTime"}


def _amount(item: Item, answer: Answer) -> Json:
    if answer.amount is None or item.type != "quantity":
        return {"valueInteger" if item.type == "integer" else "valueDecimal": answer.amount and answer.amount.value}
    return {"valueQuantity": {"value": answer.amount.value, "code": answer.amount.unit}}
