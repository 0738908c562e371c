"""The command: its table of subcommands, and what people can mend said in one sentence."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
from click.testing import CliRunner
from pymongo.errors import ServerSelectionTimeoutError

import server.cli
from server.cli import COMMANDS, Trouble, main, placet
from server.errors import Unavailable, refusal
from server.settings import SettingsError
from server.stores.embedded import StoreUnavailable

ROOT = Path(__file__).parents[3]


def test_help_names_every_command_and_imports_none() -> None:
    seen = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from server.cli import main\n"
        "try: main()\n"
        "finally: print({name for name in sys.modules} & {'flask', 'pymongo', 'gunicorn', 'rich', 'yaml'})"
    )
    told = subprocess.run([sys.executable, "-c", seen], capture_output=True, text=True, cwd=ROOT, check=True).stdout

    assert all(f"  {name} " in told and words in told for name, (_, words) in COMMANDS.items())
    assert told.endswith("set()\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_of_the_table_is_there_or_says_that_it_is_not(name: str) -> None:
    module, _, attribute = COMMANDS[name][0].partition(":")
    result = CliRunner().invoke(placet, [name, "--help"])

    if find_spec(module):
        assert isinstance(getattr(import_module(module), attribute), click.Command)
        assert (result.exit_code, result.output.startswith(f"Usage: placet {name}")) == (0, True)
    else:
        assert result.exit_code == 2
        assert result.output == f"placet: 'placet {name}' is not part of this version yet.\n"


def test_a_command_whose_own_imports_fail_is_a_bug_not_a_missing_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def import_broken(name: str) -> None:
        raise ModuleNotFoundError("no", name="rich")

    monkeypatch.setattr(server.cli, "import_module", import_broken)
    with pytest.raises(ModuleNotFoundError):
        placet.get_command(click.Context(placet), "show")


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(placet, ["--version"]).output.startswith("placet, version ")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SettingsError(["PLACET_PORT: x", "--workers: y"]), "placet: PLACET_PORT: x\nplacet: --workers: y\n"),
        (StoreUnavailable("The disk is full: make room."), "placet: The disk is full: make room.\n"),
        (refusal(Unavailable, "transient", "Not now.", "store", repair="Later."), "placet: Not now. Later.\n"),
        (ServerSelectionTimeoutError("db:27017: refused"), "placet: MongoDB does not answer: "),
        (Trouble("Port 1 is in use."), "placet: Port 1 is in use.\n"),
    ],
)
def test_what_people_can_mend_is_one_sentence_and_status_2(
    error: Exception, words: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    def stumble() -> None:
        raise error

    monkeypatch.setattr(placet, "get_command", lambda _context, _name: stumble)
    monkeypatch.setattr(sys, "argv", ["placet", "stumble"])
    with pytest.raises(SystemExit) as left:
        main()

    assert left.value.code == 2
    assert capsys.readouterr().err.startswith(words)


def test_a_bug_is_not_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    @click.command()
    def stumble() -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(placet, "get_command", lambda _context, _name: stumble)
    monkeypatch.setattr(sys, "argv", ["placet", "stumble"])
    with pytest.raises(ZeroDivisionError):
        main()
