"""GET Subscription: one of the caller's own, or those that a search finds. No others exist (PAS spec-59)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from mappers.pas.subscription import SUBSCRIPTION, write_subscription
from server.authorization.subscription import State, Subscription
from server.errors import NotFound, NotReadable, refusal
from server.operations.catalogue import Operation, SearchParameter
from server.payer import Call, Payer

BACKPORT_SUBSCRIPTION = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-subscription"
PROFILES = (SUBSCRIPTION, BACKPORT_SUBSCRIPTION)

PASSED_OVER = frozenset({"_format", "_pretty", "_count", "_sort", "_total"})
"""Parameters about the form of an answer: read elsewhere, or without meaning for a list this short."""

_COMMA = re.compile(r"(?<!\\),")
_RULE = "R4 search"


def own_subscription(call: Call, payer: Payer) -> Subscription:
    """The caller's subscription with the id in the path.

    Raises:
        NotFound: it has none; another caller's looks the same.
    """
    found = payer.subscriptions.get(call.caller, call.id)
    if found is None:
        said = "You have no Subscription with this id."
        repair = "Use an id that POST Subscription answered you; GET Subscription lists yours."
        raise refusal(NotFound, "not-found", said, "R4 http read", repair=repair)
    return found


def read_own(call: Call, payer: Payer) -> dict[str, Any]:
    """The caller's subscription, without the values of its headers.

    Raises:
        NotFound: the caller has no such subscription.
    """
    return write_subscription(own_subscription(call, payer))


def search_own(call: Call, payer: Payer) -> dict[str, Any]:
    """Those of the caller's subscriptions that all parameters allow, oldest first (Bundle searchset).

    Raises:
        NotReadable: a parameter that is not searched by.
    """
    wanted = {name: values for name, values in call.parameters.items() if name not in PASSED_OVER}
    unknown = sorted(wanted.keys() - _SEARCHED.keys())
    if unknown:
        raise unknown_parameters(unknown, list(_SEARCHED))
    found = [each for each in payer.subscriptions.of(call.caller) if _allowed(each, wanted)]
    query = urlencode([(name, value) for name, values in wanted.items() for value in values])
    entries = [
        {
            "fullUrl": f"{call.base}/Subscription/{each.id}",
            "resource": write_subscription(each),
            "search": {"mode": "match"},
        }
        for each in found
    ]
    return searchset(f"{call.base}/Subscription{'?' if query else ''}{query}", entries)


def searchset(url: str, entries: list[dict[str, Any]]) -> dict[str, Any]:
    """A Bundle of what was found at a URL, all of it."""
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(entries),
        "link": [{"relation": "self", "url": url}],
    }
    return bundle | ({"entry": entries} if entries else {})


def unknown_parameters(unknown: list[str], known: list[str]) -> Exception:
    """The refusal of parameters; their names, which come from outside, are not quoted."""
    said = f"{len(unknown)} of the parameters are not known here."
    repair = f"Use {', '.join(known)}, without modifiers."
    return refusal(NotReadable, "not-supported", said, _RULE, repair=repair)


def _allowed(subscription: Subscription, wanted: Mapping[str, tuple[str, ...]]) -> bool:
    """True when every parameter has one of its values in the subscription (R4 search: repeats are AND, commas OR)."""
    return all(
        any(_SEARCHED[name](subscription, each) for each in _alternatives(value))
        for name, values in wanted.items()
        for value in values
    )


def _alternatives(value: str) -> list[str]:
    return [re.sub(r"\\([,$|\\])", r"\1", each) for each in _COMMA.split(value)]


def _has_status(subscription: Subscription, value: str) -> bool:
    return subscription.state is _states().get(value.rpartition("|")[2])


def _states() -> dict[str, State]:
    return {state.value: state for state in State}


_SEARCHED: Mapping[str, Callable[[Subscription, str], bool]] = {
    "_id": lambda subscription, value: subscription.id == value,
    "status": _has_status,
    "url": lambda subscription, value: subscription.endpoint == value,
}

READ = Operation(
    name="read",
    kind="read",
    resource="Subscription",
    definition="",
    handler=read_own,
    summary="Read your subscription; the values of its headers are not told.",
    profiles=PROFILES,
)

SEARCH = Operation(
    name="search",
    kind="search",
    resource="Subscription",
    definition="",
    handler=search_own,
    summary="List your subscriptions.",
    profiles=PROFILES,
    searched=(
        SearchParameter("_id", "token", "id of the subscription"),
        SearchParameter("status", "token", "requested, active, error or off"),
        SearchParameter("url", "uri", "where notifications go, exactly"),
    ),
)

OPERATIONS = (READ, SEARCH)
