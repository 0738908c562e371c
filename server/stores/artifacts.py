"""When forms, libraries and value sets were first seen as they are: they have not changed since (changedsince)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from pymongo.database import Database
from pymongo.errors import BulkWriteError

from server.stores.connection import DUPLICATE, once_more, store_answers
from server.stores.documents import Row, Write
from server.stores.filters import by_ids, lit

_TOGETHER = 20
"""`_id`s in one query: the embedded store takes time with the square of their number."""


class FirstSeen:
    """What one tenant's store knows of artifacts, by the digest of each. `_id` is ``TENANT|DIGEST``; put there once.

    now  the payer's clock
    """

    def __init__(self, database: Database[Row], now: Callable[[], datetime], *, tenant: str = "payer") -> None:
        self._tenant, self._now = lit(tenant), now
        self._collection = database["artifact"]
        self._known: dict[str, datetime] = {}

    @store_answers()
    def __call__(self, digests: Sequence[str]) -> Mapping[str, datetime]:
        """When each was first seen; those that never were are seen now.

        Raises:
            Unavailable: the store does not answer.
        """
        unknown = [each for each in dict.fromkeys(digests) if each not in self._known]
        if unknown:
            self._read(unknown)
            self._insert([each for each in unknown if each not in self._known])
            self._read([each for each in unknown if each not in self._known])
        return {each: self._known[each] for each in digests}

    def _read(self, digests: Sequence[str]) -> None:
        ids = [self._id(each) for each in digests]
        for start in range(0, len(ids), _TOGETHER):
            for row in self._collection.find(by_ids(self._tenant, ids[start : start + _TOGETHER])):
                self._known[row["_id"].rpartition("|")[2]] = row["at"]

    def _insert(self, digests: Sequence[str]) -> None:
        """Those that another process saw at the same moment stay as it wrote them."""
        at = self._now()
        rows = [{"_id": self._id(each), **Write(self._tenant, self._id(each), at).marks, "at": at} for each in digests]
        try:
            if rows:
                once_more(lambda: self._collection.insert_many(rows, ordered=False))
        except BulkWriteError as error:
            if any(each["code"] != DUPLICATE for each in error.details["writeErrors"]):
                raise

    def _id(self, digest: str) -> str:
        return f"{self._tenant}|{lit(digest)}"
