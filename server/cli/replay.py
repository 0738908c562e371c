"""`placet replay`: a decision made again from what was kept, and whether it is the same."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from server.cli.options import opened_payer, staff, store_options
from server.cli.show import status_text
from server.operations.authorization_replay import Replayed, replay
from server.operations.line_decision import NotOnRecord, find


@click.command("replay")
@click.argument("number")
@store_options
def replay_reviews(number: str, data: Path | None, mongodb: str | None) -> None:
    """Make every review of an authorization again and compare it with what was decided.

    Each is made from the request as it was sent, the plans and topics as they were, the member's history and the day.
    NUMBER is an authorization number or the id of a ClaimResponse.

    Exits with 1 when a decision is not the same, or cannot be made again.

    \b
    placet replay K7M2-94QX-TR8W-5
    """
    with opened_payer(data, mongodb) as payer:
        try:
            found = find(payer, staff(), number)[0]
        except NotOnRecord as error:
            raise click.ClickException(str(error)) from error
        replayed = replay(payer, staff(), found)
    _show(replayed)
    differing = sum(1 for each in replayed if each.differences)
    compared = sum(1 for each in replayed if not each.note)
    click.echo(
        f"{compared - differing} of {compared} compared are the same" if compared else "nothing was decided by rules"
    )
    sys.exit(1 if differing else 0)


def _show(replayed: list[Replayed]) -> None:
    table = Table("version", "content", "line", "on record", "again", "")
    for each in replayed:
        held = "[red]differs[/]" if each.differences else each.note or "[green]the same[/]"
        line = str(each.line or "all")
        table.add_row(
            str(each.version), each.content[:12], line, status_text(each.recorded), status_text(each.again), held
        )
    Console().print(table)
    for each in replayed:
        for difference in each.differences:
            Console().print(f"version {each.version}, line {each.line or 'all'}: {escape(difference)}")
