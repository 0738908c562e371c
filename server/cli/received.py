"""What a subscriber can check of a notification by itself: its structure, its order, whether it came before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mappers.fhir import Json, object_in, objects, text_in
from mappers.pas.notification import NOTIFICATION
from profiles import issues_in

KINDS = ("handshake", "heartbeat", "event-notification")


@dataclass(frozen=True, slots=True)
class Received:
    """A notification: what kind, of which subscription, which event, what is wrong with it."""

    kind: str
    subscription: str
    number: int
    response: str
    problems: tuple[str, ...]


@dataclass
class Inbox:
    """What came so far: by it is known what is missing, out of order, or here again."""

    numbers: dict[str, list[int]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def take(self, bundle: Json, content_type: str) -> Received:
        """Check a notification and keep in mind that it came."""
        status = _status(bundle)
        subscription, number = _subscription_id(status), _number(status)
        known = self.numbers.setdefault(subscription, [])
        problems = [*_problems(bundle, status, content_type), *_order(known, number)]
        again = text_in(bundle, "id") in self.seen
        if number and number not in known:
            known.append(number)
        self.seen.add(text_in(bundle, "id"))
        kind = str(status.get("type", "unknown")) + (" (again)" if again else "")
        return Received(kind, subscription, number, _disposition(bundle), tuple(dict.fromkeys(problems)))


def _status(bundle: Json) -> dict[str, Any]:
    """The status parameters: name -> value; the parts of the event as a list."""
    first = objects(bundle, "entry")[:1]
    parameters = objects(object_in(first[0], "resource"), "parameter") if first else []
    return {
        text_in(each, "name"): next((value for name, value in each.items() if name != "name"), None)
        for each in parameters
    }


def _subscription_id(status: Mapping[str, Any]) -> str:
    reference = status.get("subscription")
    return text_in(reference, "reference").rpartition("/")[2] if isinstance(reference, dict) else ""


def _parts(status: Mapping[str, Any]) -> dict[str, Json]:
    event = status.get("notification-event")
    return {text_in(part, "name"): part for part in objects({"part": event}, "part")}


def _number(status: Mapping[str, Any]) -> int:
    text = text_in(_parts(status).get("event-number", {}), "valueString")
    return int(text) if text.isdecimal() else 0


def _problems(bundle: Json, status: Mapping[str, Any], content_type: str) -> Iterator[str]:
    if not content_type.startswith(("application/fhir+json", "application/json")):
        yield "Content-Type is neither application/fhir+json nor application/json"
    for issue in issues_in(bundle, NOTIFICATION):
        if issue.refuses:
            yield f"{issue.expression}: {issue.message} ({issue.rule})"
    for check in CHECKS:
        yield from check(bundle, status)


def _of_a_kind(_bundle: Json, status: Mapping[str, Any]) -> Iterator[str]:
    if status.get("type") not in KINDS:
        yield f"type is none of {', '.join(KINDS)}"


def _asked_and_answered(bundle: Json, _status: Mapping[str, Any]) -> Iterator[str]:
    for place, entry in enumerate(objects(bundle, "entry")):
        if not (object_in(entry, "request") and object_in(entry, "response")):
            yield f"Bundle.entry[{place}] lacks request or response (bdl-3, bdl-4)"


def _of_its_subscription(bundle: Json, status: Mapping[str, Any]) -> Iterator[str]:
    url = text_in(object_in(next(iter(objects(bundle, "entry")), {}), "request"), "url")
    if not url.endswith(f"Subscription/{_subscription_id(status)}/$status"):
        yield "Bundle.entry[0].request.url does not end in Subscription/[id]/$status of its subscription"


def _state_of_its_kind(_bundle: Json, status: Mapping[str, Any]) -> Iterator[str]:
    wanted = "requested" if status.get("type") == "handshake" else "active"
    if status.get("status") != wanted:
        yield f"status of a {status.get('type')} is {wanted}"


def _counted_in_strings(_bundle: Json, status: Mapping[str, Any]) -> Iterator[str]:
    if not isinstance(status.get("events-since-subscription-start"), str):
        yield "events-since-subscription-start is a valueString"


def _focus_is_a_response(bundle: Json, status: Mapping[str, Any]) -> Iterator[str]:
    if status.get("type") != "event-notification":
        return
    reference = text_in(object_in(_parts(status).get("focus", {}), "valueReference"), "reference")
    entries = {text_in(each, "fullUrl"): object_in(each, "resource") for each in objects(bundle, "entry")}
    focus = entries.get(reference, {})
    if not reference or not reference.endswith(f"Bundle/{text_in(focus, 'id')}"):
        yield "focus refers to no Bundle of the notification"
    types = [text_in(object_in(each, "resource"), "resourceType") for each in objects(focus, "entry")]
    if text_in(focus, "type") != "collection" or "ClaimResponse" not in types:
        yield "the focus is not a Bundle of type collection with a ClaimResponse (PAS spec-61)"


CHECKS: tuple[Callable[[Json, Mapping[str, Any]], Iterator[str]], ...] = (
    _of_a_kind,
    _asked_and_answered,
    _of_its_subscription,
    _state_of_its_kind,
    _counted_in_strings,
    _focus_is_a_response,
)


def _order(known: list[int], number: int) -> Iterator[str]:
    last = max(known, default=number - 1)
    if number > last + 1:
        yield f"event {last + 1} did not come before event {number}"


def _disposition(bundle: Json) -> str:
    """The decision in words that name nobody."""
    for entry in objects(bundle, "entry")[1:]:
        for inner in objects(object_in(entry, "resource"), "entry"):
            if text_in(object_in(inner, "resource"), "resourceType") == "ClaimResponse":
                return text_in(object_in(inner, "resource"), "disposition")
    return ""
