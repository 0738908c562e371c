"""One POST to a subscriber, by the guarded way out."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from mappers.fhir import Json
from mappers.pas.notification import Standing
from mappers.wire import to_bytes
from server.authorization.delivery import Attempt
from server.authorization.subscription import TOPIC, Subscription
from server.notifications.means import Means
from server.outbound import NoAnswer, OutboundFailure

MOST_BYTES = 64 * 1024
"""Of an answer, which is thrown away."""


def post(subscription: Subscription, notification: Json, means: Means, at: datetime) -> tuple[Attempt, timedelta]:
    """What the subscriber said to the notification, and how long it asks to be left alone (Retry-After)."""
    begun = time.monotonic()
    status, cause, wish = 0, "", timedelta()
    try:
        reply = means.outbound.post(
            subscription.endpoint,
            to_bytes(notification),
            headers_of(subscription),
            seconds=subscription.timeout,
            most_bytes=MOST_BYTES,
            whole=False,
        )
        status, wish = reply.status, wish_of(reply.retry_after, at)
    except OutboundFailure as failure:
        cause = failure.cause if isinstance(failure, NoAnswer) else type(failure).__name__
    return Attempt(at, status, cause, round((time.monotonic() - begun) * 1000)), wish


def headers_of(subscription: Subscription) -> dict[str, str]:
    """The headers that the subscriber asked for, and its content type; one that is named twice has both values."""
    headers: dict[str, str] = {}
    for line in subscription.headers:
        name, _, value = line.partition(":")
        headers[name] = f"{headers[name]}, {value.strip()}" if name in headers else value.strip()
    if "user-agent" not in map(str.lower, headers):
        headers["User-Agent"] = "placet"
    return headers | {"Content-Type": subscription.payload}


def wish_of(retry_after: str, now: datetime) -> timedelta:
    """How long Retry-After asks for: seconds, or the time until a date; nothing where it cannot be read."""
    if retry_after.isascii() and retry_after.isdigit():
        return timedelta(seconds=min(int(retry_after), 10**6))
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return timedelta()
    return max(until - now, timedelta()) if until.tzinfo else timedelta()


def standing(subscription: Subscription, base: str, count: int) -> Standing:
    """What a notification says of the subscription."""
    url = f"{base}/Subscription/{subscription.id}"
    return Standing(url, TOPIC, subscription.state.value, count)
