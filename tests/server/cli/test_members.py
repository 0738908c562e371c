"""`placet members`: a roster is loaded row by row, bad rows are told by line and reason, and a member is shown."""

from __future__ import annotations

import json
import random
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from pymongo.database import Database

from server.authorization.eligibility import Enrollment
from server.authorization.request import Identifier, Period
from server.cli.members import BATCH, members
from server.cli.roster_file import BadFile, measured, rows_in
from server.stores.members import COLLECTION, RosterMember

PLANS = {"commercial", "medicare-advantage"}
HEADER = "system,value,plan,start,end,birth_date"
GOOD = "http://p.example/m,M-1,commercial,2026-01-01,2026-12-31,1950-05-17"
LONG = "x" * 70_000
"""More than is read of one line."""


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Path]:
    """Writes lines to a file."""

    def write(*lines: str | bytes, name: str = "roster.csv") -> Path:
        file = tmp_path / name
        file.write_bytes(b"".join((each if isinstance(each, bytes) else each.encode()) + b"\n" for each in lines))
        return file

    return write


def read(file: Path) -> list[tuple[int, str]]:
    """Line and problem of every row."""
    return [(row.line, row.problem) for row in rows_in(file, PLANS)]


MEMBER = RosterMember(
    Identifier("http://p.example/m", "M-1"),
    (Enrollment("commercial", Period(date(2026, 1, 1), date(2026, 12, 31))),),
    date(1950, 5, 17),
)
AS_JSON = dict(zip(HEADER.split(","), GOOD.split(","), strict=True))


@pytest.mark.parametrize(
    "lines",
    [
        [HEADER, GOOD],
        [b"\xef\xbb\xbf" + HEADER.encode(), GOOD],
        [HEADER + "\r", GOOD + "\r"],
        [
            "plan , VALUE,system,end,start,birth_date",
            "commercial,M-1,http://p.example/m,2026-12-31,2026-01-01,1950-05-17",
        ],
        [HEADER, '"http://p.example/m","M-1","commercial","2026-01-01","2026-12-31"," 1950-05-17 "'],
        [json.dumps(AS_JSON)],
        ["", json.dumps(AS_JSON)][1:],
    ],
    ids=["csv", "with a byte order mark", "from Windows", "other columns", "quoted", "ndjson", "ndjson again"],
)
def test_a_row_says_a_member(written: Callable[..., Path], lines: list[str | bytes]) -> None:
    [row] = rows_in(written(*lines), PLANS)
    assert row.member == MEMBER


@pytest.mark.parametrize("lines", [[HEADER, ",M-2,commercial,,,"], ['{"value": "M-2", "plan": "commercial"}']])
def test_what_need_not_be_said_is_open(written: Callable[..., Path], lines: list[str]) -> None:
    [row] = rows_in(written(*lines), PLANS)
    assert row.member == RosterMember(Identifier("", "M-2"), (Enrollment("commercial"),))


BAD = {
    ",,commercial,,,": "value is empty",
    ",SECRET,,,,": "plan is empty",
    ",SECRET,gold,,,": "plan is not the id of a plan; there are commercial, medicare-advantage",
    ",SECRET,commercial,20260101,,": "start is not a day of the form YYYY-MM-DD",
    ",SECRET,commercial,,2026-02-30,": "end is not a day of the form YYYY-MM-DD",
    ",SECRET,commercial,,,17.05.1950": "birth_date is not a day of the form YYYY-MM-DD",
    ",SECRET,commercial,2026-02-01,2026-01-31,": "end lies before start",
    ",SECRET,commercial": "the row has 3 values, the header names 6",
    '"SECRET,commercial,,,,': "the row is not CSV: look at its quotes",
    f",{'S' * 501},commercial,,,": "value has more than 500 characters",
    ",SEC\x00RET,commercial,,,": "value has characters that are not text in UTF-8",
    ",SEC\u2028RET,commercial,,,": "value has characters that are not text in UTF-8",
    f",{LONG},commercial,,,": "the row has 2 values, the header names 6",
}


def test_every_bad_row_is_told_by_line_and_reason_and_spoils_no_other(written: Callable[..., Path]) -> None:
    lines = [line for bad in BAD for line in (bad, GOOD)]
    found = read(written(HEADER, *lines))
    assert [line for line, _ in found] == list(range(2, 2 + len(lines)))
    assert [problem for _, problem in found[1::2]] == [""] * len(BAD)
    assert [problem for _, problem in found[::2]] == list(BAD.values())
    assert not any("SECRET" in problem for _, problem in found)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("[]", "the row is not a JSON object"),
        ('{"value": ', "the row is not JSON"),
        ("[" * 5000, "the row is not JSON"),
        ('{"value": 5, "plan": "commercial"}', "value is not a text; put it in quotes"),
        ('{"value": "SECRET", "plan": "commercial", "SECRET": 1}', "there is a field that is none of"),
    ],
)
def test_bad_objects_are_told_too(written: Callable[..., Path], line: str, problem: str) -> None:
    [good, (number, why), again] = read(written(json.dumps(AS_JSON), line, json.dumps(AS_JSON)))
    assert (good[1], number, again[1]) == ("", 2, "")
    assert why.startswith(problem)
    assert "SECRET" not in why


