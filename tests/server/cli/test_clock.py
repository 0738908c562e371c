"""`placet clock`: steps, days, moments; only where a sandbox was started for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from pymongo.database import Database

from server.app import prepare_store
from server.cli import placet
from server.cli.clock import ahead_after
from server.settings import Settings, SettingsError
from server.stores.movable_clock import MovableClock, NotMovable

REAL = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("to", "ahead", "moved"),
    [
        ("+3d", timedelta(), 3 * DAY),
        ("+3d", DAY, 4 * DAY),
        ("-1d", DAY, timedelta()),
        ("+72h", timedelta(), 3 * DAY),
        ("-30m", timedelta(), -timedelta(minutes=30)),
        ("+2w", timedelta(), 14 * DAY),
        ("reset", DAY, timedelta()),
        ("2026-03-04", DAY, 2 * DAY - timedelta(hours=9, minutes=30)),
        ("2026-03-03T09:30", DAY, DAY),
        ("2026-03-03T09:30+02:00", timedelta(), DAY - timedelta(hours=2)),
    ],
)
def test_a_move_is_a_step_a_day_or_a_moment(to: str, ahead: timedelta, moved: timedelta) -> None:
    assert ahead_after(to, ahead, REAL) == moved


@pytest.mark.parametrize("to", ["", "3d", "+3", "+3y", "tomorrow", "2026-02-30", "+999999w", "0001-01-01"])
def test_anything_else_is_no_move(to: str) -> None:
    with pytest.raises(click.BadParameter):
        ahead_after(to, timedelta(), REAL)


def moved(database: Database[dict[str, Any]], store_uri: str, *arguments: str) -> Result:
    environment = {"PLACET_DATABASE": database.name, "MONGODB_URI": store_uri}
    return CliRunner().invoke(placet, ["clock", *arguments], env=environment)


def settings(database: Database[dict[str, Any]], store_uri: str, data: Path, **more: Any) -> Settings:
    return Settings(mongodb_uri=store_uri, database=database.name, data=data, **more)


def test_the_clock_moves_for_everybody_on_the_store(
    database: Database[dict[str, Any]], store_uri: str, tmp_path: Path
) -> None:
    prepare_store(settings(database, store_uri, tmp_path, sandbox=True, clock=True))
    seen = MovableClock(database)
    result = moved(database, store_uri, "+3d")

    assert (result.exit_code, seen.ahead()) == (0, 3 * DAY)
    assert abs(seen.now() - datetime.now(UTC) - 3 * DAY) < timedelta(seconds=5)
    assert "3 days, 0:00:00 ahead of the real time" in result.output
    assert moved(database, store_uri, "-1d").exit_code == 0
    assert seen.ahead() == 2 * DAY
    assert moved(database, store_uri, "2030-01-01").exit_code == 0
    assert (seen.now().year, seen.now().month, seen.now().day) == (2030, 1, 1)
    assert moved(database, store_uri, "reset").exit_code == 0
    assert seen.ahead() == timedelta()


def test_a_server_that_was_not_started_for_it_has_the_real_time(
    database: Database[dict[str, Any]], store_uri: str, tmp_path: Path
) -> None:
    prepare_store(settings(database, store_uri, tmp_path, sandbox=True, clock=True))
    MovableClock(database).move_to(3 * DAY)
    prepare_store(settings(database, store_uri, tmp_path))
    result = moved(database, store_uri, "+3d")

    assert (result.exit_code, MovableClock(database).ahead()) == (2, None)
    assert "start the server with placet serve --sandbox --clock" in result.output
    assert "the real time" in moved(database, store_uri).output
    with pytest.raises(NotMovable):
        MovableClock(database).move_to(DAY)


def test_only_a_sandbox_is_started_with_it() -> None:
    with pytest.raises(SettingsError, match="sandbox only"):
        Settings.from_environment({}, clock=True)
