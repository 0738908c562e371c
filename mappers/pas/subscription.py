"""Subscription resources: what their owner wants, as a subscription; and a subscription as it is told (PAS spec-57)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mappers.fhir import Json, extension, object_in, objects, text_in
from mappers.pas.instants import instant
from mappers.pas.names import PAS
from mappers.pas.subscription_checks import HEARTBEAT, HIDDEN, MOST_EVENTS, TIMEOUT, filter_values, header_parts
from mappers.wire import from_bytes, to_bytes
from server.authorization.subscription import TOPIC, State, Subscription, end_of

SUBSCRIPTION = PAS + "profile-subscription"


@dataclass(frozen=True, slots=True)
class Bounds:
    """A whole number of an extension: its extension, the element that holds it, and from where to where it is kept."""

    url: str
    element: str
    lowest: int
    highest: int

    def kept(self, channel: Json) -> int | None:
        """The number that is kept for the one that was given; None where none was, or nothing but 0."""
        given = extension(channel, self.url).get(self.element)
        whole = isinstance(given, int) and not isinstance(given, bool)
        return min(max(given, self.lowest), self.highest) if whole and given else None


HEARTBEATS = Bounds(HEARTBEAT, "valueUnsignedInt", 60, 86_400)
TIMEOUTS = Bounds(TIMEOUT, "valueUnsignedInt", 1, 30)
COUNTS = Bounds(MOST_EVENTS, "valuePositiveInt", 1, 50)


def read_subscription(
    resource: Json, *, subscription_id: str, organization: str, caller: str, at: datetime
) -> Subscription:
    """The subscription that a Subscription asks for.

    What it relies on is checked before: `subscription_checks`, and R4. Numbers out of bounds are kept at the bound, an
    end that is past or far is replaced.
    """
    channel = object_in(resource, "channel")
    end = end_of(_moment(text_in(resource, "end")), at)
    timeout, most_events = TIMEOUTS.kept(channel), COUNTS.kept(channel)
    return Subscription(
        id=subscription_id,
        organization=organization,
        caller=caller,
        state=State.OFF if text_in(resource, "status") == "off" else State.REQUESTED,
        filters=filter_values(resource),
        endpoint=text_in(channel, "endpoint"),
        payload=text_in(channel, "payload"),
        headers=tuple(": ".join(parts) for parts in map(header_parts, _lines(channel)) if parts[1] != HIDDEN),
        heartbeat=HEARTBEATS.kept(channel),
        timeout=10 if timeout is None else timeout,
        most_events=1 if most_events is None else most_events,
        end=end,
        created=at,
        changed=at,
        due=at,
        said=to_bytes(_said(resource)).decode(),
    )


def write_subscription(subscription: Subscription, *, headers: bool = False) -> dict[str, Any]:
    """A subscription as a resource: what its owner said, as it was kept, and how it stands.

    headers  their values are told; only in the answer to the message that brought them
    """
    said: Json = from_bytes(subscription.said.encode())
    given = object_in(said, "channel")
    channel = given | ({"header": list(subscription.headers)} if headers and subscription.headers else {})
    error = {"error": subscription.error} if subscription.error else {}
    kept = {name: value for name, value in said.items() if name not in ("resourceType", "meta", "channel")}
    return {
        "resourceType": "Subscription",
        "id": subscription.id,
        "meta": {"lastUpdated": instant(subscription.changed), "profile": [SUBSCRIPTION]},
        **kept,
        "status": subscription.state.value,
        "end": instant(subscription.end),
        **error,
        "channel": channel,
    }


def _said(resource: Json) -> Json:
    """What is told back: numbers as they are kept, headers without values, nothing that is the server's to say."""
    channel = object_in(resource, "channel")
    lines = [f"{header_parts(line)[0]}: {HIDDEN}" for line in _lines(channel)]
    extensions = list(_extensions(channel))
    left = {name: value for name, value in channel.items() if name not in ("extension", "header", "_header")}
    channel = {
        **({"extension": extensions} if extensions else {}),
        **left,
        **({"header": lines} if lines else {}),
    }
    ours = ("id", "meta", "status", "_status", "end", "_end", "error", "_error")
    said = {name: value for name, value in resource.items() if name not in ours}
    return said | {"criteria": TOPIC, "channel": channel}


def _extensions(channel: Json) -> Iterator[Json]:
    """The extensions of a channel with the numbers as they are kept; without a heartbeat of 0 seconds."""
    bounds = {each.url: each for each in (HEARTBEATS, TIMEOUTS, COUNTS)}
    for each in objects(channel, "extension"):
        bound = bounds.get(text_in(each, "url"))
        kept = bound.kept(channel) if bound else None
        if bound is None:
            yield each
        elif kept is not None:
            yield {"url": bound.url, bound.element: kept}


def _lines(channel: Json) -> list[str]:
    """The header lines; a null among them, which only an extension could stand beside, says nothing."""
    given = channel.get("header")
    return [line for line in given if isinstance(line, str)] if isinstance(given, list) else []


def _moment(text: str) -> datetime | None:
    """A FHIR instant; None where there is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None
