"""`placet seed`: synthetic authorizations that are like real ones, and never among real ones."""

from __future__ import annotations

import json
import random
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pymongo.database import Database

from conformance.samples import sample_names
from mappers.pas import names
from profiles import issues_in
from questionnaires.content import load_content
from server.authorization.inquiry import Inquiry
from server.authorization.npi import is_npi
from server.authorization.record import Authorization
from server.authorization.request import Identifier, Member, Party
from server.cli.seed import PROCESSES, file_all, file_apart, seed
from server.cli.synthetic import LAST_TWO_YEARS, MEMBERS, filed, npi, people, samples
from server.payer import Caller, Exchange, NumberTaken, Payer, Staff
from server.settings import Settings
from server.stores.authorizations import MongoAuthorizations
from server.stores.batches import file_batch
from server.stores.documents import AuthorizationDocument, KeyDocument, RawDocument
from server.web.access import SANDBOX
from tests.builders import NORTH, NOW, an_authorization, an_exchange

Store = Database[dict[str, Any]]
AT = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)
BASE = "http://127.0.0.1:8080/fhir"
STAFF = Staff("nurse")


@pytest.fixture
def payer(authorizations: MongoAuthorizations) -> Payer:
    """The payer of the demo content, on an empty store, on one day."""
    return Payer(authorizations=authorizations, rules_for=load_content().rules_for, now=lambda: AT)


def made(payer: Payer, count: int, members: int = 7) -> list[tuple[Authorization, Exchange]]:
    """As many synthetic authorizations, always the same ones but for their ids and numbers."""
    return list(filed(payer, BASE, random.Random(3), (number % members for number in range(count))))


@pytest.mark.parametrize("name", sample_names())
def test_a_moved_sample_is_a_request_like_any_other(name: str) -> None:
    text = samples()[name].text(date(2025, 3, 31), people(12) | {"@ID@": "seed-1"})
    bundle = json.loads(text)
    assert "@" not in text
    assert not [each for each in issues_in(bundle, names.REQUEST_BUNDLE) if each.severity == "error"]
    claim = bundle["entry"][0]["resource"]
    assert claim["created"].startswith("2025-03-31")
    assert "SYN0000012" in text
    assert name not in text


def test_no_synthetic_provider_has_a_number_that_is_given_out() -> None:
    numbers = [npi(number) for number in range(500)]
    assert all(map(is_npi, numbers))
    assert {number[0] for number in numbers} == {"2"}
    assert len(set(numbers)) == 500


def test_they_are_spread_over_two_years_and_all_that_can_become_of_a_request(payer: Payer) -> None:
    records = [authorization for authorization, _ in made(payer, 150)]
    oldest, newest = min(each.created for each in records), max(each.created for each in records)
    assert AT - timedelta(days=LAST_TWO_YEARS) <= oldest < newest <= AT
    assert newest - oldest > timedelta(days=500)
    assert {status for each in records for status in each.statuses} >= {"approved", "denied", "modified"}
    pended = [each for each in records if each.is_pended]
    assert all(AT - each.created <= timedelta(days=7) for each in pended)


def test_answers_conform_to_the_guide(payer: Payer) -> None:
    for _, exchange in made(payer, 25):
        answer = json.loads(exchange.answer)
        assert not [each for each in issues_in(answer, names.RESPONSE_BUNDLE) if each.severity == "error"]


def test_they_are_found_like_real_ones(payer: Payer) -> None:
    records = made(payer, 40)
    assert sum(file_all(payer.authorizations, SANDBOX, iter(records))) == 40
    record, exchange = records[5]
    person = people(5)
    member = Member((Identifier(MEMBERS, person["@MEMBER@"]),))
    store = payer.authorizations
    assert store.get(SANDBOX, record.id) == record
    assert store.by_number(STAFF, record.numbers[0]) == record
    assert store.exchange(SANDBOX, record.id) == exchange
    assert store.by_claim(SANDBOX, [record.request.claim_url]) == record
    own = [each for each, _ in records if each.request.member.identifiers == member.identifiers]
    assert {line.authorization for line in store.history(member).lines} == {each.id for each in own}
    inquiry = Inquiry(member, frozenset({person["@PRACTICE@"]}), Party())
    assert {each.authorization.id for each in store.inquire(NORTH, inquiry)} == {each.id for each in own}
    assert store.counts().authorizations == 40


def test_what_a_batch_writes_is_what_filing_writes(authorizations: MongoAuthorizations, database: Store) -> None:
    one, other = an_authorization(), an_authorization()
    authorizations.file(NORTH, one, an_exchange("one"), NOW)
    file_batch(database, "payer", NORTH.organization, [(other, an_exchange("other"))], NOW)
    for collection, declared in (("authorization", AuthorizationDocument), ("fhir_raw", RawDocument)):
        rows = list(database[collection].find({}))
        assert len({frozenset(row) for row in rows}) == 1
        for row in rows:
            declared._from_son(row).validate()
    keys = list(database["unique_key"].find({}))
    assert sorted(each["kind"] for each in keys) == ["number", "number", "resend"]
    for row in keys:
        KeyDocument._from_son(row).validate()


