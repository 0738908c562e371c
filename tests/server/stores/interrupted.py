"""Filings that a crash ended: real documents, written in the real order, up to a step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from typing import Any

from pymongo.database import Database

from server.authorization.attachment import Attachment
from server.authorization.record import Authorization
from server.payer import Caller, Exchange
from server.stores import raw
from server.stores.attachments import MongoAttachments
from server.stores.filing import new_change, new_filing, new_update
from server.stores.keys import issue_numbers

FILING_STEPS = ("its key was taken", "its bytes were written", "its numbers were reserved")
CHANGE_STEPS = ("it was announced", "its answer was written", "its numbers were reserved")
UPDATE_STEPS = ("its key was taken", "its bytes were written")


def leave_filing(
    database: Database[dict[str, Any]],
    after: str,
    caller: Caller,
    authorization: Authorization,
    exchange: Exchange,
    at: datetime,
) -> None:
    """What lies in the database when the process is killed after this step of a filing."""
    filing = new_filing("payer", caller.organization, authorization, exchange, at)
    steps = (
        lambda: database["unique_key"].insert_one(filing.claim),
        lambda: raw.write(database["fhir_raw"], filing.raws),
        lambda: issue_numbers(database["unique_key"], filing.numbers),
    )
    for step in steps[: FILING_STEPS.index(after) + 1]:
        step()


def leave_change(database: Database[dict[str, Any]], after: str, changed: Authorization, answer: bytes) -> None:
    """What lies in the database when the process is killed after this step of a change."""
    document = database["authorization"].find_one({"_id": f"payer:{changed.id}"})
    assert document is not None
    change = new_change("payer", changed, answer, document)
    steps = (
        lambda: database["unique_key"].insert_one(change.announcement),
        lambda: raw.write(database["fhir_raw"], change.raws),
        lambda: issue_numbers(database["unique_key"], change.numbers),
    )
    for step in steps[: CHANGE_STEPS.index(after) + 1]:
        step()


def leave_update(
    database: Database[dict[str, Any]], after: str, changed: Authorization, exchange: Exchange, at: datetime
) -> None:
    """What lies in the database when the process is killed after this step of a submitter's update."""
    document = database["authorization"].find_one({"_id": f"payer:{changed.id}"})
    assert document is not None
    update = new_update("payer", changed, exchange, document, at)
    database["unique_key"].insert_one(update.announcement)
    if after == UPDATE_STEPS[1]:
        raw.write(database["fhir_raw"], update.raws)


def leave_bytes(
    database: Database[dict[str, Any]], attachment: Attachment, content: bytes, *, whole: bool = True
) -> None:
    """What lies in the database when the process is killed before an attachment's row, also between its parts."""

    def blocks() -> Iterator[bytes]:
        yield content
        raise Killed

    class Rowless(MongoAttachments):
        def _row(self, attachment: Attachment, mark: str) -> dict[str, Any]:
            raise Killed

    with suppress(Killed):
        Rowless(database).keep(attachment, (lambda: [content]) if whole else blocks)


class Killed(Exception):
    """The end of a process."""
