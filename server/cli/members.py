"""`placet members`: the roster."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from server.authorization.request import Identifier
from server.cli.options import store_options
from server.cli.roster_file import BadFile, Row, measured, rows_in
from server.stores.members import Loaded, RosterMember

if TYPE_CHECKING:
    from server.settings import Settings

BATCH = 2_000
"""Rows put on the roster together."""

SHOWN = 20
"""Bad rows that are shown one by one; all of them are counted, and in the file that --bad-rows names."""


@click.group()
def members() -> None:
    """The roster: load it, look a member up.

    The server asks the roster when it is started with PLACET_ELIGIBILITY=roster.
    """


@members.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only read the file and say which rows are bad.")
@click.option("--bad-rows", type=click.Path(dir_okay=False, path_type=Path), help="Write every bad row's line and why.")
@store_options
def load(file: Path, dry_run: bool, bad_rows: Path | None, data: Path | None, mongodb: str | None) -> None:
    """Put the members of FILE on the roster.

    FILE is CSV with a header or NDJSON: system, value, plan (the id of a plan), start, end, birth_date. Good rows are
    loaded, bad ones are listed; the status is 1 when there are any. Several rows for one member add up; what an older
    file said about a member in this one is replaced. Loading the same file again changes nothing.

    \b
    placet members load roster.csv --dry-run
    placet members load roster.csv
    """
    from server.app import open_roster

    console = Console()
    digest, lines = measured(file)
    with open_roster(_settings(data, mongodb)) as roster, _listing(bad_rows) as listing, _progress(console) as progress:
        bar = progress.add_task("Checking" if dry_run else "Loading", total=lines)
        bad, total = BadRows(listing), Loaded()
        try:
            for batch in _batches(rows_in(file, roster.plans())):
                good = bad.sorted_out(batch)
                total += Loaded(unchanged=len(good)) if dry_run else roster.load(good, digest)
                progress.update(bar, completed=batch[-1].line)
        except BadFile as error:
            raise click.ClickException(f"{file}: {error}") from error
    bad.show(console)
    told = f"{total.unchanged:,} good rows, nothing was loaded" if dry_run else _told(total)
    console.print(f"{told}; {bad.count:,} bad rows.", highlight=False)
    if bad.count:
        raise SystemExit(1)


@members.command()
@click.argument("identifier")
@store_options
def show(identifier: str, data: Path | None, mongodb: str | None) -> None:
    """Show what the roster says about one member.

    IDENTIFIER is SYSTEM|VALUE as it stands in the roster (in quotes, for the shell), or the value alone where it was
    loaded without a system.

    \b
    placet members show 'http://plan.example.org/members|M-1001'
    """
    from server.app import open_roster

    system, _, value = identifier.rpartition("|")
    with open_roster(_settings(data, mongodb)) as roster:
        found, plans = roster.get(Identifier(system, value)), roster.plans()
    if found is None:
        raise click.ClickException("Nobody on the roster has this identifier. Write it as SYSTEM|VALUE, in quotes.")
    click.echo(f"Member {identifier}, born {found.birth_date or 'on a day not said'}")
    table = Table("plan", "from", "to")
    for each in found.enrollments:
        start, end = each.period.start or "open", each.period.end or "open"
        plan = each.plan if each.plan in plans else f"{each.plan} [red](no such plan)[/]"
        table.add_row(plan, str(start), str(end))
    Console().print(table)


class BadRows:
    """The rows that cannot be loaded: all counted, the first ones kept, each listed."""

    def __init__(self, listing: TextIO | None) -> None:
        self.count, self._listing = 0, listing
        self._first: list[Row] = []
        self._reasons: Counter[str] = Counter()

    def sorted_out(self, rows: Sequence[Row]) -> list[RosterMember]:
        """The members of the good rows; the bad ones are noted."""
        for row in rows:
            if row.member is None:
                self._note(row)
        return [row.member for row in rows if row.member is not None]

    def show(self, console: Console) -> None:
        """The first ones by line, and how many there are for each reason."""
        for row in self._first:
            console.print(f"[red]line {row.line}[/]: {row.problem}", highlight=False)
        if self.count > len(self._first):
            console.print(f"... and {self.count - len(self._first):,} more. All of them by reason:")
            for reason, count in self._reasons.most_common():
                console.print(f"{count:>10,}  {reason}", highlight=False)

    def _note(self, row: Row) -> None:
        self.count += 1
        self._reasons[row.problem] += 1
        if len(self._first) < SHOWN:
            self._first.append(row)
        if self._listing is not None:
            self._listing.write(f"{row.line}\t{row.problem}\n")


def _told(total: Loaded) -> str:
    return f"{total.added:,} members added, {total.changed:,} changed, {total.unchanged:,} as they were"


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH)):
        yield batch


@contextmanager
def _listing(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    with path.open("w", encoding="utf-8") as opened:
        yield opened


def _settings(data: Path | None, mongodb: str | None) -> Settings:
    from server.settings import Settings

    return Settings.from_environment(os.environ, data=data, mongodb_uri=mongodb)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)
