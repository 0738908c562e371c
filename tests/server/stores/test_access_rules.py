"""The store is asked only what an index of the embedded store answers, and answers it right.

The embedded store scans for many ordinary filters and gives silently wrong answers from an index for some others. So
everything that is sent is recorded here, held against the rules, and fuzzed: the same data with and without indexes.
"""

from __future__ import annotations

import ast
import inspect
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

import server.stores
from server.authorization.attachment import State
from server.authorization.decision import Decision, Verdict, decide
from server.authorization.delivery import Delivery, Outcome, leased
from server.authorization.inquiry import Inquiry
from server.authorization.record import Authorization
from server.authorization.subscription import handshaken, replaced
from server.payer import FormError, FormErrorReport, NumberTaken, Staff
from server.stores import filters
from server.stores.artifacts import FirstSeen
from server.stores.attachments import MongoAttachments
from server.stores.authorizations import MongoAuthorizations
from server.stores.contents import Contents
from server.stores.documents import DOCUMENTS
from server.stores.form_errors import MongoFormErrors
from server.stores.movable_clock import MovableClock
from server.stores.notices import MongoNotices
from server.stores.sealing import Seal
from server.stores.subscriptions import MongoSubscriptions
from tests.builders import NORTH, NOW, SOUTH, a_subscription, an_attachment, an_authorization, an_exchange
from tests.databases import fresh_database
from tests.server.stores.interrupted import FILING_STEPS, leave_bytes, leave_filing

Store = Database[dict[str, Any]]
Shape = tuple[str, ...]
STAFF = Staff("nurse")
LATER = NOW + timedelta(hours=2)

COMMANDS = {"find", "insert", "update", "delete", "aggregate", "getMore"}
OPERATORS = {"$in", "$lt", "$gte"}
NEVER_ON_A_FIND = {"sort", "skip", "hint", "min", "max", "collation"}


class Recorder(CommandListener):
    """Keeps every command that is sent to the collections."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name not in ("createIndexes", "ping", "dropDatabase", "endSessions"):
            self.sent.append({"name": event.command_name, **event.command})

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Not of interest."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Not of interest."""


def everything_is_done_once(database: Store) -> None:
    """A filing, its resends, readings, changes, refusals, a takeover, a sweep."""
    store = MongoAuthorizations(database, patience=timedelta(seconds=0.1))
    authorization, exchange = an_authorization(), an_exchange()
    store.file(NORTH, authorization, exchange, NOW)
    store.answer_to_resend(NORTH, exchange.request, NOW)
    store.file(NORTH, an_authorization(), exchange, NOW)
    store.file(NORTH, an_authorization(), exchange, LATER)
    store.get(NORTH, authorization.id)
    store.by_number(NORTH, authorization.numbers[0])
    store.by_trace(NORTH, authorization.traces_of(authorization.lines[0])[0])
    store.exchange(STAFF, authorization.id)
    store.request(STAFF, authorization.id, 1)
    store.pended(LATER)
    store.by_claim(NORTH, [authorization.request.claim_url])
    store.history(authorization.request.member)
    store.of_member(NORTH, authorization.request.member)
    request = authorization.request
    for found in store.inquire(SOUTH, Inquiry(request.member, frozenset(request.provider.npis), request.insurer)):
        store.inquired_request(found)
    store.update(NORTH, replace(an_authorization(id=authorization.id), version=2), an_exchange(), NOW)
    authorization = store.get(NORTH, authorization.id)
    store.change(STAFF, decide(authorization, Decision(Verdict.APPROVE, "nurse"), line=None, at=NOW), b"approved")
    with pytest.raises(NumberTaken):
        store.file(NORTH, replace(authorization, id="another"), an_exchange(), NOW)
    leave_filing(database, FILING_STEPS[2], NORTH, an_authorization(), an_exchange("dead"), NOW)
    store.file(NORTH, an_authorization(), an_exchange("dead"), LATER)
    store.sweep(LATER + timedelta(hours=2))
    store.counts()
    store.proposals()
    contents, clock = Contents(database), MovableClock(database)
    contents.keep("f1", {"plans/gold.yaml": b"title: Gold"}, NOW)
    contents.keep("f1", {"plans/gold.yaml": b"title: Gold"}, NOW)
    assert contents.has("f1") and contents.files("f1") == {"plans/gold.yaml": b"title: Gold"}
    FirstSeen(database, lambda: NOW)(["d1", "d2"])
    FirstSeen(database, lambda: NOW)(["d1", "d2"])
    form_errors = MongoFormErrors(database)
    for _ in range(2):
        form_errors.report(FormErrorReport("north", (FormError("f", "error", "exception"),), ("f",), b"{}"), NOW)
    form_errors.counts()
    clock.let_move()
    clock.move_to(timedelta(days=1))
    clock.now()
    clock.hold()
    subscriptions_are_done_once(database)
    notices_are_done_once(database, authorization)
    attachments_are_done_once(database)


