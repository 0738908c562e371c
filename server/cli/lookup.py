"""placet lookup: does this service need an authorization, and what goes with the request?"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from server.cli import Trouble

if TYPE_CHECKING:
    from questionnaires.content import Content
    from questionnaires.requirements import Requirement
    from server.authorization.policy import Plan


@click.command()
@click.option("--plan", metavar="PLAN", help="Id of the plan.  [default: the default plan]")
@click.option("--code", required=True, help="The service, with or without its system: E1390, hcpcs:E1390, cpt:97110.")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="The day the rules hold on.  [default: today]")
@click.option(
    "--content",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="PLACET_CONTENT",
    help="Directory of plans and topics.  [env: PLACET_CONTENT; default: those that come with Placet]",
)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON list, one entry per topic that names the code.")
def lookup(plan: str | None, code: str, on: datetime | None, directory: Path | None, as_json: bool) -> None:
    """Look up what a plan requires for a service, before asking for it.

    Is an authorization needed; by which topic and guideline; which form and documents go with the request; how much
    is certified without a question.

    \b
    placet lookup --code E1390
    placet lookup --plan medicaid --code cpt:97110
    placet lookup --plan commercial --code 27447 --json
    """
    from questionnaires.content import load_content
    from questionnaires.requirements import requirements

    content = load_content(directory)
    day = (on or datetime.now(UTC)).date()
    found = requirements(content, _plan(content, plan), code, day)
    if as_json:
        click.echo(json.dumps([each.as_json() for each in found], indent=2))
        return
    click.echo("\n\n".join("\n".join(_lines(each)) for each in found))


def _plan(content: Content, name: str | None) -> Plan:
    plan = content.plan(name) if name else next(plan for plan in content.plans if plan.default)
    if plan is None:
        raise Trouble(f"There is no plan '{name}'; the plans are {', '.join(each.id for each in content.plans)}.")
    return plan


def _lines(found: Requirement) -> list[str]:
    from server.authorization.systems import short_name

    system = f"{short_name(found.code.system)} " if found.code.system else ""
    head = f"{system}{found.code.code} in plan {found.plan}: {_SAID[found.need.value]}"
    return [head, *(f"  {name + ':':<14}{text}" for name, text in _details(found) if text)]


_SAID = {
    "needed": "authorization is needed",
    "not a benefit": "not a benefit of the plan",
    "no rule": "no rule names it; a person looks at a request for it",
}


def _details(found: Requirement) -> list[tuple[str, str]]:
    from server.authorization.systems import short_name
    from server.authorization.units import counted

    youngest, oldest = found.ages
    ages = " ".join(
        filter(None, [f"from {youngest}" if youngest is not None else "", f"to {oldest}" if oldest is not None else ""])
    )
    rows = [
        ("topic", f"{found.topic}, {found.title}" if found.topic else ""),
        ("for members", f"{ages} years old" if ages else ""),
        ("guideline", _guideline(found)),
        ("decided", found.decided),
        ("by", found.delegate),
        ("form", found.form),
    ]
    for wanted in found.documentation:
        codes = " or ".join(f"{short_name(code.system)} {code.code}" for code in (wanted.code, *wanted.others))
        rows.append(("document", f"{wanted.words} ({codes})"))
    rows += [("not older than", f"{found.fresh_days} days" if found.fresh_days else "")]
    rows += [("criterion", title) for title in found.criteria]
    if found.recommended:
        rows.append(("recommended", f"{counted(found.recommended)}; more is {found.above}"))
    rows.append(("approved for", f"{found.approved_days} days" if found.approved_days else ""))
    return [*rows, ("note", found.words)]


def _guideline(found: Requirement) -> str:
    source = found.source
    return ", ".join(filter(None, (source.document, source.page, source.url))) if source else ""
