"""Service lines of an authorization as ClaimResponse.item and .addItem, and the notes they point to."""

from __future__ import annotations

from collections.abc import Iterator

from mappers.fhir import Json, extensions, object_in, objects
from mappers.pas import names
from server.authorization.determination import LineDetermination, ReviewAction, WaitsFor
from server.authorization.facts import ANSWER, DOCUMENT
from server.authorization.record import Authorization, LineOnRecord
from server.authorization.request import Period, Quantity

_DISPLAYS = {
    ReviewAction.CERTIFIED: "Certified in total",
    ReviewAction.NOT_CERTIFIED: "Not Certified",
    ReviewAction.PENDED: "Pending",
    ReviewAction.MODIFIED: "Modified",
    ReviewAction.CANCELLED: "Cancelled",
}
_SUBMITTED = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/adjudication", "code": "submitted"}]}


class Notes:
    """The process notes of one ClaimResponse: each text once, numbered from 1.

    previews  pended lines also say what would certify them
    """

    def __init__(self, *, previews: bool = False) -> None:
        self.previews = previews
        self._texts: list[str] = []

    def number(self, text: str) -> int:
        """The number of the note with this text, which is added where it is new."""
        if text not in self._texts:
            self._texts.append(text)
        return self._texts.index(text) + 1

    def written(self) -> list[Json]:
        """The notes as ClaimResponse.processNote."""
        return [{"number": number, "type": "display", "text": text} for number, text in enumerate(self._texts, 1)]


def write_items(authorization: Authorization, claim: Json, notes: Notes) -> list[Json]:
    """One item per line of the latest request, its sequence as it was sent (PAS spec-34, spec-46)."""
    asked = {item.get("sequence"): item for item in objects(claim, "item")}
    return [_item(line, asked[line.sequence], notes) for line in authorization.lines if line.sequence in asked]


def write_add_items(authorization: Authorization, claim: Json) -> list[Json]:
    """What was authorized instead, for every modified line (PAS spec-37)."""
    asked = {item.get("sequence"): item for item in objects(claim, "item")}
    return [
        _add_item(line, asked[line.sequence])
        for line in authorization.lines
        if line.sequence in asked and line.determination.action is ReviewAction.MODIFIED
    ]


def write_quantity(quantity: Quantity) -> Json:
    """A quantity with value and unit; a code only in the X12 units (PAS prof-2, prof-3)."""
    whole = quantity.value == quantity.value.to_integral_value()
    return {"value": int(quantity.value) if whole else quantity.value, "unit": quantity.unit or "unit"}


def preview(determination: LineDetermination) -> str:
    """The shortest list of facts and documents that would certify a pended line, in words; "" where none would."""
    if determination.action is not ReviewAction.PENDED:
        return ""
    if not determination.ways:
        return "Nothing that could be added would certify this line by itself: a person reviews it."
    return "Would be certified with: " + "; ".join(_fact_words(name) for name in determination.ways[0]) + "."


def _fact_words(name: str) -> str:
    if name.startswith(DOCUMENT):
        return f"a document of type {name.rpartition('|')[2]}"
    return f"an answer to {name.removeprefix(ANSWER)}" if name.startswith(ANSWER) else name


def _words(determination: LineDetermination, notes: Notes) -> list[str]:
    preview_words = preview(determination) if notes.previews else ""
    return [*words_for(determination), *([preview_words] if preview_words else [])]


def words_for(determination: LineDetermination) -> Iterator[str]:
    """What people read about a line's determination: reasons, what is missing, what to do."""
    for reason in determination.reasons:
        yield reason.words
    if determination.waits_for is WaitsFor.MISSING_INFORMATION:
        wanted = [f"{each.words} ({each.code.code})" for each in determination.missing]
        if determination.unanswered:
            wanted.append(f"answers to {', '.join(determination.unanswered)} of the form {determination.form}")
        yield f"Pending review, not an approval. Waiting for: {'; '.join(wanted)}."
    elif determination.waits_for is WaitsFor.DELEGATE:
        yield f"Pending review, not an approval. Waiting for: review by {determination.delegate}."
    elif determination.waits_for is not None:
        yield f"Pending review, not an approval. Waiting for: {determination.waits_for.value}."
    yield from determination.notes


