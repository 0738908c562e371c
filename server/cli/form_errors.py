"""`placet form-errors`: what clients say is wrong with forms."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from server.cli.options import opened_payer, store_options


@click.command(name="form-errors")
@click.option("--json", "as_json", is_flag=True, help="A JSON list instead of a table.")
@store_options
def form_errors(as_json: bool, data: Path | None, mongodb: str | None) -> None:
    """Count what clients reported by $log-questionnaire-errors, for each version of a form.

    \b
    placet form-errors
    placet form-errors --json
    """
    with opened_payer(data, mongodb) as payer:
        counted = payer.form_errors.counts() if payer.form_errors else ()
    if as_json:
        click.echo(json.dumps([asdict(each) for each in counted]))
        return
    if not counted:
        click.echo("Nobody has reported an error in a form.")
        return
    table = Table()
    for name in ("form", "severity", "code"):
        table.add_column(name, overflow="fold")
    table.add_column("times", justify="right")
    for each in counted:
        table.add_row(each.form, each.severity, each.code, str(each.times))
    Console().print(table)
