"""placet lint: are plans and topics fit to be used?"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click


@click.command()
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the problems as a JSON list.")
def lint(directory: Path | None, as_json: bool) -> None:
    """Check the plans, topics, forms and cases in DIRECTORY (by default those that come with Placet).

    One line per problem: file:line: severity: what is wrong - how to mend it. An error keeps the server from using
    the directory or is a case that fails; a warning is for you to look at.

    Exits with 1 when there is an error.

    \b
    placet lint
    placet lint /srv/our-plan/content
    placet lint --json | jq '.[].file'
    """
    from questionnaires.content import DEMO
    from questionnaires.lint import lint as lint_content
    from questionnaires.problem import errors_in
    from server.cli.handed_out import problems_of_handing_out

    problems = lint_content(directory or DEMO)
    if not errors_in(problems):
        problems = sorted({*problems, *problems_of_handing_out(directory or DEMO)})
    errors = len(errors_in(problems))
    if as_json:
        click.echo(json.dumps([asdict(problem) for problem in problems], indent=2))
    else:
        for problem in problems:
            click.echo(problem)
        click.echo(f"{errors} errors, {len(problems) - errors} warnings in {directory or DEMO}", err=True)
    sys.exit(1 if errors else 0)
