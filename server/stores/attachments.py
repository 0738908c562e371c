"""The attachments on record (`server.attachments.Attachments`): a row for each, their bytes in parts beside.

Written in this order: the key that announces the bytes, the bytes, the row. The row is the commit point. Of one
organization the same bytes are kept once, by their SHA-256; the key is also what whoever takes bytes away holds
meanwhile, so that nobody relies on bytes that are about to go.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import msgspec
from pymongo.database import Database
from pymongo.errors import AutoReconnect

from server.attachments import HELD_FOR, Blocks
from server.authorization.attachment import Attachment, State, Way
from server.stores.connection import insert, once_more, store_answers
from server.stores.documents import Row, Write
from server.stores.domain import record_id, unpacked
from server.stores.filters import by_id, by_ids, kept_before, key, key_marked, keys_before, lit, marked, with_any
from server.stores.raw import FAST, Damaged

PART = 4 * 1024 * 1024
"""Bytes in one document."""

MOST_PARTS = 16
"""Of one attachment: no message is larger than 64 MiB."""

KIND = "attachment"
"""Of the keys that announce bytes."""

_SWEEPER = "sweep"
_POLL, _PATIENCE = 0.02, 8.0
_decoder = msgspec.json.Decoder(Attachment)


class MongoAttachments:
    """Implements `server.attachments.Attachments` for one tenant of a database."""

    def __init__(self, database: Database[Row], *, tenant: str = "payer") -> None:
        self._tenant = tenant
        self._rows = database["attachment"]
        self._parts = database["attachment_part"]
        self._keys = database["unique_key"]
        self._records = database["authorization"]

    @store_answers()
    def keep(self, attachment: Attachment, blocks: Blocks) -> Attachment:
        """Put an attachment and its bytes on record, durably; gives back the one that has its id already.

        Raises:
            Unavailable: the store does not answer.
        """
        there = self._rows.find_one(by_id(self._tenant, self._id(attachment.id)))
        if there is not None:
            return _read(there)
        write = Write(self._tenant, self._bytes_of(attachment), attachment.received)
        self._hold(write, write.owner)
        self._write_missing(attachment, write, blocks)
        holder = insert(self._rows, self._row(attachment, write.mark))
        self._write_missing(attachment, write, blocks)  # whoever took the bytes away before the row was there
        self._let_go(write)
        return attachment if holder is None else _read(holder)

    @store_answers()
    def judge(self, attachment_id: str, state: State) -> Attachment:
        """The attachment, in this state from now on."""
        return self._change(attachment_id, lambda before: replace(before, state=state))

    @store_answers()
    def complete(self, attachment_ids: Sequence[str]) -> None:
        """Nothing more is coming under the tracking numbers of these: all that came under them is final."""
        for attachment_id in attachment_ids:
            last = self._change(attachment_id, lambda before: replace(before, final=True))
            value = last.meant.tracking.value if last.meant else ""
            for each in self._found([tracking_token(self._tenant, last.organization, value)]):
                if not each.final:
                    self._change(each.id, lambda before: replace(before, final=True))

    @store_answers()
    def held(self, organization: str, trackings: Sequence[str], since: datetime) -> list[Attachment]:
        """What the organization sent since a moment under one of these tracking numbers and belongs to no request."""
        tokens = [tracking_token(self._tenant, organization, each) for each in trackings]
        return [each for each in self._found(tokens) if not each.settled and each.received >= since]

    @store_answers()
    def of(self, authorization_id: str) -> list[Attachment]:
        """The attachments that belong to an authorization, or are meant to, oldest first."""
        return self._found([owner_token(self._tenant, authorization_id)])

    @store_answers()
    def mean(self, attachment_ids: Sequence[str], authorization_id: str) -> None:
        """Note the authorization that attachments are about to belong to."""
        for each in attachment_ids:
            self._change(
                each, lambda before: before if before.settled else replace(before, authorization=authorization_id)
            )

    @store_answers()
    def settle(self, attachment_ids: Sequence[str], authorization_id: str) -> None:
        """They belong to the authorization, on whose record they are."""
        for each in attachment_ids:
            self._change(each, lambda before: replace(before, authorization=authorization_id, settled=True))

    @store_answers()
    def content(self, attachment: Attachment) -> bytes:
        """The bytes, as they were sent.

        Raises:
            Damaged: a part is missing, or the bytes have another hash.
        """
        parts = (self._parts.find_one(by_id(self._tenant, each)) for each in self._part_ids(attachment))
        whole = b"".join(_data(part, attachment) for part in parts)
        if sha256(whole).hexdigest() != attachment.sha256:
            raise Damaged(attachment.id)
        return whole

    @store_answers()
    def sweep(self, now: datetime, older_than: datetime, *, limit: int = 1_000) -> int:
        """Settle what a crash left in doubt before `older_than`, take away what was held too long, and lost bytes.

        At most `limit` rows and keys are looked at; says how many rows and bytes of attachments went.
        """
        gone = 0
        for number, row in enumerate(self._rows.find(kept_before(self._queue(settled=False), older_than))):
            if number == limit:
                break
            gone += self._tidied(_read(row), row, now)
        for number, held in enumerate(self._keys.find(keys_before(self._tenant, KIND, older_than))):
            if number == limit:
                break
            gone += self._forget(held["_id"].rpartition("|")[2], held)
        return gone

    def _tidied(self, attachment: Attachment, row: Row, now: datetime) -> int:
        """One held attachment: settled when its authorization has it, else let go of or, held too long, forgotten."""
        if attachment.authorization and self._is_on_record(attachment):
            self.settle([attachment.id], attachment.authorization)
            return 0
        if attachment.way is Way.APART and now - attachment.received < HELD_FOR:
            return 0
        gone = self._rows.delete_one(marked(self._tenant, row["_id"], row["mark"])).deleted_count
        return gone + (self._forget(self._bytes_of(attachment)) if gone else 0)

    def _is_on_record(self, attachment: Attachment) -> bool:
        found = self._records.find_one(by_id(self._tenant, record_id(self._tenant, attachment.authorization)))
        if found is None:
            return False
        known = {each.attachment for each in unpacked(found).received}
        return attachment.way is Way.WITH_REQUEST or attachment.id in known

    def _forget(self, name: str, seen: Row | None = None) -> int:
        """Take bytes away that no attachment has; who is about to write them waits meanwhile. Says if they went.

        seen  the key of a writer that died; without it a writer that is at work keeps the bytes.
        """
        ours = self._key(Write(self._tenant, _SWEEPER, datetime.now(UTC)), name)
        if seen is None and insert(self._keys, ours) is not None:
            return 0
        if seen is not None and not self._take_over(seen, ours):
            return 0
        gone = False
        if not self._found([bytes_token(self._tenant, name)]):
            ids = [f"{self._tenant}:{name}:{number}" for number in range(MOST_PARTS)]
            gone = bool(self._parts.delete_many(by_ids(self._tenant, ids)).deleted_count)
        self._keys.delete_one(key_marked(ours["_id"], ours["mark"]))
        return int(gone)

    def _hold(self, write: Write, name: str) -> None:
        """Take the key of the bytes; a writer shares it, whoever takes them away is waited for."""
        wanted, until = self._key(write, name), time.monotonic() + _PATIENCE
        while True:
            holder = insert(self._keys, wanted)
            if holder is None:
                return
            if (holder["owner"] != _SWEEPER or time.monotonic() > until) and self._take_over(holder, wanted):
                return
            if time.monotonic() > 2 * _PATIENCE + until:
                raise AutoReconnect("others hold the bytes all the time")
            time.sleep(_POLL)

    def _take_over(self, holder: Row, wanted: Row) -> bool:
        ours = {name: wanted[name] for name in ("owner", "mark", "at")}
        taken = once_more(lambda: self._keys.update_one(key_marked(holder["_id"], holder["mark"]), {"$set": ours}))
        if taken.modified_count:
            return True
        now = self._keys.find_one(key(wanted["_id"]))
        return now is not None and now["mark"] == wanted["mark"]

    def _let_go(self, write: Write) -> None:
        self._keys.delete_one(key_marked(self._key(write, write.owner)["_id"], write.mark))

    def _key(self, write: Write, name: str) -> Row:
        return {
            "_id": f"{self._tenant}|{KIND}|{name}",
            **write.marks,
            "kind": KIND,
            "owner": write.owner,
            "at": write.at,
            "announces": [],
        }

    def _write_missing(self, attachment: Attachment, write: Write, blocks: Blocks) -> None:
        ids = self._part_ids(attachment)
        there = {row["_id"] for row in self._parts.find(by_ids(self._tenant, ids), {"_id": 1})}
        if len(there) == len(ids):
            return
        for number, piece in enumerate(_pieces(blocks())):
            if ids[number] not in there:
                insert(self._parts, {"_id": ids[number], **write.marks, "part": number, "data": piece})

    def _part_ids(self, attachment: Attachment) -> list[str]:
        parts = max(1, -(-attachment.size // PART))
        return [f"{self._tenant}:{self._bytes_of(attachment)}:{number}" for number in range(parts)]

    def _bytes_of(self, attachment: Attachment) -> str:
        """What the bytes are kept under: whose they are, and their SHA-256."""
        whose = sha256(lit(attachment.organization).encode()).hexdigest()[:16]
        return f"{whose}.{attachment.sha256}"

    def _change(self, attachment_id: str, change: Callable[[Attachment], Attachment]) -> Attachment:
        """Change a row as it is; whoever was faster is not overwritten."""
        while True:
            row = self._rows.find_one(by_id(self._tenant, self._id(attachment_id)))
            if row is None:
                raise LookupError("there is no such attachment")
            before = _read(row)
            changed = change(before)
            if changed == before:
                return before
            write = Write(self._tenant, row["_id"], changed.received)
            fields = {name: value for name, value in self._row(changed, write.mark).items() if name != "_id"}
            wanted = marked(self._tenant, row["_id"], row["mark"])
            if once_more(lambda: self._rows.update_one(wanted, {"$set": fields})).modified_count:  # noqa: B023
                return changed

    def _found(self, tokens: Sequence[str]) -> list[Attachment]:
        found = [_read(row) for row in self._rows.find(with_any(tokens))] if tokens else []
        return sorted(found, key=lambda each: each.received)

    def _row(self, attachment: Attachment, mark: str) -> Row:
        search = [bytes_token(self._tenant, self._bytes_of(attachment))]
        if attachment.meant is not None:
            search.append(tracking_token(self._tenant, attachment.organization, attachment.meant.tracking.value))
        if attachment.authorization:
            search.append(owner_token(self._tenant, attachment.authorization))
        return {
            "_id": self._id(attachment.id),
            "tenant": self._tenant,
            "mark": mark,
            "organization": lit(attachment.organization),
            "queue": self._queue(settled=attachment.settled),
            "at": attachment.received,
            "search": search,
            "record": zlib.compress(msgspec.json.encode(attachment), FAST),
        }

    def _id(self, attachment_id: str) -> str:
        return f"{self._tenant}:{lit(attachment_id)}"

    def _queue(self, *, settled: bool) -> str:
        return f"{self._tenant}|{'settled' if settled else 'held'}"


def tracking_token(tenant: str, organization: str, value: str) -> str:
    """The word by which what an organization sent is found by its tracking number."""
    return f"{lit(tenant)}|tracking|{lit(organization)}|{lit(value)}"


def owner_token(tenant: str, authorization_id: str) -> str:
    """The word by which the attachments of an authorization are found."""
    return f"{lit(tenant)}|of|{lit(authorization_id)}"


def bytes_token(tenant: str, name: str) -> str:
    """The word by which the attachments with the same bytes are found."""
    return f"{lit(tenant)}|bytes|{lit(name)}"


def _read(row: Row) -> Attachment:
    return _decoder.decode(zlib.decompress(row["record"]))


def _data(part: Row | None, attachment: Attachment) -> bytes:
    if part is None:
        raise Damaged(attachment.id)
    data: bytes = part["data"]
    return data


def _pieces(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in pieces of `PART`, the last one shorter."""
    kept = b""
    for block in blocks:
        kept = kept + block if kept else block
        while len(kept) >= PART:
            yield kept[:PART]
            kept = kept[PART:]
    if kept:
        yield kept
