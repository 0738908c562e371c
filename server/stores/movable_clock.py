"""A clock that a sandbox can move, for everybody who uses its store; anywhere else it is the real one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from math import ceil

from pymongo.database import Database

from server.stores.connection import insert, once_more, store_answers
from server.stores.documents import Row, Write
from server.stores.filters import key, lit


class NotMovable(Exception):
    """The server on this store was not started with a clock that moves."""


class MovableClock:
    """The real time and what is put to it. It is read from the store whenever it is asked: every process agrees."""

    def __init__(self, database: Database[Row], *, tenant: str = "payer") -> None:
        self._tenant = lit(tenant)
        self._id = f"{self._tenant}|clock"
        self._collection = database["clock"]

    def now(self) -> datetime:
        """The moment it shows, UTC."""
        return datetime.now(UTC) + (self.ahead() or timedelta())

    @store_answers()
    def ahead(self) -> timedelta | None:
        """How far it is ahead of the real time; None where it cannot be moved."""
        found = self._collection.find_one(key(self._id))
        return None if found is None else timedelta(seconds=found["ahead"])

    @store_answers()
    def move_to(self, ahead: timedelta) -> None:
        """Show this much more than the real time.

        Raises:
            NotMovable: it cannot be moved.
        """
        seconds = ceil(ahead.total_seconds())  # never short of the moment that was named
        update = {"$set": {"ahead": seconds}}
        if not once_more(lambda: self._collection.update_one(key(self._id), update)).matched_count:
            raise NotMovable

    @store_answers()
    def let_move(self) -> None:
        """Make it movable; how far it was moved before stays."""
        write = Write(self._tenant, self._id, datetime.now(UTC))
        insert(self._collection, {"_id": write.owner, **write.marks, "ahead": 0})

    @store_answers()
    def hold(self) -> None:
        """Make it the real one for good."""
        self._collection.delete_one(key(self._id))
