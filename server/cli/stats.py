"""`placet stats`: how much is on record."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from server.cli.options import opened_payer, store_options
from server.cli.show import status_text
from server.payer import Proposed


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@store_options
def stats(as_json: bool, data: Path | None, mongodb: str | None) -> None:
    """Count what is on record: authorizations, exchanges, service lines by status, and responses to proposals.

    \b
    placet stats
    placet stats --json
    """
    with opened_payer(data, mongodb) as payer:
        counts, proposals = payer.authorizations.counts(), payer.authorizations.proposals()
    if as_json:
        click.echo(json.dumps(asdict(counts) | {"proposals": [asdict(each) for each in proposals]}))
        return
    table = Table(show_header=False)
    table.add_row("authorizations", str(counts.authorizations))
    table.add_row("exchanges", str(counts.exchanges))
    for status, count in counts.lines.items():
        table.add_row(f"lines {status_text(status)}", str(count))
    Console().print(table)
    if proposals:
        Console().print(_proposals(proposals))


def _proposals(counted: Sequence[Proposed]) -> Table:
    """How submitters respond to what the rules propose."""
    table = Table(title="Proposals to submitters")
    for name in ("rule", "proposal", "response", "reason"):
        table.add_column(name)
    table.add_column("lines", justify="right")
    for each in counted:
        table.add_row(each.rule, each.nudge, each.response, each.reason, str(each.lines))
    return table
