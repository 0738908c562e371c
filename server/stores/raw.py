"""The exact bytes of requests and answers: compressed, cut into parts where they are large, checked when read."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from hashlib import sha256

from pymongo.collection import Collection
from pymongo.errors import BulkWriteError

from server.stores.connection import DUPLICATE, once_more
from server.stores.documents import Row, Write
from server.stores.filters import by_id, by_ids

FAST = 1
"""zlib level: a fifth of the CPU of the default for bytes a fifth larger."""

PART = 12 * 1024 * 1024
"""Bytes in one document at most; MongoDB's limit for a whole document is 16 MiB."""


class Damaged(Exception):
    """The bytes on record are not those that were put there; the message names the document, never its content."""


def documents(write: Write, kind: str, n: int, body: bytes, issues: Sequence[dict[str, str]] = ()) -> list[Row]:
    """The documents of one body: one, or as many as its compressed bytes need."""
    data, whole = zlib.compress(body, FAST), f"{write.owner}:{kind}:{n}:{write.mark}"
    pieces = [data[start : start + PART] for start in range(0, len(data), PART)]
    check = {"length": len(body), "sha256": sha256(body).hexdigest()}
    return [
        {
            "_id": _part_id(whole, part),
            **write.marks,
            **check,
            "kind": kind,
            "n": n,
            "part": part,
            "parts": len(pieces),
            "issues": list(issues) if part == 0 else [],
            "data": piece,
        }
        for part, piece in enumerate(pieces)
    ]


def write(collection: Collection[Row], rows: Sequence[Row]) -> None:
    """Put them there. Their `_id`s carry the mark of their write: one that is there already is the same."""
    if not rows:
        return
    try:
        once_more(lambda: collection.insert_many(rows, ordered=False))
    except BulkWriteError as error:
        if any(each["code"] != DUPLICATE for each in error.details["writeErrors"]):
            raise


def read(collection: Collection[Row], tenant: str, _id: str) -> tuple[bytes, Row]:
    """The body whose first document has this `_id`, byte for byte, and that first document.

    Raises:
        Damaged: a part is missing, or the bytes have another hash.
    """
    first = _part(collection, tenant, _id)
    rest = [_part(collection, tenant, _part_id(_id, part))["data"] for part in range(1, first["parts"])]
    try:
        body = zlib.decompress(b"".join([first["data"], *rest]))
    except zlib.error as error:
        raise Damaged(_id) from error
    if sha256(body).hexdigest() != first["sha256"]:
        raise Damaged(_id)
    return body, first


def remove(collection: Collection[Row], tenant: str, ids: Sequence[str]) -> int:
    """Take documents away that belong to no authorization; says how many there were."""
    return collection.delete_many(by_ids(tenant, ids)).deleted_count if ids else 0


def version_of(_id: str) -> int:
    """The version of the authorization that a body belongs to, by the `_id` of its first document."""
    return int(_id.split(":")[-2])


def _part(collection: Collection[Row], tenant: str, _id: str) -> Row:
    found = collection.find_one(by_id(tenant, _id))
    if found is None:
        raise Damaged(_id)
    return found


def _part_id(whole: str, part: int) -> str:
    return f"{whole}:{part}" if part else whole
