"""placet form: a topic's form as a worksheet, for people without an EHR (PF-11)."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from server.cli import Trouble

if TYPE_CHECKING:
    from questionnaires.content import Content
    from server.authorization.policy import Plan, Topic


@click.command()
@click.argument("topic", required=False)
@click.option("--html", "style", flag_value="html", help="A page to fill in and print with any browser.")
@click.option("--pdf", "style", flag_value="pdf", help="A PDF with fields to fill in.")
@click.option("--out", "-o", type=click.Path(dir_okay=False, path_type=Path), help="Write to a file, not to stdout.")
@click.option("--plan", metavar="PLAN", help="Whose recommended quantity is filled in.  [default: the default plan]")
@click.option(
    "--content",
    "directory",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    envvar="PLACET_CONTENT",
    help="Directory of plans and topics.  [env: PLACET_CONTENT; default: those that come with Placet]",
)
def form(topic: str | None, style: str | None, out: Path | None, plan: str | None, directory: Path | None) -> None:
    """Print the form of a TOPIC as a worksheet; without TOPIC list the topics that have one.

    What is written on it is sent by fax or mail, and makes further notes unnecessary.

    \b
    placet form
    placet form home-oxygen
    placet form knee-replacement --pdf -o knee.pdf
    """
    from questionnaires.content import load_content

    content = load_content(directory)
    chosen = _plan(content, plan)
    topics = {each.name: each for each in content.topics_of(chosen, datetime.now(UTC).date()) if each.form}
    if topic is None:
        click.echo("\n".join(f"{name:24} {each.title}" for name, each in sorted(topics.items())))
        return
    if topic not in topics:
        raise Trouble(f"There is no form of '{topic}' in plan {chosen.id}; there are {', '.join(sorted(topics))}.")
    _write(_written(content, topics[topic], chosen, style), out, binary=style == "pdf")


def _plan(content: Content, name: str | None) -> Plan:
    plan = content.plan(name) if name else next(plan for plan in content.plans if plan.default)
    if plan is None:
        raise Trouble(f"There is no plan '{name}'; the plans are {', '.join(each.id for each in content.plans)}.")
    return plan


def _written(content: Content, topic: Topic, plan: Plan, style: str | None) -> bytes:
    from questionnaires.worksheet import worksheet
    from server.worksheets import about

    found = content.forms.get(topic.form)
    if found is None:
        raise AssertionError("a topic that names a form has it: lint says so")
    sheet, lines = worksheet(found, topic.recommended), about(plan, topic)
    if style == "pdf":
        from server.worksheets.pdf import pdf_of

        return pdf_of(sheet, lines)
    if style == "html":
        from server.worksheets.html import html_of

        return html_of(sheet, lines).encode()
    from server.worksheets.text import text_of

    return (text_of(sheet, lines) + "\n").encode()


def _write(written: bytes, out: Path | None, *, binary: bool) -> None:
    if out is not None:
        out.write_bytes(written)
        click.echo(f"{out}: {len(written):,} bytes", err=True)
    elif binary and sys.stdout.isatty():
        raise Trouble("A PDF is not for the terminal: name a file with -o.")
    else:
        click.echo(written, nl=False)
