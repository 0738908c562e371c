"""placet cases: do plans and topics decide what their authors meant?"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from questionnaires.cases import Outcome

STYLES = {"approved": "green", "modified": "cyan", "pended": "yellow", "denied": "red", "rejected": "magenta"}


@click.command()
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
def cases(directory: Path | None) -> None:
    """Run every case of the topics in DIRECTORY (by default those that come with Placet) through the review.

    A case says what is asked and what is decided; it stands in <topic>/cases.yaml. The table shows what the review
    really decides. Where that differs from the case, expected and got are printed with file and line.

    Exits with 1 when a case differs or the directory cannot be used.

    \b
    placet cases
    placet cases /srv/our-plan/content
    """
    from questionnaires.cases import cases_in, problems_of_answers, run_case
    from questionnaires.checks import problems_of_rules
    from questionnaires.content import DEMO, content_of
    from questionnaires.files import read_files
    from questionnaires.problem import errors_in

    files, problems = read_files(directory or DEMO)
    errors = errors_in([*problems, *problems_of_rules(files), *problems_of_answers(files)])
    if errors:
        for problem in errors:
            click.echo(problem, err=True)
        raise click.ClickException("the content cannot be used; placet lint shows everything that is wrong with it")
    content = content_of(files)
    outcomes = [run_case(case, content, files) for case in cases_in(files)]
    _show(outcomes)
    sys.exit(1 if any(outcome.differences for outcome in outcomes) else 0)


def _show(outcomes: Sequence[Outcome]) -> None:
    """A table of all cases, then the differences, then one line of figures."""
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table("topic", "case", "plan", "lines", "")
    for outcome in outcomes:
        lines = "\n".join(map(_colored, outcome.statuses))
        holds = "[red]differs[/red]" if outcome.differences else "[green]holds[/green]"
        table.add_row(outcome.case.topic, escape(outcome.case.sentence), outcome.case.plan, lines, holds)
    Console().print(table)
    for outcome in outcomes:
        for difference in outcome.differences:
            click.echo(f"{outcome.case.file}:{outcome.case.line}: {outcome.case.sentence} {difference}")
    differing = sum(1 for outcome in outcomes if outcome.differences)
    click.echo(f"{len(outcomes) - differing} cases hold, {differing} differ")


def _colored(status: str) -> str:
    return f"[{STYLES[status]}]{status}[/{STYLES[status]}]"
