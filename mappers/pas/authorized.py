"""What items and added items both say of an authorization: its days, its providers, the stay, what was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mappers.fhir import Json, extension, extensions, object_in
from mappers.pas import names
from mappers.pas.echo import Echo
from mappers.pas.quantities import write_period
from mappers.pas.submitted import SubmittedClaim
from server.authorization.determination import ReviewAction
from server.authorization.record import LineOnRecord
from server.authorization.request import Party
from server.authorization.systems import NPI

CERTIFYING = (ReviewAction.CERTIFIED, ReviewAction.MODIFIED)
"""The review actions that authorize something."""


def dates(line: LineOnRecord) -> Iterator[Json]:
    """When the certification was given and the days it holds for."""
    if line.issued:
        yield {"url": names.ISSUE_DATE, "valueDate": line.issued.isoformat()}
    authorized = line.determination.authorized
    if authorized and authorized.period:
        yield {"url": names.APPROVED_PERIOD, "valuePeriod": write_period(authorized.period)}


def stay(line: LineOnRecord, asked: Json, submitted: SubmittedClaim) -> Iterator[Json]:
    """The days of admission and discharge that a certified line holds for."""
    if line.determination.action in CERTIFYING:
        if admission := submitted.admission(asked):
            yield {"url": names.ADMISSION_DATES} | admission
        if discharge := submitted.discharge(asked):
            yield {"url": names.DISCHARGE_DATE} | discharge


def authorized_providers(members: Iterable[Json], echo: Echo, *, typed: bool = True) -> Iterator[Json]:
    """The care team members who may provide what is certified, as extensions.

    typed  with the type of provider, which the guide lets stand in items only
    """
    for member in members:
        provider = echo.provider(object_in(member, "provider"))
        if provider:
            parts: list[Json] = [{"url": "provider", "valueReference": provider}]
            parts += provider_type(member) if typed else []
            if member.get("qualification"):
                parts.append({"url": "qualification", "valueCodeableConcept": member["qualification"]})
            yield {"extension": parts, "url": names.AUTHORIZED_PROVIDER}


def other_provider(provider: Party) -> Json:
    """A provider that the request does not name (PF-21), by its NPI and name: no entry of the answer describes it."""
    return {"identifier": {"system": NPI, "value": provider.npis[0]}, "display": provider.name}


def provider_type(member: Json) -> list[Json]:
    """What kind of provider a care team member is, as an extension: the X12 98 code of the role."""
    role = object_in(member, "role")
    return [{"url": names.AUTHORIZED_PROVIDER_TYPE, "valueCodeableConcept": role}] if role else []


def repeated(asked: Json, urls: Iterable[str]) -> Iterator[Json]:
    """The extensions of the submitted item that stay as they were sent."""
    return (each for url in urls for each in extensions(asked, url))


def revenue(asked: Json) -> Iterator[Json]:
    """The revenue code of the submitted item, as an extension."""
    if object_in(asked, "revenue"):
        yield {"url": names.REVENUE, "valueCodeableConcept": asked["revenue"]}


def requested_service(asked: Json, echo: Echo) -> Iterator[Json]:
    """The order that the item points to, where it and all it refers to can be repeated."""
    order = object_in(extension(asked, names.REQUESTED_SERVICE), "valueReference")
    if reference := echo.complete_reference(order):
        yield {"url": names.REQUESTED_SERVICE, "valueReference": reference}
