"""What a store of authorizations does, method by method."""

from __future__ import annotations

import os
import socket
import time
from base64 import b64encode
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from secrets import token_hex
from typing import Any

import pytest
from pymongo.database import Database

from server.authorization.decision import Decision, Verdict, decide
from server.authorization.delivery import Attempt, Delivery
from server.authorization.determination import Nudged, Response, ReviewAction
from server.authorization.record import Authorization
from server.authorization.request import Identifier
from server.errors import Conflict, TooLarge, Unavailable
from server.payer import Counts, Exchange, Filed, FormError, FormErrorReport, NumberTaken, Proposed, Staff
from server.stores.artifacts import FirstSeen
from server.stores.attachments import MongoAttachments
from server.stores.authorizations import MongoAuthorizations, connect, ensure_indexes
from server.stores.contents import Contents
from server.stores.documents import DOCUMENTS
from server.stores.form_errors import MongoFormErrors
from server.stores.movable_clock import MovableClock
from server.stores.notices import MongoNotices
from server.stores.raw import PART, Damaged
from server.stores.sealing import Seal
from server.stores.subscriptions import MongoSubscriptions
from tests.builders import (
    NORTH,
    NOW,
    SOUTH,
    a_line,
    a_request,
    a_subscription,
    an_attachment,
    an_authorization,
    an_exchange,
)
from tests.databases import connected

Store = Database[dict[str, Any]]
STAFF = Staff("nurse")
CERTIFIED, DENIED, PENDED = ReviewAction.CERTIFIED, ReviewAction.NOT_CERTIFIED, ReviewAction.PENDED


def approved(authorization: Authorization) -> Authorization:
    """The next version: every pended line approved by a person."""
    return decide(authorization, Decision(Verdict.APPROVE, by="nurse"), line=None, at=NOW + timedelta(hours=1))


def documents_in(database: Store) -> dict[str, int]:
    return {name: database[name].count_documents({}) for name in ("authorization", "fhir_raw", "unique_key")}


@pytest.mark.parametrize("who", [NORTH, STAFF], ids=["its submitter", "staff"])
def test_what_is_filed_is_on_record(authorizations: MongoAuthorizations, who: Any) -> None:
    authorization = an_authorization(CERTIFIED, PENDED)
    exchange = Exchange(b'{"n": 1.50}', b'{"m": 2.0}', ({"severity": "warning", "code": "not-found"},))

    assert authorizations.file(NORTH, authorization, exchange, NOW) == Filed(authorization, exchange.answer)

    assert authorizations.get(who, authorization.id) == authorization
    assert [authorizations.by_number(who, number) for number in authorization.numbers] == [authorization] * 2
    assert authorizations.answer(who, authorization.id) == exchange.answer
    assert authorizations.exchange(who, authorization.id) == exchange


def test_a_line_is_found_by_its_trace_number_also_when_the_payer_issued_it(authorizations: MongoAuthorizations) -> None:
    authorization = an_authorization(PENDED)
    authorizations.file(NORTH, authorization, an_exchange(), NOW)
    (trace,) = authorization.traces_of(authorization.lines[0])

    assert authorizations.by_trace(NORTH, trace) == authorizations.by_trace(STAFF, trace) == [authorization]
    assert authorizations.by_trace(SOUTH, trace) == authorizations.by_trace(NORTH, trace + "X") == []


def test_proposals_are_counted_per_rule_with_responses_and_reasons(authorizations: MongoAuthorizations) -> None:
    """PF-16."""
    offered = Nudged("fewer", "therapy@1", Response.OFFERED)
    declined = Nudged("fewer", "therapy@1", Response.DECLINED, "surgery")
    first = an_authorization(PENDED, PENDED, CERTIFIED)
    lines = [
        replace(line, determination=replace(line.determination, nudges=nudges))
        for line, nudges in zip(first.lines, [(offered,), (declined,), ()], strict=True)
    ]
    first = replace(first, lines=tuple(lines))
    authorizations.file(NORTH, first, an_exchange("first"), NOW)
    authorizations.file(NORTH, an_authorization(CERTIFIED), an_exchange("none"), NOW)
    assert authorizations.proposals() == [
        Proposed("therapy@1", "fewer", "declined", "surgery", 1),
        Proposed("therapy@1", "fewer", "offered", "", 1),
    ]

    accepted = replace(offered, response=Response.ACCEPTED)
    lines[0] = replace(lines[0], determination=replace(lines[0].determination, nudges=(accepted,)))
    authorizations.change(STAFF, replace(first, lines=tuple(lines), version=2), b"answer")
    assert [(each.response, each.lines) for each in authorizations.proposals()] == [("accepted", 1), ("declined", 1)]


