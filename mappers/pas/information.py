"""What is still missing, asked for by CommunicationRequests and Tasks (PF-3, PF-17, PAS ainfo-2, ainfo-3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import NAMESPACE_URL, uuid5

from mappers.fhir import Json, object_in, objects, text_in
from mappers.pas import names
from mappers.pas.answering import Answering
from mappers.pas.instants import instant
from server.authorization.determination import ReviewAction
from server.authorization.documentation import DocumentationRequirement
from server.authorization.record import LineOnRecord
from server.authorization.request import Code
from server.authorization.systems import ATTACHMENT_CONTROL_NUMBERS, LOINC, NPI, REPORT_TYPES

QUESTIONNAIRE = Code(LOINC, "102089-0")
"""The code that stands for a form: which one, its context says (PAS ainfo-3)."""

MOST_RECENT = Code(LOINC, "18802-9")
"""Modifies what is asked for: the last one within the time window."""

ELECTRONICALLY = Code(names.TRANSMISSION_METHODS, "EL")

_REPORT_TYPES = {
    "11488-4": "PY",
    "11502-2": "LA",
    "11504-8": "OB",
    "11506-3": "09",
    "11526-1": "P4",
    "18748-4": "RR",
    "18776-5": "08",
    "18842-5": "DS",
    "34117-2": "P5",
    "52063-5": "B3",
    "59408-5": "RT",
}
"""LOINC document -> the X12 755 report type it is sent as; a topic names another by listing it among the documents."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that a pended line waits for: a document, or (questionnaire) the answers to a form."""

    line: LineOnRecord
    document: DocumentationRequirement
    questionnaire: bool = False

    @property
    def code(self) -> Code:
        """The code it is asked for by: LOINC where there is one."""
        codes = (self.document.code, *self.document.others)
        return next((code for code in codes if code.system == LOINC), self.document.code)

    @property
    def report_type(self) -> str:
        """X12 755 code of what it is sent as, "" where none is known."""
        codes = (self.document.code, *self.document.others)
        named = (code.code for code in codes if code.system == REPORT_TYPES)
        return next(named, _REPORT_TYPES.get(self.code.code, ""))


def wanted(answer: Answering) -> list[Wanted]:
    """Everything that the pended lines wait for the submitter to send, line by line."""
    pended = [line for line in answer.lines if line.determination.action is ReviewAction.PENDED and line.number]
    return [each for line in pended for each in _wanted_for(line)]


def _wanted_for(line: LineOnRecord) -> Iterator[Wanted]:
    for document in line.determination.missing:
        yield Wanted(line, document)
    if line.determination.unanswered:
        form = DocumentationRequirement(QUESTIONNAIRE, "The answers to the form")
        yield Wanted(line, form, questionnaire=True)


def write_communication_requests(answer: Answering) -> list[Json]:
    """One CommunicationRequest entry for every document or form that a line waits for."""
    return [_entry(_communication_request(each, answer), _key(each), answer) for each in wanted(answer)]


def control_number(wanted: Wanted) -> str:
    """The attachment control number (X12 PWK06): the line's number and what is asked for, the same every time."""
    return f"{wanted.line.number}.{wanted.code.code}"


def _communication_request(each: Wanted, answer: Answering) -> Json:
    claim = answer.submitted.claim
    insurer = answer.echo.reference(object_in(claim, "insurer"))
    request: Json = {
        "resourceType": "CommunicationRequest",
        "meta": {"profile": [names.COMMUNICATION_REQUEST]},
        "extension": [{"url": names.SERVICE_LINE_NUMBER, "valuePositiveInt": each.line.sequence}],
        "identifier": [{"system": ATTACHMENT_CONTROL_NUMBERS, "value": control_number(each)}],
        "status": "active",
        "category": [_concept(Code(REPORT_TYPES, each.report_type))] if each.report_type else [],
        "medium": [_concept(ELECTRONICALLY)],
        "payload": [_payload(each, answer)] if each.code.system == LOINC else [],
        "requester": insurer,
        "recipient": [insurer] if insurer else [],
        "sender": _sender(claim, answer),
    }
    return {name: value for name, value in request.items() if value not in ({}, [])}


