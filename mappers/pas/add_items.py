"""What was authorized instead of what was asked, as ClaimResponse.addItem (PAS spec-36, spec-37)."""

from __future__ import annotations

from collections.abc import Iterator

from mappers.fhir import Json, extensions, object_in, objects
from mappers.pas import names
from mappers.pas.adjudication import line_adjudication
from mappers.pas.answering import Answering
from mappers.pas.authorized import dates, other_provider, provider_type, repeated, requested_service, revenue, stay
from mappers.pas.quantities import write_period, write_quantity
from server.authorization.determination import Authorized, ReviewAction
from server.authorization.record import LineOnRecord
from server.authorization.request import Code, Period

_REPEATED = (
    names.AUTHORIZATION_NUMBER,
    names.ADMINISTRATION_REFERENCE_NUMBER,
    names.EPSDT,
    names.NURSING_HOME_STATUS,
    names.NURSING_HOME_LEVEL,
    names.RATE_LIMIT,
    names.REQUEST_TYPE,
    names.CERTIFICATION_TYPE,
)


def write_add_items(answer: Answering) -> list[Json]:
    """One added item for every modified line."""
    modified = (line for line in answer.lines if line.determination.action is ReviewAction.MODIFIED)
    return [_add_item(line, answer.submitted.item(line.asked), answer) for line in modified]


def _add_item(line: LineOnRecord, asked: Json, answer: Answering) -> Json:
    """The service as asked, but for what was authorized instead, certified under the line's number."""
    authorized = line.determination.authorized or Authorized()
    service, place = authorized.service, authorized.place
    item: Json = {
        "extension": list(_extensions(line, asked, answer)),
        "itemSequence": [line.sequence],
        "provider": [other_provider(line.provider)] if line.provider else list(_providers(asked, answer)),
        "productOrService": _concept(service) if service else object_in(asked, "productOrService"),
        "modifier": objects(asked, "modifier"),
        **_serviced(line, asked),
        "locationCodeableConcept": _concept(place) if place else object_in(asked, "locationCodeableConcept"),
        "quantity": write_quantity(authorized.quantity) if authorized.quantity else {},
        "unitPrice": object_in(asked, "unitPrice"),
        "adjudication": [line_adjudication(line, ReviewAction.CERTIFIED)],
    }
    return {name: value for name, value in item.items() if value not in ({}, [])}


def _extensions(line: LineOnRecord, asked: Json, answer: Answering) -> Iterator[Json]:
    yield from extensions(asked, names.ITEM_TRACE_NUMBER)
    yield from dates(line)
    yield from repeated(asked, _REPEATED)
    authorized = line.determination.authorized
    if authorized is None or authorized.service is None:
        yield from extensions(asked, names.SERVICE_CODE_END)
        yield from requested_service(asked, answer.echo)
    yield from revenue(asked)
    yield from stay(line, asked, answer.submitted)


def _providers(asked: Json, answer: Answering) -> Iterator[Json]:
    """The care team members of the line, as far as they can be repeated."""
    for member in answer.submitted.team(asked):
        if provider := answer.echo.provider(object_in(member, "provider")):
            kind = provider_type(member)
            yield ({"extension": kind} if kind else {}) | provider


def _serviced(line: LineOnRecord, asked: Json) -> Json:
    """The days of service as asked for; those approved where they leave some of them out."""
    approved = line.determination.authorized.period if line.determination.authorized else None
    wanted = line.asked.serviced
    if wanted and approved and _leaves_out(approved, wanted):
        return {"servicedPeriod": write_period(approved)}
    return {name: asked[name] for name in ("servicedDate", "servicedPeriod") if name in asked}


def _leaves_out(approved: Period, wanted: Period) -> bool:
    early = wanted.start is not None and approved.start is not None and wanted.start < approved.start
    return early or (wanted.end is not None and approved.end is not None and wanted.end > approved.end)


def _concept(code: Code) -> Json:
    return {"coding": [{"system": code.system, "code": code.code}]}
