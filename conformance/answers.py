"""Reading a PAS response Bundle the way a client does: what was decided for every line, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

_PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
_STATUSES = {
    "A1": "approved",
    "A2": "partly approved",
    "A3": "denied",
    "A4": "pended",
    "A6": "modified",
    "C": "cancelled",
}


@dataclass(frozen=True, slots=True)
class AnsweredLine:
    """One item of a ClaimResponse: its sequence, status word, number and the notes it points to."""

    sequence: int
    status: str
    number: str
    reason: str


def answered_lines(bundle: Json) -> list[AnsweredLine]:
    """The lines of a PAS response Bundle, in the order of its items."""
    response = bundle["entry"][0]["resource"]
    notes = {note["number"]: note["text"] for note in response.get("processNote", [])}
    return [_line(item, notes) for item in response.get("item", [])]


def _line(item: Json, notes: dict[int, str]) -> AnsweredLine:
    action = _extension(item["adjudication"][0], "extension-reviewAction")
    code = _extension(action, "extension-reviewActionCode")["valueCodeableConcept"]["coding"][0]["code"]
    reference = _extension(item, "extension-administrationReferenceNumber").get("valueString", "")
    number = next((part["valueString"] for part in action["extension"] if part["url"] == "number"), reference)
    reason = " ".join(notes[each] for each in item.get("noteNumber", []))
    return AnsweredLine(item["itemSequence"], _STATUSES.get(code, code), number, reason)


def _extension(node: Json, name: str) -> Json:
    return next((each for each in node.get("extension", []) if each["url"] == _PAS + name), {})
