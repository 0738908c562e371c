"""Filing many authorizations at once: for loading, where no submitter waits for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pymongo.collection import Collection
from pymongo.database import Database

from server.authorization.record import Authorization
from server.payer import Exchange
from server.stores import raw
from server.stores.connection import DUPLICATE, WriteRefused, insert, inserted, once_more
from server.stores.documents import Row, Write
from server.stores.filing import Filing, new_filing
from server.stores.filters import by_ids, key_marked
from server.stores.keys import issue_numbers


def file_batch(
    database: Database[Row],
    tenant: str,
    organization: str,
    filed: Sequence[tuple[Authorization, Exchange]],
    now: datetime,
) -> None:
    """Put authorizations of one organization on record together; some hundred at a time.

    The documents are those of a filing, but for the keys by which resends are known: nobody sends these again. One
    key announces the whole batch, so that what a crash leaves of it is swept like anything else.

    Raises:
        NumberTaken: a number was issued before; nothing of the batch is on record.
        WriteRefused: somebody else's authorization has the id of one; the others are on record.
    """
    filings = [new_filing(tenant, organization, each, exchange, each.created) for each, exchange in filed]
    if not filings:
        return
    announcement = _announcement(filings, Write(tenant, filings[0].write.owner, now))
    insert(database["unique_key"], announcement)
    raw.write(database["fhir_raw"], [row for each in filings for row in each.raws])
    issue_numbers(database["unique_key"], [row for each in filings for row in each.numbers])
    _put_on_record(database["authorization"], tenant, [each.document for each in filings])
    once_more(lambda: database["unique_key"].delete_one(key_marked(announcement["_id"], announcement["mark"])))


def _put_on_record(collection: Collection[Row], tenant: str, documents: Sequence[Row]) -> None:
    """What is there with our own mark was written before a connection was lost; else the `_id` is another's."""
    ours = {each["_id"]: each["mark"] for each in inserted(collection, documents)}
    there = collection.find(by_ids(tenant, ours), {"mark": 1}) if ours else ()
    if any(each["mark"] != ours[each["_id"]] for each in there):
        raise WriteRefused([DUPLICATE])


def _announcement(filings: Sequence[Filing], write: Write) -> Row:
    return {
        "_id": f"{write.tenant}|change|{write.owner}:{write.mark}",
        **write.marks,
        "kind": "change",
        "owner": write.owner,
        "at": write.at,
        "announces": [each for filing in filings for each in filing.claim["announces"]],
    }
