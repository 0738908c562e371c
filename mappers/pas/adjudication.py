"""Review actions as adjudications: of a line, and of the request as a whole."""

from __future__ import annotations

from collections.abc import Sequence

from mappers.fhir import Json
from mappers.pas import names
from server.authorization.determination import ReviewAction
from server.authorization.record import LineOnRecord

PARTLY_CERTIFIED = "A2"
"""X12 306: certified in part; only of a request, never of a line."""

_DISPLAYS = {
    ReviewAction.CERTIFIED.value: "Certified in total",
    PARTLY_CERTIFIED: "Certified - partial",
    ReviewAction.NOT_CERTIFIED.value: "Not Certified",
    ReviewAction.PENDED.value: "Pending",
    ReviewAction.MODIFIED.value: "Modified",
    ReviewAction.CANCELLED.value: "Cancelled",
}
_SUBMITTED = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/adjudication", "code": "submitted"}]}
_NUMBERED = (ReviewAction.CERTIFIED, ReviewAction.MODIFIED, ReviewAction.PENDED)


def line_adjudication(line: LineOnRecord, action: ReviewAction) -> Json:
    """The review action with its number where PF-1 shows one, its coded reasons, and the X12 306 code."""
    parts: list[Json] = []
    if line.number and action in _NUMBERED:
        parts.append({"url": "number", "valueString": line.number})
    if action is not ReviewAction.CERTIFIED:
        for reason in line.determination.reasons:
            coding = {"system": reason.code.system, "code": reason.code.code}
            parts.append({"url": "reasonCode", "valueCodeableConcept": {"coding": [coding], "text": reason.words}})
    return _adjudication(action.value, parts)


def whole_adjudication(lines: Sequence[LineOnRecord]) -> list[Json]:
    """What became of an admission, which is one event whatever its lines are.

    The action that all lines have, withdrawn ones aside; where they differ it is pended while any line is, and
    certified in part afterwards. Other requests have a review action per line only: the guide forgets to let
    reviewActionCode stand here, and validators that do not know it refuse such an answer.
    """
    actions = {line.determination.action for line in lines}
    standing = actions - {ReviewAction.CANCELLED} or actions
    if not standing:
        return []
    if len(standing) == 1:
        return [_adjudication(standing.pop().value, [])]
    return [_adjudication(ReviewAction.PENDED.value if ReviewAction.PENDED in standing else PARTLY_CERTIFIED, [])]


def _adjudication(code: str, parts: list[Json]) -> Json:
    coding = {"system": names.REVIEW_ACTIONS, "code": code, "display": _DISPLAYS[code]}
    action = {"url": names.REVIEW_ACTION_CODE, "valueCodeableConcept": {"coding": [coding]}}
    return {"extension": [{"extension": [*parts, action], "url": names.REVIEW_ACTION}], "category": _SUBMITTED}