def test_a_batch_with_a_number_that_is_taken_is_swept(authorizations: MongoAuthorizations, database: Store) -> None:
    first = an_authorization()
    authorizations.file(NORTH, first, an_exchange(), NOW)
    batch = [(an_authorization(), an_exchange()), (an_authorization(numbers=list(first.numbers)), an_exchange())]
    with pytest.raises(NumberTaken):
        authorizations.file_batch(NORTH, batch, NOW)
    assert authorizations.counts().authorizations == 1
    authorizations.sweep(NOW + timedelta(hours=1))
    assert database["fhir_raw"].count_documents({}) == 2
    assert [each["owner"] for each in database["unique_key"].find({"kind": "number"})] == [f"payer:{first.id}"]
    assert authorizations.by_number(STAFF, first.numbers[0]) == first


def test_an_announced_batch_that_was_committed_stays(payer: Payer, database: Store) -> None:
    """The sweep after a crash between the commit and the end of the announcement."""
    records = made(payer, 5)

    class Killed(Exception):
        """The process ended here."""

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("pymongo.collection.Collection.delete_one", _raising(Killed))
        with pytest.raises(Killed):
            payer.authorizations.file_batch(SANDBOX, records, AT)
    assert payer.authorizations.sweep(AT + timedelta(hours=1)).keys == 1
    assert [payer.authorizations.exchange(SANDBOX, each.id) for each, _ in records] == [each for _, each in records]


def _raising(error: type[Exception]) -> Any:
    def call(*_: Any, **__: Any) -> None:
        raise error

    return call


@pytest.fixture
def run(database: Store, store_uri: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs `placet seed` on the empty database."""
    monkeypatch.setenv("PLACET_DATABASE", database.name)

    def seeded(*arguments: str) -> Result:
        return CliRunner().invoke(seed, [*arguments, "--mongodb", store_uri])

    return seeded


def test_processes_of_their_own_add_every_share(
    run: Any, authorizations: MongoAuthorizations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.cli.seed.SHARE", 8)
    result = run("--authorizations", "20", "--members", "1", "--yes")
    assert result.exit_code == 0, result.output
    assert "20 authorizations added in" in result.output
    member = Member((Identifier(MEMBERS, people(0)["@MEMBER@"]),))
    assert len({line.authorization for line in authorizations.history(member).lines}) == 20
    assert all(authorizations.exchange(STAFF, each.authorization) for each in authorizations.history(member).lines)


def test_no_share_is_taken_before_a_process_is_free(
    authorizations: MongoAuthorizations, database: Store, store_uri: str
) -> None:
    """So whoever stops giving shares out stops the filling."""
    settings, taken = Settings(mongodb_uri=store_uri, sandbox=True, database=database.name), []
    shares = (taken.append(number) or [number] for number in range(PROCESSES + 3))
    filing = file_apart(settings, BASE, shares)
    assert next(filing) == 1
    assert PROCESSES < len(taken) <= 2 * PROCESSES
    assert sum(filing) == len(taken) - 1 == PROCESSES + 2
    assert authorizations.counts().authorizations == PROCESSES + 3


def test_every_run_adds(run: Any, authorizations: MongoAuthorizations) -> None:
    for expected in (30, 60):
        result = run("--authorizations", "30", "--members", "3", "--yes")
        assert result.exit_code == 0, result.output
        assert "30 authorizations added in" in result.output
        assert authorizations.counts().authorizations == expected


@pytest.mark.parametrize(
    ("tokens", "arguments", "words"),
    [(False, [], "add --yes"), (True, ["--yes"], "what it stores is real")],
    ids=["a MongoDB of one's own", "a server with callers"],
)
def test_real_data_is_not_touched(
    run: Any,
    authorizations: MongoAuthorizations,
    monkeypatch: pytest.MonkeyPatch,
    tokens: bool,
    arguments: list[str],
    words: str,
) -> None:
    if tokens:
        token = {"token": "a-token-that-nobody-guesses", "name": "north", "organization": "north-clinic"}
        monkeypatch.setenv("PLACET_TOKENS", json.dumps([token]))
    result = run("--authorizations", "5", *arguments)
    assert (result.exit_code, words in result.output) == (1, True)
    assert authorizations.counts().authorizations == 0


def test_a_member_with_many_authorizations_can_be_made(payer: Payer) -> None:
    records = islice(filed(payer, BASE, random.Random(1), (0 for _ in range(12))), 12)
    sum(file_all(payer.authorizations, Caller("sandbox", "sandbox"), records))
    member = Member((Identifier(MEMBERS, people(0)["@MEMBER@"]),))
    assert len({line.authorization for line in payer.authorizations.history(member).lines}) == 12
