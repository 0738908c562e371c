"""`placet demo`: the sample requests, sent to a server, and what it answered."""

from __future__ import annotations

import time
from typing import Any

import click
import requests
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from conformance.answers import answered_lines
from conformance.samples import fresh_sample, sample_names
from server.cli.show import status_text

TIMEOUT_SECONDS = 20


@click.command()
@click.option("--base", default="http://127.0.0.1:8080/fhir", show_default=True, help="FHIR base URL of the server.")
@click.option("--token", envvar="PLACET_DEMO_TOKEN", help="Bearer token, where the server wants one.")
def demo(base: str, token: str | None) -> None:
    """Send the sample requests to a running server and show its determinations.

    The samples are PAS request Bundles with synthetic people: one approved, one pended, one denied, one modified, and
    several lines in one. Every run sends them as new requests. Start a server first: make run

    \b
    placet demo
    placet demo --base https://pas.example.org/fhir --token ...
    """
    console = Console()
    names = sample_names()
    table = Table(title=f"{len(names)} requests to {base}", title_justify="left")
    for column in ("line", "service", "status", "authorization number", "reason"):
        table.add_column(column, overflow="fold", no_wrap=column != "reason")
    spent = 0.0
    with requests.Session() as session, _progress(console) as progress:
        session.headers["Content-Type"] = "application/fhir+json"
        if token:
            session.headers["Authorization"] = f"Bearer {token}"
        for name in progress.track(names, description="Submitting"):
            bundle = fresh_sample(name)
            started = time.perf_counter()
            answer = _submitted(session, base, name, bundle)
            spent += time.perf_counter() - started
            _add_rows(table, name, bundle, answer)
    console.print(table)
    console.print(f"{len(names)} answers in {spent * 1000:.0f} ms. Next: placet show NUMBER, placet stats")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), console=console, transient=True
    )


def _submitted(session: requests.Session, base: str, name: str, bundle: dict[str, Any]) -> dict[str, Any]:
    url = f"{base.rstrip('/')}/Claim/$submit"
    try:
        reply = session.post(url, json=bundle, timeout=TIMEOUT_SECONDS, allow_redirects=False)
        answer: dict[str, Any] = reply.json()
    except requests.ConnectionError as error:
        raise click.ClickException(
            f"Nothing answers at {base}: start a server with `make run` (or `placet serve`)."
        ) from error
    except requests.RequestException as error:
        raise click.ClickException(f"{name}: {url} gave no usable answer ({type(error).__name__}).") from error
    if reply.status_code != requests.codes.ok:
        texts = [issue.get("diagnostics", "") for issue in answer.get("issue", [])] or [reply.reason]
        raise click.ClickException(f"{name}: {reply.status_code}\n" + "\n".join(texts))
    return answer


def _add_rows(table: Table, name: str, bundle: dict[str, Any], answer: dict[str, Any]) -> None:
    table.add_row("", "", f"[dim]{name}[/]")
    services = {item["sequence"]: _service(item) for item in bundle["entry"][0]["resource"]["item"]}
    for line in answered_lines(answer):
        service, reason = services.get(line.sequence, ""), _first_sentence(line.reason)
        table.add_row(str(line.sequence), service, status_text(line.status), line.number, reason)
    table.add_section()


def _first_sentence(reason: str) -> str:
    return reason.split(". ", maxsplit=1)[0].rstrip(".") + "." if reason else ""


def _service(item: dict[str, Any]) -> str:
    return str(item["productOrService"]["coding"][0]["code"])
