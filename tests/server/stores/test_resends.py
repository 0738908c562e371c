"""The same bytes from the same organization are a lost answer, and are filed once."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database

from server.authorization.decision import Decision, Verdict, decide
from server.payer import Filed, Staff
from server.stores import raw
from server.stores.authorizations import MongoAuthorizations
from tests.builders import NORTH, NOW, SOUTH, an_authorization, an_exchange
from tests.databases import connected
from tests.server.stores.interrupted import FILING_STEPS, leave_filing

Store = Database[dict[str, Any]]
WINDOW = timedelta(minutes=10)
IMPATIENT = timedelta(seconds=0.3)


def asked(store: MongoAuthorizations, caller: Any, exchange: Any, at: Any) -> Filed | None:
    return store.answer_to_resend(caller, exchange.request, at)


def filed_again(store: MongoAuthorizations, caller: Any, exchange: Any, at: Any) -> Filed | None:
    """What filing it gives, None when it is filed as a new authorization."""
    again = store.file(caller, an_authorization(), replace(exchange, answer=b"not this one"), at)
    return again if again.resent else None


both_ways = pytest.mark.parametrize("known", [asked, filed_again])
Knowing = Callable[..., Filed | None]


@both_ways
@pytest.mark.parametrize("later", [timedelta(0), timedelta(seconds=1), WINDOW], ids=str)
def test_a_resend_within_the_window_gets_the_first_answer(
    authorizations: MongoAuthorizations, known: Knowing, later: timedelta
) -> None:
    authorization, exchange = an_authorization(), an_exchange()
    authorizations.file(NORTH, authorization, exchange, NOW)
    assert known(authorizations, NORTH, exchange, NOW + later) == Filed(authorization, exchange.answer, resent=True)
    assert authorizations.counts().authorizations == 1


@both_ways
def test_a_resend_gets_the_current_answer(authorizations: MongoAuthorizations, known: Knowing) -> None:
    authorization, exchange = an_authorization(), an_exchange()
    authorizations.file(NORTH, authorization, exchange, NOW)
    changed = decide(authorization, Decision(Verdict.APPROVE, by="nurse"), line=None, at=NOW)
    authorizations.change(Staff("nurse"), changed, b"approved now")
    assert known(authorizations, NORTH, exchange, NOW) == Filed(changed, b"approved now", resent=True)


@both_ways
def test_after_the_window_the_same_bytes_are_a_new_request(authorizations: MongoAuthorizations, known: Knowing) -> None:
    exchange, later = an_exchange(), NOW + WINDOW + timedelta(seconds=1)
    authorizations.file(NORTH, an_authorization(), exchange, NOW)
    assert known(authorizations, NORTH, exchange, later) is None


def test_a_new_request_of_the_same_bytes_begins_a_window_of_its_own(authorizations: MongoAuthorizations) -> None:
    first, second, exchange = an_authorization(), an_authorization(), an_exchange()
    later = NOW + WINDOW + timedelta(seconds=1)
    authorizations.file(NORTH, first, exchange, NOW)
    authorizations.file(NORTH, second, replace(exchange, answer=b"second"), later)
    again = authorizations.answer_to_resend(NORTH, exchange.request, later + WINDOW)
    assert again == Filed(second, b"second", resent=True)
    assert authorizations.answer(NORTH, first.id) == exchange.answer
    assert authorizations.counts().authorizations == 2


@both_ways
@pytest.mark.parametrize(
    ("caller", "change"), [(SOUTH, b""), (NORTH, b" ")], ids=["another organization", "another byte"]
)
def test_anything_else_is_no_resend(
    authorizations: MongoAuthorizations, known: Knowing, caller: Any, change: bytes
) -> None:
    exchange = an_exchange()
    authorizations.file(NORTH, an_authorization(), exchange, NOW)
    assert known(authorizations, caller, replace(exchange, request=exchange.request + change), NOW) is None


def test_another_caller_of_the_same_organization_may_resend(authorizations: MongoAuthorizations) -> None:
    exchange = an_exchange()
    authorizations.file(NORTH, an_authorization(), exchange, NOW)
    assert authorizations.answer_to_resend(replace(NORTH, name="another system"), exchange.request, NOW) is not None


def test_an_organizations_name_cannot_run_into_the_bytes(authorizations: MongoAuthorizations) -> None:
    authorizations.file(replace(NORTH, organization="north"), an_authorization(), an_exchange("x"), NOW)
    request = b"h" + an_exchange("x").request
    assert authorizations.answer_to_resend(replace(NORTH, organization="nort"), request, NOW) is None


@pytest.mark.parametrize("first", ["none", "outside the window", "dead"])
def test_threads_with_the_same_message_file_one_authorization(database: Store, first: str) -> None:
    """Whether the key is free or has to be taken over."""
    store, later = MongoAuthorizations(database), NOW + timedelta(hours=1)
    with ThreadPoolExecutor(4) as pool:
        for _ in range(20):
            exchange = an_exchange()
            if first == "outside the window":
                store.file(NORTH, an_authorization(), exchange, NOW)
            elif first == "dead":
                leave_filing(database, FILING_STEPS[0], NORTH, an_authorization(), exchange, NOW)
            filings = [pool.submit(store.file, NORTH, an_authorization(), exchange, later) for _ in range(4)]
            results = [filing.result() for filing in filings]
            assert len({result.authorization.id for result in results}) == 1
            assert sorted(result.resent for result in results) == [False, True, True, True]
    on_record = 40 if first == "outside the window" else 20
    assert database["authorization"].count_documents({}) == on_record
    assert database["fhir_raw"].count_documents({}) == 2 * on_record


def file_at(moment: float, uri: str, name: str, text: str) -> tuple[str, bytes, bool]:
    """File a message in another process, at a moment."""
    with connected(uri, name) as database:
        authorizations, authorization = MongoAuthorizations(database), an_authorization()
        exchange = replace(an_exchange(text), answer=authorization.id.encode())
        authorizations.ping()
        time.sleep(max(0.0, moment - time.time()))
        filed = authorizations.file(NORTH, authorization, exchange, NOW)
        return filed.authorization.id, filed.answer, filed.resent


def test_two_processes_with_the_same_message_file_one_authorization(store_uri: str, database: Store) -> None:
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        list(pool.map(file_at, [0.0] * 2, [store_uri] * 2, [database.name] * 2, ["a", "b"]))  # both are up
        for number in range(20):
            moment = time.time() + 0.05
            filings = [pool.submit(file_at, moment, store_uri, database.name, f"round {number}") for _ in range(2)]
            (first_id, first_answer, one), (second_id, second_answer, other) = [each.result() for each in filings]
            assert (first_id, first_answer) == (second_id, second_answer)
            assert {one, other} == {True, False}
    assert database["authorization"].count_documents({}) == 22


@pytest.mark.parametrize("after", FILING_STEPS)
@pytest.mark.parametrize("wait", [IMPATIENT, timedelta(minutes=5)], ids=["just now", "long ago"])
def test_a_message_whose_filing_was_killed_is_filed(database: Store, after: str, wait: timedelta) -> None:
    """Soon after, the dead filing is waited for a little; long after, not at all."""
    store, exchange = MongoAuthorizations(database, patience=IMPATIENT), an_exchange()
    leave_filing(database, after, NORTH, an_authorization(), exchange, NOW)
    assert store.answer_to_resend(NORTH, exchange.request, NOW) is None

    authorization, started = an_authorization(), time.monotonic()
    at = NOW if wait is IMPATIENT else NOW + wait
    assert store.file(NORTH, authorization, exchange, at) == Filed(authorization, exchange.answer)
    assert (time.monotonic() - started >= IMPATIENT.total_seconds()) is (wait is IMPATIENT)
    assert store.answer_to_resend(NORTH, exchange.request, at) == Filed(authorization, exchange.answer, resent=True)
    assert store.counts().authorizations == 1


@pytest.mark.parametrize("after", FILING_STEPS)
def test_whoever_was_interrupted_goes_on_at_once(database: Store, after: str) -> None:
    """The same authorization again, after its first filing ended in an error, does not wait for itself."""
    store, authorization, exchange = MongoAuthorizations(database), an_authorization(), an_exchange()
    leave_filing(database, after, NORTH, authorization, exchange, NOW)
    started = time.monotonic()
    assert store.file(NORTH, authorization, exchange, NOW) == Filed(authorization, exchange.answer)
    assert time.monotonic() - started < 2
    store.sweep(NOW + timedelta(days=1))
    assert store.exchange(NORTH, authorization.id) == exchange
    assert store.by_number(NORTH, authorization.numbers[0]) == authorization
    assert database["fhir_raw"].count_documents({}) == 2


def test_two_that_wait_for_a_dead_filing_file_one_authorization(database: Store) -> None:
    store = MongoAuthorizations(database, patience=IMPATIENT)
    for _ in range(5):
        exchange = an_exchange()
        leave_filing(database, FILING_STEPS[0], NORTH, an_authorization(), exchange, NOW)
        with ThreadPoolExecutor(3) as pool:
            filings = [pool.submit(store.file, NORTH, an_authorization(), exchange, NOW) for _ in range(3)]
            results = [filing.result() for filing in filings]
        assert sorted(result.resent for result in results) == [False, True, True]
        assert len({result.authorization.id for result in results}) == 1
    assert store.counts().authorizations == 5


def test_a_filing_that_was_taken_for_dead_gives_way(database: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """The slow one has told nobody its answer yet: it takes its own record back and answers with the other's."""
    store, exchange, write = MongoAuthorizations(database, patience=IMPATIENT), an_exchange(), raw.write
    slow, quick = an_authorization(), an_authorization()

    def write_slowly(collection: Any, rows: Any) -> None:
        if any(slow.id in row["_id"] for row in rows):
            time.sleep(4 * IMPATIENT.total_seconds())
        write(collection, rows)

    monkeypatch.setattr(raw, "write", write_slowly)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(store.file, NORTH, slow, exchange, NOW)
        time.sleep(0.05)
        second = pool.submit(store.file, NORTH, quick, exchange, NOW)
        assert second.result() == Filed(quick, exchange.answer)
        assert first.result() == Filed(quick, exchange.answer, resent=True)
    assert store.counts().authorizations == 1
    assert store.get(NORTH, slow.id) is None
    assert store.by_number(NORTH, slow.numbers[0]) is None
    assert database["fhir_raw"].count_documents({}) == 2


def test_a_message_filed_again_by_whom_its_end_was_not_told_is_the_same(authorizations: MongoAuthorizations) -> None:
    authorization, exchange = an_authorization(), an_exchange()
    authorizations.file(NORTH, authorization, exchange, NOW)
    assert authorizations.file(NORTH, authorization, exchange, NOW) == Filed(authorization, exchange.answer, True)
