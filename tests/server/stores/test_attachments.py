"""Attachments on record: their bytes once, their row last, and nothing half after a crash."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from server.authorization.attachment import Received, State, Way
from server.stores.attachments import PART, MongoAttachments
from server.stores.authorizations import MongoAuthorizations
from server.stores.embedded import EmbeddedStore
from server.stores.raw import Damaged
from tests.builders import NORTH, NOW, an_attachment, an_authorization, an_exchange
from tests.databases import connected
from tests.server.stores.interrupted import leave_bytes

Store = Database[dict[str, Any]]
ROOT = Path(__file__).parents[3]
LATER = NOW + timedelta(hours=2)
NEXT_MONTH = NOW + timedelta(days=31)
LARGE = random.Random(7).randbytes(2 * PART + 3)


@pytest.fixture
def attachments(database: Store) -> MongoAttachments:
    """None on record yet."""
    return MongoAttachments(database)


def counted(database: Store) -> tuple[int, int, int]:
    """Rows, parts, keys of attachments."""
    keys = database["unique_key"].count_documents({"kind": "attachment"})
    return database["attachment"].count_documents({}), database["attachment_part"].count_documents({}), keys


@pytest.mark.parametrize("content", [b"a", b"x" * PART, LARGE], ids=["a byte", "a part", "two parts and three bytes"])
def test_what_is_kept_is_read_byte_for_byte(attachments: MongoAttachments, database: Store, content: bytes) -> None:
    kept = attachments.keep(an_attachment(content), lambda: [content[:5], content[5:]])

    assert attachments.content(kept) == content
    assert counted(database) == (1, -(-len(content) // PART), 0)


def test_the_same_attachment_again_is_the_one_on_record(attachments: MongoAttachments, database: Store) -> None:
    first = attachments.keep(an_attachment(b"note"), lambda: [b"note"])
    again = attachments.keep(an_attachment(b"note", received=LATER, final=False), lambda: [b"note"])

    assert again == first
    assert counted(database) == (1, 1, 0)


def test_of_one_organization_the_same_bytes_are_kept_once(attachments: MongoAttachments, database: Store) -> None:
    for number, organization in (("1", "north-clinic"), ("2", "north-clinic"), ("3", "south-clinic")):
        attachments.keep(an_attachment(b"note", number, organization=organization), lambda: [b"note"])

    assert counted(database) == (3, 2, 0)


def test_many_that_send_the_same_bytes_at_once_keep_them_once(attachments: MongoAttachments, database: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: attachments.keep(an_attachment(LARGE, str(n % 4)), lambda: [LARGE]), range(16)))

    assert counted(database) == (4, 3, 0)
    assert attachments.content(an_attachment(LARGE)) == LARGE


def test_what_is_held_is_found_by_its_organization_tracking_number_and_time(attachments: MongoAttachments) -> None:
    held = attachments.keep(an_attachment(b"note"), lambda: [b"note"])

    assert attachments.held("north-clinic", ["9", "1"], NOW) == [held]
    assert attachments.held("north-clinic", ["9"], NOW) == []
    assert attachments.held("south-clinic", ["1"], NOW) == []
    assert attachments.held("north-clinic", ["1"], LATER) == []
    assert attachments.held("north-clinic", [], NOW) == []


def test_what_belongs_to_an_authorization_is_held_no_more(attachments: MongoAttachments) -> None:
    held = attachments.keep(an_attachment(b"note"), lambda: [b"note"])
    attachments.mean([held.id], "a1")
    assert attachments.held("north-clinic", ["1"], NOW) == [replace(held, authorization="a1")]

    attachments.settle([held.id], "a1")

    assert attachments.held("north-clinic", ["1"], NOW) == []
    assert attachments.of("a1") == [replace(held, authorization="a1", settled=True)]
    attachments.mean([held.id], "a2")
    assert attachments.of("a2") == []


def test_two_who_change_an_attachment_at_once_both_do(attachments: MongoAttachments) -> None:
    held = attachments.keep(an_attachment(b"note", state=State.QUARANTINED), lambda: [b"note"])
    with ThreadPoolExecutor(2) as pool:
        list(
            pool.map(
                lambda do: do(),
                [lambda: attachments.judge(held.id, State.CLEAN), lambda: attachments.settle([held.id], "a1")],
            )
        )

    [now] = attachments.of("a1")
    assert (now.state, now.settled) == (State.CLEAN, True)


@pytest.mark.parametrize("harm", ["a part is missing", "a part is another"])
def test_bytes_that_are_not_those_that_were_sent_are_not_given_out(
    attachments: MongoAttachments, database: Store, harm: str
) -> None:
    kept = attachments.keep(an_attachment(LARGE), lambda: [LARGE])
    part = database["attachment_part"].find_one({"part": 1})
    assert part is not None
    if harm == "a part is missing":
        database["attachment_part"].delete_one({"_id": part["_id"]})
    else:
        database["attachment_part"].update_one({"_id": part["_id"]}, {"$set": {"data": b"other"}})

    with pytest.raises(Damaged):
        attachments.content(kept)


@pytest.mark.parametrize("whole", [True, False], ids=["before the row", "between the parts"])
def test_a_crash_before_the_row_leaves_nothing_on_record(
    attachments: MongoAttachments, database: Store, whole: bool
) -> None:
    attachment = an_attachment(LARGE)
    leave_bytes(database, attachment, LARGE, whole=whole)
    assert attachments.held("north-clinic", ["1"], NOW) == []
    assert counted(database)[1:] == (3 if whole else 2, 1)

    assert attachments.sweep(LATER, NOW) == 0  # it may be under way
    assert attachments.sweep(LATER, LATER) == 1
    assert counted(database) == (0, 0, 0)


@pytest.mark.parametrize("whole", [True, False], ids=["before the row", "between the parts"])
def test_what_a_crash_interrupted_is_completed_when_it_is_sent_again(
    attachments: MongoAttachments, database: Store, whole: bool
) -> None:
    leave_bytes(database, an_attachment(LARGE), LARGE, whole=whole)
    kept = attachments.keep(an_attachment(LARGE), lambda: [LARGE])

    assert attachments.sweep(LATER, LATER) == 0
    assert attachments.content(kept) == LARGE


def test_a_crash_does_not_take_bytes_that_another_attachment_has(
    attachments: MongoAttachments, database: Store
) -> None:
    kept = attachments.keep(an_attachment(b"note", "1"), lambda: [b"note"])
    leave_bytes(database, an_attachment(b"note", "2"), b"note")

    assert attachments.sweep(LATER, LATER) == 0
    assert attachments.content(kept) == b"note"
    assert counted(database) == (1, 1, 0)


def test_what_was_held_for_30_days_is_forgotten_with_its_bytes(attachments: MongoAttachments, database: Store) -> None:
    attachments.keep(an_attachment(b"note"), lambda: [b"note"])
    assert attachments.sweep(NOW + timedelta(days=29), NEXT_MONTH) == 0
    assert attachments.sweep(NEXT_MONTH, NEXT_MONTH) == 2  # a row, and bytes
    assert counted(database) == (0, 0, 0)


def test_bytes_that_somebody_is_about_to_write_are_left_alone(attachments: MongoAttachments, database: Store) -> None:
    attachments.keep(an_attachment(b"note", "1"), lambda: [b"note"])
    leave_bytes(database, an_attachment(b"note", "2", received=NEXT_MONTH), b"note")

    assert attachments.sweep(NEXT_MONTH, NEXT_MONTH - timedelta(hours=1)) == 1
    assert counted(database) == (0, 1, 1)


@pytest.mark.parametrize(
    ("way", "is_there", "stays"),
    [
        (Way.APART, True, True),
        (Way.APART, False, True),
        (Way.WITH_REQUEST, True, True),
        (Way.WITH_REQUEST, False, False),
    ],
)
def test_a_sweep_settles_what_a_crash_left_between_record_and_row(
    attachments: MongoAttachments, authorizations: MongoAuthorizations, way: Way, is_there: bool, stays: bool
) -> None:
    held = an_attachment(b"note", way=way)
    attachments.keep(held, lambda: [b"note"])
    authorization = replace(an_authorization(), received=(Received(held.id, 1, held.document),))
    attachments.mean([held.id], authorization.id)
    if is_there:
        authorizations.file(NORTH, authorization, an_exchange(), NOW)

    attachments.sweep(LATER, LATER)

    assert [each.settled for each in attachments.of(authorization.id)] == ([is_there] if stays else [])
    if is_there:
        attachments.sweep(NEXT_MONTH, NEXT_MONTH)
        assert attachments.content(held) == b"note"


# Keeps attachments as fast as it can; says what was acknowledged, when it was.
WRITER = """
import sys
from itertools import count
from server.stores.attachments import MongoAttachments, PART
from server.stores.authorizations import connect, ensure_indexes
from tests.builders import an_attachment
database = connect(sys.argv[1], "durable")
ensure_indexes(database)
store = MongoAttachments(database)
for n in count():
    text = f"{sys.argv[2]}-{n}"
    content = text.encode() * ((PART + 9) // len(text) + 1)
    store.keep(an_attachment(content, text), lambda: [content])
    print("kept", text, flush=True)
"""


def killed_while_writing(data: Path, name: str, seconds: float) -> list[str]:
    """Let a process keep attachments, then kill it, the store and its keeper; what it had been told."""
    store = EmbeddedStore.open(data)
    facts: dict[str, Any] = json.loads((data / "store.json").read_text())
    command = [sys.executable, "-c", WRITER, store.uri, name]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        first = writer.stdout.readline()
        time.sleep(seconds)
        for pid in (facts["keeper_pid"], facts["store_pid"], writer.pid):
            os.kill(pid, signal.SIGKILL)
        said = first + writer.stdout.read()
    store.close()
    return [line.split()[1] for line in said.splitlines() if line.count(" ") == 1]


def test_after_a_kill_an_attachment_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    draw, known = random.Random(20260302), []
    for number in range(2):
        told = killed_while_writing(tmp_path / "data", str(number), draw.uniform(0.1, 0.4))
        assert told
        known += told
        with EmbeddedStore.open(tmp_path / "data") as store, connected(store.uri, "durable") as database:
            attachments = MongoAttachments(database)
            attachments.sweep(LATER, LATER)
            rows = {row["_id"] for row in database["attachment"].find({}, {"_id": 1})}
            for text in known:
                content = text.encode() * ((PART + 9) // len(text) + 1)
                assert attachments.content(an_attachment(content, text)) == content
                assert f"payer:{an_attachment(content, text).id}" in rows
            assert counted(database) == (len(rows), 2 * len(rows), 0)
