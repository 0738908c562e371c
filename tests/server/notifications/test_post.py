"""What goes out with a notification, and what a subscriber may ask for."""

from __future__ import annotations

from datetime import timedelta

import pytest

from server.notifications.means import Means
from server.notifications.post import headers_of, post, wish_of
from server.outbound import Outbound
from tests.builders import NOW, a_subscription
from tests.server.notifications.conftest import Office
from tests.server.notifications.receiver import Receiver


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("", 0),
        ("120", 120),
        ("0", 0),
        ("-5", 0),
        ("9" * 30, 10**6),
        ("soon", 0),
        ("²", 0),
        ("Mon, 02 Mar 2026 09:31:00 GMT", 60),
        ("Mon, 02 Mar 2026 09:29:00 GMT", 0),
        ("Mon, 02 Mar 2026 09:31:00 -0000", 0),
    ],
)
def test_a_wish_is_seconds_or_a_date_and_anything_else_is_none(said: str, seconds: int) -> None:
    assert wish_of(said, NOW) == timedelta(seconds=seconds)


def test_every_header_is_sent_with_the_value_that_was_given() -> None:
    given = ("Authorization: Bearer a:b c", "X-Two:  spaced", "X-Two: again", "User-Agent: mine")
    assert headers_of(a_subscription(headers=given)) == {
        "User-Agent": "mine",
        "Authorization": "Bearer a:b c",
        "X-Two": "spaced, again",
        "Content-Type": "application/fhir+json",
    }


def test_the_content_type_is_the_payload_as_the_subscriber_wrote_it(office: Office, receiver: Receiver) -> None:
    payload = "application/json; fhirVersion=4.0"
    attempt, _ = post(a_subscription(endpoint=receiver.url, payload=payload), {}, office.means, NOW)
    assert (attempt.status, receiver.got[0].headers["Content-Type"]) == (200, payload)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9/hook", "http://10.0.0.1/hook", "https://169.254.169.254/", "ftp://x/"]
)
def test_outside_the_sandbox_no_address_inside_is_called(office: Office, url: str) -> None:
    means = Means(office.notices, office.subscriptions, Outbound(), "https://pas.example.org/fhir")
    attempt, _ = post(a_subscription(endpoint=url), {}, means, NOW)
    assert (attempt.status, attempt.cause) == (0, "NotAcceptable")