def attachments_are_done_once(database: Store) -> None:
    """Attachments that are kept, held, joined and forgotten."""
    attachments, held = MongoAttachments(database), an_attachment(b"held")
    for each in (held, an_attachment(b"held", number="2"), held):
        attachments.keep(each, lambda: [b"held"])
    attachments.judge(held.id, State.CLEAN)
    attachments.mean([held.id], "a1")
    attachments.settle([held.id], "a1")
    assert [each.id for each in attachments.of("a1")] == [held.id]
    assert attachments.content(held) == b"held"
    leave_bytes(database, an_attachment(b"lost"), b"lost")
    assert attachments.sweep(NOW + timedelta(days=31), LATER) == 2


def subscriptions_are_done_once(database: Store) -> None:
    """A subscription, its steps, its events, and its end."""
    subscriptions, wanted = MongoSubscriptions(database, lambda: Seal([bytes(32)])), a_subscription()
    subscriptions.create(wanted)
    assert subscriptions.matching({"SND-0001"}, NORTH.organization) and subscriptions.due(LATER)
    assert subscriptions.move(wanted.id, 1, lambda now: handshaken(now, NOW)) is not None
    assert subscriptions.next_event_number(wanted.id, "event") == 1
    now = subscriptions.find(wanted.id)
    assert now is not None and subscriptions.replace(replaced(now, wanted, NOW))
    assert subscriptions.delete(NORTH, wanted.id)


def notices_are_done_once(database: Store, authorization: Authorization) -> None:
    """A notice, from the change to its end, and the channel that it goes through."""
    notices = MongoNotices(database)
    [untold] = notices.untold(10)
    [change] = untold.changes
    delivery = Delivery("s1", untold.authorization, change.version, NOW, change.answer)
    assert (list(notices.put([delivery])), list(notices.put([delivery]))) == ([], [delivery])
    assert notices.unnumbered("s1") == [delivery]
    notices.number([(delivery, 1)])
    notices.wake("s1", 1, NOW)
    notices.told([untold])
    assert notices.untold(10) == [] and notices.busy(LATER)
    assert notices.move("s1", lambda now: leased(now, "w", NOW, LATER)) is not None
    sent = notices.delivery("s1", 1)
    assert sent is not None and notices.answer(sent) and notices.events("s1", 1)
    notices.record(replace(sent, outcome=Outcome.DELIVERED))
    assert notices.listed(Outcome.DELIVERED, NOW)
    notices.drop(sent)
    notices.put([replace(delivery, version=9)])
    notices.drop(replace(delivery, version=9))
    assert notices.sweep(LATER) == 1


@pytest.fixture(scope="module")
def sent(store_uri: str) -> list[dict[str, Any]]:
    """Every command of the store of authorizations."""
    recorder = Recorder()
    with fresh_database(store_uri, [recorder]) as database:
        everything_is_done_once(database)
    return recorder.sent


