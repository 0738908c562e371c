"""`placet validate`: FHIR resources in files held to the profiles, every problem at once, offline."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

    from server.cli.validation.documents import Source
    from server.cli.validation.report import Report, Wishes
    from server.cli.validation.totals import Totals

VERSIONS = ("2.2.1", "2.0.1")
FORMATS = ("text", "json", "html", "junit")
_MANY_FILES = 20
_MANY_BYTES = 4 * 1024 * 1024
_WIDTH = 120
_STOPPED = 130


@click.command()
@click.argument(
    "paths", nargs=-1, required=True, metavar="FILE|DIR|-...", type=click.Path(exists=True, allow_dash=True)
)
@click.option("--profile", metavar="URL", help="Canonical of the profile, or its last part: profile-claim.")
@click.option("--version", type=click.Choice(VERSIONS), default=VERSIONS[0], show_default=True, help="Version of PAS.")
@click.option("--format", "shape", type=click.Choice(FORMATS), default="text", show_default=True, help="Of the report.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File for the report.")
@click.option("--all", "everything", is_flag=True, help="Also show defects of the guide and what is not checkable.")
@click.option("--quiet", is_flag=True, help="Show errors only, and nothing when there are none.")
def validate(  # noqa: PLR0917
    paths: tuple[str, ...],
    profile: str | None,
    version: str,
    shape: str,
    output: Path | None,
    everything: bool,
    quiet: bool,
) -> None:
    """Check FHIR resources in files, offline: R4 and the PAS, DTR and US Core profiles.

    Takes Bundles, Parameters and any other resource as JSON, one resource on every line (.ndjson), directories with
    such files, and - for standard input. Without --profile a resource is held to the profile that it declares, else
    to the one that its kind and content suggest; the report says which.

    Every problem is told at once: where it is, by which rule, and what to write instead. An error is the sender's to
    mend, a warning refuses nothing. Defects of the guides and codes that nobody can look up offline are only
    counted: --all shows them. Reports hold no values of the resources but codes.

    Exits with 0 when there is no error, 1 when there is one, 2 when the command cannot be carried out.

    \b
    placet validate request.json
    placet validate request.json --profile profile-pas-request-bundle
    placet validate export/ patients.ndjson --version 2.0.1
    placet validate export/ --format html --output report.html
    placet validate export/ --format junit --output junit.xml
    placet validate export/ --format json | jq '.[] | select(.errors > 0) | .file'
    curl -s https://pas.example.org/fhir/ClaimResponse/1 | placet validate -
    """
    from server.cli.validation.checked import wanted_profile
    from server.cli.validation.documents import sources_in
    from server.cli.validation.report import Wishes

    sources = sources_in(paths)
    if not sources:
        raise click.UsageError("No .json or .ndjson file is in there.")
    if profile:
        try:
            profile = wanted_profile(profile, version)
        except KeyError as error:
            raise click.BadParameter(error.args[0], param_hint="--profile") from error
    one = len(sources) == 1 and not sources[0].path.lower().endswith((".ndjson", ".jsonl"))
    wishes = Wishes(all=everything, quiet=quiet, one=one, version=version)
    with _opened(output) as out:
        report, console = _report(shape, out, wishes, to_terminal=output is None)
        with closing(report):
            totals, stopped = _run(sources, profile, version, report, _progress(sources, console, quiet=quiet))
            report.end(totals, stopped=stopped)
    if output and not quiet:
        click.echo(f"{totals.words}. The report is in {output}", err=True)
    sys.exit(_STOPPED if stopped else 1 if totals.with_errors else 0)


def _run(
    sources: Sequence[Source], profile: str | None, version: str, report: Report, progress: Progress | None
) -> tuple[Totals, bool]:
    """Check and report document by document; Ctrl-C ends it, and the report tells of what was checked until then."""
    from server.cli.validation.checked import check
    from server.cli.validation.documents import documents_in
    from server.cli.validation.totals import Totals

    totals = Totals()
    size = sum(source.size for source in sources) or None
    task = progress.add_task("Checking", total=size, documents=0) if progress else None
    try:
        if progress:
            progress.start()
        for source in sources:
            for document in documents_in(source):
                checked = check(document, profile, version)
                totals.add(checked)
                report.document(checked)
                if progress and task is not None:
                    progress.update(task, advance=len(document.body), documents=totals.documents)
    except KeyboardInterrupt:
        return totals, True
    finally:
        if progress:
            progress.stop()
    return totals, False


def _report(shape: str, out: IO[str], wishes: Wishes, *, to_terminal: bool) -> tuple[Report, Console]:
    """The report, and the console on which progress may be shown beside it."""
    from rich.console import Console

    if shape == "text":
        from server.cli.validation.report_text import TextReport

        console = Console() if to_terminal else Console(file=out, width=_WIDTH)
        return TextReport(console, wishes), console if to_terminal else Console(stderr=True)
    made: Callable[[IO[str], Wishes], Report] = _made(shape)
    return made(out, wishes), Console(stderr=True)


def _made(shape: str) -> Any:
    from importlib import import_module

    return getattr(import_module(f"server.cli.validation.report_{shape}"), f"{shape.capitalize()}Report")


def _progress(sources: Sequence[Source], console: Console, *, quiet: bool) -> Progress | None:
    """A bar where there is much to do and somebody to look at it."""
    if quiet or not console.is_terminal:
        return None
    if len(sources) < _MANY_FILES and sum(source.size for source in sources) < _MANY_BYTES:
        return None
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    more = (TextColumn("{task.fields[documents]} documents"), TimeRemainingColumn())
    return Progress(*columns, *more, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)


@contextmanager
def _opened(output: Path | None) -> Iterator[IO[str]]:
    """Standard output, or a file that is there only when the report is whole."""
    if output is None:
        yield sys.stdout
        return
    try:
        part = NamedTemporaryFile(  # noqa: SIM115 - closed below, then renamed
            "w", encoding="utf-8", dir=output.parent, prefix=f".{output.name}.", delete=False
        )
    except OSError as error:
        raise click.BadParameter(
            f"{output} cannot be written ({type(error).__name__})", param_hint="--output"
        ) from None
    try:
        with part:
            yield part.file
        whole = Path(part.name)
        whole.chmod(0o666 & ~_umask())
        whole.replace(output)
    except BaseException:
        Path(part.name).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """The mask of this process: temporary files are made for their owner alone, reports are to be passed on."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
