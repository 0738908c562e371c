"""Subscription resources for tests: the least that is taken, changed at one place."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]

PROBLEMS: list[Json] = yaml.safe_load((Path(__file__).parent / "subscription_problems.yaml").read_text("utf-8"))
"""What can be wrong with a Subscription."""

BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
TOPIC = "http://hl7.org/fhir/us/davinci-pas/SubscriptionTopic/PASSubscriptionTopic"
NPI = "1999999976"
SECRET = "Bearer s3cret-of-the-hook"

_THE_LEAST: Json = {
    "resourceType": "Subscription",
    "status": "requested",
    "reason": "Hear of changed answers.",
    "criteria": TOPIC,
    "_criteria": {
        "extension": [{"url": BACKPORT + "backport-filter-criteria", "valueString": f"org-identifier={NPI}"}]
    },
    "channel": {
        "type": "rest-hook",
        "endpoint": "https://hooks.example.org/pas",
        "payload": "application/fhir+json",
        "_payload": {
            "extension": [{"url": BACKPORT + "backport-payload-content", "valueCode": "full-resource"}],
        },
        "header": [f"Authorization: {SECRET}"],
    },
}


def a_subscription_resource(**changes: Any) -> Json:
    """The least that is taken, with these elements instead; None takes one away. ``channel_X`` is channel.X."""
    resource = copy.deepcopy(_THE_LEAST)
    for name, value in changes.items():
        channel = name.startswith("channel_")
        node, key = (resource["channel"], name.removeprefix("channel_")) if channel else (resource, name)
        if value is None:
            node.pop(key, None)
        else:
            node[key] = value
    return resource


def filtered(*filters: str, **changes: Any) -> Json:
    """One with these filters."""
    extensions = [{"url": BACKPORT + "backport-filter-criteria", "valueString": each} for each in filters]
    return a_subscription_resource(_criteria={"extension": extensions}, **changes)


def numbered(**numbers: int) -> Json:
    """One with these numbers of the channel: heartbeat_period, timeout, max_count."""
    types = {"max_count": "valuePositiveInt"}
    extensions = [
        {"url": f"{BACKPORT}backport-{name.replace('_', '-')}", types.get(name, "valueUnsignedInt"): number}
        for name, number in numbers.items()
    ]
    return a_subscription_resource(channel_extension=extensions)


def wrong(problem: Json) -> Json:
    """The resource of a problem."""
    headers = problem.get("headers")
    changes = problem.get("set", {}) | ({"channel_header": headers} if headers else {})
    return filtered(*problem["filters"], **changes) if "filters" in problem else a_subscription_resource(**changes)
