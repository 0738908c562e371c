"""`placet stats`: how much is on record."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from server.cli.options import opened_payer, store_options
from server.cli.show import status_text


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of a table.")
@store_options
def stats(as_json: bool, data: Path | None, mongodb: str | None) -> None:
    """Count what is on record: authorizations, exchanges, and service lines by status.

    \b
    placet stats
    placet stats --json
    """
    with opened_payer(data, mongodb) as payer:
        counts = payer.authorizations.counts()
    if as_json:
        click.echo(json.dumps(asdict(counts)))
        return
    table = Table(show_header=False)
    table.add_row("authorizations", str(counts.authorizations))
    table.add_row("exchanges", str(counts.exchanges))
    for status, count in counts.lines.items():
        table.add_row(f"lines {status_text(status)}", str(count))
    Console().print(table)
