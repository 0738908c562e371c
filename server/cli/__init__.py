"""The `placet` command. Subcommands are imported when they are called: `placet --help` is there at once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from typing import Any, NoReturn

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("server.cli.serve:serve", "Start the server (and the embedded store)."),
    "demo": ("server.cli.demo:demo", "Send the sample requests to a running server."),
    "file": ("server.cli.file:file", "File a request that arrived by fax, phone or mail."),
    "show": ("server.cli.show:show", "Show one authorization: lines, reasons, history."),
    "work": ("server.cli.work:work", "Deliver notices to subscribers, beside a server."),
    "notices": ("server.cli.notices:notices", "List notices under way and their attempts, send them again."),
    "inbox": ("server.cli.inbox:inbox", "Receive notifications as a subscriber, and check them."),
    "documents": ("server.cli.documents:documents", "List the documents of an authorization, or save them."),
    "stats": ("server.cli.stats:stats", "Count what is on record."),
    "form-errors": ("server.cli.form_errors:form_errors", "What clients say is wrong with forms."),
    "decide": ("server.cli.decide:decide", "Decide pended lines: approve, deny, modify, cancel."),
    "extend": ("server.cli.extend:extend", "Extend the decision clock of a request, once."),
    "replay": ("server.cli.replay:replay_reviews", "Make a decision again from what was kept, and compare."),
    "clock": ("server.cli.clock:clock", "Show or move the clock of a sandbox."),
    "reload": ("server.cli.reload:reload", "Let the running server take changed plans and topics."),
    "members": ("server.cli.members:members", "The roster: load it, look a member up."),
    "seed": ("server.cli.seed:seed", "Fill the store with synthetic authorizations."),
    "lint": ("server.cli.lint:lint", "Check plans and topics before they are used."),
    "lookup": ("server.cli.lookup:lookup", "What a plan requires for a code, before anybody asks."),
    "form": ("server.cli.form:form", "Print the form of a topic as a worksheet: text, HTML or PDF."),
    "cases": ("server.cli.cases:cases", "Run the cases of the topics."),
    "validate": ("server.cli.validate:validate", "Check a FHIR resource in a file."),
    "profiles": ("server.cli.profiles:profiles", "Import and list the profiles of a guide."),
}
"""Name -> where it is, and its line in the help. A new command: a module in this folder and a line here."""


class Trouble(click.ClickException):
    """Something people can mend, in one sentence with what to do; ends the command with status 2."""

    exit_code = 2

    def show(self, file: Any = None) -> None:
        """On stderr, with the name of the command before it."""
        click.echo(f"placet: {self.message}", file=file, err=True)


class Commands(click.Group):
    """The subcommands of the table, imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        """In the order of the table: first what people need first."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """The command, imported now; Trouble when its module is not part of this installation."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        try:
            command: click.Command = getattr(import_module(module), name)
        except ModuleNotFoundError as error:
            if error.name != module:
                raise
            raise Trouble(f"'placet {cmd_name}' is not part of this version yet.") from None
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """From the table, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, words) for name, (_, words) in COMMANDS.items()])


@click.group(cls=Commands)
@click.version_option(version("placet"), prog_name="placet")
def placet() -> None:
    """Placet, an open prior authorization server (Da Vinci PAS over FHIR R4).

    \b
    Start here, in two terminals:
      placet serve --sandbox
      placet demo
    """


def main() -> None:
    """The entry point: what people can mend is one sentence on stderr and status 2, never a traceback."""
    try:
        placet(prog_name="placet")
    except Exception as error:
        _mendable(error)


def _mendable(error: Exception) -> NoReturn:
    for kind, words in _MENDABLE.items():
        module, _, name = kind.rpartition(".")
        # One that was raised has its module loaded; the others need not be.
        known = getattr(sys.modules.get(module), name, None)
        if known is not None and isinstance(error, known):
            for line in words(error).splitlines():
                click.echo(f"placet: {line}", err=True)
            sys.exit(2)
    raise error


_MENDABLE: dict[str, Callable[[Any], str]] = {
    "server.settings.SettingsError": str,
    "server.stores.embedded.StoreUnavailable": str,
    "questionnaires.problem.ContentProblems": str,
    "server.errors.Unavailable": lambda error: "\n".join(
        f"{issue.message} {issue.repair}".strip() for issue in error.issues
    ),
    "pymongo.errors.ConfigurationError": lambda _: (
        "MONGODB_URI cannot be used: check it, mongodb://host:27017 for example."
    ),
    "pymongo.errors.ConnectionFailure": lambda _: "MongoDB does not answer: check that it runs, and MONGODB_URI.",
    "pymongo.errors.OperationFailure": lambda _: "MongoDB refuses: check user, password and rights in MONGODB_URI.",
    "requests.exceptions.ConnectionError": lambda _: (
        "No server answers there: start one with placet serve --sandbox, or check --base."
    ),
}
