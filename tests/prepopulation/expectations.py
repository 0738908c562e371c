"""The expectations as written: what each define gives for which patient."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from questionnaires.content import DEMO
from questionnaires.prepopulation import Library, defines_named, read_libraries

HERE = Path(__file__).parent
SHARED = HERE / "shared"
EMPTY = ("empty-adult", "empty-child")

Expected = dict[str, dict[str, Any]]
"""Patient -> define -> value."""


def patients() -> dict[str, dict[str, Any]]:
    """The records by name."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted((HERE / "patients").glob("*.json"))}


def forms() -> dict[str, dict[str, Any]]:
    """The Questionnaires that are filled beforehand, by topic."""
    written = {path.parent.name: path.read_text("utf-8") for path in sorted(DEMO.glob("*/questionnaire.json"))}
    read = {topic: json.loads(text) for topic, text in written.items() if "initialExpression" in text}
    return {topic: form for topic, form in read.items() if any(defines_named(form))}


def value_sets(directory: Path = DEMO) -> list[dict[str, Any]]:
    """The value sets of a content directory."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(directory.glob("*/valuesets/*.json"))]


@cache
def libraries() -> tuple[Library, ...]:
    """The libraries that come with the server, and those that try the shared functions."""
    return read_libraries(DEMO)[0] + read_libraries(SHARED)[0]


def expectations() -> dict[str, Expected]:
    """What is expected of each topic."""
    return {path.stem: _expected(path) for path in sorted(HERE.glob("*.yaml"))}


def shared_expectations() -> Expected:
    """What is expected of the functions that topics share."""
    return _expected(SHARED / "checks.yaml")


def _expected(path: Path) -> Expected:
    read: Expected = yaml.safe_load(path.read_text("utf-8"))
    return {patient: {name: plain(value) for name, value in values.items()} for patient, values in read.items()}


def plain(value: Any) -> Any:
    """A value as it is compared: codes by system and code, days and moments as texts."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list):
        return [plain(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    for kind in ("date", "dateTime"):
        if kind in value:
            return value[kind]
    inner = value.get("quantity") or value.get("code") if len(value) == 1 else None
    inner = value["value"] if value.get("fhir") == "Coding" else inner
    named = inner if isinstance(inner, Mapping) else value
    return {name: each for name, each in named.items() if name != "display" and each is not None}


def named_defines(form: Mapping[str, Any]) -> Iterator[str]:
    """The defines that the form's questions name."""
    yield from dict.fromkeys(define for _link_id, _library, define in defines_named(form))