def filters_in(command: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The filters of a command."""
    if command["name"] == "find":
        yield command["filter"]
    for part in (*command.get("updates", ()), *command.get("deletes", ())):
        yield part["q"]
    for stage in command.get("pipeline", ()):
        if "$match" in stage:
            yield stage["$match"]


def shape(wanted: dict[str, Any]) -> Shape:
    """The fields and operators of a filter, in order."""
    return tuple(f"{name} {next(iter(value))}" if isinstance(value, dict) else name for name, value in wanted.items())


def prefixes() -> dict[str, set[Shape]]:
    """The leading parts of each collection's indexes, as fields."""
    found: dict[str, set[Shape]] = {}
    for document in DOCUMENTS:
        fields = [[name for name, _ in index["fields"]] for index in document._meta["index_specs"]]
        found[document._get_collection_name()] = {tuple(f[:end]) for f in fields for end in range(1, len(f) + 1)}
    return found


def test_only_plain_commands_are_sent(sent: list[dict[str, Any]]) -> None:
    assert {command["name"] for command in sent} <= COMMANDS
    for command in sent:
        assert not NEVER_ON_A_FIND & set(command), command["name"]


def test_a_filter_begins_with_the_id_or_is_the_beginning_of_an_index(sent: list[dict[str, Any]]) -> None:
    indexed = prefixes()
    for command in sent:
        for wanted in filters_in(command):
            fields, collection = tuple(wanted), command[command["name"]]
            assert fields[0] == "_id" or fields in indexed[collection], (collection, shape(wanted))


def test_a_filter_has_plain_words_and_two_operators_at_most(sent: list[dict[str, Any]]) -> None:
    for command in sent:
        for wanted in filters_in(command):
            assert not any(name.startswith("$") for name in wanted)
            used = [operator for value in wanted.values() if isinstance(value, dict) for operator in value]
            assert set(used) <= OPERATORS
            assert len(used) <= 1


def test_an_update_or_delete_names_its_documents(sent: list[dict[str, Any]]) -> None:
    changing = [command for command in sent if command["name"] in ("update", "delete")]
    assert changing
    for command in changing:
        for part in (*command.get("updates", ()), *command.get("deletes", ())):
            assert next(iter(part["q"])) == "_id"
            assert not part.get("upsert")


SIGNS = ["", "a", "ab", "abc", "b", "payer", "payer:", "payer:a", "payer|a", "$ne", "É", "\0", "~", "Z", " "]
WORDS = [*dict.fromkeys(first + second for first in SIGNS for second in SIGNS[:4])]
DAYS = ["2025-12-31", "2026-01-01", "2026-01-02", "2026-01-10", "2026-02-01"]
TALLIES = ["exchange:1 approved:1", "exchange:1 approved:10", "exchange:1 approved:1 pended:1", "exchange:1 pended:1"]


def a_moment(draw: random.Random) -> datetime:
    return NOW + timedelta(milliseconds=draw.choice([-(10**9), -1, 0, 0, 1, 2, 1000, 10**9]))


GIVEN: dict[str, Callable[[random.Random], Any]] = {
    "tenant": lambda draw: draw.choice(["payer", "payer2", "pay"]),
    "_id": lambda draw: draw.choice(WORDS),
    "ids": lambda draw: draw.sample(WORDS, draw.randint(0, 12)),
    "version": lambda draw: draw.randint(1, 3),
    "mark": lambda draw: draw.choice(["", "m", "mm"]),
    "kind": lambda draw: draw.choice(["resend", "resen", "change", "number"]),
    "before": a_moment,
    "token": lambda draw: draw.choice(WORDS),
    "tokens": lambda draw: draw.sample(WORDS, draw.randint(0, 3)),
    "since": lambda draw: draw.choice(DAYS),
    "owner": lambda draw: draw.choice(["payer|north-clinic", "payer|north", "pay|north"]),
    "events": lambda draw: draw.randint(0, 2),
    "word": lambda draw: draw.choice(["", "payer|due", "payer|proposed", "pay|due"]),
    "channel": lambda draw: draw.choice(["payer|s1", "payer|s", "pay|s1"]),
    "number": lambda draw: draw.randint(0, 3),
    "first": lambda draw: draw.randint(0, 3),
    "shelf": lambda draw: draw.choice(["payer|waiting", "payer|parked", "pay|parked"]),
    "begin": a_moment,
    "queue": lambda draw: draw.choice(["payer|pended", "payer|settled", "payer", "pay|pended"]),
}
"""What to ask for, by the names of the parameters in `filters`."""


def builders() -> dict[str, Callable[..., dict[str, Any]]]:
    """The functions that make filters, all of them."""
    made = inspect.getmembers(filters, inspect.isfunction)
    return {name: make for name, make in made if make.__module__ == filters.__name__ and name not in ("lit", "whole")}


def drawn(make: Callable[..., dict[str, Any]], draw: random.Random) -> dict[str, Any]:
    """A filter for values that may or may not be there."""
    return make(**{name: GIVEN[name](draw) for name in inspect.signature(make).parameters})


def test_what_is_sent_is_what_is_fuzzed(sent: list[dict[str, Any]]) -> None:
    made = {shape(drawn(make, random.Random(0))) for make in builders().values()}
    assert {shape(wanted) for command in sent for wanted in filters_in(command)} == made


def test_filters_are_made_in_one_place() -> None:
    """Outside `filters` no module hands a literal to a query."""
    asking = {"find", "find_one", "update_one", "update_many", "delete_one", "delete_many", "count_documents"}
    for path in Path(server.stores.__path__[0]).glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in asking:
                assert isinstance(call.args[0], ast.Call | ast.Name), f"{path.name}:{call.lineno}"
            if isinstance(call, ast.Constant) and call.value == "$match":
                assert path.name == "authorizations.py"


def a_document(draw: random.Random) -> dict[str, Any]:
    """A document with every field that is asked for; in `twin` the `_id` stands where no index is."""
    return {
        "tenant": GIVEN["tenant"](draw),
        "kind": GIVEN["kind"](draw),
        "at": a_moment(draw),
        "mark": GIVEN["mark"](draw),
        "version": GIVEN["version"](draw),
        "tally": draw.choice(TALLIES),
        "search": draw.sample(WORDS, draw.randint(0, 5)),
        "day": draw.choice(DAYS),
        "queue": GIVEN["queue"](draw),
        "owner": GIVEN["owner"](draw),
        "events": GIVEN["events"](draw),
        "relay": GIVEN["word"](draw),
        "proposed": GIVEN["word"](draw),
        "channel": GIVEN["channel"](draw),
        "number": GIVEN["number"](draw),
        "shelf": GIVEN["shelf"](draw),
        "due": a_moment(draw),
        "touched": 0,
    }


def scanned(wanted: dict[str, Any]) -> dict[str, Any]:
    """The same filter where no index can answer it."""
    return {"key" if name == "_id" else name: value for name, value in wanted.items()}


def contents(rows: Any) -> list[tuple[Any, ...]]:
    """Rows of either collection, comparable."""
    return sorted((row.get("key", row["_id"]), row["mark"], row["kind"], row["touched"]) for row in rows)


def groups(collection: Any, tenant: str) -> dict[str, int]:
    stages = [{"$match": filters.of_tenant(tenant)}, {"$group": {"_id": "$tally", "documents": {"$sum": 1}}}]
    return {group["_id"]: group["documents"] for group in collection.aggregate(stages)}


@pytest.mark.parametrize("seed", range(3))
def test_an_index_finds_what_a_scan_finds(store_uri: str, seed: int) -> None:
    """Random data, every kind of filter, with updates and deletes in between; ten seconds at most."""
    draw, made, deadline = random.Random(seed), list(builders().values()), time.monotonic() + 10
    with fresh_database(store_uri) as database:
        indexed, twin = database["indexed"], database["twin"]
        for document in DOCUMENTS:
            for index in document._meta["index_specs"]:
                indexed.create_index(index["fields"])
        rounds = 0
        while rounds < 250 and time.monotonic() < deadline:
            rounds += 1
            for _id in draw.sample(WORDS, 6):
                if indexed.count_documents({"_id": _id}) == 0:
                    row = a_document(draw)
                    indexed.insert_one({"_id": _id, **row})
                    twin.insert_one({"key": _id, **row})
            wanted = drawn(draw.choice(made), draw)
            assert contents(indexed.find(wanted)) == contents(twin.find(scanned(wanted))), wanted
            if draw.random() < 0.3:
                change = {"$set": {"mark": GIVEN["mark"](draw), "at": a_moment(draw)}, "$inc": {"touched": 1}}
                ours = indexed.update_many(wanted, change)
                assert ours.modified_count == twin.update_many(scanned(wanted), change).modified_count, wanted
            elif draw.random() < 0.3:
                ours_gone = indexed.delete_many(wanted).deleted_count
                assert ours_gone == twin.delete_many(scanned(wanted)).deleted_count, wanted
            tenant = GIVEN["tenant"](draw)
            assert groups(indexed, tenant) == groups(twin, tenant)
        assert contents(indexed.find({})) == contents(twin.find({}))
        assert rounds > 50
