"""`placet seed`: a store full of synthetic authorizations, to try and to measure with."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from server.cli.options import store_options
from server.payer import Exchange

if TYPE_CHECKING:
    from server.authorization.record import Authorization
    from server.payer import Caller, Payer
    from server.settings import Settings
    from server.stores.authorizations import MongoAuthorizations

BATCH = 250
"""Authorizations filed together: about 2 MB."""

SHARE = 2_000
"""Authorizations that a process is given at once; for fewer than two shares no process is started."""

PROCESSES = max(2, (os.cpu_count() or 1) * 3 // 4)
"""What is left is the store's: it files one while a core and a half make one."""


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

    settings = Settings.from_environment(os.environ, data=data, mongodb_uri=mongodb)
    _refuse_real_data(settings, yes=yes)
    base = settings.base_url or f"http://{settings.host}:{settings.port}/fhir"
    console, started = Console(), time.monotonic()
    draw = random.Random()  # noqa: S311 - no secrets
    numbers = (draw.randrange(members or max(1, count // 5)) for _ in range(count))
    with open_payer(settings) as payer, _progress(console) as progress:
        bar = progress.add_task("Seeding", total=count)
        if count < 2 * SHARE:
            done = file_for(payer, base, numbers)
        else:
            done = file_apart(settings, base, iter(lambda: list(islice(numbers, SHARE)), []))
        for number in done:
            progress.advance(bar, number)
    took = time.monotonic() - started
    console.print(f"{count:,} authorizations added in {took:.0f} s ({count / took:.0f} a second).", highlight=False)


def file_for(payer: Payer, base: str, members: Iterator[int]) -> Iterator[int]:
    """File a synthetic authorization for each of these member numbers, and say how many each batch had."""
    from server.cli.synthetic import filed
    from server.web.access import SANDBOX

    draw = random.Random()  # noqa: S311 - no secrets
    return file_all(payer.authorizations, SANDBOX, filed(payer, base, draw, members))


def file_apart(settings: Settings, base: str, shares: Iterator[Sequence[int]]) -> Iterator[int]:
    """The same in processes of their own, a share of the member numbers each; says how many each share had.

    A share is taken when a process is free for it: where `shares` ends early, nothing more is begun.

    Raises:
        Unavailable: the store does not answer; the shares before are on record, and of others some batches may be.
    """
    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as pool:
        under_way = {pool.submit(_file_share, settings, base, share) for share in islice(shares, PROCESSES)}
        while under_way:
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            under_way |= {pool.submit(_file_share, settings, base, share) for share in islice(shares, len(done))}
            for each in done:
                yield each.result()


def _file_share(settings: Settings, base: str, share: Sequence[int]) -> int:
    from server.app import open_payer

    with open_payer(settings) as payer:
        return sum(file_for(payer, base, iter(share)))


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
