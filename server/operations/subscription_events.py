"""Subscription/$events: what a subscriber may have missed, as long as it is kept (Subscriptions R5 backport 1.1.0)."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from mappers.pas.notification import Told, write_notification
from mappers.wire import from_bytes
from server.errors import NotAllowed, NotReadable, refusal
from server.operations.catalogue import Operation
from server.operations.subscription_read import own_subscription
from server.operations.subscription_status import Given, parameters_of, standing
from server.payer import Call, Payer

DEFINITION = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-events"
MOST = 50
"""Events in one answer; the next ones are asked for by the number after the last."""

_NUMBER = re.compile(r"[0-9]{1,18}")
_CONTENTS = ("empty", "id-only", "full-resource")
_TYPES = {
    "eventsSinceNumber": ("valueString",),
    "eventsUntilNumber": ("valueString",),
    "content": ("valueCode",),
}


def events_of_one(call: Call, payer: Payer) -> dict[str, Any]:
    """The caller's events from one number to another, both included, at most `MOST`, as a notification (query-event).

    Those of the last 30 days are kept, also while the subscription is in error. `content` is a hint; they are told as
    PAS wants notifications, whole (PAS spec-61).

    Raises:
        NotFound: the caller has no such subscription.
        NotAllowed: it may not hear of these organizations any more.
        NotReadable: a parameter that is not known, or one that cannot be read.
    """
    found = own_subscription(call, payer)
    given = parameters_of(call, _TYPES)
    since, until = _number(given, "eventsSinceNumber"), _number(given, "eventsUntilNumber")
    if any(each not in _CONTENTS for each in given["content"]):
        raise _unreadable("content", f"Write one of {', '.join(_CONTENTS)}, or leave it out.")
    if not payer.entitled(found):
        said = "You may not hear of all organizations in this subscription's filters any more."
        raise refusal(NotAllowed, "forbidden", said, "PAS spec-59", repair="Ask the payer what is registered for you.")
    kept = payer.notices.events(found.id, since or 1, until, MOST) if payer.notices else ()
    told = [Told(each.number, each.at, from_bytes(each.answer)) for each in kept]
    return write_notification("query-event", standing(found, call.base), payer.now(), f"query {uuid4()}", told)


def _number(given: Given, name: str) -> int | None:
    values = given[name]
    if not values:
        return None
    if len(values) > 1 or not _NUMBER.fullmatch(values[0]):
        raise _unreadable(name, 'Write the number of an event once, as a string of digits: "7".')
    return int(values[0])


def _unreadable(name: str, repair: str) -> Exception:
    return refusal(NotReadable, "value", f"{name} cannot be read.", "Backport subscription $events", repair=repair)


OPERATION = Operation(
    name="$events",
    kind="operation",
    resource="Subscription",
    definition=DEFINITION,
    handler=events_of_one,
    methods=("GET", "POST"),
    instance=True,
    summary="Events of one of your subscriptions, by number; kept for 30 days.",
)
