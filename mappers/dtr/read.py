"""QuestionnaireResponse -> Answers: every answered item by its linkId, at any depth."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from mappers.fhir import Json, codings, day, extension, object_in, objects, text_in
from mappers.units import unit_name
from server.authorization.request import Answer, Answers, Quantity

_ORIGIN = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/information-origin"


def read_answers(response: Json) -> Answers:
    """The answers of a filled form; display and unanswered items are not in it."""
    return Answers(
        form=text_in(response, "questionnaire"),
        status=text_in(response, "status"),
        answers=tuple(_answered(objects(response, "item"))),
        authored=day(text_in(response, "authored")),
    )


def _answered(items: list[Json]) -> Iterator[Answer]:
    for item in items:
        given = objects(item, "answer")
        if given:
            yield _answer(text_in(item, "linkId"), given)
        yield from _answered(objects(item, "item"))
        for each in given:
            yield from _answered(objects(each, "item"))


def _answer(link_id: str, given: list[Json]) -> Answer:
    first = given[0]
    origin = text_in(extension(extension(first, _ORIGIN), "source"), "valueCode")
    codes = tuple(code for each in given for code in codings({"coding": [object_in(each, "valueCoding")]}))
    if codes:
        return Answer(link_id, origin, codes=codes)
    if isinstance(first.get("valueBoolean"), bool):
        return Answer(link_id, origin, truth=first["valueBoolean"])
    amount = _amount(first)
    if amount is not None:
        return Answer(link_id, origin, amount=amount)
    on = day(text_in(first, "valueDate") or text_in(first, "valueDateTime"))
    return Answer(link_id, origin, day=on, text="" if on else text_in(first, "valueString"))


def _amount(answer: Json) -> Quantity | None:
    """A decimal, integer or Quantity answer."""
    quantity = object_in(answer, "valueQuantity")
    number = next((answer[name] for name in ("valueDecimal", "valueInteger") if name in answer), quantity.get("value"))
    if isinstance(number, bool) or not isinstance(number, (int, Decimal)):
        return None
    return Quantity(Decimal(number), unit_name(quantity) if quantity else "", text_in(quantity, "system"))