def _item(line: LineOnRecord, asked: Json, notes: Notes) -> Json:
    item: Json = {
        "extension": list(_item_extensions(line, asked)),
        "itemSequence": line.sequence,
        "noteNumber": [notes.number(text) for text in _words(line.determination, notes)],
        "adjudication": [_adjudication(line, line.determination.action)],
    }
    return {name: value for name, value in item.items() if value != []}


def _item_extensions(line: LineOnRecord, asked: Json) -> Iterator[Json]:
    yield from extensions(asked, names.ITEM_TRACE_NUMBER)
    yield from _dates(line)
    if line.number and line.determination.action not in (ReviewAction.CERTIFIED, ReviewAction.MODIFIED):
        yield {"url": names.ADMINISTRATION_REFERENCE_NUMBER, "valueString": line.number}
    if line.asked.serviced:
        yield {"url": names.REQUESTED_SERVICE_DATE, "valuePeriod": write_period(line.asked.serviced)}
    authorized = line.determination.authorized
    if authorized and authorized.quantity and line.determination.action is ReviewAction.CERTIFIED:
        quantity = {"url": "quantity", "valueQuantity": write_quantity(authorized.quantity)}
        service = {"url": "productOrServiceCode", "valueCodeableConcept": object_in(asked, "productOrService")}
        yield {"extension": [service, quantity], "url": names.AUTHORIZED_DETAIL}


def _dates(line: LineOnRecord) -> Iterator[Json]:
    """When the certification was given and the days it holds for."""
    if line.issued:
        yield {"url": names.ISSUE_DATE, "valueDate": line.issued.isoformat()}
    authorized = line.determination.authorized
    if authorized and authorized.period:
        yield {"url": names.APPROVED_PERIOD, "valuePeriod": write_period(authorized.period)}


def _add_item(line: LineOnRecord, asked: Json) -> Json:
    """The service as asked, with the quantity that was authorized, certified under the line's number."""
    authorized = line.determination.authorized
    item: Json = {
        "extension": [*extensions(asked, names.ITEM_TRACE_NUMBER), *_dates(line)],
        "itemSequence": [line.sequence],
        "productOrService": object_in(asked, "productOrService"),
        "modifier": objects(asked, "modifier"),
        "quantity": write_quantity(authorized.quantity) if authorized and authorized.quantity else {},
        "adjudication": [_adjudication(line, ReviewAction.CERTIFIED)],
    }
    return {name: value for name, value in item.items() if value not in ({}, [])}


def _adjudication(line: LineOnRecord, action: ReviewAction) -> Json:
    return {"extension": [_review_action(line, action)], "category": _SUBMITTED}


def _review_action(line: LineOnRecord, action: ReviewAction) -> Json:
    """The review action with its number where PF-1 shows one, its coded reasons, and the X12 306 code."""
    parts: list[Json] = []
    if line.number and action in (ReviewAction.CERTIFIED, ReviewAction.MODIFIED, ReviewAction.PENDED):
        parts.append({"url": "number", "valueString": line.number})
    if action is not ReviewAction.CERTIFIED:
        for reason in line.determination.reasons:
            coding = {"system": reason.code.system, "code": reason.code.code}
            parts.append({"url": "reasonCode", "valueCodeableConcept": {"coding": [coding], "text": reason.words}})
    code = {"system": names.REVIEW_ACTIONS, "code": action.value, "display": _DISPLAYS[action]}
    parts.append({"url": names.REVIEW_ACTION_CODE, "valueCodeableConcept": {"coding": [code]}})
    return {"extension": parts, "url": names.REVIEW_ACTION}


def write_period(period: Period) -> Json:
    """A FHIR Period of whole days."""
    sides = {"start": period.start, "end": period.end}
    return {side: day.isoformat() for side, day in sides.items() if day}
