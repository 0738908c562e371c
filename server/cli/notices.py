"""`placet notices`: what subscribers were told, how often it was tried, and what is still under way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from server.authorization.delivery import Delivery, Outcome
from server.authorization.subscription import Subscription
from server.cli.options import opened_payer, store_options
from server.notices import Notices

STYLES = {Outcome.DELIVERED: "green", Outcome.PARKED: "red", Outcome.DROPPED: "dim", Outcome.WAITING: "yellow"}
FAR = datetime(2200, 1, 1, tzinfo=UTC)


@click.command()
@click.option(
    "--subscription", "begins", metavar="ID", default="", help="Only this one; the beginning of its id will do."
)
@click.option("--failed", is_flag=True, help="Only what was given up, or has to be tried again.")
@click.option("--days", type=click.IntRange(1, 30), default=7, help="How far back.  [default: 7]")
@click.option("--replay", "from_number", type=click.IntRange(1), metavar="N", help="Send again from event N on.")
@store_options
def notices(  # noqa: PLR0917
    begins: str,
    failed: bool,
    days: int,
    from_number: int | None,
    data: Path | None,
    mongodb: str | None,
) -> None:
    """List notices with their attempts, and the subscriptions they are for; have some of them sent again.

    What was parked waits until its subscriber brings the subscription back (PUT with status requested).

    \b
    placet notices --failed
    placet notices --subscription 9b1c --replay 3
    """
    if from_number is not None and not begins:
        raise click.UsageError("--replay needs --subscription: say whose events are sent again.")
    with opened_payer(data, mongodb) as payer:
        assert payer.notices is not None
        live = [each for each in payer.subscriptions.due(FAR) if each.id.startswith(begins)]
        if from_number is not None:
            _replay(from_number, payer.notices, payer.now(), live)
        begin = payer.now() - timedelta(days=days)
        outcomes = [Outcome.PARKED, Outcome.WAITING] if failed else list(Outcome)
        found = [each for outcome in outcomes for each in payer.notices.listed(outcome, begin)]
        wanted = [each for each in found if each.subscription.startswith(begins) and (each.attempts or not failed)]
        console = Console()
        console.print(_subscriptions(live, payer.notices))
        console.print(_notices(sorted(wanted, key=lambda each: (each.at, each.subscription, each.number))))


def _replay(number: int, kept: Notices, now: datetime, live: Sequence[Subscription]) -> None:
    from server.notifications.replay import NoSuchEvent, replay

    if len(live) > 1:
        raise click.ClickException("Several subscriptions begin so: give more of the id.")
    if not live:
        raise click.ClickException("There is no such subscription, or it is off: nothing is sent for it.")
    try:
        count = replay(live[0].id, number, kept, now)
    except NoSuchEvent:
        raise click.ClickException(f"This subscription has had no event {number}.") from None
    state = live[0].state.value
    click.echo(
        f"{count} event(s) are sent again" + ("." if state == "active" else f" once it is active; it is {state}.")
    )


def _subscriptions(live: Sequence[Subscription], kept: Notices) -> Table:
    table = Table(title="Subscriptions", title_justify="left")
    for column in ("subscription", "organization", "state", "events", "settled", "next attempt"):
        table.add_column(column)
    for each in live:
        channel = kept.move(each.id, lambda now: now)
        due = f"{channel.due:%m-%d %H:%M:%S}" if channel is not None and channel.is_busy else ""
        settled = str(channel.told) if channel is not None else "0"
        state = f"{each.state.value} ({each.error})" if each.error else each.state.value
        table.add_row(each.id, each.organization, state, str(each.events), settled, due)
    return table


def _notices(found: Sequence[Delivery]) -> Table:
    table = Table(title="Notices", title_justify="left")
    for column in ("subscription", "event", "changed", "authorization", "outcome", "attempts"):
        table.add_column(column)
    for each in found:
        outcome = f"[{STYLES[each.outcome]}]{each.outcome}[/]"
        version = f"{each.authorization[:8]}.{each.version}"
        attempts = ", ".join(_attempts(each)) or "none yet"
        table.add_row(each.subscription[:8], str(each.number), f"{each.at:%m-%d %H:%M:%S}", version, outcome, attempts)
    return table


def _attempts(delivery: Delivery) -> Iterator[str]:
    """The last attempts: what they met with, how long it took."""
    if len(delivery.attempts) > 4:
        yield f"{len(delivery.attempts) - 4} earlier"
    for each in delivery.attempts[-4:]:
        yield f"{each.status or each.cause} in {each.milliseconds} ms"