def test_bytes_that_are_no_text_are_a_bad_row(written: Callable[..., Path]) -> None:
    found = read(written(HEADER, b",M-\xff\xfe,commercial,,,", GOOD))
    assert found == [(2, "value has characters that are not text in UTF-8"), (3, "")]


@pytest.mark.parametrize(
    "header", ["", "value", "value,plan,favourite_colour", "value,plan,value", '"value,plan', GOOD]
)
def test_a_file_without_its_header_is_no_roster(written: Callable[..., Path], header: str) -> None:
    with pytest.raises(BadFile, match="first line"):
        read(written(header, GOOD))


@pytest.fixture
def command(database: Database[dict[str, Any]], store_uri: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Runs `placet members` on the empty database."""
    monkeypatch.setenv("PLACET_DATABASE", database.name)
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(members, [*arguments, "--mongodb", store_uri])

    return run


def test_good_rows_are_loaded_and_bad_ones_listed(
    command: Any, written: Callable[..., Path], tmp_path: Path, database: Database[dict[str, Any]]
) -> None:
    file, listing = written(HEADER, GOOD, ",,commercial,,,", ",M-2,medicare-advantage,,,"), tmp_path / "bad.tsv"
    result = command("load", str(file), "--bad-rows", str(listing))
    assert result.exit_code == 1
    assert "line 3: value is empty" in result.output
    assert "2 members added, 0 changed, 0 as they were; 1 bad rows." in result.output
    assert listing.read_text() == "3\tvalue is empty\n"
    assert database[COLLECTION].count_documents({}) == 2


def test_loading_the_same_file_again_changes_nothing(
    command: Any, written: Callable[..., Path], database: Database[dict[str, Any]]
) -> None:
    lines = [f",M-{number % 700},commercial,2026-{1 + number // 700:02}-01,," for number in range(BATCH + 100)]
    random.Random(5).shuffle(lines)
    file = written(HEADER, *lines)
    assert command("load", str(file)).exit_code == 0
    before = sorted(database[COLLECTION].find({}), key=lambda each: each["_id"])
    assert (len(before), len(before[0]["enrollments"])) == (700, 3)
    assert "0 members added, 0 changed" in command("load", str(file)).output
    assert sorted(database[COLLECTION].find({}), key=lambda each: each["_id"]) == before


def test_a_dry_run_loads_nothing(
    command: Any, written: Callable[..., Path], database: Database[dict[str, Any]]
) -> None:
    result = command("load", str(written(HEADER, GOOD)), "--dry-run")
    assert (result.exit_code, "1 good rows, nothing was loaded; 0 bad rows." in result.output) == (0, True)
    assert database[COLLECTION].count_documents({}) == 0


def test_many_bad_rows_are_counted_by_reason(command: Any, written: Callable[..., Path]) -> None:
    result = command("load", str(written(HEADER, *[",,commercial,,,"] * 30, *[",M,gold,,,"] * 5)), "--dry-run")
    assert "line 21: value is empty" in result.output
    assert "line 22:" not in result.output
    assert "... and 15 more" in result.output
    assert "30  value is empty" in result.output


def test_a_member_is_shown_by_the_identifier(command: Any, written: Callable[..., Path]) -> None:
    command("load", str(written(HEADER, GOOD, ",S-1,medicare-advantage,,,")))
    shown = command("show", "http://p.example/m|M-1").output
    assert "born 1950-05-17" in shown
    assert "commercial" in shown
    assert "2026-12-31" in shown
    assert "medicare-advantage" in command("show", "S-1").output
    stranger = command("show", "M-1")
    assert (stranger.exit_code, "Nobody on the roster" in stranger.output) == (1, True)


def test_a_large_file_takes_little_memory(written: Callable[..., Path]) -> None:
    """Fifty thousand rows, three megabytes: none of them stays."""
    file = written(HEADER, *(f"http://p.example/m,M-{number},commercial,2026-01-01,," for number in range(50_000)))
    assert measured(file)[1] == 50_001
    tracemalloc.start()
    try:
        assert sum(1 for row in rows_in(file, PLANS) if row.member) == 50_000
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 500_000
