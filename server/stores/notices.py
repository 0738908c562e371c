"""The notices under way (`server.notices.Notices`): from the changed authorization to the subscriber who took them.

A change of an authorization leaves `events` in its document, in the same write. From there every step can be repeated:
a delivery for each subscription is inserted under an `_id` made of all three; it gets its number; the channel is told
that there is one more; and last the events are taken off the document, if nothing was added to them in between.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from itertools import islice
from secrets import token_hex

import msgspec
from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import AutoReconnect

from server.authorization.delivery import Attempt, Channel, ChannelStep, Delivery, Outcome, woken
from server.authorization.request import AuthorizationRequest
from server.notices import Changed, Kept, Untold
from server.stores import raw
from server.stores.connection import insert, inserted, once_more, store_answers
from server.stores.documents import Row
from server.stores.domain import record_id, relay_of, unpacked
from server.stores.filters import (
    at_version,
    by_id,
    by_ids,
    lit,
    numbered,
    numbered_from,
    queued,
    relayed,
    shelved,
    shelved_from,
)

ATTEMPTS_KEPT = 50
"""The last ones; a delivery that is replayed again and again stays small."""

HIGHEST = 2**62
"""No event has this number; higher ones the database does not know."""

_TRIES = 60
_WITHOUT_REVIEWS = {"reviews": 0}

_channel = msgspec.json.Decoder(Channel)


class MongoNotices:
    """The notices of one tenant."""

    def __init__(self, database: Database[Row], *, tenant: str = "payer") -> None:
        self._tenant = lit(tenant)
        self._records, self._raw = database["authorization"], database["fhir_raw"]
        self._notices, self._channels = database["notice"], database["channel"]

    @store_answers()
    def untold(self, limit: int) -> list[Untold]:
        """Authorizations with changes that nobody was told yet, at most so many."""
        found = self._records.find(relayed(relay_of(self._tenant)), _WITHOUT_REVIEWS, limit=limit)
        return list(map(self._untold, found))

    @store_answers()
    def put(self, deliveries: Sequence[Delivery]) -> list[Delivery]:
        """Put deliveries without a number there; gives those that were there already, as they are by now."""
        rows = [self._row(each) for each in deliveries]
        there = [each["_id"] for each in inserted(self._notices, rows)]
        return [_delivery(row) for row in self._notices.find(by_ids(self._tenant, there))] if there else []

    @store_answers()
    def told(self, untold: Sequence[Untold]) -> None:
        """The changes are taken off, unless there are more by now: then they are all relayed again, to no effect."""
        seen = ((record_id(self._tenant, each.authorization), each.version) for each in untold)
        nothing = {"$set": {"events": [], "relay": ""}}
        self._written_together(self._records, [UpdateOne(at_version(self._tenant, *each), nothing) for each in seen])

    @store_answers()
    def unnumbered(self, subscription_id: str) -> list[Delivery]:
        """The deliveries of a subscription that have no number yet, oldest first."""
        found = self._notices.find(numbered(self._channel_id(subscription_id), 0))
        return sorted(map(_delivery, found), key=lambda each: (each.at, each.authorization, each.version))

    @store_answers()
    def number(self, numbered: Sequence[tuple[Delivery, int]]) -> None:
        """Give each delivery the number that its event has."""
        given = ((by_id(self._tenant, self._id_of(delivery)), number) for delivery, number in numbered)
        self._written_together(self._notices, [UpdateOne(each, {"$set": {"number": number}}) for each, number in given])

    @store_answers()
    def drop(self, delivery: Delivery) -> None:
        """Nobody wants the delivery any more; one that has no number yet goes without a trace."""
        if delivery.number:
            self._change(delivery, {"$set": {"shelf": self._shelf(Outcome.DROPPED)}})
        else:
            self._notices.delete_one(by_id(self._tenant, self._id_of(delivery)))

    @store_answers()
    def wake(self, subscription_id: str, number: int, due: datetime) -> None:
        """There is an event with this number to be sent to the subscription, from `due` on."""
        first = woken(Channel(subscription_id, due, due), number, due)
        if self._moved(subscription_id, lambda channel: woken(channel, number, due)) is None:
            row = {"_id": self._channel_id(subscription_id), "tenant": self._tenant, **self._fields(first)}
            if insert(self._channels, row) is not None:
                self._moved(subscription_id, lambda channel: woken(channel, number, due))

    @store_answers()
    def busy(self, before: datetime) -> list[Channel]:
        """The channels with something to send that was due before the moment, soonest first."""
        found = self._channels.find(queued(self._queue(busy=True), before))
        return sorted(map(_unpacked, found), key=lambda each: each.due)

    @store_answers()
    def move(self, subscription_id: str, step: ChannelStep) -> Channel | None:
        """Take a channel one step further from wherever it stands; None: there is none, or the step gave None."""
        return self._moved(subscription_id, step)

    @store_answers()
    def delivery(self, subscription_id: str, number: int) -> Delivery | None:
        """The delivery of the event with this number, or None."""
        found = self._notices.find_one(numbered(self._channel_id(subscription_id), number))
        return None if found is None else _delivery(found)

    @store_answers()
    def record(self, delivery: Delivery) -> None:
        """Put down what became of a delivery, with its last attempt."""
        kept = [asdict(each) for each in delivery.attempts[-ATTEMPTS_KEPT:]]
        self._change(delivery, {"$set": {"shelf": self._shelf(delivery.outcome), "attempts": kept}})

    @store_answers()
    def answer(self, delivery: Delivery) -> bytes:
        """The response Bundle that the delivery is about, byte for byte as the submitter read it."""
        return raw.read(self._raw, self._tenant, delivery.answer)[0]

    @store_answers()
    def events(self, subscription_id: str, since: int, until: int | None = None, limit: int = 50) -> list[Kept]:
        """Events of a subscription from number `since` to `until`, in order, at most `limit`; kept for 30 days."""
        first = min(max(since, 1), HIGHEST)
        found = map(_delivery, self._notices.find(numbered_from(self._channel_id(subscription_id), first)))
        wanted = sorted((each for each in found if until is None or each.number <= until), key=lambda each: each.number)
        return [Kept(each.number, each.at, self.answer(each)) for each in wanted[:limit]]

    @store_answers()
    def listed(self, outcome: Outcome, begin: datetime) -> list[Delivery]:
        """The deliveries with an outcome, of events from the moment on, oldest first."""
        found = self._notices.find(shelved_from(self._shelf(outcome), begin))
        return sorted(map(_delivery, found), key=lambda each: (each.at, each.number))

    @store_answers()
    def sweep(self, before: datetime, limit: int = 1_000) -> int:
        """Take away what is older than the moment, at most so many; says how many there were."""
        old = (row["_id"] for each in Outcome for row in self._notices.find(shelved(self._shelf(each), before)))
        ids = list(islice(old, limit))
        return self._notices.delete_many(by_ids(self._tenant, ids)).deleted_count if ids else 0

    def _untold(self, document: Row) -> Untold:
        record = unpacked(document)
        happened = {each["version"]: each["at"] for each in document["events"]}
        changes = (
            Changed(version, at, answer)
            for version, at in sorted(happened.items())
            if (answer := _answer_of(document, version)) is not None
        )
        names = names_of(record.request)
        return Untold(record.id, document["organization"], names, document["version"], tuple(changes))

    def _moved(self, subscription_id: str, step: Callable[[Channel], Channel | None]) -> Channel | None:
        """The step from wherever the channel stands, by version: again when another was faster."""
        _id = self._channel_id(subscription_id)
        for _ in range(_TRIES):
            found = self._channels.find_one(by_id(self._tenant, _id))
            now = None if found is None else _unpacked(found)
            moved = None if now is None else step(now)
            if moved is None or moved == now or self._written(_id, moved):
                return moved
            time.sleep(random.uniform(0, 0.02))  # noqa: S311 - nobody gains by guessing it
        raise AutoReconnect("others change the channel all the time")

    def _written(self, _id: str, moved: Channel) -> bool:
        """The update from the version before; true also when it is ours although the connection was lost."""
        fields = self._fields(moved)
        before = at_version(self._tenant, _id, moved.version - 1)
        if once_more(lambda: self._channels.update_one(before, {"$set": fields})).modified_count:
            return True
        now = self._channels.find_one(by_id(self._tenant, _id), {"mark": 1})
        return now is not None and now["mark"] == fields["mark"]

    def _fields(self, channel: Channel) -> Row:
        return {
            "mark": token_hex(8),
            "version": channel.version,
            "queue": self._queue(busy=channel.is_busy),
            "due": channel.due,
            "record": msgspec.json.encode(channel),
        }

    def _row(self, delivery: Delivery) -> Row:
        return {
            "_id": self._id_of(delivery),
            "tenant": self._tenant,
            "mark": token_hex(8),
            "channel": self._channel_id(delivery.subscription),
            "number": delivery.number,
            "shelf": self._shelf(delivery.outcome),
            "authorization": delivery.authorization,
            "version": delivery.version,
            "at": delivery.at,
            "answer": delivery.answer,
            "attempts": [],
        }

    def _written_together(self, collection: Collection[Row], updates: Sequence[UpdateOne]) -> None:
        """Updates of documents named by `_id`, none of which does harm twice."""
        if updates:
            once_more(lambda: collection.bulk_write(updates, ordered=False))

    def _change(self, delivery: Delivery, change: Row) -> None:
        wanted = by_id(self._tenant, self._id_of(delivery))
        once_more(lambda: self._notices.update_one(wanted, change))

    def _id_of(self, delivery: Delivery) -> str:
        channel = self._channel_id(delivery.subscription)
        return f"{channel}|{lit(delivery.authorization)}|{delivery.version}"

    def _channel_id(self, subscription_id: str) -> str:
        return f"{self._tenant}|{lit(subscription_id)}"

    def _shelf(self, outcome: Outcome) -> str:
        return f"{self._tenant}|{outcome.value}"

    def _queue(self, *, busy: bool) -> str:
        return f"{self._tenant}|{'busy' if busy else 'quiet'}"


def names_of(request: AuthorizationRequest) -> frozenset[str]:
    """What subscriptions to the answers of a request are matched by: its senders, the identifiers of its provider."""
    return frozenset((*request.senders, *(each.value for each in request.provider.identifiers)))


def _answer_of(document: Row, version: int) -> str | None:
    """Where the answer of this version of an authorization is kept."""
    made = f"{document['_id']}:answer:{version}:"
    return next((each for each in document["answers"] if each.startswith(made)), None)


def _delivery(row: Row) -> Delivery:
    return Delivery(
        subscription=row["channel"].partition("|")[2],
        authorization=row["authorization"],
        version=row["version"],
        at=row["at"],
        answer=row["answer"],
        number=row["number"],
        outcome=Outcome(row["shelf"].rpartition("|")[2]),
        attempts=tuple(Attempt(**each) for each in row["attempts"]),
    )


def _unpacked(row: Row) -> Channel:
    """The channel of a document; fields that a newer version added are passed over."""
    return replace(_channel.decode(row["record"]), version=row["version"])
