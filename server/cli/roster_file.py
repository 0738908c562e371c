"""A file of members, row by row: CSV with a header, or NDJSON with one object a line. Never the whole of it in memory.

    system,value,plan,start,end,birth_date
    http://plan.example.org/members,M-1001,commercial,2026-01-01,2026-12-31,1950-05-17

    {"system": "...", "value": "M-1001", "plan": "commercial", "start": "2026-01-01", "birth_date": "1950-05-17"}

`value` and `plan` are needed; days are YYYY-MM-DD; an open side of the period, an unknown birth date and an absent
system stay empty. Several rows for one member add up.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, TextIO

from server.authorization.eligibility import Enrollment
from server.authorization.request import Identifier, Period
from server.stores.members import RosterMember

NEEDED = ("value", "plan")
KNOWN = ("system", "value", "plan", "start", "end", "birth_date")
LONGEST = 500
"""Characters of one value: more is no identifier."""

LONGEST_LINE = 64 * 1024


Reading = Callable[[], dict[str, Any]]
"""Gives the fields of a row; raises BadRow."""


class BadRow(ValueError):
    """A row that cannot be loaded; the message says why, and never quotes a value."""


class BadFile(Exception):
    """The file cannot be read as a roster at all."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: the line it begins on, and the member it says, or why it says none."""

    line: int
    member: RosterMember | None
    problem: str = ""


def measured(path: Path) -> tuple[str, int]:
    """The hash of the file, by which a load of it is known, and how many lines it has."""
    digest, lines = sha256(), 0
    with path.open("rb") as opened:
        while chunk := opened.read(1 << 20):
            digest.update(chunk)
            lines += chunk.count(b"\n")
    return digest.hexdigest(), lines


def rows_in(path: Path, plans: Collection[str]) -> Iterator[Row]:
    """Every row of the file, good or bad. A line is a row: one that is broken spoils no other.

    Raises:
        BadFile: there is no header, or one that does not name what is needed.
    """
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="\n") as opened:
        first = opened.read(1)
        opened.seek(0)
        for line, reading in (_objects if first == "{" else _records)(_lines(opened)):
            try:
                yield Row(line, member_in(reading(), plans))
            except BadRow as bad:
                yield Row(line, None, str(bad))


def member_in(fields: dict[str, Any], plans: Collection[str]) -> RosterMember:
    """The member that the fields of a row say.

    Raises:
        BadRow: something needed is not there, or is not what it should be.
    """
    unknown = fields.keys() - set(KNOWN)
    if unknown:
        raise BadRow(f"there is a field that is none of {', '.join(KNOWN)}")
    texts = {name: _text(fields, name) for name in KNOWN}
    for name in NEEDED:
        if not texts[name]:
            raise BadRow(f"{name} is empty")
    if texts["plan"] not in plans:
        raise BadRow(f"plan is not the id of a plan; there are {', '.join(sorted(plans))}")
    start, end, birth_date = (_day(texts, name) for name in ("start", "end", "birth_date"))
    if start and end and end < start:
        raise BadRow("end lies before start")
    identifier = Identifier(texts["system"], texts["value"])
    return RosterMember(identifier, (Enrollment(texts["plan"], Period(start, end)),), birth_date)


def _text(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRow(f"{name} is not a text; put it in quotes")
    if len(value) > LONGEST:
        raise BadRow(f"{name} has more than {LONGEST} characters")
    stripped = value.strip()
    if not stripped.isprintable():  # control characters, and bytes that are not UTF-8
        raise BadRow(f"{name} has characters that are not text in UTF-8")
    return stripped


def _day(texts: dict[str, str], name: str) -> date | None:
    text = texts[name]
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or text != day.isoformat():
        raise BadRow(f"{name} is not a day of the form YYYY-MM-DD")
    return day


def _records(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, Reading]]:
    """The rows of a CSV file."""
    header = _header(next(lines, (1, ""))[1])
    if not set(NEEDED) <= set(header) or not set(header) <= set(KNOWN) or len(set(header)) < len(header):
        raise BadFile(f"The first line has to name the columns: {','.join(KNOWN)} (value and plan are needed).")
    return ((line, partial(_record, text, header)) for line, text in lines if text.strip())


def _header(text: str) -> list[str]:
    try:
        return [name.strip().lower() for name in _values(text)]
    except BadRow:
        return []


def _record(text: str, header: list[str]) -> dict[str, Any]:
    values = _values(text)
    if len(values) != len(header):
        raise BadRow(f"the row has {len(values)} values, the header names {len(header)}")
    return dict(zip(header, values, strict=True))


def _values(text: str) -> list[str]:
    try:
        return next(csv.reader([text], strict=True), [])
    except csv.Error:
        raise BadRow("the row is not CSV: look at its quotes") from None


def _objects(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, Reading]]:
    """The rows of an NDJSON file."""
    return ((line, partial(_object, text)) for line, text in lines if text.strip())


def _object(text: str) -> dict[str, Any]:
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRow("the row is not JSON") from None
    if not isinstance(fields, dict):
        raise BadRow("the row is not a JSON object")
    return fields


def _lines(opened: TextIO) -> Iterator[tuple[int, str]]:
    """The lines of a file and their numbers; of one that is too long only the beginning, which is no good row."""
    number = 0
    while text := opened.readline(LONGEST_LINE):
        number += 1
        rest = text
        while rest and not rest.endswith("\n"):
            rest = opened.readline(LONGEST_LINE)
        yield number, text
