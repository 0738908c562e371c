"""Unique keys: a number is issued once, and the same bytes from the same organization are filed once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from pymongo.collection import Collection
from pymongo.errors import AutoReconnect, BulkWriteError

from server.payer import NumberTaken
from server.stores.connection import insert, once_more
from server.stores.documents import Row, Write
from server.stores.filters import key, key_marked, keys_marked, lit

PATIENCE = timedelta(seconds=8)
"""How long the second of two equal messages waits for the first to be filed before it takes the first for dead."""

LONG_DEAD = timedelta(minutes=1)
"""A filing begun so long ago by the clock is taken for dead at once; more than clocks of two servers differ."""

_POLL = 0.02


def number_keys(write: Write, numbers: Sequence[str]) -> list[Row]:
    """The keys of some authorization numbers, each once."""
    common = {**write.marks, "kind": "number", "owner": write.owner, "at": write.at}
    return [{"_id": number_key_id(write.tenant, number), **common} for number in dict.fromkeys(numbers)]


def number_key_id(tenant: str, number: str) -> str:
    """`_id` of the key of an authorization number."""
    return f"{tenant}|number|{lit(number)}"


def resend_key_id(tenant: str, organization: str, request: bytes) -> str:
    """`_id` of the key of these very bytes from this organization."""
    return f"{tenant}|resend|{resend_value(organization, request)}"


def resend_value(organization: str, request: bytes) -> str:
    """What stands for these very bytes from this organization."""
    return sha256(lit(organization).encode() + bytes(1) + request).hexdigest()


def announcing_key(write: Write, kind: str, value: str, raws: Sequence[Row], numbers: Sequence[Row]) -> Row:
    """A key that says what is about to be written: what a crash leaves behind is found by it."""
    raw_ids, number_ids = [each["_id"] for each in raws], [each["_id"] for each in numbers]
    return {
        "_id": f"{write.tenant}|{kind}|{value}",
        **write.marks,
        "kind": kind,
        "owner": write.owner,
        "at": write.at,
        "announces": [{"owner": write.owner, "mark": write.mark, "raw": raw_ids, "numbers": number_ids}],
    }


def issue_numbers(collection: Collection[Row], numbers: Sequence[Row]) -> None:
    """Reserve numbers for their owner. Its own ones it may reserve again.

    Raises:
        NumberTaken: one of them is another's.
    """
    if not numbers:
        return
    try:
        once_more(lambda: collection.insert_many(numbers, ordered=False))
    except BulkWriteError:
        for each in numbers:
            holder = insert(collection, each)
            if holder is not None and holder["owner"] != each["owner"]:
                raise NumberTaken("an authorization number was issued before") from None


def give_back_numbers(collection: Collection[Row], ids: Sequence[str], mark: str) -> int:
    """Free the numbers that this write reserved; says how many there were."""
    return collection.delete_many(keys_marked(ids, mark)).deleted_count if ids else 0


@dataclass(frozen=True, slots=True)
class ResendKeys:
    """The keys by which a message that was sent before is known again.

    window      how long the same bytes are a resend
    document    owner -> the authorization document on record, or None
    patience    see `PATIENCE`
    """

    collection: Collection[Row]
    window: timedelta
    document: Callable[[str], Row | None]
    patience: timedelta = PATIENCE

    def first(self, _id: str, now: datetime) -> Row | None:
        """The authorization document of the first message, when this is a resend of it."""
        held = self.collection.find_one(key(_id))
        return self._committed(held) if held is not None and self._holds(held, now) else None

    def claim(self, claim: Row) -> Row | None:
        """Take the key for a new authorization; gives back the document on record when the message is a resend.

        While the same message is being filed elsewhere its commit is awaited. The key of a filing that died and of one
        outside the window is taken over, from exactly the state it was seen in.

        Raises:
            AutoReconnect: others took the key in turns for longer than anybody should wait.
        """
        seen, since, started = "", time.monotonic(), time.monotonic()
        while time.monotonic() - started < 2 * self.patience.total_seconds():
            held = insert(self.collection, claim)
            if held is None:
                return None
            if held["mark"] != seen:
                seen, since = held["mark"], time.monotonic()
            document = self._committed(held)
            if document is not None and self._holds(held, claim["at"]):
                return document
            if document is None and not self._is_dead(held, claim, time.monotonic() - since):
                time.sleep(_POLL)
            elif self._take_over(held, claim, committed=document is not None):
                return None
        raise AutoReconnect("the same message is being filed by others all the time")

    def still_held(self, claim: Row) -> bool:
        """True when nobody took the key from this claim."""
        held = self.collection.find_one(key(claim["_id"]))
        return held is not None and held["mark"] == claim["mark"]

    def release(self, claim: Row) -> None:
        """Give the key up: nothing was filed under it."""
        self.collection.delete_one(key_marked(claim["_id"], claim["mark"]))

    def _committed(self, held: Row) -> Row | None:
        """The document on record that names the bytes the key announced; None while its message is not committed.

        The version would not tell: somebody else's change may have made the one that a killed update was to make.
        """
        document = self.document(held["owner"])
        named = set() if document is None else set(document["requests"])
        return document if any(named.intersection(each["raw"]) for each in held["announces"]) else None

    def _holds(self, held: Row, now: datetime) -> bool:
        return bool(now - held["at"] <= self.window)

    def _is_dead(self, held: Row, claim: Row, waited: float) -> bool:
        """True for a filing that will not be committed any more, or is our own first one, interrupted."""
        return (
            (held["owner"] == claim["owner"] and self.document(held["owner"]) is None)
            or waited >= self.patience.total_seconds()
            or claim["at"] - held["at"] >= LONG_DEAD
        )

    def _take_over(self, held: Row, claim: Row, *, committed: bool) -> bool:
        """Make the key ours. What a dead filing announced stays announced, until it is swept."""
        left = [each for each in held["announces"] if not (committed and each["mark"] == held["mark"])]
        ours = {name: claim[name] for name in ("owner", "mark", "at")}
        update = {"$set": {**ours, "announces": [*left, *claim["announces"]]}}
        taken = once_more(lambda: self.collection.update_one(key_marked(held["_id"], held["mark"]), update))
        return bool(taken.modified_count)  # when only the answer was lost, the next insert finds our own mark
