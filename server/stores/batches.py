"""Filing many authorizations at once: for loading, where no submitter waits for each."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from pymongo.database import Database

from server.authorization.record import Authorization
from server.payer import Exchange
from server.stores import raw
from server.stores.connection import insert, once_more
from server.stores.documents import Row, Write
from server.stores.filing import Filing, new_filing
from server.stores.filters import key_marked
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
    """
    filings = [new_filing(tenant, organization, each, exchange, each.created) for each, exchange in filed]
    if not filings:
        return
    announcement = _announcement(filings, Write(tenant, filings[0].write.owner, now))
    insert(database["unique_key"], announcement)
    raw.write(database["fhir_raw"], [row for each in filings for row in each.raws])
    issue_numbers(database["unique_key"], [row for each in filings for row in each.numbers])
    once_more(lambda: database["authorization"].insert_many([each.document for each in filings], ordered=False))
    database["unique_key"].delete_one(key_marked(announcement["_id"], announcement["mark"]))


def _announcement(filings: Sequence[Filing], write: Write) -> Row:
    return {
        "_id": f"{write.tenant}|change|{write.owner}:{write.mark}",
        **write.marks,
        "kind": "change",
        "owner": write.owner,
        "at": write.at,
        "announces": [each for filing in filings for each in filing.claim["announces"]],
    }
