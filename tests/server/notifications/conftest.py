"""The whole way of a notice on the real store: what changes, who subscribed, who delivers, a real listener."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from pymongo.database import Database

from server.authorization.casework import InformationRequest, ask
from server.authorization.decision import Decision, Verdict, decide
from server.authorization.determination import ReviewAction
from server.authorization.documentation import DocumentationRequirement
from server.authorization.record import Authorization
from server.authorization.request import Code
from server.authorization.subscription import State, Subscription
from server.authorization.systems import LOINC
from server.notifications.means import Means
from server.notifications.worker import Worker
from server.outbound import Outbound
from server.payer import Exchange, Staff
from server.stores.authorizations import MongoAuthorizations
from server.stores.notices import MongoNotices
from server.stores.sealing import Seal
from server.stores.subscriptions import MongoSubscriptions
from tests.builders import NORTH, NOW, a_line, a_request, a_subscription, an_authorization
from tests.server.notifications.receiver import Receiver, receiving

BASE = "http://127.0.0.1:8080/fhir"
NPI = "1234567893"
"""Of the clinic that the authorizations of the builders are for."""


def an_answer(authorization: Authorization) -> bytes:
    """A response Bundle that says its version."""
    name = f"{authorization.id}.{authorization.version}"
    response = {"resourceType": "ClaimResponse", "id": authorization.id}
    entry = [{"fullUrl": f"{BASE}/ClaimResponse/{authorization.id}", "resource": response}]
    bundle = {"resourceType": "Bundle", "id": name, "type": "collection", "entry": entry}
    return json.dumps(bundle).encode()


@dataclass
class Office:
    """A payer with a clock moved by hand, a worker, and a lot that never shortens a wait."""

    database: Database[dict[str, Any]]
    now: datetime = NOW
    entitled: bool = True
    lot: float = 1.0
    means: Means = field(init=False)

    def __post_init__(self) -> None:
        self.authorizations = MongoAuthorizations(self.database)
        self.subscriptions = MongoSubscriptions(self.database, lambda: Seal([bytes(32)]))
        self.notices = MongoNotices(self.database)
        self.means = Means(
            self.notices,
            self.subscriptions,
            Outbound(sandbox=True),
            BASE,
            now=lambda: self.now,
            entitled=lambda _subscription: self.entitled,
            lot=lambda: self.lot,
        )

    def move(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)

    def work(self, **after: float) -> None:
        """Let time pass, and do everything that is due then."""
        self.move(**after)
        Worker(self.means).run_once()

    def subscribe(self, receiver: Receiver, *names: str, **more: Any) -> Subscription:
        """A subscription of the clinic, to be shaken hands with."""
        wanted = a_subscription(*(names or (NPI,)), at=self.now, endpoint=receiver.url, **more)
        self.subscriptions.create(wanted)
        return wanted

    def subscribed(self, receiver: Receiver, *names: str, **more: Any) -> Subscription:
        """An active subscription; its handshake is not among what the receiver got."""
        wanted = self.subscribe(receiver, *names, **more)
        answers, receiver.answers = receiver.answers, lambda _number: 200
        self.work(seconds=3)
        assert self.state(wanted) is State.ACTIVE
        receiver.got.clear()
        receiver.answers = answers
        return wanted

    def state(self, subscription: Subscription) -> State | None:
        """How a subscription stands now; None when it is deleted."""
        found = self.subscriptions.find(subscription.id)
        return None if found is None else found.state

    def count(self, subscription: Subscription) -> int:
        """How many events it had."""
        found = self.subscriptions.find(subscription.id)
        assert found is not None
        return found.events

    def pend(self, lines: int = 1) -> Authorization:
        """A new request on record with so many pended lines."""
        request = a_request(*(a_line(place) for place in range(1, lines + 1)))
        pended = an_authorization(*[ReviewAction.PENDED] * lines, id=str(uuid4()), request=request, at=self.now)
        self.authorizations.file(NORTH, pended, Exchange(pended.id.encode(), an_answer(pended)), self.now)
        return pended

    def decide(self, pended: Authorization, line: int | None = None) -> Authorization:
        """Approve a line, or all that are pended."""
        return self._put(decide(pended, Decision(Verdict.APPROVE, "nurse"), line=line, at=self.now))

    def ask(self, pended: Authorization) -> Authorization:
        """Ask for a document."""
        wanted = InformationRequest("nurse", (DocumentationRequirement(Code(LOINC, "11506-3"), "progress notes"),))
        return self._put(ask(pended, wanted, line=None, at=self.now))

    def _put(self, changed: Authorization) -> Authorization:
        self.authorizations.change(Staff("nurse"), changed, an_answer(changed))
        return changed

    def beside(self, **more: Any) -> Office:
        """Another one on the same store."""
        other = Office(self.database, self.now)
        other.means = replace(other.means, **more)
        return other


@pytest.fixture
def office(database: Database[dict[str, Any]]) -> Office:
    """Nobody subscribed, nothing on record."""
    return Office(database)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A listener that takes everything."""
    with receiving() as listening:
        yield listening
