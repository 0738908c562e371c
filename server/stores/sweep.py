"""Taking away what a crash left behind: bytes and keys whose authorization never came."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice

from pymongo.collection import Collection
from pymongo.database import Database

from server.stores import raw
from server.stores.documents import Row
from server.stores.filters import by_id, key_marked, keys_before
from server.stores.keys import give_back_numbers

ANNOUNCING = ("resend", "change")


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep took away; `more` when it stopped at its limit."""

    raws: int
    numbers: int
    keys: int
    more: bool


def sweep(database: Database[Row], tenant: str, older_than: datetime, resend_before: datetime, limit: int) -> Swept:
    """Look at the keys made before `older_than`, at most `limit`, and take away what they announced and nobody has.

    The key of a message on record goes too once it is outside the resend window (made before `resend_before`): what
    is left to look at stays small. Every delete names the write it saw: a key taken anew in between is not touched.
    """
    records, raws, keys = database["authorization"], database["fhir_raw"], database["unique_key"]
    gone = {"raws": 0, "numbers": 0, "keys": 0}
    looked_at = 0
    for held in islice(_announcing(keys, tenant, older_than), limit):
        looked_at += 1
        owners = {held["owner"], *(each["owner"] for each in held["announces"])}
        on_record = {owner: records.find_one(by_id(tenant, owner)) for owner in owners}
        for announced in held["announces"]:
            document = on_record[announced["owner"]]
            gone["raws"] += raw.remove(raws, tenant, _not_named(announced["raw"], document))
            if document is None:
                gone["numbers"] += give_back_numbers(keys, announced["numbers"], announced["mark"])
        if held["kind"] == "change" or on_record[held["owner"]] is None or held["at"] < resend_before:
            gone["keys"] += keys.delete_one(key_marked(held["_id"], held["mark"])).deleted_count
    return Swept(**gone, more=looked_at == limit)


def _announcing(keys: Collection[Row], tenant: str, older_than: datetime) -> Iterator[Row]:
    for kind in ANNOUNCING:
        yield from keys.find(keys_before(tenant, kind, older_than))


def _not_named(ids: Sequence[str], document: Row | None) -> list[str]:
    """The bytes that no authorization document names; parts go with their whole."""
    named = set() if document is None else {*document["requests"], *document["answers"]}
    return [each for each in ids if not named & {each, each.rpartition(":")[0]}]
