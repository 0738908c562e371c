"""`placet decide`: a reviewer's decision on pended lines."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path

import click

from server.authorization.decision import Decision, NotDecidable, Verdict, provider_by_npi
from server.authorization.request import Code
from server.authorization.systems import DECISION_REASONS
from server.cli.options import opened_payer, staff, store_options
from server.errors import Conflict
from server.operations.line_decision import NotOnRecord, decide_lines, find


@click.command()
@click.argument("number")
@click.argument("verdict", type=click.Choice([each.value for each in Verdict]))
@click.option("--line", type=click.IntRange(min=1), help="Sequence of the line; without it all pended lines.")
@click.option("--units", help="What is authorized, for modify: fewer than were asked for.")
@click.option("--provider", "npi", metavar="NPI", help="Another provider than asked for, for modify.")
@click.option("--provider-name", metavar="NAME", help="What they are called.")
@click.option("--reason", metavar="CODE", help="Coded reason (X12 886). A denial needs it.")
@click.option("--note", metavar="TEXT", help="The reason, as the member understands it. Needed to deny and to cancel.")
@click.option("--criterion", metavar="TEXT", help="What was not met: a criterion's id, or a guideline and its section.")
@store_options
def decide(  # noqa: PLR0917
    number: str,
    verdict: str,
    line: int | None,
    units: str | None,
    npi: str | None,
    provider_name: str | None,
    reason: str | None,
    note: str | None,
    criterion: str | None,
    data: Path | None,
    mongodb: str | None,
) -> None:
    """Decide pended lines: approve, deny, modify or cancel.

    NUMBER is an authorization number, which names its line, or the id of a ClaimResponse, which means all its pended
    lines unless --line says which. Works while the server runs; the submitter reads the new answer at once.

    \b
    placet decide K7M2-94QX-TR8W-5 approve
    placet decide K7M2-94QX-TR8W-5 modify --units 8
    placet decide K7M2-94QX-TR8W-5 cancel --note "Withdrawn by phone."
    placet decide K7M2-94QX-TR8W-5 modify --provider 1999999992 --provider-name "South Clinic"
    placet decide 1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed deny --line 2 \\
        --reason 0F --note "The exercise programme at home has not been tried yet."
    """
    reviewer = staff()
    decision = Decision(
        verdict=Verdict(verdict),
        by=reviewer.name,
        units=_units(units),
        code=Code(DECISION_REASONS, reason) if reason else None,
        words=note or "",
        criterion=criterion or "",
        provider=provider_by_npi(npi or "", provider_name or "") if npi or provider_name else None,
    )
    with opened_payer(data, mongodb) as payer:
        try:
            found, named = find(payer, reviewer, number)
            decided = decide_lines(payer, reviewer, found, line or named, decision)
        except (NotOnRecord, NotDecidable) as error:
            raise click.ClickException(str(error)) from error
        except Conflict as error:
            raise click.ClickException(
                "Somebody else changed this authorization just now: look again, then decide."
            ) from error
    for each in decided.lines:
        click.echo(f"line {each.sequence}  {each.determination.action.status:9}  {each.number}")


def _units(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        units = Decimal(text)
    except InvalidOperation:
        units = Decimal("NaN")
    if not units.is_finite():
        raise click.BadParameter("write a number, for example 8", param_hint="--units")
    return units
