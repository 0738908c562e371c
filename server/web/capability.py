"""The CapabilityStatement: what this server does, from the same catalogue as the routes, and nothing it does not."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from typing import Any

from server.operations.catalogue import Operation, SearchParameter

_TOPIC = (
    "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/capabilitystatement-subscriptiontopic-canonical"
)


def capability_statement(
    operations: Sequence[Operation], *, base: str, payer_name: str, security: str, started: datetime
) -> dict[str, Any]:
    """What `operations` offer at `base` (R4 CapabilityStatement, kind instance); `security` says how callers sign in.

    It instantiates a CapabilityStatement of a guide only where an operation says so: that claims all of it.
    """
    instantiates = list(dict.fromkeys(canonical for each in operations for canonical in each.instantiates))
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": started.isoformat(),
        "publisher": payer_name,
        "kind": "instance",
        **({"instantiates": instantiates} if instantiates else {}),
        "software": {"name": "Placet", "version": version("placet")},
        "implementation": {"description": f"Prior authorization by {payer_name}", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [_rest(operations, security)],
    }


def _rest(operations: Sequence[Operation], security: str) -> dict[str, Any]:
    types = dict.fromkeys(operation.resource for operation in operations if operation.resource)
    rest: dict[str, Any] = {"mode": "server", "security": {"cors": False, "description": security}}
    if types:
        rest["resource"] = [_resource(name, [each for each in operations if each.resource == name]) for name in types]
    system = [_operation(each) for each in operations if not each.resource]
    return rest | ({"operation": system} if system else {})


def _resource(name: str, operations: Sequence[Operation]) -> dict[str, Any]:
    profiles = list(dict.fromkeys(profile for operation in operations for profile in operation.profiles))
    interactions = [_interaction(each) for each in operations if each.kind != "operation"]
    others = [_operation(each) for each in _each_once(operations)]
    searched = [_searched(parameter) for each in operations for parameter in each.searched]
    topics = list(dict.fromkeys(topic for operation in operations for topic in operation.topics))
    return (
        ({"extension": [{"url": _TOPIC, "valueCanonical": each} for each in topics]} if topics else {})
        | {"type": name}
        | ({"supportedProfile": profiles} if profiles else {})
        | ({"interaction": interactions} if interactions else {})
        | ({"searchParam": searched} if searched else {})
        | ({"operation": others} if others else {})
    )


def _each_once(operations: Sequence[Operation]) -> list[Operation]:
    """The operations, one that is on the type and on its resources only once."""
    named = {(each.name, each.definition): each for each in reversed(operations) if each.kind == "operation"}
    return list(reversed(named.values()))


def _interaction(operation: Operation) -> dict[str, Any]:
    code = "search-type" if operation.kind == "search" else operation.kind
    return {"code": code, "documentation": operation.summary}


def _searched(parameter: SearchParameter) -> dict[str, Any]:
    written = {"name": parameter.name, "type": parameter.type}
    return written | ({"documentation": parameter.meaning} if parameter.meaning else {})


def _operation(operation: Operation) -> dict[str, Any]:
    return {
        "name": operation.name.removeprefix("$"),
        "definition": operation.definition,
        "documentation": operation.summary,
    }
