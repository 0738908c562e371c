"""`placet work`: a process that delivers notices to subscribers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from server.cli.options import store_options

if TYPE_CHECKING:
    from server.settings import Settings


@click.command()
@click.option("--once", is_flag=True, help="Deliver what is due now, then end.")
@click.option("--sandbox", is_flag=True, default=None, help="Subscribers on this machine may be called, without TLS.")
@store_options
def work(once: bool, sandbox: bool | None, data: Path | None, mongodb: str | None) -> None:
    """Deliver notices to subscribers: beside placet serve, on the same store, as many as you like.

    Each notice is delivered at least once, and those of one subscription in order, however many of these run and
    whenever one is killed. SIGTERM or Ctrl-C ends it after the attempts under way. A sandbox has one inside.
    PLACET_BASE_URL says under which URL subscribers know the server, PLACET_SECRET_KEY opens the headers they gave.

    \b
    placet work --mongodb mongodb://db:27017
    placet work --once
    """
    from server.app import open_worker
    from server.settings import Settings
    from server.web.journal import keep_journal

    settings = Settings.from_environment(os.environ, data=data, mongodb_uri=mongodb, sandbox=sandbox)
    keep_journal(readable=settings.sandbox)
    with open_worker(settings, api_base(settings, settings.port)) as worker:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda _signal, _frame: worker.stop())
        if once:
            worker.run_once()
        else:
            click.echo("Delivers notices to subscribers. Ctrl-C stops it.")
            worker.run()


def delivering(settings: Settings, base: str) -> Callable[[Callable[[Callable[[], None]], None]], None]:
    """The work of a process beside those that answer (`server.cli.beside.Stoppable`)."""

    def deliver(stopped_by: Callable[[Callable[[], None]], None]) -> None:
        from server.app import open_worker

        with open_worker(settings, base) as worker:
            stopped_by(worker.stop)
            worker.run()

    return deliver


def api_base(settings: Settings, port: int) -> str:
    """The base URL of the API: the public one that is set, else where this machine has it."""
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    return settings.base_url or f"http://{host}:{port}/fhir"
