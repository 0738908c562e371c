"""A notification is a history Bundle: the status first, then the whole response Bundle that an event is about."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from conformance.samples import sample
from mappers.pas.notification import NOTIFICATION, STATUS, Kind, Standing, Told, write_notification, write_status
from mappers.pas.read import read_request
from mappers.pas.write import write_response
from mappers.wire import from_bytes, to_bytes
from profiles import issues_in
from server.authorization.subscription import TOPIC
from tests.builders import an_authorization

Json = dict[str, Any]

AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
BASE = "https://pas.example.org/fhir"
URL = f"{BASE}/Subscription/7d3c"


def standing(state: str = "active", count: int = 3, error: str = "") -> Standing:
    return Standing(URL, TOPIC, state, count, error)


def told(number: int = 3) -> Told:
    request = from_bytes(to_bytes(sample("pended-wheelchair")))
    return Told(number, AT, write_response(an_authorization(request=read_request(request)), request, BASE))


def notification(kind: Kind, how: Standing, *events: Told) -> Json:
    written: Json = from_bytes(to_bytes(write_notification(kind, how, AT, "one", events)))
    return written


WRITTEN = [
    ("handshake", standing("requested", 0), ()),
    ("heartbeat", standing(), ()),
    ("event-notification", standing(), (told(),)),
    ("query-event", standing(count=4), (told(3), told(4))),
]


@pytest.mark.parametrize(("kind", "how", "events"), WRITTEN, ids=[case[0] for case in WRITTEN])
def test_a_notification_breaks_no_rule_of_its_profile(kind: Kind, how: Standing, events: tuple[Told, ...]) -> None:
    issues = issues_in(notification(kind, how, *events), NOTIFICATION)
    assert [each for each in issues if each.severity == "error"] == []
    assert [each for each in issues if each.expression.count(".resource") < 2] == []


@pytest.mark.parametrize(("kind", "how", "events"), WRITTEN, ids=[case[0] for case in WRITTEN])
def test_every_entry_says_what_was_asked_and_answered(kind: Kind, how: Standing, events: tuple[Told, ...]) -> None:
    first, *focused = notification(kind, how, *events)["entry"]
    assert first["request"] == {"method": "GET", "url": f"{URL}/$status"}
    assert first["response"] == {"status": "200"}
    assert first["fullUrl"] == f"urn:uuid:{first['resource']['id']}"
    assert [(each["request"]["method"], each["response"]["status"]) for each in focused] == [("POST", "201")] * len(
        events
    )


def parameters(status: Json) -> dict[str, Any]:
    """Name -> value of what is there once."""
    return {each["name"]: next(value for name, value in each.items() if name != "name") for each in status["parameter"]}


def test_the_status_says_how_the_subscription_stands_with_its_counters_as_strings() -> None:
    status = notification("event-notification", standing(), told())["entry"][0]["resource"]
    said = parameters(status)
    assert said["subscription"] == {"reference": URL}
    assert (said["topic"], said["status"], said["type"]) == (TOPIC, "active", "event-notification")
    assert said["events-since-subscription-start"] == "3"
    assert parameters({"parameter": said["notification-event"]})["event-number"] == "3"
    assert parameters({"parameter": said["notification-event"]})["timestamp"] == "2026-11-23T15:00:00.000Z"


def test_the_focus_is_the_whole_response_bundle() -> None:
    event = told()
    status, focus = notification("event-notification", standing(), event)["entry"]
    event_parts = parameters({"parameter": parameters(status["resource"])["notification-event"]})
    assert event_parts["focus"] == {"reference": focus["fullUrl"]}
    assert focus["fullUrl"] == f"{BASE}/Bundle/{focus['resource']['id']}"
    assert focus["resource"] == from_bytes(to_bytes(event.answer))
    assert focus["resource"]["type"] == "collection"
    assert focus["resource"]["entry"][0]["resource"]["resourceType"] == "ClaimResponse"


def test_a_repetition_is_the_same_to_the_byte_and_another_notification_has_other_ids() -> None:
    first, again = (write_notification("heartbeat", standing(), AT, "one") for _ in range(2))
    other = write_notification("heartbeat", standing(), AT, "two")
    assert to_bytes(first) == to_bytes(again)
    assert first["id"] != other["id"]
    assert first["entry"][0]["fullUrl"] != other["entry"][0]["fullUrl"]


def test_a_subscription_in_error_says_why() -> None:
    status = write_status("query-status", standing("error", error="no-response"), "one")
    assert parameters(status)["error"]["coding"][0]["code"] == "no-response"
    assert [each for each in issues_in(status, STATUS) if each.severity == "error"] == []
