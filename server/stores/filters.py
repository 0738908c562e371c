"""Every filter that is sent to the database, and nothing else: the access rules are kept here.

The embedded store picks an index by the first field it has one for, so `_id` or an index's first field comes first, a
filter is a leading part of one index (or `_id` and little else), and nothing is sorted, skipped, hinted, joined by
$or, or found and modified at once: each of these reads the whole collection there. MongoDB is as happy with it.

Values are plain literals, type-checked: an object where a word belongs (``{"$ne": ""}``) never becomes an operator.
(An explicit `$eq` would say the same, but makes the embedded store scan: 1,086 ms against 0.8 ms at 20,000 documents.)
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

Filter = dict[str, Any]


def lit(value: str) -> str:
    """The value, when it is a plain word.

    Raises:
        TypeError: it is anything else.
    """
    if type(value) is not str:
        raise TypeError(f"a word is wanted in a query, not {type(value).__name__}")
    return value


def whole(number: int) -> int:
    """The value, when it is a whole number.

    Raises:
        TypeError: it is anything else.
    """
    if type(number) is not int:
        raise TypeError(f"a whole number is wanted in a query, not {type(number).__name__}")
    return number


def by_id(tenant: str, _id: str) -> Filter:
    """One document of `authorization` or `fhir_raw`; the tenant sends it to the right shard."""
    return {"_id": lit(_id), "tenant": lit(tenant)}


def by_ids(tenant: str, ids: Iterable[str]) -> Filter:
    """Some documents of `authorization` or `fhir_raw`."""
    return {"_id": {"$in": [lit(each) for each in ids]}, "tenant": lit(tenant)}


def at_version(tenant: str, _id: str, version: int) -> Filter:
    """An authorization, while it has this version."""
    return {"_id": lit(_id), "tenant": lit(tenant), "version": whole(version)}


def at_count(tenant: str, _id: str, events: int) -> Filter:
    """A subscription, while it has had this many events."""
    return {"_id": lit(_id), "tenant": lit(tenant), "events": whole(events)}


def of_owner(owner: str) -> Filter:
    """The subscriptions of an organization."""
    return {"owner": lit(owner)}


def marked(tenant: str, _id: str, mark: str) -> Filter:
    """An authorization, while this write was the last."""
    return {"_id": lit(_id), "tenant": lit(tenant), "mark": lit(mark)}


def of_tenant(tenant: str) -> Filter:
    """All authorizations of a tenant; only for what its index can answer."""
    return {"tenant": lit(tenant)}


def found_by(token: str, since: str) -> Filter:
    """The authorizations with a search token, filed on the day `since` (YYYY-MM-DD) or later."""
    return {"search": lit(token), "day": {"$gte": lit(since)}}


def queued(queue: str, before: datetime) -> Filter:
    """The authorizations of a worklist that are due before a moment."""
    return {"queue": lit(queue), "due": {"$lt": before}}


def proposed(word: str) -> Filter:
    """The authorizations to which something was proposed."""
    return {"proposed": lit(word)}


def relayed(word: str) -> Filter:
    """The authorizations with notices that nobody was told yet."""
    return {"relay": lit(word)}


def numbered(channel: str, number: int) -> Filter:
    """The notices of a subscription with this number: one, or for 0 all that have none yet."""
    return {"channel": lit(channel), "number": whole(number)}


def numbered_from(channel: str, first: int) -> Filter:
    """The notices of a subscription with this number or a higher one."""
    return {"channel": lit(channel), "number": {"$gte": whole(first)}}


def shelved(shelf: str, before: datetime) -> Filter:
    """The notices with an outcome that are older than a moment."""
    return {"shelf": lit(shelf), "at": {"$lt": before}}


def shelved_from(shelf: str, begin: datetime) -> Filter:
    """The notices with an outcome from a moment on."""
    return {"shelf": lit(shelf), "at": {"$gte": begin}}


def key(_id: str) -> Filter:
    """One unique key."""
    return {"_id": lit(_id)}


def key_marked(_id: str, mark: str) -> Filter:
    """A unique key, while this write holds it."""
    return {"_id": lit(_id), "mark": lit(mark)}


def keys_marked(ids: Iterable[str], mark: str) -> Filter:
    """Those of some unique keys that this write holds."""
    return {"_id": {"$in": [lit(each) for each in ids]}, "mark": lit(mark)}


def keys_before(tenant: str, kind: str, before: datetime) -> Filter:
    """The keys of a kind that were made before a moment."""
    return {"tenant": lit(tenant), "kind": lit(kind), "at": {"$lt": before}}


def with_any(tokens: Iterable[str]) -> Filter:
    """The attachments with any of these search tokens."""
    return {"search": {"$in": [lit(each) for each in tokens]}}


def kept_before(queue: str, before: datetime) -> Filter:
    """The attachments of a queue that came before a moment."""
    return {"queue": lit(queue), "at": {"$lt": before}}
