"""Authorization -> PAS response Bundle: the ClaimResponse first, then what it refers to (PAS spec-30 to spec-34)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from mappers.fhir import Json, object_in, objects, text_in
from mappers.pas import names
from mappers.pas.echo import Echo
from mappers.pas.lines import Notes, write_add_items, write_items, write_period
from server.authorization.determination import Rejection
from server.authorization.record import Authorization
from server.authorization.systems import REJECT_REASONS


def write_response(authorization: Authorization, request: Json, base: str, *, dry_run: bool = False) -> Json:
    """The answer to the request Bundle `request` as the authorization stands now.

    With `dry_run` nothing is on record: the answer has no numbers, and pended lines say what would certify them.

    Resources are echoed from the request with their fullUrls and identifiers (PAS spec-33); references are absolute
    and equal the fullUrl of exactly one entry. `base` is this server's base URL, under which the ClaimResponse is read.
    """
    echo = Echo(request)
    response_url = f"urn:uuid:{authorization.id}" if dry_run else f"{base}/ClaimResponse/{authorization.id}"
    response = _claim_response(authorization, echo, dry_run=dry_run)
    echoed = echo.entries_for([response], besides=authorization.request.claim_url)
    return {
        "resourceType": "Bundle",
        "id": f"{authorization.id}.{authorization.version}",
        "meta": {"profile": [names.RESPONSE_BUNDLE]},
        "identifier": request["identifier"],
        "type": "collection",
        "timestamp": instant(authorization.changed),
        "entry": [{"fullUrl": response_url, "resource": response}, *echoed],
    }


def instant(at: datetime) -> str:
    """A FHIR instant with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _claim_response(authorization: Authorization, echo: Echo, *, dry_run: bool) -> Json:
    notes = Notes(previews=dry_run)
    claim = echo.claim
    items = write_items(authorization, claim, notes)
    response: Json = {
        "resourceType": "ClaimResponse",
        "id": authorization.id,
        "meta": {"profile": [names.CLAIM_RESPONSE]},
        "extension": list(_root_extensions(authorization)),
        "identifier": [each for each in objects(claim, "identifier") if each.get("system") and each.get("value")],
        "status": "active",
        "type": object_in(claim, "type"),
        "use": "preauthorization",
        "patient": echo.reference(object_in(claim, "patient")),
        "created": instant(authorization.changed),
        "insurer": echo.reference(object_in(claim, "insurer")),
        "requestor": _requestor(claim, echo),
        "request": {"reference": authorization.request.claim_url},
        "outcome": _outcome(authorization),
        "disposition": disposition(authorization),
        "preAuthPeriod": write_period(authorization.period) if authorization.period else {},
        "item": items,
        "addItem": write_add_items(authorization, claim),
        "processNote": notes.written(),
        "error": [_error(each) for each in authorization.rejections],
    }
    return {name: value for name, value in response.items() if value not in ({}, [], None)}


def _outcome(authorization: Authorization) -> str:
    """complete when every line was reviewed, error when none could be, partial in between; never queued."""
    if not authorization.rejections:
        return "complete"
    return "partial" if authorization.lines else "error"


def _error(rejection: Rejection) -> Json:
    """A business error: X12 reject reason, follow-up action and the element it is about (PAS ClaimResponse.error)."""
    follow_up = {"coding": [{"system": names.FOLLOW_UP_ACTIONS, "code": rejection.follow_up}]}
    error: Json = {
        "extension": [
            {"url": names.ERROR_FOLLOW_UP, "valueCodeableConcept": follow_up},
            {"url": names.ERROR_PATH, "valueString": rejection.path},
        ],
        "itemSequence": rejection.line,
        "code": {"coding": [{"system": REJECT_REASONS, "code": rejection.code}], "text": rejection.words},
    }
    return {name: value for name, value in error.items() if value is not None}


def disposition(authorization: Authorization) -> str:
    """How many lines have which status, in words: ``2 lines approved, 1 line pended (not an approval)``."""
    words = ["not reviewed"] if authorization.rejections else []
    for status in dict.fromkeys(authorization.statuses):
        count = authorization.statuses.count(status)
        line = "line" if count == 1 else "lines"
        words.append(f"{count} {line} {status}" + (" (not an approval)" if status == "pended" else ""))
    return ", ".join(words)


def _requestor(claim: Json, echo: Echo) -> Json:
    """Who asked, where it is of a kind that a ClaimResponse may name."""
    kind = echo.type_of(object_in(claim, "provider"))
    return echo.reference(object_in(claim, "provider")) if kind in ("Organization", "PractitionerRole") else {}


def _root_extensions(authorization: Authorization) -> Iterator[Json]:
    """Whether a person reviewed it, once a person has."""
    if any(line.determination.human for line in authorization.lines):
        flag = {"url": "wasHumanReviewedFlag", "valueBoolean": True}
        yield {"extension": [flag], "url": names.REVIEWER}


def base_of(answer: Json) -> str:
    """The base URL under which the ClaimResponse of a response Bundle is read."""
    return text_in(objects(answer, "entry")[0], "fullUrl").rpartition("/ClaimResponse/")[0]
