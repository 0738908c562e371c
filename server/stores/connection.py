"""The way to the database, and what it means when it does not answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from pymongo import MongoClient
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    AutoReconnect,
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    ExecutionTimeout,
    ServerSelectionTimeoutError,
    WriteError,
    WTimeoutError,
)
from pymongo.monitoring import CommandListener
from pymongo.read_concern import ReadConcern
from pymongo.write_concern import WriteConcern

from server.errors import Unavailable, refusal
from server.stores.filters import key

Result = TypeVar("Result")

DUPLICATE = 11000
"""MongoDB's error code for an `_id` that is taken."""

SELECTION_MS = 3_000  # a store that is down is said to be down in 3 s: an answer is due in 15 (PAS spec-7)
SOCKET_MS = 12_000  # a store that hangs; 20 MB take it under a second


def connect(uri: str, database: str, *, listeners: Sequence[CommandListener] = ()) -> Database[dict[str, Any]]:
    """The database behind a MongoDB URI. Opens no connection yet; call it after a fork, once per process.

    What is acknowledged is on the disks of a majority, and only such data is read; a URI that names a write or read
    concern of its own is obeyed. The embedded store takes both words and syncs every commit anyway. `listeners` hear of
    every command that is sent.
    """
    client: MongoClient[dict[str, Any]] = MongoClient(
        uri,
        appname="placet",
        tz_aware=True,
        uuidRepresentation="standard",
        serverSelectionTimeoutMS=SELECTION_MS,
        connectTimeoutMS=SELECTION_MS,
        socketTimeoutMS=SOCKET_MS,
        event_listeners=listeners,
    )
    return client.get_database(
        database,
        write_concern=client.write_concern if client.write_concern.document else WriteConcern("majority", j=True),
        read_concern=client.read_concern if client.read_concern.level else ReadConcern("majority"),
    )


class WriteRefused(Exception):
    """The store answers, and will not write; says the store's error codes, never the documents it was about."""

    def __init__(self, codes: Sequence[int]) -> None:
        super().__init__(f"the store refuses to write: {', '.join(map(str, codes))}")
        self.codes = tuple(codes)


@contextmanager
def store_answers() -> Iterator[None]:
    """Turns every failure to reach the store into the refusal `Unavailable`.

    The driver's words about a refused write quote whole documents: they end here.

    Raises:
        Unavailable: the store does not answer, or not in time.
        WriteRefused: it answers, and will not write.
    """
    try:
        yield
    except (ConnectionFailure, ExecutionTimeout, WTimeoutError) as failure:
        raise refusal(
            Unavailable,
            "transient",
            "The store of authorizations does not answer.",
            "HTTP 503",
            repair="Send the same message, byte for byte, again in a few seconds: it is filed only once.",
        ) from failure
    except (WriteError, BulkWriteError) as failure:
        raise WriteRefused(_codes(failure)) from None


def _codes(failure: WriteError | BulkWriteError) -> list[int]:
    """The error code of everything that was refused, each once."""
    refused = failure.details["writeErrors"] if isinstance(failure, BulkWriteError) else []
    return sorted({each["code"] for each in refused}) or [failure.code or 0]


def once_more(operation: Callable[[], Result]) -> Result:
    """The operation's result; when the connection is lost on the way, it is done a second time.

    So it has to be one that does no harm twice: an insert under our own `_id`, an update from a known state.
    """
    try:
        return operation()
    except ServerSelectionTimeoutError:
        raise
    except AutoReconnect:
        return operation()


def insert(collection: Collection[dict[str, Any]], document: dict[str, Any]) -> dict[str, Any] | None:
    """Insert a document that carries the mark of its write; gives back the one that has its `_id` already, else None.

    A document with our own mark is ours: it was written before the connection was lost.
    """
    for _ in range(3):
        with suppress(DuplicateKeyError):
            once_more(lambda: collection.insert_one(document))
            return None
        holder = collection.find_one(key(document["_id"]))
        if holder is not None:
            return None if holder["mark"] == document["mark"] else holder
    raise AutoReconnect("a document came and went three times")


def inserted(collection: Collection[dict[str, Any]], documents: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Insert documents, each by itself, in one message; gives back those whose `_id` was taken already."""
    if not documents:
        return []
    try:
        once_more(lambda: collection.insert_many(documents, ordered=False))
    except BulkWriteError as error:
        refused = error.details["writeErrors"]
        if any(each["code"] != DUPLICATE for each in refused):
            raise
        return [documents[each["index"]] for each in refused]
    return []
