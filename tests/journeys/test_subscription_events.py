"""From a pended request to the subscriber's listener, and to who asks later what it missed (PAS spec-60, 61)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from conformance.samples import fresh_sample
from mappers.pas.notification import NOTIFICATION
from profiles import issues_in
from server.notifications.means import Means
from server.notifications.worker import Worker
from server.operations.catalogue import catalogue
from server.outbound import Outbound
from server.settings import Settings
from server.web.access import access_for
from server.web.fhir import web_application
from tests.journeys.conftest import Journey, response_of
from tests.mappers.subscriptions import NPI, SECRET, a_subscription_resource, filtered
from tests.server.notifications.receiver import Receiver, receiving

Json = dict[str, Any]

PATH = "/fhir/Subscription"
BASE = "http://localhost/fhir"


@pytest.fixture
def sandbox(new_journey: Callable[..., Journey]) -> Journey:
    """A sandbox: its clock is moved by hand."""
    return new_journey(Settings.from_environment({}, sandbox=True))


@pytest.fixture
def listener() -> Iterator[Receiver]:
    """A listener that takes everything."""
    with receiving() as listening:
        yield listening


def work(journey: Journey, **after: float) -> None:
    """Let time pass, and deliver everything that is due then."""
    journey.clock.move(**after)
    assert journey.payer.notices is not None
    Worker(
        Means(journey.payer.notices, journey.payer.subscriptions, Outbound(sandbox=True), BASE, journey.clock)
    ).run_once()


def subscribed(journey: Journey, listener: Receiver) -> str:
    """The id of a subscription whose handshake was taken."""
    status, made = journey.post(PATH, filtered(f"org-identifier={NPI}", channel_endpoint=listener.url))
    assert status == 201
    work(journey, seconds=3)
    assert journey.get(f"{PATH}/{made['id']}")[1]["status"] == "active"
    return str(made["id"])


def decided(journey: Journey) -> str:
    """The id of an authorization that was pended and is approved."""
    answer = response_of(journey.submit(fresh_sample("pended-wheelchair")))
    path = f"/api/authorizations/{answer['id']}"
    record = json.loads(journey.client.get(path).data)
    said = {"version": record["version"], "decision": "certify"}
    reply = journey.client.post(f"{path}/lines/1/determination", json=said)
    assert reply.status_code == 200, reply.data
    return str(answer["id"])


def events(journey: Journey, subscription: str, query: str = "") -> Json:
    """What $events answers by GET."""
    status, bundle = journey.get(f"{PATH}/{subscription}/$events{query}")
    assert status == 200, bundle
    assert [issue for issue in issues_in(bundle, NOTIFICATION) if issue.refuses] == []
    return bundle


def numbers(bundle: Json) -> list[str]:
    """The numbers of the events of a notification."""
    told = bundle["entry"][0]["resource"]["parameter"]
    parts = [part for each in told if each["name"] == "notification-event" for part in each["part"]]
    return [part["valueString"] for part in parts if part["name"] == "event-number"]


def test_a_decision_reaches_the_listener_and_is_there_for_who_asks_later(sandbox: Journey, listener: Receiver) -> None:
    subscription = subscribed(sandbox, listener)
    authorization = decided(sandbox)
    work(sandbox, seconds=3)

    handshake, event = listener.got
    assert (handshake.kind, handshake.said["status"]) == ("handshake", "requested")
    assert (event.kind, event.said["status"], event.number) == ("event-notification", "active", 1)
    assert event.headers["Authorization"] == SECRET
    assert [issue for issue in issues_in(event.body, NOTIFICATION) if issue.refuses] == []
    told = response_of(event.focus)
    assert (told["id"], told["outcome"]) == (authorization, "complete")

    later = events(sandbox, subscription)
    assert numbers(later) == ["1"]
    assert later["entry"][0]["request"]["url"] == f"{BASE}/Subscription/{subscription}/$status"
    assert later["entry"][1]["resource"] == event.focus
    count = [each for each in later["entry"][0]["resource"]["parameter"] if each["name"].startswith("events-since")]
    assert [each["valueString"] for each in count] == ["1"]


def test_in_error_events_are_counted_and_kept(sandbox: Journey, listener: Receiver) -> None:
    subscription = subscribed(sandbox, listener)
    listener.answers = lambda _number: 400
    for _ in range(3):
        decided(sandbox)
    for _ in range(4):
        work(sandbox, minutes=1)
    read = sandbox.get(f"{PATH}/{subscription}")[1]
    assert (read["status"], read["error"]) == ("error", "no-response")
    assert numbers(events(sandbox, subscription)) == ["1", "2", "3"]


def test_events_are_asked_for_by_number(sandbox: Journey, listener: Receiver) -> None:
    subscription = subscribed(sandbox, listener)
    for _ in range(4):
        decided(sandbox)
    work(sandbox, seconds=3)

    assert numbers(events(sandbox, subscription, "?eventsSinceNumber=3")) == ["3", "4"]
    assert numbers(events(sandbox, subscription, "?eventsUntilNumber=2&content=id-only")) == ["1", "2"]
    assert numbers(events(sandbox, subscription, "?eventsSinceNumber=2&eventsUntilNumber=3")) == ["2", "3"]
    assert numbers(events(sandbox, subscription, "?eventsSinceNumber=5")) == []
    asked = [{"name": "eventsSinceNumber", "valueString": "2"}, {"name": "eventsUntilNumber", "valueString": "2"}]
    status, bundle = sandbox.post(f"{PATH}/{subscription}/$events", {"resourceType": "Parameters", "parameter": asked})
    assert (status, numbers(bundle)) == (200, ["2"])


@pytest.mark.parametrize(
    "query", ["?eventsSinceNumber=first", "?eventsSinceNumber=1,2", "?eventsUntilNumber=-1", "?content=all", "?since=1"]
)
def test_what_events_does_not_take_is_said(sandbox: Journey, query: str) -> None:
    status, made = sandbox.post(PATH, a_subscription_resource())
    assert status == 201
    status, outcome = sandbox.get(f"{PATH}/{made['id']}/$events{query}")
    assert (status, outcome["resourceType"]) == (400, "OperationOutcome")
    assert outcome["issue"][0]["diagnostics"]


def test_nobodys_events_are_not_found(sandbox: Journey) -> None:
    status, outcome = sandbox.get(f"{PATH}/nobodys/$events")
    assert (status, outcome["issue"][0]["code"]) == (404, "not-found")


def test_who_may_not_hear_any_more_gets_no_events(sandbox: Journey) -> None:
    made = sandbox.post(PATH, a_subscription_resource())[1]
    payer = replace(sandbox.payer, entitled=lambda _subscription: False)
    settings = Settings.from_environment({}, sandbox=True)
    app = web_application(settings, catalogue(), payer, access_for(settings), ready=lambda: True)
    reply = app.test_client().get(f"{PATH}/{made['id']}/$events")
    assert (reply.status_code, json.loads(reply.data)["issue"][0]["code"]) == (403, "forbidden")
