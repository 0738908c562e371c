"""`placet show`: one authorization with its lines and history."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mappers.operation_outcome import repair, said
from profiles import Issue
from server.authorization.clocks import Clock, ClockState
from server.authorization.record import Authorization, LineOnRecord
from server.cli.options import opened_payer, staff, store_options
from server.cli.trace import print_trace
from server.operations.authorization_trace import traced_lines
from server.operations.line_decision import NotOnRecord, find
from server.payer import Exchange

_COLOURS = {"approved": "green", "modified": "yellow", "pended": "cyan", "denied": "red", "cancelled": "dim"}


@click.command()
@click.argument("number")
@click.option("--trace", is_flag=True, help="How the rules came to what they decided, and what would have changed it.")
@store_options
def show(number: str, trace: bool, data: Path | None, mongodb: str | None) -> None:
    """Show one authorization: its lines, their reasons, and everything that happened to it.

    NUMBER is an authorization number (any case, with or without dashes) or the id of a ClaimResponse. Works while
    the server runs.

    \b
    placet show K7M2-94QX-TR8W-5
    placet show --trace K7M2-94QX-TR8W-5
    """
    with opened_payer(data, mongodb) as payer:
        try:
            found, line = find(payer, staff(), number)
        except NotOnRecord as error:
            raise click.ClickException(str(error)) from error
        exchange = payer.authorizations.exchange(staff(), found.id)
        clock = found.clock_at(payer.now())
        traced = traced_lines(payer, staff(), found) if trace else ()
    console = Console()
    _heading(console, found, clock)
    if trace:
        print_trace(console, traced)
        return
    console.print(_lines(found, line))
    _reasons(console, found)
    console.print(_history(found))
    _warnings(console, exchange)


def status_text(status: str) -> str:
    """The status word in its colour, for rich."""
    return f"[{_COLOURS.get(status, 'default')}]{status}[/]"


def clock_words(clock: Clock) -> str:
    """How the decision clock stands, for people: ``running, 2 days 3 hours left``."""
    words = f"{clock.state.value}, extended" if clock.extended else clock.state.value
    if clock.breached:
        return f"{words}, {_span(-clock.remaining)} too late"
    return f"{words} in time" if clock.state is ClockState.STOPPED else f"{words}, {_span(clock.remaining)} left"


def _span(length: timedelta) -> str:
    hours = int(length.total_seconds()) // 3600
    return f"{hours // 24} days {hours % 24} hours" if hours >= 24 else f"{hours} hours"


def _heading(console: Console, found: Authorization, clock: Clock) -> None:
    urgency = "expedited" if found.request.expedited else "standard"
    console.print(f"[bold]Authorization[/bold] {found.id}  (version {found.version})")
    console.print(f"plan      {found.plan}")
    if found.channel:
        console.print(f"arrived   by {found.channel.value}, filed by the payer's people")
    console.print(f"received  {found.created:%Y-%m-%d %H:%M} UTC   due {clock.due:%Y-%m-%d %H:%M} UTC ({urgency})")
    console.print(f"clock     {clock_words(clock)}")
    diagnoses = ", ".join(diagnosis.code.code for diagnosis in found.request.diagnoses)
    if diagnoses:
        console.print(f"covers    {diagnoses}")


def _lines(found: Authorization, chosen: int | None) -> Table:
    table = Table(title="Lines", title_justify="left", expand=False)
    for column in ("line", "service", "asked", "status", "authorized", "number"):
        table.add_column(column, overflow="fold", no_wrap=column in ("line", "status", "number"))
    for line in found.lines:
        table.add_row(*_row(line), style="bold" if line.sequence == chosen else None)
    return table


def _row(line: LineOnRecord) -> tuple[str, ...]:
    decided, asked = line.determination, line.asked.quantity
    authorized = decided.authorized
    amount = f"{authorized.quantity.value} {authorized.quantity.unit}" if authorized and authorized.quantity else ""
    period = f" {authorized.period.start} to {authorized.period.end}" if authorized and authorized.period else ""
    return (
        str(line.sequence),
        line.asked.service.code,
        f"{asked.value} {asked.unit}" if asked else "",
        status_text(decided.action.status),
        amount + period,
        line.number,
    )


def _reasons(console: Console, found: Authorization) -> None:
    """Why, for every line that was not simply approved; and what a pended one waits for."""
    for line in found.lines:
        decided = line.determination
        for reason in decided.reasons:
            console.print(f"[bold]line {line.sequence}[/bold] {reason.code.code}: {reason.words}")
        if decided.waits_for:
            wanted = "; ".join(f"{each.words} ({each.code.code})" for each in decided.missing)
            console.print(
                f"[bold]line {line.sequence}[/bold] waits for {decided.waits_for.value}{': ' if wanted else ''}{wanted}"
            )
    for rejection in found.rejections:
        console.print(f"[red]not reviewed[/red] {rejection.code}: {rejection.words} ({rejection.path})")
    console.print()


def _history(found: Authorization) -> Table:
    table = Table(title="History", title_justify="left", expand=False)
    for column in ("when (UTC)", "line", "what", "by", "note"):
        table.add_column(column, overflow="fold", no_wrap=column == "when (UTC)")
    for event in found.history:
        change = f"{event.what}: {event.before.status} -> " if event.before else f"{event.what}: "
        table.add_row(
            f"{event.at:%Y-%m-%d %H:%M:%S}",
            str(event.line or "all"),
            change + (event.after.status if event.after else ""),
            event.by,
            event.note,
        )
    return table


def _warnings(console: Console, exchange: Exchange | None) -> None:
    """What was noticed in the request and did not refuse it. Text, not markup: paths have brackets."""
    for kept in exchange.issues if exchange else ():
        issue = Issue(**kept)  # type: ignore[arg-type]  # as it was kept with the exchange
        words = f" {issue.expression}: {said(issue)} {repair(issue)} ({issue.rule})"
        console.print(Text.assemble((issue.severity, "yellow"), words))
