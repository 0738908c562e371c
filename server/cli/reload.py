"""`placet reload`: a running server takes changed plans and topics."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import Any

import click

from server.cli import Trouble
from server.cli.running import RunningServer, running_servers

PATIENCE_SECONDS = 30.0
_POLL = 0.1


@click.command()
@click.option(
    "--data", type=click.Path(path_type=Path), help="Directory that the server was started with.  [default: .placet]"
)
def reload(data: Path | None) -> None:
    """Let the servers that run on the data directory read their plans and topics again, without a restart.

    The content directory is checked first, as by placet lint; with an error in it nothing is loaded and the server
    keeps what it has. Requests under way keep the rules they began with, and what was in use stays kept for the
    record. The same as SIGHUP to placet serve, without the check.

    Exits with 1 when nothing was loaded, or not by every process.

    \b
    placet reload
    placet reload --data /srv/placet
    """
    from server.settings import Settings

    settings = Settings.from_environment(os.environ, data=data)
    servers = running_servers(settings.data)
    if not servers:
        raise Trouble(f"No server runs on {settings.data}: name its directory with --data.")
    for server in servers:
        _check(server)
        before = len(server.told())
        os.kill(server.pid, signal.SIGHUP)
        _show(server, _answers(server, before))


def _check(server: RunningServer) -> None:
    from questionnaires.content import DEMO
    from questionnaires.lint import lint
    from questionnaires.problem import errors_in

    errors = errors_in(lint(server.content or DEMO))
    for problem in errors:
        click.echo(problem, err=True)
    if errors:
        raise click.ClickException(f"{len(errors)} errors: nothing was loaded, the server keeps what it has.")


def _answers(server: RunningServer, before: int) -> list[dict[str, Any]]:
    """What the processes say: one refuses, or every worker has loaded; within `PATIENCE_SECONDS`."""
    until = time.monotonic() + PATIENCE_SECONDS
    while True:
        answers = server.told()[before:]
        loaded = [each for each in answers if "fingerprint" in each]
        if len(loaded) >= server.workers or any("problems" in each for each in answers) or time.monotonic() > until:
            return answers
        time.sleep(_POLL)


def _show(server: RunningServer, answers: list[dict[str, Any]]) -> None:
    problems = dict.fromkeys(problem for each in answers for problem in each.get("problems", ()))
    for problem in problems:
        click.echo(problem, err=True)
    loaded = [each for each in answers if "fingerprint" in each]
    for change in dict.fromkeys(change for each in loaded for change in each["changes"]):
        click.echo(change)
    fingerprints = {each["fingerprint"] for each in loaded}
    if problems or len(loaded) < server.workers or len(fingerprints) != 1:
        raise click.ClickException(f"{len(loaded)} of {server.workers} processes of server {server.pid} have loaded.")
    changed = any(each["changes"] for each in loaded)
    words = "have the new content" if changed else "have the content they had: nothing differs"
    click.echo(f"{len(loaded)} processes of server {server.pid} {words} ({fingerprints.pop()[:12]}).")