READINGS: dict[str, Callable[[MongoAuthorizations, Any, Authorization], Any]] = {
    "get": lambda store, who, filed: store.get(who, filed.id),
    "by_number": lambda store, who, filed: store.by_number(who, filed.numbers[0]),
    "answer": lambda store, who, filed: store.answer(who, filed.id),
    "exchange": lambda store, who, filed: store.exchange(who, filed.id),
}


@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
def test_another_organization_sees_nothing(authorizations: MongoAuthorizations, reading: Callable[..., Any]) -> None:
    authorization = an_authorization()
    authorizations.file(NORTH, authorization, an_exchange(), NOW)
    assert reading(authorizations, NORTH, authorization) is not None
    assert reading(authorizations, SOUTH, authorization) is None


@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
def test_what_was_never_filed_is_not_there(authorizations: MongoAuthorizations, reading: Callable[..., Any]) -> None:
    assert reading(authorizations, STAFF, an_authorization()) is None


def test_another_organization_changes_nothing(authorizations: MongoAuthorizations) -> None:
    authorization = an_authorization()
    authorizations.file(NORTH, authorization, an_exchange("first"), NOW)
    with pytest.raises(Conflict):
        authorizations.change(SOUTH, approved(authorization), b"forged")
    assert authorizations.get(STAFF, authorization.id) == authorization
    assert authorizations.answer(STAFF, authorization.id) == b'{"answer": "first"}'


def test_another_tenant_sees_nothing(database: Store) -> None:
    authorization = an_authorization()
    ours, theirs = MongoAuthorizations(database), MongoAuthorizations(database, tenant="other-payer")
    ours.file(NORTH, authorization, an_exchange(), NOW)
    assert [reading(theirs, STAFF, authorization) for reading in READINGS.values()] == [None] * 4
    assert theirs.counts().authorizations == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"{}", b'{"value": 1.10}', '{"name": "Zoë\u2028"}'.encode(), bytes(range(256)), b"\0" * 1_000_000],
    ids=["empty", "small", "decimal", "unicode", "any byte", "repetitive"],
)
def test_bytes_stay_exact(authorizations: MongoAuthorizations, body: bytes) -> None:
    authorization = an_authorization()
    authorizations.file(NORTH, authorization, Exchange(body, body[::-1]), NOW)
    assert authorizations.exchange(NORTH, authorization.id) == Exchange(body, body[::-1])


def test_twenty_megabytes_are_kept_in_parts(authorizations: MongoAuthorizations, database: Store) -> None:
    request, authorization = b64encode(os.urandom(20_000_000)), an_authorization()
    authorizations.file(NORTH, authorization, Exchange(request, b"{}"), NOW)
    found = authorizations.exchange(NORTH, authorization.id)
    assert found is not None
    assert found.request == request
    sizes = [len(each["data"]) for each in database["fhir_raw"].find({"kind": "request"})]
    assert len(sizes) == 2
    assert max(sizes) <= PART


@pytest.mark.parametrize("harm", ["other bytes", "a part is missing", "not compressed"])
def test_damaged_bytes_are_never_given_out(authorizations: MongoAuthorizations, database: Store, harm: str) -> None:
    authorization, raw = an_authorization(), database["fhir_raw"]
    authorizations.file(NORTH, authorization, Exchange(b'{"n": 1}', b'{"n": 2}'), NOW)
    request, answer = raw.find_one({"kind": "request"}), raw.find_one({"kind": "answer"})
    assert request is not None
    assert answer is not None
    if harm == "a part is missing":
        raw.update_one({"_id": answer["_id"]}, {"$set": {"parts": 2}})
    else:
        wrong = request["data"] if harm == "other bytes" else b"plain"
        raw.update_one({"_id": answer["_id"]}, {"$set": {"data": wrong}})
    with pytest.raises(Damaged):
        authorizations.answer(NORTH, authorization.id)


def test_a_change_is_on_record_with_its_answer(authorizations: MongoAuthorizations) -> None:
    authorization, exchange = an_authorization(CERTIFIED, PENDED), an_exchange()
    authorizations.file(NORTH, authorization, exchange, NOW)
    changed = approved(authorization)

    authorizations.change(STAFF, changed, b"approved now")

    assert authorizations.get(NORTH, authorization.id) == changed
    assert authorizations.exchange(NORTH, authorization.id) == replace(exchange, answer=b"approved now")
    assert authorizations.by_number(NORTH, authorization.numbers[1]) == changed


def test_a_change_from_an_old_version_is_a_conflict(authorizations: MongoAuthorizations, database: Store) -> None:
    authorization = an_authorization()
    authorizations.file(NORTH, authorization, an_exchange(), NOW)
    authorizations.change(STAFF, approved(authorization), b"first")
    before = documents_in(database)
    with pytest.raises(Conflict):
        authorizations.change(STAFF, approved(authorization), b"second")
    assert authorizations.answer(NORTH, authorization.id) == b"first"
    assert documents_in(database) == before


