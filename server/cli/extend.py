"""`placet extend`: more time for a decision, once."""

from __future__ import annotations

from pathlib import Path

import click

from server.authorization.decision import NotDecidable
from server.cli.options import opened_payer, staff, store_options
from server.errors import Conflict
from server.operations.line_decision import NotOnRecord, extend_clock, find


@click.command()
@click.argument("number")
@click.option("--reason", required=True, metavar="TEXT", help="Why more time is needed.")
@store_options
def extend(number: str, reason: str, data: Path | None, mongodb: str | None) -> None:
    """Extend the decision clock of a pended request: once, before it runs out, to 14 days in all.

    NUMBER is an authorization number or the id of a ClaimResponse.

    \b
    placet extend K7M2-94QX-TR8W-5 --reason "The imaging report comes next week."
    """
    person = staff()
    with opened_payer(data, mongodb) as payer:
        try:
            extended = extend_clock(payer, person, find(payer, person, number)[0], reason)
        except (NotOnRecord, NotDecidable) as error:
            raise click.ClickException(str(error)) from error
        except Conflict as error:
            raise click.ClickException("Somebody else changed this authorization just now: look again.") from error
    click.echo(f"due {extended.due:%Y-%m-%d %H:%M} UTC")
