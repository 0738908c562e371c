"""Notification Bundles of the R5 subscriptions backport 1.1.0 in R4: handshake, heartbeat, event (PAS spec-60)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from mappers.fhir import Json, text_in
from mappers.pas.instants import instant

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
NOTIFICATION = BACKPORT + "backport-subscription-notification-r4"
STATUS = BACKPORT + "backport-subscription-status-r4"
ERRORS = "http://terminology.hl7.org/CodeSystem/subscription-error"

Kind = Literal["handshake", "heartbeat", "event-notification", "query-status", "query-event"]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a notification says of its subscription.

    url    absolute URL of the Subscription
    state  its status code
    count  events since its start
    error  code of the subscription-error system while it is in error, else ""
    """

    url: str
    topic: str
    state: str
    count: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """One event as it is told: its number, its moment, and the PAS response Bundle as it was then (PAS spec-61)."""

    number: int
    at: datetime
    answer: Json


def write_notification(kind: Kind, standing: Standing, at: datetime, name: str, events: Sequence[Told] = ()) -> Json:
    """A notification as a history Bundle: the status first, then the Bundle that each event is about.

    The same `name` gives the same ids, at every attempt: receivers know repetitions by them. Every entry has request
    and response (bdl-3, bdl-4).
    """
    status = write_status(kind, standing, f"{name} status", events)
    first = {
        "fullUrl": f"urn:uuid:{status['id']}",
        "resource": status,
        "request": {"method": "GET", "url": f"{standing.url}/$status"},
        "response": {"status": "200"},
    }
    return {
        "resourceType": "Bundle",
        "id": _id(name),
        "meta": {"profile": [NOTIFICATION]},
        "type": "history",
        "timestamp": instant(at),
        "entry": [first, *(_focused(event, standing) for event in events)],
    }


def write_status(kind: Kind, standing: Standing, name: str, events: Sequence[Told] = ()) -> Json:
    """How a subscription stands, and the events that are told, as Parameters; counters are strings in R4."""
    parameters: list[Json] = [
        {"name": "subscription", "valueReference": {"reference": standing.url}},
        {"name": "topic", "valueCanonical": standing.topic},
        {"name": "status", "valueCode": standing.state},
        {"name": "type", "valueCode": kind},
        {"name": "events-since-subscription-start", "valueString": str(standing.count)},
        *({"name": "notification-event", "part": _parts(event, standing)} for event in events),
    ]
    if standing.error:
        concept = {"coding": [{"system": ERRORS, "code": standing.error}]}
        parameters.append({"name": "error", "valueCodeableConcept": concept})
    return {"resourceType": "Parameters", "id": _id(name), "meta": {"profile": [STATUS]}, "parameter": parameters}


def _parts(event: Told, standing: Standing) -> list[Json]:
    return [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": instant(event.at)},
        {"name": "focus", "valueReference": {"reference": _focus_url(event, standing)}},
    ]


def _focused(event: Told, standing: Standing) -> Json:
    return {
        "fullUrl": _focus_url(event, standing),
        "resource": event.answer,
        "request": {"method": "POST", "url": "Bundle"},
        "response": {"status": "201"},
    }


def _focus_url(event: Told, standing: Standing) -> str:
    """The Bundle under the base that the Subscription is under; a receiver finds it by type and id."""
    base = standing.url.rpartition("/Subscription/")[0]
    return f"{base}/Bundle/{text_in(event.answer, 'id')}"


def _id(name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"urn:placet:notification:{name}"))