def test_of_changes_at_the_same_moment_one_is_made(authorizations: MongoAuthorizations, database: Store) -> None:
    def change(changed: Authorization, answer: bytes) -> bytes | None:
        try:
            authorizations.change(STAFF, changed, answer)
        except Conflict:
            return None
        return answer

    for _ in range(10):
        authorization = an_authorization()
        authorizations.file(NORTH, authorization, an_exchange(), NOW)
        with ThreadPoolExecutor(4) as pool:
            answers = pool.map(change, [approved(authorization)] * 4, [b"a", b"b", b"c", b"d"])
        assert [authorizations.answer(STAFF, authorization.id)] == [answer for answer in answers if answer]
    assert documents_in(database) == {"authorization": 10, "fhir_raw": 30, "unique_key": 20}


def test_a_number_is_never_issued_twice(authorizations: MongoAuthorizations, database: Store) -> None:
    first = an_authorization(numbers=["K7M2-94QX-TR8W-5"])
    authorizations.file(NORTH, first, an_exchange(), NOW)
    before = documents_in(database)
    second = an_authorization(CERTIFIED, CERTIFIED, numbers=["9999-94QX-TR8W-5", "K7M2-94QX-TR8W-5"])
    with pytest.raises(NumberTaken):
        authorizations.file(SOUTH, second, an_exchange("another"), NOW)

    assert authorizations.by_number(STAFF, "K7M2-94QX-TR8W-5") == first
    assert authorizations.get(STAFF, second.id) is None
    assert documents_in(database) == before

    anew = an_authorization(CERTIFIED, CERTIFIED, id=second.id)
    assert authorizations.file(SOUTH, anew, an_exchange("another"), NOW).authorization == anew


def test_numbers_that_a_change_adds_are_unique_and_old_ones_still_lead_there(
    authorizations: MongoAuthorizations, database: Store
) -> None:
    other, authorization = an_authorization(), an_authorization()
    for each in (other, authorization):
        authorizations.file(NORTH, each, an_exchange(), NOW)
    line = authorization.lines[0]
    taken = replace(authorization, version=2, lines=(replace(line, number=other.numbers[0]),))
    before = documents_in(database)
    with pytest.raises(NumberTaken):
        authorizations.change(STAFF, taken, b"taken")
    assert documents_in(database) == before

    renumbered = replace(authorization, version=2, lines=(replace(line, number="NEW2-94QX-TR8W-5"),))
    authorizations.change(STAFF, renumbered, b"renumbered")
    for number in (line.number, "NEW2-94QX-TR8W-5"):
        assert authorizations.by_number(NORTH, number) == renumbered


def test_an_id_is_never_given_to_another_message(authorizations: MongoAuthorizations, database: Store) -> None:
    first = an_authorization()
    authorizations.file(NORTH, first, an_exchange("first"), NOW)
    before = documents_in(database)
    for caller, exchange in ((NORTH, an_exchange("second")), (SOUTH, an_exchange("first"))):
        with pytest.raises(ValueError, match="another authorization"):
            authorizations.file(caller, an_authorization(id=first.id), exchange, NOW)
    assert documents_in(database) == before
    assert authorizations.get(NORTH, first.id) == first


def test_counts_say_how_much_is_on_record(authorizations: MongoAuthorizations) -> None:
    nothing = {"approved": 0, "denied": 0, "pended": 0, "modified": 0, "cancelled": 0}
    assert authorizations.counts() == Counts(0, 0, nothing)
    for caller, actions in (
        (NORTH, (CERTIFIED, CERTIFIED, PENDED)),
        (SOUTH, (DENIED,)),
        (SOUTH, (PENDED, PENDED)),
        (NORTH, (ReviewAction.MODIFIED, ReviewAction.CANCELLED, CERTIFIED)),
    ):
        pended = an_authorization(*actions)
        authorizations.file(caller, pended, an_exchange(), NOW)
        if actions == (PENDED, PENDED):
            authorizations.change(STAFF, approved(pended), b"approved")
    lines = {"approved": 5, "denied": 1, "pended": 1, "modified": 1, "cancelled": 1}
    assert authorizations.counts() == Counts(4, 4, lines)


def test_a_record_of_many_lines_is_kept_and_counted(authorizations: MongoAuthorizations) -> None:
    authorization = an_authorization(*[PENDED] * 999)
    authorizations.file(NORTH, authorization, an_exchange(), NOW)
    assert authorizations.get(NORTH, authorization.id) == authorization
    assert authorizations.by_number(NORTH, authorization.numbers[998]) == authorization
    assert authorizations.counts().lines["pended"] == 999


