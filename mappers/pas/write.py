"""Authorization -> PAS response Bundle: the ClaimResponse first, then what it refers to (PAS spec-30 to spec-34)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mappers.fhir import Json, extension, extensions, object_in, objects, text_in
from mappers.pas import names
from mappers.pas.add_items import write_add_items
from mappers.pas.adjudication import whole_adjudication
from mappers.pas.answering import INQUIRED, INQUIRED_BY_OTHERS, REHEARSED, SUBMITTED, Answering, answering
from mappers.pas.authorized import CERTIFYING, authorized_providers
from mappers.pas.information import write_communication_requests, write_tasks
from mappers.pas.instants import instant
from mappers.pas.items import write_items
from mappers.pas.quantities import write_period
from server.authorization.determination import Rejection
from server.authorization.record import Authorization
from server.authorization.systems import REJECT_REASONS

_ANSWERED_BY = {
    "applicationSenderCode": "applicationReceiverCode",
    "applicationReceiverCode": "applicationSenderCode",
    "interchangeSenderID": "interchangeReceiverID",
    "interchangeReceiverID": "interchangeSenderID",
}
"""Who sent is answered, who received answers."""


def write_response(authorization: Authorization, request: Json, base: str, *, dry_run: bool = False) -> Json:
    """The answer to the request Bundle `request` as the authorization stands now.

    With `dry_run` nothing is on record: the answer has no numbers, and pended lines say what would certify them.

    Resources are echoed from the request with their fullUrls and identifiers (PAS spec-33); references are absolute
    and equal the fullUrl of exactly one entry. `base` is this server's base URL, under which the ClaimResponse is read.
    The guide lets a ClaimResponse refer to a profile-claim only: an update is referred to with a reason beside it.
    """
    claim = object_in(objects(request, "entry")[0], "resource")
    occasion = REHEARSED if dry_run else SUBMITTED
    if objects(claim, "related"):
        occasion = replace(occasion, absent="not-permitted")
    answer = answering(authorization, request, base, occasion)
    url = f"urn:uuid:{authorization.id}" if dry_run else f"{base}/ClaimResponse/{authorization.id}"
    return _bundle(answer, url, request["identifier"], claim)


def write_inquiry_response(authorization: Authorization, request: Json, base: str, inquiry: Json, *, own: bool) -> Json:
    """The authorization as it stands now, for somebody who inquired (PAS spec-44, spec-46).

    Echoed are entries of the Bundle `request` that was submitted last; the Claim itself is not: it holds more than an
    inquiry is answered with. `inquiry` is the Bundle that was asked with. With `own` the submitter asks: what is
    missing is asked for again.
    """
    answer = answering(authorization, request, base, INQUIRED if own else INQUIRED_BY_OTHERS)
    asking = object_in(objects(inquiry, "entry")[0], "resource")
    return _bundle(answer, f"{base}/ClaimResponse/{authorization.id}", inquiry["identifier"], asking)


def _bundle(answer: Answering, url: str, identifier: Json, asking: Json) -> Json:
    """The answer as a Bundle to the Claim that asks for it, `asking`."""
    authorization, occasion = answer.authorization, answer.occasion
    communications = write_communication_requests(answer) if occasion.communications else []
    tasks = write_tasks(answer) if occasion.tasks else []
    response = _claim_response(answer, asking)
    if communications:
        response["communicationRequest"] = [{"reference": each["fullUrl"]} for each in communications]
    written = [each["resource"] for each in (*communications, *tasks)]
    return {
        "resourceType": "Bundle",
        "id": f"{authorization.id}.{authorization.version}",
        "meta": {"profile": [occasion.bundle]},
        "identifier": identifier,
        "type": "collection",
        "timestamp": instant(authorization.changed),
        "entry": [
            {"fullUrl": url, "resource": response},
            *answer.echo.entries_for([response, *written]),
            *communications,
            *tasks,
        ],
    }


def _claim_response(answer: Answering, asking: Json) -> Json:
    authorization, echo, claim = answer.authorization, answer.echo, answer.submitted.claim
    items = write_items(answer)
    errors = [_error(each, answer) for each in authorization.rejections]
    response: Json = {
        "resourceType": "ClaimResponse",
        "id": authorization.id,
        "meta": {"profile": [answer.occasion.response]},
        "extension": [*_transmission(asking), *_root_extensions(answer)],
        "identifier": [each for each in objects(claim, "identifier") if each.get("system") and each.get("value")],
        "status": "active",
        "type": object_in(claim, "type"),
        "use": "preauthorization",
        "patient": echo.reference(object_in(claim, "patient")),
        "created": instant(authorization.changed),
        "insurer": echo.reference(object_in(claim, "insurer")),
        "requestor": _requestor(answer),
        "request": _absent(answer) | answer.claim_reference,
        "outcome": _outcome(authorization),
        "disposition": disposition(authorization),
        "preAuthPeriod": write_period(authorization.period) if authorization.period else {},
        "item": items,
        "addItem": write_add_items(answer),
        "adjudication": whole_adjudication(answer.lines) if answer.submitted.is_admission else [],
        "processNote": answer.notes.written(),
        "error": errors,
    }
    return {name: value for name, value in response.items() if value not in ({}, [], None)}


def _outcome(authorization: Authorization) -> str:
    """complete when every line was reviewed, error when none could be, partial in between; never queued."""
    if not authorization.rejections:
        return "complete"
    return "partial" if authorization.lines else "error"


def _error(rejection: Rejection, answer: Answering) -> Json:
    """A business error: X12 reject reason, follow-up action, the element it is about, the note that explains it."""
    follow_up = {"coding": [{"system": names.FOLLOW_UP_ACTIONS, "code": rejection.follow_up}]}
    explained = {"url": "processNote", "valuePositiveInt": answer.notes.number(rejection.words)}
    error: Json = {
        "extension": [
            {"url": names.ERROR_FOLLOW_UP, "valueCodeableConcept": follow_up},
            {"extension": [explained], "url": names.ERROR_ELEMENT},
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


def _absent(answer: Answering) -> Json:
    """Why the Claim is not referred to (PAS spec-44)."""
    reason = answer.occasion.absent
    return {"extension": [{"url": names.DATA_ABSENT_REASON, "valueCode": reason}]} if reason else {}


def _requestor(answer: Answering) -> Json:
    """Who asked, where it is of a kind that a ClaimResponse may name."""
    provider = object_in(answer.submitted.claim, "provider")
    kind = text_in(answer.echo.target(provider), "resourceType")
    return answer.echo.reference(provider) if kind in ("Organization", "PractitionerRole") else {}


def _transmission(asking: Json) -> Iterator[Json]:
    """The sender and receiver of the message, the other way round."""
    for sent in extensions(asking, names.TRANSMISSION_IDENTIFIERS):
        parts = [each for url in _ANSWERED_BY if (each := extension(sent, url))]
        swapped = [each | {"url": _ANSWERED_BY[each["url"]]} for each in parts]
        yield {"extension": swapped, "url": names.TRANSMISSION_IDENTIFIERS}


def _root_extensions(answer: Answering) -> Iterator[Json]:
    """Whether a person reviewed it, and who may provide what is certified as far as the whole request says so."""
    lines = answer.lines
    if lines:
        human = any(line.determination.human for line in lines)
        flag = {"url": "wasHumanReviewedFlag", "valueBoolean": human}
        yield {"extension": [flag], "url": names.REVIEWER}
    if any(line.determination.action in CERTIFYING and not line.provider for line in lines):
        yield from authorized_providers(answer.submitted.whole_team, answer.echo, typed=False)


def base_of(answer: Json) -> str:
    """The base URL under which the ClaimResponse of a response Bundle is read."""
    return text_in(objects(answer, "entry")[0], "fullUrl").rpartition("/ClaimResponse/")[0]
