"""What clients say is wrong with forms (DTR $log-questionnaire-errors): counts for ever, and the last reports as sent.

The counts are small in number: by form version of the payer's own, severity and issue code. Of the reports a hundred
are kept, each new one at the place of some older one, so that nobody fills the store by reporting.
"""

from __future__ import annotations

import secrets
import zlib
from datetime import datetime

from pymongo.database import Database

from server.payer import FormError, FormErrorReport
from server.stores.connection import insert, once_more, store_answers
from server.stores.documents import Row, Write
from server.stores.filters import key, lit, of_owner
from server.stores.raw import FAST

KEPT = 100
LONGEST = 64 * 1024
"""Bytes of a report that are kept; of a longer one only what was counted."""


class MongoFormErrors:
    """Implements `server.payer.FormErrors` for one tenant of a database."""

    def __init__(self, database: Database[Row], *, tenant: str = "payer") -> None:
        self._tenant = lit(tenant)
        self._collection = database["form_error"]

    @store_answers()
    def report(self, report: FormErrorReport, at: datetime) -> None:
        """Count every error of the report, and keep it as it was sent.

        A connection lost on the way may count one error twice.

        Raises:
            Unavailable: the store does not answer.
        """
        for error in report.errors:
            self._count(error, at)
        self._keep(report, at)

    @store_answers()
    def counts(self) -> list[FormError]:
        """How often each error of each form version was reported, the most frequent first."""
        rows = self._collection.find(of_owner(self._owner("count")))
        found = [FormError(row["form"], row["severity"], row["code"], row["n"]) for row in rows]
        return sorted(found, key=lambda each: (-each.times, each.form, each.severity, each.code))

    def _count(self, error: FormError, at: datetime) -> None:
        _id = f"{self._owner('count')}|{lit(error.form)}|{lit(error.severity)}|{lit(error.code)}"
        said = {"form": error.form, "severity": error.severity, "code": error.code}
        insert(self._collection, {"_id": _id, **self._marks(_id, "count", at), **said, "n": 0})
        update = {"$inc": {"n": error.times}, "$set": {"at": at}}
        once_more(lambda: self._collection.update_one(key(_id), update))

    def _keep(self, report: FormErrorReport, at: datetime) -> None:
        _id = f"{self._owner('kept')}|{secrets.randbelow(KEPT)}"
        body = report.body if len(report.body) <= LONGEST else b""
        kept = {"organization": lit(report.organization), "length": len(report.body), "forms": list(report.forms)}
        kept |= {**self._marks(_id, "kept", at), "data": zlib.compress(body, FAST)}
        if insert(self._collection, {"_id": _id, **kept}) is not None:
            once_more(lambda: self._collection.update_one(key(_id), {"$set": kept}))

    def _marks(self, _id: str, kind: str, at: datetime) -> Row:
        return {**Write(self._tenant, _id, at).marks, "owner": self._owner(kind), "at": at}

    def _owner(self, kind: str) -> str:
        return f"{self._tenant}|{kind}"
