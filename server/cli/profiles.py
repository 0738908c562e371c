"""`placet profiles`: constraint tables made from FHIR packages, and which there are."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from profiles.importer import ImportRefused, Package, Summary, definitions_in, folder_name, import_package, read_package
from profiles.tables import HERE, Tables, read_guide
from server.cli import Trouble

R4 = "r4-4.0.1"
R4_PACKAGE = "hl7.fhir.r4.core"
SHOWN = 20


@click.group()
def profiles() -> None:
    """Import and list the profiles of a guide."""


@profiles.command("import")
@click.argument("package", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), help="The folder to write; else one here.")
def import_(package: Path, to: Path | None) -> None:
    """Make a folder of constraint tables from PACKAGE, a FHIR package (.tgz) for R4.

    Without --to the folder stands beside the guides that come with Placet, and `placet validate --profile` knows its
    profiles from then on. A `selection.txt` in the folder limits the import to the definitions it lists.
    """
    console = Console(stderr=True)
    try:
        content = read_package(package)
        folder = to or HERE / folder_name(content)
        summary = _import(content, folder, console)
    except (ImportRefused, OSError) as fault:
        raise Trouble(str(fault)) from None
    _tell(summary, Console())


def _import(content: Package, folder: Path, console: Console) -> Summary:
    tables = Tables([] if content.name == R4_PACKAGE else [read_guide(HERE / R4)])
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(content.name, total=len(definitions_in(content, folder)))
        return import_package(content, folder, tables, lambda name: progress.update(task, advance=1, description=name))


def _tell(summary: Summary, console: Console) -> None:
    console.print(
        f"{summary.folder}: {summary.definitions} definitions, {summary.elements} lines, "
        f"{summary.value_sets} value sets, {summary.open_value_sets} of them partly unlisted"
    )
    if not summary.not_expressed:
        console.print("Everything could be expressed.")
        return
    console.print(f"Not expressed ({len(summary.not_expressed)}):")
    for line in summary.not_expressed[:SHOWN]:
        console.print(f"  {line}", highlight=False)
    if len(summary.not_expressed) > SHOWN:
        console.print(f"  and {len(summary.not_expressed) - SHOWN} more")


@profiles.command("list")
def list_() -> None:
    """The guides that are here, and how many definitions each has."""
    table = Table("folder", "guide", "version")
    table.add_column("definitions", justify="right")
    for path in sorted(HERE.glob("*/guide.txt")):
        guide = read_guide(path.parent)
        table.add_row(guide.key, guide.name, guide.version, str(len(guide.types)))
    Console().print(table)
