"""Options that several commands share, and how a command opens the payer."""

from __future__ import annotations

import getpass
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from server.payer import Payer, Staff

Command = TypeVar("Command", bound=Callable[..., Any])


def store_options(command: Command) -> Command:
    """`--data` and `--mongodb`: which store the command works on."""
    data = click.option(
        "--data",
        type=click.Path(path_type=Path),
        help="Directory of the embedded store; the same one that `placet serve` uses.  [default: .placet]",
    )
    mongodb = click.option("--mongodb", metavar="URI", help="Your own MongoDB instead  [env: MONGODB_URI]")
    return data(mongodb(command))


def staff() -> Staff:
    """The person at this terminal, by their account's name: what stands in the history."""
    try:
        return Staff(getpass.getuser())
    except (KeyError, OSError):
        return Staff(f"user {os.getuid()}")


@contextmanager
def opened_payer(data: Path | None, mongodb: str | None) -> Iterator[Payer]:
    """The payer on the store that the options name; works while a server runs on the same store."""
    from server.app import open_payer
    from server.settings import Settings

    with open_payer(Settings.from_environment(os.environ, data=data, mongodb_uri=mongodb)) as payer:
        yield payer
