"""What the payer's desk does for its people: reads the record, and puts on it what they decide."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Response, request
from marshmallow import ValidationError

from mappers.wire import to_bytes
from profiles.issue import Issue
from server.authorization.casework import InformationRequest
from server.authorization.clocks import Clock
from server.authorization.decision import Decision, NoSuchLine, NotDecidable, NotPended, Verdict, provider_by_npi
from server.authorization.determination import ReviewAction
from server.authorization.documentation import DocumentationRequirement
from server.authorization.record import Authorization, LineOnRecord
from server.authorization.request import Code, Period
from server.errors import Conflict, Invalid, NotFound, Refusal, refusal
from server.operations.authorization_trace import traced_lines
from server.operations.line_decision import (
    NotOnRecord,
    ask_for_information,
    assign_line,
    decide_lines,
    extend_clock,
    find,
    note_line,
)
from server.payer import Payer, Staff
from server.web import desk_answers as answers
from server.web import desk_schemas as schemas
from server.web.access import StaffAccess
from server.web.reading import read_object

JSON = "application/json; charset=utf-8"
BODY_LIMIT = 256 * 1024
MOST_WAITING = 500
"""Entries of one worklist; who wants more asks for earlier due dates first."""

LOOK_AHEAD = timedelta(days=14)
_VERSION = re.compile(r'(?:W/)?"?([1-9][0-9]{0,8})"?')
_RULE = "desk API"


@dataclass(frozen=True)
class Desk:
    """Whose desk it is, and who may sit at it.

    public  base URL of the FHIR interface that submitters use; None takes scheme and Host of each request
    """

    payer: Payer
    access: StaffAccess
    public: str | None = None

    @property
    def base(self) -> str:
        """The base URL under which submitters read what is filed for them."""
        return self.public or f"{request.scheme}://{request.host}/fhir"


def show_authorization(desk: Desk, staff: Staff, number: str) -> Response:
    """The record: lines, statuses, clock, history."""
    return shown(desk, found_authorization(desk, staff, number))


def show_trace(desk: Desk, staff: Staff, number: str) -> Response:
    """How the rules came to what they decided."""
    found = found_authorization(desk, staff, number)
    lines = traced_lines(desk.payer, staff, found)
    return written(answers.TraceSchema().dump({"id": found.id, "version": found.version, "lines": lines}))


def decide_line(desk: Desk, staff: Staff, number: str, line: int) -> Response:
    """A person's decision, question, assignment or note."""
    body = read_object(request, BODY_LIMIT)
    what = body.pop("decision", None)
    if not isinstance(what, str) or what not in schemas.DECISIONS:
        raise _invalid({"decision": [f"Write one of {', '.join(schemas.DECISIONS)}."]})
    said = {"decision": what, **loaded(schemas.DECISIONS[what](), body)}
    seen = _as_seen(found_authorization(desk, staff, number), said)
    return shown(desk, _on_record(lambda: _DONE[what](desk.payer, staff, seen, line, said)))


def extend(desk: Desk, staff: Staff, number: str) -> Response:
    """The one extension of the clock."""
    said = loaded(schemas.ExtensionSchema(), read_object(request, BODY_LIMIT))
    seen = _as_seen(found_authorization(desk, staff, number), said)
    return shown(desk, _on_record(lambda: extend_clock(desk.payer, staff, seen, said["reason"])))


def show_worklist(desk: Desk, staff: Staff) -> Response:  # noqa: ARG001 - everybody at the desk sees all of it
    """What waits for a decision, soonest due first. A clock that stands still is listed by where it is due now."""
    asked = loaded(schemas.WorklistQuery(), request.args.to_dict())
    now = desk.payer.now()
    before = _moment(asked["due_before"]) if "due_before" in asked else now + LOOK_AHEAD
    waiting = [_waiting(each, now, asked) for each in desk.payer.authorizations.pended(before)]
    found = [entry for entry in waiting if entry["lines"] and entry["due"] < before]
    found.sort(key=lambda entry: entry["due"])
    listed = {"due_before": before, "waiting": found[:MOST_WAITING], "more": len(found) > MOST_WAITING}
    return written(answers.WorklistSchema().dump(listed))


def show_proposals(desk: Desk, staff: Staff) -> Response:  # noqa: ARG001 - counts name nobody
    """What was proposed to submitters and how they responded, counted per rule (PF-16)."""
    return written(answers.ProposalsSchema().dump({"proposals": desk.payer.authorizations.proposals()}))


def show_requirements(desk: Desk, staff: Staff) -> Response:  # noqa: ARG001 - nothing here is on record
    """What a plan requires for a code, before anybody asks for the service (PF-12)."""
    asked = loaded(schemas.RequirementsQuery(), request.args.to_dict())
    found = desk.payer.requirements(asked["plan"], asked["code"], desk.payer.day(desk.payer.now()))
    if found is None:
        raise refusal(NotFound, "not-found", "There is no such plan.", "PF-12", expression="plan")
    return written(answers.RequirementsSchema().dump({"requirements": [each.as_json() for each in found]}))


def found_authorization(desk: Desk, staff: Staff, number: str) -> Authorization:
    """The authorization that a path means.

    Raises:
        NotFound: nothing on record goes by that.
    """
    try:
        return find(desk.payer, staff, number)[0]
    except NotOnRecord as error:
        repair = "Use an authorization number or the id of a ClaimResponse."
        raise refusal(NotFound, "not-found", "No such authorization is on record.", _RULE, repair=repair) from error


