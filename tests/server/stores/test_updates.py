"""An update is a message of its own on the submitter's record: found by the Claim, applied once, known when resent."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pymongo.database import Database

from server.authorization.record import Authorization
from server.authorization.request import Identifier, Member
from server.errors import Conflict
from server.payer import Counts, Exchange, Filed, Staff
from server.stores.authorizations import MongoAuthorizations
from tests.builders import NORTH, NOW, SOUTH, a_line, a_request, an_authorization, an_exchange
from tests.server.stores.interrupted import UPDATE_STEPS, leave_update

Store = Database[dict[str, Any]]
STAFF = Staff("nurse")
IMPATIENT = timedelta(seconds=0.3)
HOUR = timedelta(hours=1)


def updated(authorization: Authorization, claim_url: str = "urn:uuid:second") -> Authorization:
    """The next version: the same lines, asked for under another Claim."""
    request = replace(authorization.request, claim_url=claim_url)
    return replace(authorization, version=authorization.version + 1, request=request, changed=NOW + HOUR)


@pytest.fixture
def filed(authorizations: MongoAuthorizations) -> Authorization:
    authorization = an_authorization()
    authorizations.file(NORTH, authorization, an_exchange("first"), NOW)
    return authorization


def test_an_update_is_on_record_with_its_exchange(authorizations: MongoAuthorizations, filed: Authorization) -> None:
    exchange = replace(an_exchange("second"), issues=({"severity": "warning"},))
    assert authorizations.update(NORTH, updated(filed), exchange, NOW) == Filed(updated(filed), exchange.answer)
    assert authorizations.get(NORTH, filed.id) == updated(filed)
    assert authorizations.exchange(NORTH, filed.id) == exchange
    assert authorizations.counts() == Counts(1, 2, {**authorizations.counts().lines, "pended": 1})


def test_both_messages_are_known_when_they_are_resent(
    authorizations: MongoAuthorizations, filed: Authorization
) -> None:
    authorizations.update(NORTH, updated(filed), an_exchange("second"), NOW)
    current = Filed(updated(filed), an_exchange("second").answer, resent=True)
    for text in ("first", "second"):
        assert authorizations.answer_to_resend(NORTH, an_exchange(text).request, NOW) == current
    again = updated(updated(filed))
    assert authorizations.update(NORTH, again, an_exchange("second"), NOW) == current
    assert authorizations.get(NORTH, filed.id) == updated(filed)


def test_an_update_of_an_old_version_or_anothers_record_is_a_conflict(
    authorizations: MongoAuthorizations, database: Store, filed: Authorization
) -> None:
    authorizations.update(NORTH, updated(filed), an_exchange("second"), NOW)
    before = database["fhir_raw"].count_documents({}), database["unique_key"].count_documents({})
    for caller, changed in ((NORTH, updated(filed)), (SOUTH, updated(updated(filed)))):
        with pytest.raises(Conflict):
            authorizations.update(caller, changed, an_exchange("third"), NOW)
    assert (database["fhir_raw"].count_documents({}), database["unique_key"].count_documents({})) == before
    assert authorizations.get(NORTH, filed.id) == updated(filed)


def test_the_same_update_at_the_same_moment_is_applied_once(
    authorizations: MongoAuthorizations, filed: Authorization
) -> None:
    current = filed
    with ThreadPoolExecutor(4) as pool:
        for number in range(10):
            exchange, changed = an_exchange(f"update {number}"), updated(current)
            updates = [pool.submit(authorizations.update, NORTH, changed, exchange, NOW) for _ in range(4)]
            assert sorted(update.result().resent for update in updates) == [False, True, True, True]
            current = changed
    assert authorizations.get(NORTH, filed.id) == current
    assert authorizations.counts().exchanges == 11


@pytest.mark.parametrize("after", UPDATE_STEPS)
def test_a_killed_update_is_applied_when_it_is_sent_again(
    database: Store, authorizations: MongoAuthorizations, filed: Authorization, after: str
) -> None:
    """Also when somebody changed the record in between: the version it would have made says nothing."""
    store = MongoAuthorizations(database, patience=IMPATIENT)
    leave_update(database, after, updated(filed, "urn:uuid:killed"), an_exchange("second"), NOW)
    store.change(STAFF, updated(filed), b"changed by a person")
    assert store.answer_to_resend(NORTH, an_exchange("second").request, NOW) is None

    changed, started = updated(updated(filed)), time.monotonic()
    assert store.update(NORTH, changed, an_exchange("second"), NOW) == Filed(changed, an_exchange("second").answer)
    assert time.monotonic() - started >= IMPATIENT.total_seconds()
    store.sweep(NOW + HOUR)
    assert store.exchange(NORTH, filed.id) == an_exchange("second")
    assert database["fhir_raw"].count_documents({}) == 5


def test_a_record_is_found_by_every_name_its_claim_had(
    authorizations: MongoAuthorizations, filed: Authorization
) -> None:
    changed = updated(filed)
    identified = replace(changed, request=replace(changed.request, identifiers=(Identifier("urn:ids", "C-7"),)))
    authorizations.update(NORTH, identified, an_exchange(), NOW)
    for name in (filed.request.claim_url, "urn:uuid:second", "urn:ids|C-7"):
        assert authorizations.by_claim(NORTH, ["urn:uuid:unknown", name]) == identified
        assert authorizations.by_claim(SOUTH, [name]) is None
    assert authorizations.by_claim(NORTH, []) is None


def test_of_records_with_one_name_the_latest_is_found(authorizations: MongoAuthorizations) -> None:
    early, late = (an_authorization(request=a_request(claim_url="urn:uuid:same"), at=NOW + n * HOUR) for n in (0, 1))
    for each in (late, early):
        authorizations.file(NORTH, each, an_exchange(), NOW)
    assert authorizations.by_claim(NORTH, ["urn:uuid:same"]) == late


def test_the_history_of_a_member_is_theirs_alone(authorizations: MongoAuthorizations) -> None:
    member = Member((Identifier("urn:members", "M-7"),))
    theirs = [an_authorization(request=a_request(a_line(code=code), member=member)) for code in ("E0424", "E1390")]
    authorizations.file(NORTH, theirs[0], an_exchange(), NOW)
    authorizations.file(SOUTH, theirs[1], an_exchange(), NOW)
    authorizations.file(NORTH, an_authorization(), an_exchange(), NOW)
    assert len(authorizations.history(member).lines) == 2
    assert len(authorizations.history(member, besides=theirs[0].id).lines) == 1
    assert authorizations.history(Member((Identifier("urn:members", "M-70"),))).lines == ()


@pytest.mark.parametrize("given", [{"$ne": ""}, ["x"], None, 7], ids=repr)
def test_only_words_go_into_these_queries(authorizations: MongoAuthorizations, given: Any) -> None:
    with pytest.raises(TypeError, match="a word is wanted"):
        authorizations.by_claim(NORTH, [given])


def test_an_update_keeps_its_bytes_exactly(authorizations: MongoAuthorizations, filed: Authorization) -> None:
    exchange = Exchange(bytes(range(256)), b'{"n": 1.50}')
    authorizations.update(NORTH, updated(filed), exchange, NOW)
    assert authorizations.exchange(NORTH, filed.id) == exchange