def _payload(each: Wanted, answer: Answering) -> Json:
    asked = answer.submitted.item(each.line.asked)
    about = [
        {"url": names.COMMUNICATED_DIAGNOSIS, "valueCodeableConcept": diagnosis}
        for diagnosis in answer.submitted.diagnoses(asked)
    ]
    payload = {"extension": [*about, *_modifiers(each)], "contentString": each.code.code}
    return {name: value for name, value in payload.items() if value != []}


def _modifiers(each: Wanted) -> list[Json]:
    """A document that may not be old is asked for in its most recent edition."""
    if each.document.fresh_days is None:
        return []
    return [{"url": names.CONTENT_MODIFIER, "valueCodeableConcept": _concept(MOST_RECENT)}]


def _sender(claim: Json, answer: Answering) -> Json:
    """The organization that asked, which is to send the information."""
    provider = object_in(claim, "provider")
    target = answer.echo.target(provider)
    if text_in(target, "resourceType") == "Organization":
        return answer.echo.reference(provider)
    return {}


def write_tasks(answer: Answering) -> list[Json]:
    """A Task entry for the missing documents, and one for the forms; none where a party has no identifier."""
    parties = (_first_identifier(answer, "insurer"), _first_identifier(answer, "provider"))
    if not all(parties):
        return []
    missing = wanted(answer)
    kinds = {
        "attachment-request-code": [each for each in missing if not each.questionnaire],
        "attachment-request-questionnaire": [each for each in missing if each.questionnaire],
    }
    return [_entry(_task(code, each, answer), code, answer) for code, each in kinds.items() if each]


def _task(code: str, missing: list[Wanted], answer: Answering) -> Json:
    claim, authorization = answer.submitted.claim, answer.authorization
    identifier = [each for each in objects(claim, "identifier") if each.get("system") and each.get("value")]
    payer_url = {"type": _pas("payer-url"), "valueUrl": answer.base}
    return {
        "resourceType": "Task",
        "meta": {"profile": [names.TASK]},
        "identifier": identifier[:1],
        "status": "requested",
        "statusReason": {"text": "Pending review, not an approval: this is needed before it can be decided."},
        "intent": "order",
        "code": _pas(code),
        "for": answer.echo.reference(object_in(claim, "patient")),
        "requester": {"type": "Organization", "identifier": _first_identifier(answer, "insurer")},
        "owner": {"identifier": _first_identifier(answer, "provider")},
        "reasonCode": _pas("priorAuthorization"),
        "reasonReference": answer.claim_reference,
        "restriction": {"period": {"end": instant(authorization.due)}},
        "input": [payer_url, *(_input(each, answer) for each in missing)],
    }


def _input(each: Wanted, answer: Answering) -> Json:
    line = {"url": names.SERVICE_LINE_NUMBER, "valuePositiveInt": each.line.sequence}
    if each.questionnaire:
        context = answer.traces(each.line)[0].value
        return {"extension": [line], "type": _pas("questionnaire-context"), "valueString": context}
    return {
        "extension": [line, *_modifiers(each)],
        "type": _pas("attachments-needed"),
        "valueCodeableConcept": _concept(each.code),
    }


def _first_identifier(answer: Answering, party: str) -> Json:
    """The NPI of the insurer or provider, else the first identifier it has; {} where it has none."""
    request = answer.authorization.request
    known = (request.insurer if party == "insurer" else request.provider).identifiers
    found = next((each for each in known if each.system == NPI), known[0] if known else None)
    return {"system": found.system, "value": found.value} if found and found.system else {}


def _entry(resource: Json, key: str, answer: Answering) -> Json:
    """The resource under an id that is the same whenever the answer is written."""
    id = str(uuid5(NAMESPACE_URL, f"{answer.authorization.id}|{resource['resourceType']}|{key}"))
    return {"fullUrl": f"urn:uuid:{id}", "resource": resource | {"id": id}}


def _key(each: Wanted) -> str:
    return f"{each.line.sequence}|{each.code.system}|{each.code.code}"


def _pas(code: str) -> Json:
    return _concept(Code(names.TEMPORARY_CODES, code))


def _concept(code: Code) -> Json:
    return {"coding": [{"system": code.system, "code": code.code}]}