def test_a_record_that_no_document_can_hold_is_refused_and_leaves_nothing(
    authorizations: MongoAuthorizations, database: Store
) -> None:
    traces = tuple(Identifier(token_hex(500_000), token_hex(500_000)) for _ in range(12))
    authorization = an_authorization(request=a_request(a_line(trace_numbers=traces)))
    with pytest.raises(TooLarge):
        authorizations.file(NORTH, authorization, an_exchange(), NOW)
    assert documents_in(database) == {"authorization": 0, "fhir_raw": 0, "unique_key": 0}


@pytest.mark.parametrize("given", [{"$ne": ""}, {"$regex": "."}, ["x"], None, 7, b"x"], ids=repr)
@pytest.mark.parametrize("reading", READINGS.values(), ids=READINGS)
def test_only_words_go_into_queries(
    authorizations: MongoAuthorizations, reading: Callable[..., Any], given: Any
) -> None:
    filed = an_authorization()
    authorizations.file(NORTH, filed, an_exchange(), NOW)
    forged = replace(filed, id=given, lines=(replace(filed.lines[0], number=given),))
    with pytest.raises(TypeError, match="a word is wanted"):
        reading(authorizations, STAFF, forged)


def test_only_words_say_whose_record_it_is(authorizations: MongoAuthorizations) -> None:
    authorization = an_authorization()
    authorizations.file(NORTH, authorization, an_exchange(), NOW)
    with pytest.raises(TypeError):
        authorizations.get(replace(NORTH, organization={"$ne": ""}), authorization.id)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "a:b", "a|b"])
def test_a_tenants_name_cannot_run_into_what_follows_it(database: Store, name: str) -> None:
    with pytest.raises(ValueError, match="tenant"):
        MongoAuthorizations(database, tenant=name)


def test_what_is_written_is_what_the_documents_declare(authorizations: MongoAuthorizations, database: Store) -> None:
    authorization = an_authorization(CERTIFIED, PENDED)
    exchange = replace(an_exchange(), issues=({"severity": "warning"},))
    authorizations.file(NORTH, authorization, exchange, NOW)
    authorizations.change(STAFF, approved(authorization), b"approved")
    Contents(database).keep("f1", {"plans/gold.yaml": b"title: Gold"}, NOW)
    MovableClock(database).let_move()
    FirstSeen(database, lambda: NOW)(["digest"])
    error = FormError("urn:form|1", "error", "exception")
    MongoFormErrors(database).report(FormErrorReport("north", (error,), ("urn:form|1",), b"{}"), NOW)
    MongoSubscriptions(database, lambda: Seal([bytes(32)])).create(a_subscription())
    notices = MongoNotices(database)
    [untold] = notices.untold(10)
    notices.put([Delivery("s1", untold.authorization, 2, NOW, untold.changes[0].answer)])
    [delivery] = notices.unnumbered("s1")
    notices.record(replace(delivery, attempts=(Attempt(NOW, 200),)))
    notices.wake("s1", 1, NOW)
    MongoAttachments(database).keep(an_attachment(b"bytes"), lambda: [b"bytes"])
    for declared in DOCUMENTS:
        rows = list(database[declared._get_collection_name()].find({}))
        assert rows
        for row in rows:
            assert set(row) <= {field.db_field for field in declared._fields.values()}
            declared._from_son(row).validate()


def test_indexes_are_made_once_by_however_many_processes(store_uri: str, database: Store) -> None:
    with connected(store_uri, database.name) as other, ThreadPoolExecutor(4) as pool:
        list(pool.map(ensure_indexes, [database, other] * 4))
    assert set(database["authorization"].index_information()) == {
        "_id_",
        "tenant_1_tally_1",
        "search_1_day_1",
        "queue_1_due_1",
        "proposed_1",
        "relay_1",
    }
    assert set(database["unique_key"].index_information()) == {"_id_", "tenant_1_kind_1_at_1"}


def test_a_store_that_answers_says_so(authorizations: MongoAuthorizations) -> None:
    assert authorizations.ping() is True


def test_a_dead_store_is_unavailable_within_seconds() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        database = connect(f"mongodb://127.0.0.1:{nobody.getsockname()[1]}/?directConnection=true", "placet")
        authorizations, started = MongoAuthorizations(database), time.monotonic()
        with pytest.raises(Unavailable) as refused:
            authorizations.file(NORTH, an_authorization(), an_exchange(), NOW)
        assert time.monotonic() - started < 5
        assert authorizations.ping() is False
        database.client.close()
    [issue] = refused.value.issues
    assert issue.code == "transient"
    assert "again" in issue.repair
