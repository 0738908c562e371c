"""`placet documents`: what came with a request and apart from it; its bytes into a directory."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from server.cli.options import opened_payer, staff, store_options
from server.operations.authorization_documents import (
    DocumentOnRecord,
    NotClean,
    content_of,
    documents_on_record,
)
from server.operations.line_decision import NotOnRecord, find


@click.command()
@click.argument("number")
@click.option(
    "--save",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Write the bytes of the clean ones into this directory; nothing there is written over.",
)
@store_options
def documents(number: str, save: Path | None, data: Path | None, mongodb: str | None) -> None:
    """List the documents of an authorization: what they are, when they came, whether they count.

    NUMBER is an authorization number or the id of a ClaimResponse. The kind is what the bytes are, whatever their
    sender said. Saved files are named by id and kind; nothing is ever opened or run.

    \b
    placet documents K7M2-94QX-TR8W-5
    placet documents K7M2-94QX-TR8W-5 --save ./documents
    """
    with opened_payer(data, mongodb) as payer:
        try:
            found = find(payer, staff(), number)[0]
        except NotOnRecord as error:
            raise click.ClickException(str(error)) from error
        there = documents_on_record(payer, found)
        Console().print(_table(there)) if there else click.echo("No documents.")
        for each in there if save else ():
            try:
                content = content_of(payer, each)
            except NotClean as error:
                click.echo(f"{each.attachment.id}: {error}", err=True)
                continue
            _write(Path(str(save)), each, content)


def _table(there: list[DocumentOnRecord]) -> Table:
    table = Table("id", "lines", "what", "kind", "bytes", "sha256", "received (UTC)", "how", "state")
    for each in there:
        attachment = each.attachment
        types = " ".join(code.code for code in attachment.document.types) if attachment.document else ""
        table.add_row(
            attachment.id,
            ", ".join(map(str, attachment.meant.lines if attachment.meant else ())) or "all",
            escape(types or ("form" if attachment.answers else "")),
            attachment.media_type,
            str(attachment.size),
            attachment.sha256[:12],
            f"{attachment.received:%Y-%m-%d %H:%M:%S}",
            attachment.way.value,
            each.counts,
        )
    return table


def _write(directory: Path, document: DocumentOnRecord, content: bytes) -> None:
    """A new file for its owner's eyes, never to be run; one that is there already stays."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / document.file_name
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        click.echo(f"{path} is there already", err=True)
        return
    with os.fdopen(file, "wb") as opened:
        opened.write(content)
    click.echo(str(path))
