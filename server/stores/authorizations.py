"""The authorizations on record, in MongoDB or the embedded store (`server.payer.Authorizations`)."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from pymongo.database import Database
from pymongo.errors import DocumentTooLarge, PyMongoError

from server.authorization.determination import ReviewAction
from server.authorization.history import History
from server.authorization.inquiry import Inquiry, fits, may_know
from server.authorization.numbers import as_number
from server.authorization.record import Authorization, prior_lines
from server.authorization.request import Member
from server.errors import Conflict, TooLarge, refusal
from server.payer import Caller, Counts, Exchange, Filed, Inquired, NumberTaken, Proposed, Staff
from server.stores import raw
from server.stores.batches import file_batch
from server.stores.connection import connect, insert, once_more, store_answers
from server.stores.documents import Row, ensure_indexes
from server.stores.domain import (
    claim_token,
    inquiry_tokens,
    member_tokens,
    number_token,
    proposed_in,
    queue_of,
    record_id,
    tallied,
    trace_token,
    tracked_token,
    unpacked,
)
from server.stores.filing import Change, Filing, new_change, new_filing, new_update
from server.stores.filters import at_version, by_id, found_by, key, key_marked, lit, marked, of_tenant, proposed, queued
from server.stores.keys import (
    PATIENCE,
    ResendKeys,
    give_back_numbers,
    issue_numbers,
    number_key_id,
    resend_key_id,
)
from server.stores.sweep import Swept, sweep

LOOK_BACK = timedelta(days=3 * 366)
"""How far back the history of a member and the claims of a submitter are looked up, by the day of filing."""

WITHOUT_REVIEWS = {"reviews": 0}
"""What is read of the many authorizations of a member: these grow with their number."""

__all__ = ["MongoAuthorizations", "connect", "ensure_indexes"]


class MongoAuthorizations:
    """Implements `server.payer.Authorizations` for one tenant of a database.

    What is filed is written in this order: the key of the message, which announces the rest; the exact bytes; the keys
    of the numbers; the authorization document. That last insert is the commit point: before it nothing is on record,
    after it everything. Needs no transactions, so it is the same on every kind of MongoDB.
    """

    def __init__(
        self,
        database: Database[Row],
        *,
        tenant: str = "payer",
        resend_window: timedelta = timedelta(minutes=10),
        patience: timedelta = PATIENCE,
    ) -> None:
        if not lit(tenant) or any(sign in tenant for sign in ":|"):
            raise ValueError("a tenant's name is not empty and has no : or |")
        self._tenant = tenant
        self._database = database
        self._records = database["authorization"]
        self._raw = database["fhir_raw"]
        self._keys = database["unique_key"]
        self._patience = patience
        self._resends = ResendKeys(self._keys, resend_window, self._document, patience)

    @store_answers()
    def answer_to_resend(self, caller: Caller, request: bytes, now: datetime) -> Filed | None:
        """The record of the same bytes sent by the same organization within the resend window, else None."""
        document = self._resends.first(resend_key_id(self._tenant, caller.organization, request), now)
        return None if document is None else self._resent(document)

    @store_answers()
    def file(self, caller: Caller, authorization: Authorization, exchange: Exchange, now: datetime) -> Filed:
        """Put a new authorization on record, or give the record of the same message (`resent`).

        Raises:
            NumberTaken: a number of it was issued before; number it anew and file again.
            TooLarge: its record is larger than a document can be.
            Unavailable: the store does not answer. Whether it was filed is known by filing it again.
        """
        begun = time.monotonic()
        filing = new_filing(self._tenant, caller.organization, authorization, exchange, now)
        first = self._resends.claim(filing.claim)
        if first is not None:
            return self._resent(first)
        there = self._write(filing)
        if there is not None:
            return self._done_before(there, filing, caller, exchange)
        if time.monotonic() - begun >= self._patience.total_seconds() and not self._resends.still_held(filing.claim):
            self._withdraw(filing)  # so slow that another took us for dead; nobody has our answer yet
            return self.file(caller, authorization, exchange, now)
        return Filed(authorization, exchange.answer)

    @store_answers()
    def file_batch(self, caller: Caller, filed: Sequence[tuple[Authorization, Exchange]], now: datetime) -> None:
        """Put some hundred new authorizations on record together; equal messages are not looked for.

        Raises:
            NumberTaken: a number of one was issued before; nothing of the batch is on record.
            Unavailable: the store does not answer.
        """
        file_batch(self._database, self._tenant, caller.organization, filed, now)

    @store_answers()
    def get(self, who: Caller | Staff, authorization_id: str) -> Authorization | None:
        """The authorization with this id, or None."""
        document = self._visible(who, record_id(self._tenant, authorization_id))
        return None if document is None else unpacked(document)

    @store_answers()
    def by_number(self, who: Caller | Staff, number: str) -> Authorization | None:
        """The authorization one of whose lines has, or ever had, this number, or None."""
        held = self._keys.find_one(key(number_key_id(self._tenant, number)))
        document = None if held is None else self._visible(who, held["owner"])
        return None if document is None else unpacked(document)

    @store_answers()
    def by_trace(self, who: Caller | Staff, value: str) -> list[Authorization]:
        """The authorizations one of whose lines has, or had, this trace number, newest first."""
        found = [document for document in self._found([trace_token(value)]) if _may_see(who, document)]
        return [unpacked(document) for document in sorted(found, key=lambda each: each["created"], reverse=True)]

    @store_answers()
    def by_tracking(self, caller: Caller, value: str) -> list[Authorization]:
        """The caller's authorizations that what is attached may mean by this number, newest first."""
        number = as_number(value.partition(".")[0])
        tokens = [trace_token(value), tracked_token(self._tenant, caller.organization, value)]
        found = self._found([*tokens, *([number_token(number)] if number else [])])
        own = sorted(filter(lambda each: _may_see(caller, each), found), key=lambda each: each["created"])
        return [unpacked(document) for document in reversed(own)]

    @store_answers()
    def answer(self, who: Caller | Staff, authorization_id: str) -> bytes | None:
        """The current answer, byte for byte, or None."""
        document = self._visible(who, record_id(self._tenant, authorization_id))
        return None if document is None else self._current_answer(document)

    @store_answers()
    def exchange(self, who: Caller | Staff, authorization_id: str) -> Exchange | None:
        """The first request and the current answer, or None."""
        document = self._visible(who, record_id(self._tenant, authorization_id))
        if document is None:
            return None
        request, first = raw.read(self._raw, self._tenant, document["request"])
        return Exchange(request, self._current_answer(document), tuple(first["issues"]))

    @store_answers()
    def request(self, who: Caller | Staff, authorization_id: str, version: int) -> bytes | None:
        """The latest request that this version of the authorization had, byte for byte, or None."""
        document = self._visible(who, record_id(self._tenant, authorization_id))
        sent = [] if document is None else [each for each in document["requests"] if raw.version_of(each) <= version]
        return raw.read(self._raw, self._tenant, sent[-1])[0] if sent else None

    @store_answers()
    def pended(self, due_before: datetime) -> list[Authorization]:
        """Every authorization with a pended line whose due date on record lies before the moment, soonest first."""
        found = self._records.find(queued(queue_of(self._tenant, pended=True), due_before))
        return [unpacked(document) for document in sorted(found, key=lambda each: each["due"])]

    @store_answers()
    def change(self, who: Caller | Staff, changed: Authorization, answer: bytes | None) -> None:
        """Put a changed authorization (its version one higher) and its new answer on record; None: the answer stays.

        Raises:
            Conflict: the record's version is not the one the change was made from, or there is no such record.
            NumberTaken: a new number of it was issued before.
            TooLarge: its record is larger than a document can be.
            Unavailable: the store does not answer.
        """
        document = self._visible(who, record_id(self._tenant, changed.id))
        if document is None or document["version"] != changed.version - 1:
            raise _conflict()
        change = new_change(self._tenant, changed, answer, document)
        insert(self._keys, change.announcement)
        self._commit(change, changed.version - 1)
        self._settle(change)

    @store_answers()
    def update(self, caller: Caller, changed: Authorization, exchange: Exchange, now: datetime) -> Filed:
        """Put an update of the caller's authorization on record, or give the record of the same message (`resent`).

        Raises:
            Conflict: the record's version is not the one the update was made from, or there is no such record.
            NumberTaken, TooLarge, Unavailable: as in `file`.
        """
        document = self._visible(caller, record_id(self._tenant, changed.id))
        if document is None:
            raise _conflict()
        change = new_update(self._tenant, changed, exchange, document, now)
        first = self._resends.claim(change.announcement)
        if first is not None:
            return self._resent(first)
        self._commit(change, changed.version - 1)
        return Filed(changed, exchange.answer)

    @store_answers()
    def by_claim(self, caller: Caller, names: Sequence[str]) -> Authorization | None:
        """The caller's latest authorization whose Claim has, or had, one of these fullUrls or identifiers, or None."""
        tokens = [claim_token(self._tenant, caller.organization, name) for name in names]
        found = max(self._found(tokens), key=lambda document: document["changed"], default=None)
        return None if found is None else unpacked(found)

    @store_answers()
    def history(self, member: Member, besides: str = "") -> History:
        """What is on record for the member, whoever asked for it, newest first; not the authorization `besides`."""
        documents = self._found(member_tokens(self._tenant, member), WITHOUT_REVIEWS)
        records = [unpacked(each) for each in sorted(documents, key=lambda each: each["created"], reverse=True)]
        return History(tuple(line for record in records if record.id != besides for line in prior_lines(record)))

    @store_answers()
    def of_member(self, caller: Caller, member: Member) -> list[Authorization]:
        """The caller's authorizations of the member, newest first."""
        documents = self._found(member_tokens(self._tenant, member), WITHOUT_REVIEWS)
        own = [each for each in documents if _may_see(caller, each)]
        return [unpacked(each) for each in sorted(own, key=lambda each: each["created"], reverse=True)]

    @store_answers()
    def inquire(self, caller: Caller, inquiry: Inquiry) -> list[Inquired]:
        """The authorizations that an inquiry asks about and may know, whoever filed them."""
        documents = self._found(inquiry_tokens(self._tenant, inquiry.member), WITHOUT_REVIEWS)
        return [
            Inquired(record, document["organization"] == lit(caller.organization), document["request"])
            for document in documents
            if may_know(record := unpacked(document), inquiry.member, inquiry.npis) and fits(record, inquiry)
        ]

    @store_answers()
    def inquired_request(self, inquired: Inquired) -> bytes:
        """The latest request of an authorization that an inquiry found, byte for byte."""
        return raw.read(self._raw, self._tenant, inquired.request)[0]

    @store_answers()
    def counts(self) -> Counts:
        """How much is on record.

        One pass over the index {tenant, tally}, which MongoDB does without opening a document. The embedded store
        opens them: about 50 us each, a second at 20,000. Counters would be cheaper to read, but an insert and its
        counter are two writes: a crash between them is a wrong count, and every filing pays for the second one.
        """
        groups = [{"$match": of_tenant(self._tenant)}, {"$group": {"_id": "$tally", "documents": {"$sum": 1}}}]
        authorizations, counted = 0, Counter[str]()
        for group in self._records.aggregate(groups):
            authorizations += group["documents"]
            for word, number in tallied(group["_id"]).items():
                counted[word] += number * group["documents"]
        return Counts(authorizations, counted["exchange"], {each.status: counted[each.status] for each in ReviewAction})

    @store_answers()
    def proposals(self) -> list[Proposed]:
        """What was proposed and how submitters responded, counted per rule; reads only records with a proposal."""
        found = self._records.find(proposed(proposed_in(self._tenant)), {"proposals": 1})
        made = (each for document in found for each in document["proposals"])
        counted = Counter((each["rule"], each["nudge"], each["response"], each["reason"]) for each in made)
        return [Proposed(*what, lines) for what, lines in sorted(counted.items())]

    def ping(self) -> bool:
        """True when the store answers."""
        try:
            self._database.command("ping")
        except PyMongoError:
            return False
        return True

    @store_answers()
    def sweep(self, older_than: datetime, *, limit: int = 1_000) -> Swept:
        """Take away what filings and changes begun before this moment left behind without being committed.

        `older_than` lies an hour or so in the past: what is still under way must not be taken for dead. At most `limit`
        keys are looked at; `Swept.more` says whether another round is worth it.
        """
        resend_before = older_than - self._resends.window
        return sweep(self._database, self._tenant, older_than, resend_before, limit)

    def _found(self, tokens: Sequence[str], fields: Mapping[str, int] | None = None) -> list[Row]:
        """The documents with any of these search tokens, each once; those of the last years, as far as rules look."""
        since = (datetime.now(UTC) - LOOK_BACK).date().isoformat()
        wanted = (found_by(token, since) for token in dict.fromkeys(tokens))
        found = (document for each in wanted for document in self._records.find(each, fields))
        return list({document["_id"]: document for document in found}.values())

    def _commit(self, change: Change, version: int) -> None:
        """Write what a change announced, the update of the document last; all of it or nothing."""
        try:
            raw.write(self._raw, change.raws)
            issue_numbers(self._keys, change.numbers)
            if not self._updated(change, version):
                raise _conflict()
        except (Conflict, NumberTaken, DocumentTooLarge) as failure:
            self._withdraw_change(change)
            raise _too_large() if isinstance(failure, DocumentTooLarge) else failure from None

    def _document(self, _id: str) -> Row | None:
        return self._records.find_one(by_id(self._tenant, _id))

    def _visible(self, who: Caller | Staff, _id: str) -> Row | None:
        """The document, unless it is another organization's; that is decided here, not in the filter."""
        document = self._document(_id)
        return document if document is not None and _may_see(who, document) else None

    def _current_answer(self, document: Row) -> bytes:
        return raw.read(self._raw, self._tenant, document["answers"][-1])[0]

    def _resent(self, document: Row) -> Filed:
        return Filed(unpacked(document), self._current_answer(document), resent=True)

    def _done_before(self, document: Row, filing: Filing, caller: Caller, exchange: Exchange) -> Filed:
        """The authorization filed under this id before, when it is this very one: its first end was not known."""
        request, _ = raw.read(self._raw, self._tenant, document["request"])
        if document["organization"] != caller.organization or request != exchange.request:
            self._withdraw(filing)
            raise ValueError("another authorization has this id")
        return self._resent(document)

    def _write(self, filing: Filing) -> Row | None:
        """Everything of a filing whose key is ours; gives back a document that has its id already."""
        try:
            raw.write(self._raw, filing.raws)
            issue_numbers(self._keys, filing.numbers)
            return insert(self._records, filing.document)
        except (NumberTaken, DocumentTooLarge) as failure:
            self._withdraw(filing)
            raise _too_large() if isinstance(failure, DocumentTooLarge) else failure from None

    def _withdraw(self, filing: Filing) -> None:
        """Take back everything of a filing that was not answered; what cannot be reached now is swept later."""
        with contextlib.suppress(PyMongoError):
            self._records.delete_one(marked(self._tenant, filing.write.owner, filing.write.mark))
            give_back_numbers(self._keys, [each["_id"] for each in filing.numbers], filing.write.mark)
            raw.remove(self._raw, self._tenant, [each["_id"] for each in filing.raws])
            self._resends.release(filing.claim)

    def _updated(self, change: Change, version: int) -> bool:
        """The update from this version; true also when it is ours although the connection was lost on the way."""
        wanted = at_version(self._tenant, change.write.owner, version)
        if once_more(lambda: self._records.update_one(wanted, change.update)).modified_count:
            return True
        now = self._document(change.write.owner)
        return now is not None and now["mark"] == change.write.mark

    def _withdraw_change(self, change: Change) -> None:
        with contextlib.suppress(PyMongoError):
            give_back_numbers(self._keys, [each["_id"] for each in change.numbers], change.write.mark)
            raw.remove(self._raw, self._tenant, [each["_id"] for each in change.raws])
        self._settle(change)

    def _settle(self, change: Change) -> None:
        """Nothing of the change is under way any more; an announcement that stays is swept."""
        with contextlib.suppress(PyMongoError):
            self._keys.delete_one(key_marked(change.announcement["_id"], change.write.mark))


def _may_see(who: Caller | Staff, document: Row) -> bool:
    return isinstance(who, Staff) or document["organization"] == lit(who.organization)


def _conflict() -> Exception:
    return refusal(
        Conflict,
        "conflict",
        "The authorization was changed by somebody else in between.",
        "HTTP 409",
        repair="Read it again, then decide on what it says now.",
    )


def _too_large() -> Exception:
    return refusal(
        TooLarge,
        "too-long",
        "The record of this request is larger than can be kept in one document (16 MiB).",
        "HTTP 413",
        repair="Send the lines in several requests, and long texts as attachments.",
    )
