"""The subscriptions on record (`server.subscriptions.Subscriptions`): a document each, header values sealed apart."""

from __future__ import annotations

import random
import time
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from secrets import token_hex

import msgspec
from pymongo.database import Database
from pymongo.errors import AutoReconnect

from server.authorization.subscription import MOST_KEPT, MOST_LIVE, Subscription
from server.payer import Caller
from server.stores.connection import insert, once_more, store_answers
from server.stores.documents import Row
from server.stores.filters import at_count, at_version, by_id, lit, of_owner, queued
from server.stores.raw import FAST
from server.stores.sealing import NotOpened, Seal
from server.subscriptions import NoKey, Step, TooMany

COLLECTION = "subscription"
"""Declared as `server.stores.documents.SubscriptionDocument`."""

REMEMBERED = 100
"""Events whose numbers are remembered by name: far more than can be under way at one moment."""

_TRIES = 60
"""So often a change that others were faster with is tried again: with 16 of them at once, 20 were seen."""

_WITHOUT_HEADERS: Mapping[str, int] = {"headers": 0}

_record = msgspec.json.Decoder(Subscription)
_headers = msgspec.json.Decoder(tuple[str, ...])


class MongoSubscriptions:
    """The subscriptions of one tenant.

    seal  what header values are sealed with; asked for when there are some. None: there is no key
    """

    def __init__(
        self, database: Database[Row], seal: Callable[[], Seal | None] = lambda: None, *, tenant: str = "payer"
    ) -> None:
        self._documents, self._seal, self._tenant = database[COLLECTION], seal, lit(tenant)

    @store_answers()
    def create(self, subscription: Subscription) -> None:
        """Put a new subscription on record, with its headers sealed.

        Raises:
            NoKey: it has headers, and there is no key to seal them with.
            TooMany: its caller has MOST_LIVE live ones, or MOST_KEPT on record, already.
            Unavailable: the store does not answer.
        """
        self._refuse_too_many(subscription)
        _id = self._id(subscription.id)
        document: Row = {"_id": _id, "tenant": self._tenant, "owner": self._owner(subscription.organization)}
        document |= {"events": 0, "numbered": [], **self._fields(subscription), **self._sealed(_id, subscription)}
        if insert(self._documents, document) is not None:
            raise ValueError("another subscription has this id")

    @store_answers()
    def get(self, who: Caller, subscription_id: str) -> Subscription | None:
        """The caller's subscription with this id, or None; `headers` are left out."""
        found = self._documents.find_one(by_id(self._tenant, self._id(subscription_id)), _WITHOUT_HEADERS)
        subscription = None if found is None else _unpacked(found)
        return subscription if subscription is not None and _is_of(who, subscription) else None

    @store_answers()
    def of(self, who: Caller) -> list[Subscription]:
        """All of the caller's subscriptions, oldest first; `headers` are left out."""
        kept = [each for each in self._of_organization(who.organization) if _is_of(who, each)]
        return sorted(kept, key=lambda each: (each.created, each.id))

    @store_answers()
    def replace(self, changed: Subscription) -> bool:
        """Put what its owner made of a subscription on record; False when it was changed or deleted in between.

        Raises:
            NoKey, TooMany, Unavailable: as for `create`.
        """
        self._refuse_too_many(changed)
        _id = self._id(changed.id)
        sealed = self._sealed(_id, changed)
        return self._written(changed, sealed, {} if sealed else {"headers": ""})

    @store_answers()
    def delete(self, who: Caller, subscription_id: str) -> bool:
        """Take the caller's subscription away; False when there is none."""
        if self.get(who, subscription_id) is None:
            return False
        wanted = by_id(self._tenant, self._id(subscription_id))
        once_more(lambda: self._documents.delete_one(wanted))
        return True

    @store_answers()
    def find(self, subscription_id: str) -> Subscription | None:
        """The subscription as it is now, whosever it is, headers opened; None when there is none.

        Raises:
            NoKey: its headers were sealed with a key that is not set any more.
            Unavailable: the store does not answer.
        """
        found = self._documents.find_one(by_id(self._tenant, self._id(subscription_id)))
        return None if found is None else replace(_unpacked(found), headers=self._opened(found))

    @store_answers()
    def matching(self, names: Collection[str], organization: str) -> list[Subscription]:
        """The organization's live subscriptions that take one of the names; `headers` are left out."""
        kept = self._of_organization(organization)
        return [each for each in kept if each.is_live and each.matches(names)]

    @store_answers()
    def next_event_number(self, subscription_id: str, event: str) -> int | None:
        """The number of an event, one higher than that of the one before; None when the subscription is deleted.

        The count is raised from exactly the number it was seen at, together with the name of the event: finding and
        changing at once would read the whole collection on the embedded store, and adding one blindly would count
        twice after a lost connection.
        """
        _id = self._id(subscription_id)
        for _ in range(_TRIES):
            found = self._documents.find_one(by_id(self._tenant, _id), {"events": 1, "numbered": 1})
            if found is None:
                return None
            last, known = found["events"], found["numbered"]
            if event in known:
                return int(last - (len(known) - 1 - known.index(event)))
            numbered = [*known, lit(event)][-REMEMBERED:]
            raised = {"$set": {"events": last + 1, "numbered": numbered}}
            if self._documents.update_one(at_count(self._tenant, _id, last), raised).modified_count:
                return int(last + 1)
            _let_others()
        raise AutoReconnect("others number events all the time")

    @store_answers()
    def due(self, before: datetime) -> list[Subscription]:
        """The live subscriptions for which something is due before the moment, soonest first; no `headers`."""
        found = self._documents.find(queued(_queue(self._tenant, live=True), before), _WITHOUT_HEADERS)
        return sorted(map(_unpacked, found), key=lambda each: each.due)

    @store_answers()
    def move(self, subscription_id: str, generation: int, step: Step) -> Subscription | None:
        """Take a subscription one step further from where it stands now; what it became, `headers` left out.

        None: it was deleted, its owner replaced it since `generation`, or the step gave None.
        """
        wanted = by_id(self._tenant, self._id(subscription_id))
        for _ in range(_TRIES):
            found = self._documents.find_one(wanted, _WITHOUT_HEADERS)
            now = None if found is None else _unpacked(found)
            moved = None if now is None or now.generation != generation else step(now)
            if moved is None or moved == now or self._written(moved, {}, {}):
                return moved
            _let_others()
        raise AutoReconnect("others change the subscription all the time")

    def _written(self, changed: Subscription, more: Row, less: Row) -> bool:
        """The document from the version before; true also when it is ours although the connection was lost."""
        _id, fields = self._id(changed.id), self._fields(changed)
        update = {"$set": {**fields, **more}, **({"$unset": less} if less else {})}
        before = at_version(self._tenant, _id, changed.version - 1)
        if once_more(lambda: self._documents.update_one(before, update)).modified_count:
            return True
        now = self._documents.find_one(by_id(self._tenant, _id), {"mark": 1})
        return now is not None and now["mark"] == fields["mark"]

    def _fields(self, subscription: Subscription) -> Row:
        """The fields that every change writes anew."""
        record = msgspec.json.encode(replace(subscription, headers=(), events=0))
        return {
            "mark": token_hex(8),
            "version": subscription.version,
            "queue": _queue(self._tenant, live=subscription.is_live),
            "due": subscription.due,
            "record": zlib.compress(record, FAST),
        }

    def _of_organization(self, organization: str) -> list[Subscription]:
        return list(map(_unpacked, self._documents.find(of_owner(self._owner(organization)), _WITHOUT_HEADERS)))

    def _refuse_too_many(self, subscription: Subscription) -> None:
        who = Caller(subscription.caller, subscription.organization)
        others = [each for each in self.of(who) if each.id != subscription.id]
        live = sum(each.is_live for each in others) + subscription.is_live
        if live > MOST_LIVE or len(others) >= MOST_KEPT:
            raise TooMany

    def _sealed(self, _id: str, subscription: Subscription) -> Row:
        if not subscription.headers:
            return {}
        seal = self._seal()
        if seal is None:
            raise NoKey
        return {"headers": seal.sealed(msgspec.json.encode(subscription.headers), _place(_id))}

    def _opened(self, document: Row) -> tuple[str, ...]:
        if not document.get("headers"):
            return ()
        seal = self._seal()
        if seal is None:
            raise NoKey
        try:
            return _headers.decode(seal.opened(document["headers"], _place(document["_id"])))
        except NotOpened:
            raise NoKey from None

    def _id(self, subscription_id: str) -> str:
        return f"{self._tenant}:{lit(subscription_id)}"

    def _owner(self, organization: str) -> str:
        return f"{self._tenant}|{lit(organization)}"


def _unpacked(document: Row) -> Subscription:
    """The subscription of a document; fields that a newer version added are passed over."""
    return replace(_record.decode(zlib.decompress(document["record"])), events=document["events"])


def _is_of(who: Caller, subscription: Subscription) -> bool:
    return (subscription.organization, subscription.caller) == (who.organization, who.name)


def _queue(tenant: str, *, live: bool) -> str:
    return f"{tenant}|{'live' if live else 'off'}"


def _place(_id: str) -> str:
    return f"{COLLECTION}|{_id}|headers"


def _let_others() -> None:
    time.sleep(random.uniform(0, 0.02))  # noqa: S311 - nobody gains by guessing it
