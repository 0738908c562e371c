"""What a crash leaves behind is taken away, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database

from server.authorization.decision import Decision, Verdict, decide
from server.payer import Staff
from server.stores.authorizations import MongoAuthorizations
from server.stores.sweep import Swept
from tests.builders import NORTH, NOW, an_authorization, an_exchange
from tests.server.stores.interrupted import CHANGE_STEPS, FILING_STEPS, leave_change, leave_filing

Store = Database[dict[str, Any]]
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
STAFF = Staff("nurse")


def everything_in(database: Store) -> list[list[dict[str, Any]]]:
    names = ("authorization", "fhir_raw", "unique_key")
    return [sorted(database[name].find({}), key=lambda row: str(row["_id"])) for name in names]


@pytest.mark.parametrize("after", FILING_STEPS)
def test_nothing_is_left_of_a_filing_that_was_killed(
    authorizations: MongoAuthorizations, database: Store, after: str
) -> None:
    authorizations.file(NORTH, an_authorization(), an_exchange(), NOW)
    before = everything_in(database)
    leave_filing(database, after, NORTH, an_authorization(), an_exchange(), NOW - HOUR)
    assert everything_in(database) != before
    swept = authorizations.sweep(NOW - SECOND)
    assert everything_in(database) == before
    assert swept.keys == 1
    assert swept.raws == (0 if after == FILING_STEPS[0] else 2)
    assert swept.numbers == (1 if after == FILING_STEPS[2] else 0)


@pytest.mark.parametrize("after", CHANGE_STEPS)
def test_nothing_is_left_of_a_change_that_was_killed(
    authorizations: MongoAuthorizations, database: Store, after: str
) -> None:
    authorization = an_authorization()
    authorizations.file(NORTH, authorization, an_exchange(), NOW)
    before = everything_in(database)
    approved = decide(authorization, Decision(Verdict.APPROVE, by="nurse"), line=None, at=NOW - HOUR)
    leave_change(database, after, approved, b"never sent")
    assert everything_in(database) != before
    authorizations.sweep(NOW - SECOND)
    assert everything_in(database) == before
    authorizations.change(STAFF, approved, b"sent")
    assert authorizations.answer(NORTH, authorization.id) == b"sent"


def test_what_is_on_record_stays(authorizations: MongoAuthorizations, database: Store) -> None:
    authorization = an_authorization()
    authorizations.file(NORTH, authorization, an_exchange(), NOW)
    authorizations.change(
        STAFF, decide(authorization, Decision(Verdict.APPROVE, by="nurse"), line=None, at=NOW), b"approved"
    )
    before = everything_in(database)
    assert authorizations.sweep(NOW + SECOND) == Swept(raws=0, numbers=0, keys=0, more=False)
    assert everything_in(database) == before


def test_the_parts_of_a_large_request_stay(
    authorizations: MongoAuthorizations, database: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.stores.raw.PART", 10)
    authorization, exchange = an_authorization(), an_exchange()
    authorizations.file(NORTH, authorization, exchange, NOW)
    assert database["fhir_raw"].count_documents({"part": {"$gt": 1}}) > 1
    assert authorizations.sweep(NOW + SECOND).raws == 0
    assert authorizations.exchange(NORTH, authorization.id) == exchange


def test_what_is_still_being_filed_is_left_alone(authorizations: MongoAuthorizations, database: Store) -> None:
    leave_filing(database, FILING_STEPS[2], NORTH, an_authorization(), an_exchange(), NOW)
    before = everything_in(database)
    assert authorizations.sweep(NOW - HOUR) == Swept(raws=0, numbers=0, keys=0, more=False)
    assert everything_in(database) == before


def test_a_dead_filing_is_swept_after_another_took_its_key(
    authorizations: MongoAuthorizations, database: Store
) -> None:
    authorization, exchange = an_authorization(), an_exchange()
    leave_filing(database, FILING_STEPS[2], NORTH, an_authorization(), exchange, NOW - HOUR)
    authorizations.file(NORTH, authorization, exchange, NOW)
    swept = authorizations.sweep(NOW + SECOND)
    assert (swept.raws, swept.numbers) == (2, 1)
    assert authorizations.exchange(NORTH, authorization.id) == exchange
    assert authorizations.by_number(NORTH, authorization.numbers[0]) == authorization


def test_the_key_of_a_message_goes_when_its_window_has_passed(
    authorizations: MongoAuthorizations, database: Store
) -> None:
    authorization, exchange = an_authorization(), an_exchange()
    authorizations.file(NORTH, authorization, exchange, NOW)
    assert authorizations.sweep(NOW + HOUR).keys == 1
    assert authorizations.exchange(NORTH, authorization.id) == exchange
    assert authorizations.by_number(NORTH, authorization.numbers[0]) == authorization
    assert database["unique_key"].count_documents({"kind": "number"}) == 1


def test_a_sweep_goes_on_where_its_limit_stopped_it(authorizations: MongoAuthorizations, database: Store) -> None:
    for _ in range(5):
        leave_filing(database, FILING_STEPS[2], NORTH, an_authorization(), an_exchange(), NOW - HOUR)
    rounds = [authorizations.sweep(NOW, limit=2) for _ in range(3)]
    assert [(each.keys, each.more) for each in rounds] == [(2, True), (2, True), (1, False)]
    assert everything_in(database) == [[], [], []]


def test_another_tenants_filings_are_not_swept(authorizations: MongoAuthorizations, database: Store) -> None:
    leave_filing(database, FILING_STEPS[2], NORTH, an_authorization(), an_exchange(), NOW - HOUR)
    assert MongoAuthorizations(database, tenant="other-payer").sweep(NOW).keys == 0
    assert authorizations.sweep(NOW).keys == 1
