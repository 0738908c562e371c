"""The inbox says what came, what is wrong with it, and makes the trouble that subscribers make."""

from __future__ import annotations

import http.client
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from rich.console import Console

from conformance.samples import sample
from mappers.pas.notification import Kind, Standing, Told, write_notification
from mappers.pas.read import read_request
from mappers.pas.write import write_response
from mappers.wire import from_bytes, to_bytes
from server.authorization.subscription import TOPIC
from server.cli.inbox import Trouble, listening
from server.cli.received import Inbox
from tests.builders import an_authorization

Json = dict[str, Any]

AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
BASE = "http://127.0.0.1:8080/fhir"
FHIR = "application/fhir+json"


def event(number: int = 1) -> Json:
    request = from_bytes(to_bytes(sample("pended-wheelchair")))
    answer = write_response(an_authorization(request=read_request(request)), request, BASE)
    standing = Standing(f"{BASE}/Subscription/7d3c", TOPIC, "active", number)
    written = write_notification("event-notification", standing, AT, f"event {number}", [Told(number, AT, answer)])
    return json.loads(to_bytes(written))


def other(kind: Kind, state: str) -> Json:
    standing = Standing(f"{BASE}/Subscription/7d3c", TOPIC, state, 0)
    return json.loads(to_bytes(write_notification(kind, standing, AT, kind)))


def problems(bundle: Json, content_type: str = FHIR) -> tuple[str, ...]:
    return Inbox().take(bundle, content_type).problems


@pytest.mark.parametrize("bundle", [event(), other("handshake", "requested"), other("heartbeat", "active")])
def test_what_this_server_sends_is_as_it_should_be(bundle: Json) -> None:
    assert problems(bundle) == ()


def without(entry: int, name: str) -> Callable[[Json], None]:
    return lambda bundle: bundle["entry"][entry].pop(name)


def parameter(name: str, **value: Any) -> Callable[[Json], None]:
    def change(bundle: Json) -> None:
        parameters = bundle["entry"][0]["resource"]["parameter"]
        parameters[[each["name"] for each in parameters].index(name)] = {"name": name, **value}

    return change


def focused(**changes: Any) -> Callable[[Json], None]:
    return lambda bundle: bundle["entry"][1]["resource"].update(changes)


WRONG = [
    (without(0, "request"), "lacks request or response"),
    (without(1, "response"), "lacks request or response"),
    (
        lambda bundle: bundle["entry"][0]["request"].update(url="Subscription/other/$status"),
        "Subscription/[id]/$status",
    ),
    (parameter("status", valueCode="requested"), "status of a event-notification is active"),
    (parameter("type", valueCode="query-status"), "type is none of"),
    (parameter("events-since-subscription-start", valueInteger=1), "is a valueString"),
    (focused(type="history"), "not a Bundle of type collection"),
    (focused(entry=[]), "not a Bundle of type collection"),
    (focused(id="other"), "focus refers to no Bundle"),
    (lambda bundle: bundle.update(type="collection"), "Bundle.type"),
    (lambda bundle: bundle["entry"][0]["resource"]["parameter"].pop(2), "status"),
]


@pytest.mark.parametrize(("change", "words"), WRONG)
def test_what_is_wrong_is_said(change: Callable[[Json], None], words: str) -> None:
    bundle = event()
    change(bundle)
    assert any(words in problem for problem in problems(bundle)), problems(bundle)


def test_a_missing_event_and_a_repetition_are_seen() -> None:
    inbox = Inbox()
    assert inbox.take(event(4), FHIR).problems == ()
    again = inbox.take(event(4), FHIR)
    assert (again.kind, again.problems) == ("event-notification (again)", ())
    assert inbox.take(event(6), FHIR).problems == ("event 5 did not come before event 6",)


def test_another_content_type_is_said() -> None:
    assert "Content-Type" in problems(event(), "text/plain")[0]


@contextmanager
def serving(trouble: Trouble) -> Iterator[tuple[str, io.StringIO]]:
    said = io.StringIO()
    server = listening("127.0.0.1", 0, trouble, Console(file=said, width=200))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", said
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def post(url: str, body: bytes) -> int:
    """The status; 0 where the connection was cut."""
    try:
        return requests.post(url, body, headers={"Content-Type": FHIR}, timeout=10).status_code
    except requests.ConnectionError:
        return 0


TROUBLES = [
    (Trouble(), [200, 200]),
    (Trouble(drop=1), [0, 200]),
    (Trouble(status=503), [503, 503]),
    (Trouble(duplicate=True), [500, 200]),
]


@pytest.mark.parametrize(("trouble", "statuses"), TROUBLES)
def test_the_inbox_answers_as_it_was_told(trouble: Trouble, statuses: list[int]) -> None:
    body = to_bytes(event())
    with serving(trouble) as (url, said):
        assert [post(url, body) for _ in statuses] == statuses
        assert requests.get(url + "health", timeout=10).json() == {"status": "ok"}
    lines = said.getvalue().splitlines()
    assert len(lines) == 2
    assert "event-notification 1 for 7d3c" in lines[0] and "ok" in lines[0] and "1 line pended" in lines[0]
    assert "(again)" in lines[1]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b"{}", b'{"entry": [{"resource": {"parameter": 3}}]}'])
def test_the_inbox_takes_anything_and_says_what_it_is(body: bytes) -> None:
    with serving(Trouble()) as (url, said):
        assert post(url, body) == 200
    assert "red" not in said.getvalue()
    assert said.getvalue()


def test_a_body_of_unknown_length_is_refused() -> None:
    with serving(Trouble()) as (url, _):
        connection = http.client.HTTPConnection(url.split("/")[2], timeout=10)
        connection.putrequest("POST", "/")
        connection.endheaders()
        assert connection.getresponse().status == 411
        connection.close()
