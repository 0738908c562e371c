"""Batches: a lost connection files each document once, and what the store refuses is told without a document."""

from __future__ import annotations

import logging
import traceback
from typing import Any

import pytest
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import AutoReconnect, BulkWriteError

from server.authorization.record import Authorization
from server.payer import Exchange
from server.stores.authorizations import MongoAuthorizations
from server.stores.connection import WriteRefused, store_answers
from server.web.journal import JsonLines, Readable, note_bug
from tests.builders import NORTH, NOW, an_authorization, an_exchange
from tests.databases import connected
from tests.server.stores.cut_line import CutLine, Moment

Store = Database[dict[str, Any]]
PATIENT = "Quillfeather-1957"


@pytest.fixture
def batch() -> list[tuple[Authorization, Exchange]]:
    return [(an_authorization(), an_exchange()) for _ in range(5)]


@pytest.mark.parametrize("moment", ["before it arrives", "before it is answered"])
@pytest.mark.parametrize("command", [1, 2, 3, 4, 5], ids=["announcement", "bytes", "numbers", "documents", "end"])
def test_a_batch_survives_a_lost_connection(
    line: CutLine,
    authorizations: MongoAuthorizations,
    database: Store,
    batch: list[tuple[Authorization, Exchange]],
    command: int,
    moment: Moment,
) -> None:
    line.cut(command, moment)
    with connected(line.uri, database.name) as same:
        MongoAuthorizations(same).file_batch(NORTH, batch, NOW)
    assert line.was_cut
    assert [authorizations.exchange(NORTH, each.id) for each, _ in batch] == [exchange for _, exchange in batch]
    assert authorizations.counts().authorizations == len(batch)
    assert {each["kind"] for each in database["unique_key"].find({})} == {"number"}


def test_what_of_a_batch_was_written_before_is_written_once(
    authorizations: MongoAuthorizations,
    database: Store,
    batch: list[tuple[Authorization, Exchange]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A store that stops in the middle has written some of the documents; the repetition writes the others."""
    _some_are_written_before(monkeypatch, 3)
    authorizations.file_batch(NORTH, batch, NOW)
    assert database["authorization"].count_documents({}) == len(batch)
    assert [authorizations.get(NORTH, each.id) for each, _ in batch] == [each for each, _ in batch]


def test_a_document_that_another_wrote_is_refused(
    authorizations: MongoAuthorizations, batch: list[tuple[Authorization, Exchange]]
) -> None:
    theirs, exchange = batch[2]
    authorizations.file(NORTH, theirs, exchange, NOW)
    with pytest.raises(WriteRefused, match="11000"):
        authorizations.file_batch(NORTH, batch, NOW)
    assert authorizations.exchange(NORTH, theirs.id) == exchange


def _ways_to_be_refused(database: Store) -> dict[str, Any]:
    row = {"_id": f"key of {PATIENT}", "name": PATIENT}
    records = database["authorization"]
    return {
        "one": lambda: records.insert_one(row),
        "many": lambda: records.insert_many([row, row], ordered=False),
        "update": lambda: records.update_one({"_id": row["_id"]}, {"$inc": {"name": 1}}),
    }


@pytest.mark.parametrize("how", ["one", "many", "update"])
def test_what_the_store_refuses_is_told_without_a_document(database: Store, how: str) -> None:
    database["authorization"].insert_one({"_id": f"key of {PATIENT}", "name": PATIENT})
    with pytest.raises(WriteRefused) as refused, store_answers():
        _ways_to_be_refused(database)[how]()
    told = "".join(traceback.format_exception(refused.value))
    assert "WriteRefused" in told
    assert PATIENT not in told
    assert refused.value.codes


@pytest.mark.parametrize("formatter", [JsonLines(), Readable()], ids=["json", "readable"])
def test_an_exception_that_quotes_documents_leaves_none_in_the_journal(
    database: Store, caplog: pytest.LogCaptureFixture, formatter: logging.Formatter
) -> None:
    """Also where nobody made it harmless, and where a library logs the exception in place of words."""
    row = {"_id": f"key of {PATIENT}", "name": PATIENT}
    with pytest.raises(BulkWriteError, match=PATIENT) as refused:
        database["authorization"].insert_many([row, row], ordered=False)
    logging.getLogger("library").error(refused.value)
    logging.getLogger("library").error("%s", "words", exc_info=refused.value)
    note_bug(refused.value, "r-1")
    lines = [formatter.format(record) for record in caplog.records]
    assert len([each for each in lines if "BulkWriteError" in each]) == 3
    assert not [each for each in lines if PATIENT in each]


def _some_are_written_before(monkeypatch: pytest.MonkeyPatch, some: int) -> None:
    insert_many, stopped = Collection.insert_many, []

    def stopping(self: Any, documents: Any, **options: Any) -> Any:
        if self.name != "authorization" or stopped:
            return insert_many(self, documents, **options)
        stopped.append(insert_many(self, documents[:some], **options))
        raise AutoReconnect("operation cancelled")

    monkeypatch.setattr(Collection, "insert_many", stopping)
