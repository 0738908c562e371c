"""Plans and topics stay as they were in use: put there once, given back to the byte, made into the same rules."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from questionnaires.content import DEMO
from questionnaires.current import CurrentContent
from questionnaires.problem import ContentProblems
from server.stores.contents import Contents, RulesInUse, content_from, deciding_files
from server.stores.documents import ContentDocument
from server.stores.raw import Damaged
from tests.builders import NOW, a_line, a_request

Store = Database[dict[str, Any]]
FILES = {"plans/gold.yaml": b"title: Gold\n", "oxygen/topic.yaml": bytes(range(256))}
ON = date(2026, 3, 2)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """The demo's content, to be changed."""
    folder = tmp_path / "content"
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return folder


def in_use(database: Store, directory: Path) -> RulesInUse:
    current = CurrentContent(directory)
    return RulesInUse(lambda: current, directory, Contents(database))


def test_files_come_back_to_the_byte(database: Store) -> None:
    contents = Contents(database)
    contents.keep("f1", FILES, NOW)
    contents.keep("f1", {"other": b""}, NOW)  # the first stays

    assert contents.files("f1") == FILES
    assert (contents.has("f1"), contents.has("f2"), contents.files("f2")) == (True, False, None)
    assert not Contents(database, tenant="other").has("f1")
    kept = database["content"].find_one({"_id": "payer|f1"})
    assert kept is not None
    ContentDocument._from_son(kept).validate()


def test_damaged_files_are_never_given_out(database: Store) -> None:
    contents = Contents(database)
    contents.keep("f1", FILES, NOW)
    database["content"].update_one({"_id": "payer|f1"}, {"$set": {"sha256": "0" * 64}})
    with pytest.raises(Damaged):
        contents.files("f1")


def test_the_deciding_files_say_the_same_content(directory: Path) -> None:
    files = deciding_files(directory)

    assert content_from(files).fingerprint == CurrentContent(directory).fingerprint
    assert not any(name.endswith("cases.yaml") for name in files)


def test_rules_of_before_a_change_are_found_by_their_fingerprint(database: Store, directory: Path) -> None:
    rules, request = in_use(database, directory), a_request(a_line())
    assert rules.keep(NOW)
    before = rules.rules_for(request, ON)
    plan = directory / "plans" / "commercial.yaml"
    plan.write_text(plan.read_text().replace("title: ", "title: New ", 1))
    changes = rules.reload()
    after = rules.rules_for(request, ON)

    assert changes == ["plan commercial is different"]
    assert (before.content != after.content, after.plan.title) == (True, f"New {before.plan.title}")
    for known in (before, after):
        kept = in_use(database, directory).rules_kept(known.content)
        assert kept is not None
        assert kept(request, ON) == known
    assert rules.rules_kept("f" * 64) is None


def test_content_that_cannot_be_used_changes_nothing(database: Store, directory: Path) -> None:
    rules, request = in_use(database, directory), a_request(a_line())
    before = rules.rules_for(request, ON)
    (directory / "plans" / "commercial.yaml").write_text("broken: [")
    with pytest.raises(ContentProblems):
        rules.reload()

    assert rules.rules_for(request, ON) == before


def test_a_directory_that_changed_since_it_was_loaded_is_not_kept_under_the_old_name(
    database: Store, directory: Path
) -> None:
    rules = in_use(database, directory)
    plan = directory / "plans" / "commercial.yaml"
    plan.write_text(plan.read_text().replace("title: ", "title: New ", 1))

    assert not rules.keep(NOW)
    assert database["content"].find_one({}) is None
