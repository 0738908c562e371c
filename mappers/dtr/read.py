"""QuestionnaireResponse -> Answers: every answered item by its linkId, at any depth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from mappers.fhir import Json, codings, day, extension, extensions, object_in, objects, text_in
from mappers.units import unit_name
from server.authorization.request import Answer, Answers, Quantity

DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/"
_ORIGIN, _CONTEXT = DTR + "information-origin", DTR + "qr-context"
_FINISHED = ("completed", "amended")


def read_answers(response: Json, lines: tuple[int, ...] = ()) -> Answers:
    """The answers of a filled form to `lines` (none = all); display and unanswered items are not in it."""
    return Answers(
        form=form_named_by(response),
        status=text_in(response, "status"),
        answers=tuple(_answered(response)),
        authored=day(text_in(response, "authored")),
        lines=lines,
    )


def form_named_by(response: Json) -> str:
    """The canonical of the form that was filled in; "" where it names none.

    An adaptive response names a contained Questionnaire: the form is the one that this is derived from, or, by clients
    of DTR 2.0.1, is itself.
    """
    named = text_in(response, "questionnaire")
    if not named.startswith("#"):
        return named
    contained = contained_form(response)
    derived = contained.get("derivedFrom")
    first = derived[0] if isinstance(derived, list) and derived else None
    return first if isinstance(first, str) else _canonical(contained)


def _canonical(form: Json) -> str:
    url, version = text_in(form, "url"), text_in(form, "version")
    return f"{url}|{version}" if url and version else url


def contained_form(response: Json) -> Json:
    """The contained Questionnaire that an adaptive response names; {} where it has none."""
    named = text_in(response, "questionnaire").removeprefix("#")
    forms = [each for each in objects(response, "contained") if each.get("resourceType") == "Questionnaire"]
    return next((each for each in forms if each.get("id") == named), {})


def contexts(response: Json) -> list[Json]:
    """The References to what the form was filled in for: orders, encounters, in DTR 2.0.1 also the coverage."""
    return [found for each in extensions(response, _CONTEXT) if (found := object_in(each, "valueReference"))]


def supersedes(response: Json) -> tuple[bool, str]:
    """A key by which the response that counts is the greatest of several to one form: finished, then authored last."""
    return text_in(response, "status") in _FINISHED, text_in(response, "authored")


def _answered(response: Json) -> Iterator[Answer]:
    """One Answer per linkId. An item that is there several times has its codes together, else its first answer."""
    if text_in(response, "status") == "entered-in-error":
        return
    given: dict[str, list[Json]] = {}
    for item in _items(response):
        if objects(item, "answer"):
            given.setdefault(text_in(item, "linkId"), []).extend(objects(item, "answer"))
    for link_id, answers in given.items():
        yield _answer(link_id, answers)


def _items(response: Json) -> Iterator[Json]:
    """Every item, outer ones first, in the order of the response; however deep, without recursion."""
    waiting = [iter(objects(response, "item"))]
    while waiting:
        item = next(waiting[-1], None)
        if item is None:
            waiting.pop()
            continue
        yield item
        inner = [
            *objects(item, "item"),
            *(each for answer in objects(item, "answer") for each in objects(answer, "item")),
        ]
        waiting.append(iter(inner))


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
    return Answer(link_id, origin, day=on, text="" if on else _text(first))


def _text(answer: Json) -> str:
    """A text, time or address; of a reference or an attachment only that it was given."""
    for name in ("valueString", "valueUri", "valueTime"):
        if text_in(answer, name):
            return text_in(answer, name)
    return next((name for name in ("valueReference", "valueAttachment") if object_in(answer, name)), "")


def _amount(answer: Json) -> Quantity | None:
    """A decimal, integer or Quantity answer."""
    quantity = object_in(answer, "valueQuantity")
    number = next((answer[name] for name in ("valueDecimal", "valueInteger") if name in answer), quantity.get("value"))
    if isinstance(number, bool) or not isinstance(number, (int, Decimal)):
        return None
    return Quantity(Decimal(number), unit_name(quantity) if quantity else "", text_in(quantity, "system"))


def without(answers: Answers, dropped: Iterable[str]) -> tuple[Answer, ...]:
    """The answers besides those to the items that do not count."""
    names = frozenset(dropped)
    return tuple(each for each in answers.answers if each.link_id not in names)
