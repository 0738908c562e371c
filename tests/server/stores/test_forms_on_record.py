"""What the store knows of forms: when each was first seen as it is, and what clients say is wrong with it."""

from __future__ import annotations

import zlib
from datetime import timedelta
from typing import Any

from pymongo.database import Database

from server.payer import FormError, FormErrorReport
from server.stores.artifacts import FirstSeen
from server.stores.form_errors import KEPT, LONGEST, MongoFormErrors
from tests.builders import NOW

Store = Database[dict[str, Any]]
FORM = "urn:placet:form:chiropractic|2026.2.0"
LATER = NOW + timedelta(days=3)


def test_an_artifact_has_not_changed_since_it_was_first_seen(database: Store) -> None:
    """Another process, and another day, find what the first one wrote."""
    assert FirstSeen(database, lambda: NOW)(["a", "b", "a"]) == {"a": NOW, "b": NOW}
    later = FirstSeen(database, lambda: LATER)
    assert later(["b", "c"]) == {"b": NOW, "c": LATER}
    assert FirstSeen(database, lambda: LATER)(["a", "c"]) == {"a": NOW, "c": LATER}


def test_two_processes_that_see_it_at_once_agree(database: Store) -> None:
    """What is there already stays as it is."""
    one, other = FirstSeen(database, lambda: NOW), FirstSeen(database, lambda: LATER)
    assert one([str(each) for each in range(50)]) == other([str(each) for each in range(50)])


def test_errors_are_counted_by_form_severity_and_code(database: Store) -> None:
    """The most frequent ones come first."""
    store = MongoFormErrors(database)
    missing, failed = FormError(FORM, "error", "not-found"), FormError(FORM, "error", "exception", 2)
    store.report(FormErrorReport("north", (missing,), (FORM,), b"{}"), NOW)
    store.report(FormErrorReport("south", (missing, failed), (FORM,), b"{}"), NOW)
    store.report(FormErrorReport("south", (failed,), (FORM,), b"{}"), NOW)
    assert store.counts() == [
        FormError(FORM, "error", "exception", 4),
        FormError(FORM, "error", "not-found", 2),
    ]


def test_a_few_reports_are_kept_and_never_more(database: Store) -> None:
    """However often somebody reports, the store does not grow."""
    store = MongoFormErrors(database)
    for number in range(KEPT * 2):
        body = b"x" * (LONGEST + 1) if number % 2 else b'{"n": 1}'
        store.report(FormErrorReport("north", (), (FORM,), body), NOW)
    kept = list(database["form_error"].find({}))
    assert len(kept) <= KEPT
    assert {zlib.decompress(row["data"]) for row in kept} == {b"", b'{"n": 1}'}
    assert {row["length"] for row in kept} == {8, LONGEST + 1}
