"""`placet seed`: a store full of synthetic authorizations, to try and to measure with."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from server.cli.options import store_options
from server.payer import Exchange

if TYPE_CHECKING:
    from server.authorization.record import Authorization
    from server.payer import Caller
    from server.settings import Settings
    from server.stores.authorizations import MongoAuthorizations

BATCH = 250
"""Authorizations filed together: about 2 MB."""


@click.command()
@click.option("--authorizations", "count", type=click.IntRange(1, 10_000_000), required=True, help="How many to add.")
@click.option("--members", type=click.IntRange(1, 9_999_999), help="Of how many members.  [default: a fifth as many]")
@click.option("--yes", is_flag=True, help="Fill your own MongoDB; it holds no real data.")
@store_options
def seed(count: int, members: int | None, yes: bool, data: Path | None, mongodb: str | None) -> None:
    """Add synthetic authorizations to the store of a sandbox.

    They are the sample requests with other people, providers and days of the last two years, read and reviewed by the
    rules like real ones; what was pended for longer than a week has been decided. They belong to the caller of the
    sandbox. Every run adds more, also one that was interrupted. Works while the server runs.

    Refused where the server answers callers with tokens: what is there is real. On your own MongoDB it wants --yes.

    \b
    placet seed --authorizations 1000
    placet seed --authorizations 500 --members 1
    """
    from server.app import open_payer
    from server.settings import Settings
    from server.web.access import SANDBOX

    settings = Settings.from_environment(os.environ, data=data, mongodb_uri=mongodb)
    _refuse_real_data(settings, yes=yes)
    from server.cli.synthetic import filed

    base = settings.base_url or f"http://{settings.host}:{settings.port}/fhir"
    console, started = Console(), time.monotonic()
    with open_payer(settings) as payer, _progress(console) as progress:
        draw = random.Random()  # noqa: S311 - no secrets
        numbers = (draw.randrange(members or max(1, count // 5)) for _ in range(count))
        bar = progress.add_task("Seeding", total=count)
        for number in file_all(payer.authorizations, SANDBOX, filed(payer, base, draw, numbers)):
            progress.advance(bar, number)
    took = time.monotonic() - started
    console.print(f"{count:,} authorizations added in {took:.0f} s ({count / took:.0f} a second).", highlight=False)


def file_all(
    store: MongoAuthorizations, caller: Caller, made: Iterator[tuple[Authorization, Exchange]]
) -> Iterator[int]:
    """File everything in batches, and say how many each had. While one is being filed, the next is made.

    Raises:
        Unavailable: the store does not answer; the batches before are on record.
    """
    with ThreadPoolExecutor(1) as filing:
        under_way: Future[int] | None = None
        while batch := list(islice(made, BATCH)):
            if under_way is not None:
                yield under_way.result()
            under_way = filing.submit(_file, store, caller, batch)
        if under_way is not None:
            yield under_way.result()


def _file(store: MongoAuthorizations, caller: Caller, batch: list[tuple[Authorization, Exchange]]) -> int:
    store.file_batch(caller, batch, datetime.now(UTC))
    return len(batch)


def _refuse_real_data(settings: Settings, *, yes: bool) -> None:
    if settings.tokens and not settings.sandbox:
        raise click.ClickException(
            "This server answers callers with tokens (PLACET_TOKENS, PLACET_TOKENS_FILE): what it stores is real. "
            "Seed a sandbox: unset them and name another --data, or set PLACET_SANDBOX."
        )
    if settings.mongodb_uri is not None and not yes:
        raise click.ClickException(
            f"This would fill database {settings.database} of your own MongoDB. If nothing real is in it, add --yes."
        )


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True)
