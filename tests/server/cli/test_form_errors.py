"""placet form-errors: what clients reported about forms, counted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from click.testing import CliRunner
from pymongo.database import Database

from server.cli import placet
from server.payer import FormError, FormErrorReport
from server.stores.form_errors import MongoFormErrors
from tests.builders import NOW

FORM = "urn:placet:form:home-oxygen|2026.2.0"


def told(database: Database[Any], store_uri: str, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> str:
    """What the command prints."""
    monkeypatch.setenv("PLACET_DATABASE", database.name)
    monkeypatch.setenv("COLUMNS", "160")
    result = CliRunner().invoke(placet, ["form-errors", "--mongodb", store_uri, *arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_errors_are_shown_by_form_version(
    database: Database[Any], store_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a table for people and as JSON for programs; before anybody reported any, a sentence."""
    assert told(database, store_uri, monkeypatch) == "Nobody has reported an error in a form.\n"
    report = FormErrorReport("north", (FormError(FORM, "error", "exception", 3),), (FORM,), b"{}")
    MongoFormErrors(database).report(report, NOW)
    assert FORM in told(database, store_uri, monkeypatch)
    assert json.loads(told(database, store_uri, monkeypatch, "--json")) == [
        {"form": FORM, "severity": "error", "code": "exception", "times": 3}
    ]
