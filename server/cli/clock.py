"""`placet clock`: the time of a sandbox, shown and moved."""

from __future__ import annotations

import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from server.cli import Trouble
from server.cli.options import store_options

_BY = re.compile(r"([+-])(\d{1,6})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@click.command(context_settings={"ignore_unknown_options": True})  # -1d is no option
@click.argument("to", required=False)
@store_options
def clock(to: str | None, data: Path | None, mongodb: str | None) -> None:
    """Show or move the clock of a sandbox that was started with placet serve --sandbox --clock.

    TO is a step (+3d, +72h, -30m, +2w), a day (2026-12-01), a moment (2026-12-01T09:30, UTC), or reset. The server
    and every command go by the moved clock at once: due dates come, authorizations end.

    \b
    placet clock
    placet clock +3d
    placet clock 2026-12-01
    placet clock reset
    """
    from server.app import open_clock
    from server.settings import Settings
    from server.stores.movable_clock import NotMovable

    with open_clock(Settings.from_environment(os.environ, data=data, mongodb_uri=mongodb)) as held:
        if to is not None:
            try:
                held.move_to(ahead_after(to, held.ahead() or timedelta(), datetime.now(UTC)))
            except NotMovable:
                words = "This clock cannot be moved: start the server with placet serve --sandbox --clock."
                raise Trouble(words) from None
        ahead = held.ahead()
        now = held.now()
    click.echo(f"{now:%Y-%m-%d %H:%M:%S} UTC   {_words(ahead)}")


def ahead_after(to: str, ahead: timedelta, real: datetime) -> timedelta:
    """How far ahead of the real time the clock is after the move `to`.

    Raises:
        BadParameter: `to` is no move.
    """
    if to == "reset":
        return timedelta()
    try:
        if step := _BY.fullmatch(to):
            length = timedelta(**{_UNITS[step[3]]: int(step[2])})
            moved = ahead + (length if step[1] == "+" else -length)
        else:
            moment = datetime.fromisoformat(to)
            moved = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - real
        if not 1900 < (real + moved).year < 2200:
            raise OverflowError
    except (ValueError, OverflowError):
        raise click.BadParameter("write +3d, +72h, -30m, 2026-12-01 or reset", param_hint="TO") from None
    return moved


def _words(ahead: timedelta | None) -> str:
    if ahead is None:
        return "the real time"
    if not ahead:
        return "the real time; it can be moved"
    way = "ahead of" if ahead > timedelta() else "behind"
    return f"{abs(ahead)} {way} the real time"