def _as_seen(found: Authorization, said: dict[str, Any]) -> Authorization:
    """The authorization, when it is still what the person saw.

    Raises:
        Invalid: it is not said which version that was.
        Conflict: it is another one now.
    """
    header = _VERSION.fullmatch(request.headers.get("If-Match", "").strip())
    versions = {*([int(header[1])] if header else []), *([said["version"]] if "version" in said else [])}
    if len(versions) != 1:
        raise _invalid({"version": ["Send the version that you saw, as If-Match or as version."]})
    if versions != {found.version}:
        message = f"The authorization is at version {found.version} now: somebody else changed it."
        repair = "Read it again, then decide on what it says now."
        raise refusal(Conflict, "conflict", message, "HTTP 409", repair=repair, expression="version")
    return found


def _on_record(change: Callable[[], Authorization]) -> Authorization:
    """The changed authorization; what cannot be done to it as it is is a refusal."""
    try:
        return change()
    except NoSuchLine as error:
        raise refusal(NotFound, "not-found", str(error), _RULE, expression="line") from error
    except NotPended as error:
        raise refusal(Conflict, "conflict", str(error), "HTTP 409", repair="Read the authorization again.") from error
    except NotDecidable as error:
        raise refusal(Invalid, "business-rule", str(error), "PF-20") from error


def _decided(payer: Payer, staff: Staff, seen: Authorization, line: int, said: dict[str, Any]) -> Authorization:
    decision = Decision(
        _VERDICTS[said["decision"]],
        staff.name,
        units=said.get("units"),
        code=Code(said["reason_system"], said["reason"]) if "reason" in said else None,
        words=said.get("words", ""),
        criterion=said.get("criterion", ""),
        period=Period(said.get("start"), said.get("end")),
        place=Code(said["place_system"], said["place"]) if "place" in said else None,
        provider=provider_by_npi(**said["provider"]) if "provider" in said else None,
    )
    return decide_lines(payer, staff, seen, line, decision)


def _asked(payer: Payer, staff: Staff, seen: Authorization, line: int, said: dict[str, Any]) -> Authorization:
    documents = tuple(
        DocumentationRequirement(Code(each["system"], each["code"]), each["words"]) for each in said["documents"]
    )
    wanted = InformationRequest(staff.name, documents, tuple(said["questions"]), said["words"])
    return ask_for_information(payer, staff, seen, line, wanted)


_VERDICTS = {"certify": Verdict.APPROVE, "modify": Verdict.MODIFY, "deny": Verdict.DENY, "cancel": Verdict.CANCEL}
_DONE: dict[str, Callable[[Payer, Staff, Authorization, int, dict[str, Any]], Authorization]] = {
    "certify": _decided,
    "modify": _decided,
    "deny": _decided,
    "cancel": _decided,
    "ask": _asked,
    "assign": lambda payer, staff, seen, line, said: assign_line(payer, staff, seen, line, said["to"].strip()),
    "note": lambda payer, staff, seen, line, said: note_line(payer, staff, seen, line, said["words"]),
}


def _waiting(found: Authorization, now: datetime, asked: dict[str, Any]) -> dict[str, Any]:
    clock = found.clock_at(now)
    lines = [line for line in found.lines if _is_wanted(line, asked)]
    return {**_told(found, clock), "lines": lines, "due": clock.due}


def _is_wanted(line: LineOnRecord, asked: dict[str, Any]) -> bool:
    decided = line.determination
    return (
        decided.action is ReviewAction.PENDED
        and asked.get("waits_for", decided.waits_for) is decided.waits_for
        and asked.get("assigned", line.assigned) == line.assigned
    )


_OF_THE_RECORD = (
    *("id", "version", "plan", "request", "channel", "created", "changed", "statuses"),
    *("lines", "rejections", "history"),
)


def _told(found: Authorization, clock: Clock) -> dict[str, Any]:
    diagnoses = [diagnosis.code for diagnosis in found.request.diagnoses]
    return {**{name: getattr(found, name) for name in _OF_THE_RECORD}, "diagnoses": diagnoses, "clock": clock}


def shown(desk: Desk, found: Authorization) -> Response:
    """The record as the desk is told it, with its version."""
    response = written(answers.AuthorizationSchema().dump(_told(found, found.clock_at(desk.payer.now()))))
    response.headers["ETag"] = f'"{found.version}"'
    return response


def _moment(text: str) -> datetime:
    """A day (its beginning, UTC) or a moment."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        raise _invalid({"due-before": ["Write a day or a moment: 2026-12-01."]}) from None


def loaded(schema: schemas.Schema, said: dict[str, Any]) -> dict[str, Any]:
    """What was said, as the schema means it.

    Raises:
        Invalid: every problem, each at its place.
    """
    try:
        meant: dict[str, Any] = schema.load(said)
    except ValidationError as error:
        raise _invalid(error.normalized_messages()) from error
    return meant


def _invalid(messages: Any) -> Refusal:
    """One refusal with every message of marshmallow's tree, each at its place."""
    return Invalid([Issue("error", "value", place, message, _RULE) for place, message in _flat(messages, "")])


def _flat(messages: Any, place: str) -> list[tuple[str, str]]:
    if isinstance(messages, dict):
        inner = [(f"{place}.{name}".lstrip("."), below) for name, below in messages.items()]
        return [found for name, below in inner for found in _flat(below, name.removesuffix("._schema"))]
    return [(place, str(message)) for message in messages]


def written(document: Any) -> Response:
    return Response(to_bytes(document), content_type=JSON)
