"""Service lines as ClaimResponse.item: what was asked, what was decided, what is authorized (PAS spec-34, spec-46)."""

from __future__ import annotations

from collections.abc import Iterator

from mappers.fhir import Json, codings, extensions, object_in, objects
from mappers.pas import names
from mappers.pas.adjudication import line_adjudication
from mappers.pas.answering import Answering
from mappers.pas.authorized import CERTIFYING, authorized_providers, dates, other_provider, stay
from mappers.pas.quantities import write_period, write_quantity
from server.authorization.determination import ReviewAction
from server.authorization.record import LineOnRecord


def write_items(answer: Answering) -> list[Json]:
    """One item per line, its sequence as it was sent."""
    return [_item(line, answer.submitted.item(line.asked), answer) for line in answer.lines]


def _item(line: LineOnRecord, asked: Json, answer: Answering) -> Json:
    item: Json = {
        "extension": list(_extensions(line, asked, answer)),
        "itemSequence": line.sequence,
        "noteNumber": answer.notes.numbers_for(line.determination),
        "adjudication": [line_adjudication(line, line.determination.action)],
    }
    return {name: value for name, value in item.items() if value != []}


def _extensions(line: LineOnRecord, asked: Json, answer: Answering) -> Iterator[Json]:
    action = line.determination.action
    yield from _traces(line, asked, answer)
    yield from dates(line)
    yield from extensions(asked, names.AUTHORIZATION_NUMBER)
    yield from _reference_number(line)
    if line.asked.serviced:
        yield {"url": names.REQUESTED_SERVICE_DATE, "valuePeriod": write_period(line.asked.serviced)}
    if line.provider:
        by = {"url": "provider", "valueReference": other_provider(line.provider)}
        yield {"extension": [by], "url": names.AUTHORIZED_PROVIDER}
    elif action in CERTIFYING:
        yield from authorized_providers(answer.submitted.team(asked), answer.echo)
    detail = list(_detail(line, asked)) if action is ReviewAction.CERTIFIED else []
    if detail:
        yield {"extension": detail, "url": names.AUTHORIZED_DETAIL}
    yield from stay(line, asked, answer.submitted)
    if action is not ReviewAction.CANCELLED:
        for diagnosis in answer.submitted.diagnoses(asked)[: answer.occasion.diagnoses]:
            yield {"url": names.COMMUNICATED_DIAGNOSIS, "valueCodeableConcept": diagnosis}


def _traces(line: LineOnRecord, asked: Json, answer: Answering) -> Iterator[Json]:
    """The submitter's trace numbers; the payer's own where a form is to be answered and the submitter gave none."""
    given = list(extensions(asked, names.ITEM_TRACE_NUMBER))
    yield from given
    if not given and answer.occasion.tasks and line.determination.unanswered:
        for trace in answer.traces(line):
            yield {
                "url": names.ITEM_TRACE_NUMBER,
                "valueIdentifier": {"system": trace.system, "value": trace.value},
            }


def _reference_number(line: LineOnRecord) -> Iterator[Json]:
    """The line's number while it is no authorization (PF-1)."""
    if line.number and line.determination.action not in CERTIFYING:
        yield {"url": names.ADMINISTRATION_REFERENCE_NUMBER, "valueString": line.number}


def _detail(line: LineOnRecord, asked: Json) -> Iterator[Json]:
    """What is certified as it was asked for; only parts that the guide's own contexts let stand here."""
    service, authorized = object_in(asked, "productOrService"), line.determination.authorized
    if any(code.code != "not-applicable" for code in codings(service)):
        yield {"url": "productOrServiceCode", "valueCodeableConcept": service}
        yield from extensions(asked, names.SERVICE_CODE_END)
    for modifier in objects(asked, "modifier"):
        yield {"url": "modifier", "valueCodeableConcept": modifier}
    if object_in(asked, "unitPrice"):
        yield {"url": "unitPrice", "valueMoney": asked["unitPrice"]}
    if authorized and authorized.quantity:
        yield {"url": "quantity", "valueQuantity": write_quantity(authorized.quantity)}
