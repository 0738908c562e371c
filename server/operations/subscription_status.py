"""Subscription/$status: how the caller's subscriptions stand (Subscriptions R5 backport 1.1.0)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any
from uuid import uuid4

from mappers.fhir import objects, text_in
from mappers.pas.notification import Standing, write_status
from server.authorization.subscription import TOPIC, Subscription
from server.errors import NotReadable, refusal
from server.operations.catalogue import Operation
from server.operations.subscription_read import PASSED_OVER, own_subscription, searchset, unknown_parameters
from server.payer import Call, Payer

DEFINITION = "http://hl7.org/fhir/uv/subscriptions-backport/OperationDefinition/backport-subscription-status"

Given = dict[str, list[str]]


def status_of_one(call: Call, payer: Payer) -> dict[str, Any]:
    """How the caller's subscription stands, also while it is in error (Bundle searchset of one status).

    Raises:
        NotFound: the caller has no such subscription.
    """
    found = own_subscription(call, payer)
    return searchset(f"{call.base}/Subscription/{found.id}/$status", [_entry(found, call.base)])


def status_of_all(call: Call, payer: Payer) -> dict[str, Any]:
    """How those of the caller's subscriptions stand that have one of the ids and one of the statuses asked for.

    Raises:
        NotReadable: a parameter that is not known.
    """
    given = parameters_of(call, {"id": ("valueId", "valueString", "valueCode"), "status": ("valueCode", "valueString")})
    ids, states = given["id"], given["status"]
    found = [
        each
        for each in payer.subscriptions.of(call.caller)
        if (not ids or each.id in ids) and (not states or each.state.value in states)
    ]
    return searchset(f"{call.base}/Subscription/$status", [_entry(each, call.base) for each in found])


def standing(subscription: Subscription, base: str) -> Standing:
    """What is told of a subscription in its status."""
    url = f"{base}/Subscription/{subscription.id}"
    return Standing(url, TOPIC, subscription.state.value, subscription.events, subscription.error)


def parameters_of(call: Call, types: Mapping[str, tuple[str, ...]]) -> Given:
    """The values of an operation's parameters, from the query or from Parameters; repeated and comma-joined ones too.

    types  name -> the elements of a Parameters.parameter that may hold it

    Raises:
        NotReadable: a parameter that is not known, or one without a value.
    """
    if call.method == "GET":
        pairs = [(name, value) for name, values in call.parameters.items() for value in values]
        pairs = [(name, value) for name, value in pairs if name not in PASSED_OVER]
    else:
        pairs = _sent(call.resource, types)
    unknown = sorted({name for name, _ in pairs} - types.keys())
    if unknown:
        raise unknown_parameters(unknown, list(types))
    given: Given = {name: [] for name in types}
    for name, value in pairs:
        given[name] += value.split(",")
    return given


def _sent(resource: dict[str, Any], types: Mapping[str, tuple[str, ...]]) -> list[tuple[str, str]]:
    if resource.get("resourceType") != "Parameters":
        said = "The body of an operation is Parameters."
        raise refusal(NotReadable, "structure", said, "R4 operations", repair='{"resourceType": "Parameters"}')
    pairs = []
    for place, each in enumerate(objects(resource, "parameter")):
        name = text_in(each, "name")
        value = next(filter(None, (text_in(each, element) for element in types.get(name, ()))), "")
        if name in types and not value:
            said, repair = f"{name} has no value of its type.", f"Write {' or '.join(types[name])}."
            expression = f"Parameters.parameter[{place}]"
            raise refusal(NotReadable, "value", said, "R4 operations", repair=repair, expression=expression)
        pairs.append((name, value))
    return pairs


def _entry(subscription: Subscription, base: str) -> dict[str, Any]:
    status = write_status("query-status", standing(subscription, base), f"query {uuid4()}")
    return {"fullUrl": f"urn:uuid:{status['id']}", "resource": status, "search": {"mode": "match"}}


_operation = partial(
    Operation, name="$status", kind="operation", resource="Subscription", definition=DEFINITION, methods=("GET", "POST")
)

OPERATIONS = (
    _operation(instance=True, handler=status_of_one, summary="How one of your subscriptions stands."),
    _operation(handler=status_of_all, summary="How your subscriptions stand; by id and status, each repeatable."),
)
