"""`placet serve`: the store, the listening socket, the processes that answer; stopped in the opposite order."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import click

from server.cli import Trouble

if TYPE_CHECKING:
    from flask import Flask

    from server.settings import Settings

SAMPLE = Path(__file__).resolve().parents[2] / "conformance" / "requests" / "approved-consultation.json"


class WithSettings(click.Command):
    """A command whose help ends with every setting."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as click calls it
        """From the table of settings."""
        from server.settings import SETTINGS

        with formatter.section("Settings (environment variables)"):
            formatter.write_dl([(setting.variable, setting.meaning) for setting in SETTINGS])


@click.command(cls=WithSettings)
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=click.IntRange(0, 65535), help="Port to listen on; 0 takes a free one.  [default: 8080]")
@click.option("--data", type=click.Path(path_type=Path), help="Directory of the embedded store.  [default: .placet]")
@click.option("--mongodb", metavar="URI", help="Your own MongoDB instead  [env: MONGODB_URI]")
@click.option("--sandbox", is_flag=True, default=None, help="No tokens, synthetic data, this machine only.")
@click.option("--clock", is_flag=True, default=None, help="placet clock moves the time of the sandbox.")
@click.option("--workers", type=click.IntRange(1, 64), help="Processes that answer.  [default: 2]")
@click.option("--threads", type=click.IntRange(16, 256), help="Threads of each process.  [default: 16]")
def serve(  # noqa: PLR0917
    host: str | None,
    port: int | None,
    data: Path | None,
    mongodb: str | None,
    sandbox: bool | None,
    clock: bool | None,
    workers: int | None,
    threads: int | None,
) -> None:
    """Start the server; Ctrl-C stops it after the answers under way.

    Without --sandbox callers need a bearer token: list them in a YAML file of {token, name, organization} and name it
    in PLACET_TOKENS_FILE. Without any, the server listens on this machine only. Every option has an environment
    variable too (PLACET_PORT and so on).

    \b
    placet serve --sandbox
    PLACET_TOKENS_FILE=tokens.yaml placet serve --host 0.0.0.0 --mongodb mongodb://db:27017
    """
    from server.settings import Settings

    settings = Settings.from_environment(
        os.environ,
        host=host,
        port=port,
        data=data,
        mongodb_uri=mongodb,
        sandbox=sandbox,
        clock=clock,
        workers=workers,
        threads=threads,
    )
    # Only beside the embedded store, which is a process: two threads that import pymongo at once lock each other out.
    meanwhile = imported_meanwhile("server.app") if settings.mongodb_uri is None else nullcontext()
    with listening(settings) as listener, meanwhile, store_of(settings) as uri:
        run(settings.on_store(uri), listener, own_store=settings.mongodb_uri is None)


@contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """The socket, bound before anything else is started: a port in use is known at once."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind)
    except OSError as error:
        raise Trouble(f"{settings.host} is not an address of this machine: leave --host out.") from error
    with listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
        except OSError as error:
            raise Trouble(_why_not_bound(error, settings)) from error
        yield listener


def _why_not_bound(error: OSError, settings: Settings) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {settings.port} is in use: end the program that has it, or choose another with --port."
    if error.errno == errno.EACCES:
        return f"Port {settings.port} needs more rights: choose one above 1023 with --port."
    return f"{settings.host} is not an address of this machine: leave --host out."


@contextmanager
def imported_meanwhile(module: str) -> Iterator[None]:
    """Half of the time to the first answer is imports, the other half the store: they do not wait for each other."""
    thread = Thread(target=import_module, args=(module,), daemon=True)
    thread.start()
    yield
    thread.join()


@contextmanager
def store_of(settings: Settings) -> Iterator[str]:
    """The URI of the store: your own MongoDB, seen to answer, or the embedded one, started now and stopped last."""
    if settings.mongodb_uri is None:
        from server.stores.embedded import EmbeddedStore

        with EmbeddedStore.open(settings.data) as store:
            yield store.uri
    else:
        from pymongo import MongoClient

        # Closed again before the processes are forked: a client does not survive a fork.
        with MongoClient[dict[str, Any]](settings.mongodb_uri, serverSelectionTimeoutMS=5000) as client:
            client.admin.command("ping")
        yield settings.mongodb_uri


def run(settings: Settings, listener: socket.socket, *, own_store: bool) -> None:
    """Answer until told to stop. The plans and topics are read once before: what is wrong with them is said at once."""
    from questionnaires.current import CurrentContent
    from server.app import RULES, create_app, prepare_store
    from server.cli.beside import Beside
    from server.cli.processes import Processes
    from server.cli.renewal import renewing
    from server.cli.running import announced
    from server.cli.work import api_base, delivering
    from server.web.journal import keep_journal
    from server.web.worker import RENEW

    current = CurrentContent(settings.content)  # the processes inherit it, and those that take their place do
    prepare_store(settings)
    keep_journal(readable=settings.sandbox)
    port = listener.getsockname()[1]
    with announced(settings) as server:

        def application() -> Flask:
            app = create_app(settings, current)
            app.extensions[RENEW] = renewing(app.extensions[RULES].reload, current, server, answers=True)
            return app

        Processes(
            settings,
            listener,
            application=application,
            started=lambda: click.echo(banner(settings, port, own_store=own_store)),
            renew=renewing(current.reload, current, server, answers=False),
            beside=Beside(delivering(settings, api_base(settings, port))) if settings.sandbox else None,
        ).run()


def banner(settings: Settings, port: int, *, own_store: bool) -> str:
    """What a person who just started the server wants to know."""
    from server.cli.work import api_base

    base = api_base(settings, port)
    store = f"the embedded store in {settings.data}" if own_store else "your MongoDB"
    lines = [
        "",
        f"Placet {version('placet')} answers at {base}",
        f"Records are kept in {store}.",
        _who_may_call(settings),
    ]
    if settings.sandbox:
        lines += ["", "Try next, in another terminal:", *(f"  {line}" for line in _try_next(base, settings, port))]
    else:
        lines.append("Subscribers hear of changes by placet work: start it beside this, on the same store.")
    return "\n".join([*lines, "", "Ctrl-C stops it.", ""])


def _who_may_call(settings: Settings) -> str:
    if settings.sandbox:
        return "SANDBOX: nobody is asked for a token, only this machine can call. Synthetic data only."
    if settings.tokens:
        return f"Tokens are known for {len(settings.tokens)} caller(s)."
    return (
        "No caller has a token: only this machine can reach the server, and every call is answered 401. "
        "Name a file of tokens in PLACET_TOKENS_FILE, or use --sandbox."
    )


def _try_next(base: str, settings: Settings, port: int) -> Iterator[str]:
    command = _command()
    at = "" if port == 8080 else f" --base {base}"
    data = "" if settings.data == Path(".placet") else f" --data {settings.data}"
    yield f"{command} demo{at}"
    yield f"{command} show NUMBER{data}     (a number from the demo)"
    yield f"curl -s {base}/metadata"
    if SAMPLE.exists():
        sample = SAMPLE.relative_to(Path.cwd()) if SAMPLE.is_relative_to(Path.cwd()) else SAMPLE
        yield f"curl -s {base}/Claim/\\$submit -H 'Content-Type: application/fhir+json' --data-binary @{sample}"


def _command() -> str:
    """`placet` as it can be typed here: the virtual environment of `make run` is not on the PATH."""
    if shutil.which("placet"):
        return "placet"
    started = Path(sys.argv[0]).absolute()
    return str(started.relative_to(Path.cwd())) if started.is_relative_to(Path.cwd()) else str(started)
