"""`placet file`: a request that arrived by fax, phone or mail is put on record."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from server.authorization.record import Channel
from server.cli.options import staff, store_options

if TYPE_CHECKING:
    from server.errors import Refusal


@click.command()
@click.argument("bundle", metavar="BUNDLE.json", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--organization", required=True, metavar="ORG", help="Who made the request, as it signs in or is named.")
@click.option("--channel", required=True, type=click.Choice([each.value for each in Channel if each]))
@store_options
def file(bundle: Path, organization: str, channel: str, data: Path | None, mongodb: str | None) -> None:
    """File a request for the organization that made it, with the channel it arrived by.

    BUNDLE.json is a PAS request Bundle, as Claim/$submit takes it. It is checked, reviewed and answered like one that
    the organization sends itself; the history names you. A completed form of the service in it (placet form prints
    it) makes further notes unnecessary. Works while the server runs.

    \b
    placet file request.json --organization north-clinic --channel fax
    """
    from server.app import open_payer
    from server.errors import Refusal, Unavailable
    from server.operations.request_filing import file_request
    from server.settings import Settings
    from server.web.reading import parse_resource

    if not organization.strip():
        raise click.BadParameter("name who made the request", param_hint="--organization")
    settings = Settings.from_environment(os.environ, data=data, mongodb_uri=mongodb)
    base = settings.base_url or f"http://{settings.host}:{settings.port}/fhir"
    raw = bundle.read_bytes()
    with open_payer(settings) as payer:
        try:
            request = parse_resource(raw)
            filed = file_request(payer, staff(), organization, Channel(channel), base=base, raw=raw, bundle=request)
        except Unavailable:
            raise
        except Refusal as error:
            raise click.ClickException("\n".join(_problems(error))) from error
    click.echo(filed.id)
    for line in filed.lines:
        click.echo(f"line {line.sequence}  {line.determination.action.status:9}  {line.number}")
    for rejection in filed.rejections:
        click.echo(f"not reviewed  {rejection.code}: {rejection.words} ({rejection.path})")


def _problems(error: Refusal) -> list[str]:
    """Every problem of the request: its place, what is wrong, what to write instead, the rule."""
    from mappers.operation_outcome import repair, said

    return [
        f"{each.severity} {each.expression or 'the file'}: {said(each)} {repair(each)} ({each.rule})"
        for each in error.issues
    ]
