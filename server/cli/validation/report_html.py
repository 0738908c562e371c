"""A report to send to somebody: one HTML page that loads nothing, can be filtered without scripts, and prints."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template
from tempfile import SpooledTemporaryFile
from typing import IO

from mappers.operation_outcome import repair, said
from profiles import Issue
from server.cli.validation.checked import Checked
from server.cli.validation.documents import printable
from server.cli.validation.report import Wishes
from server.cli.validation.totals import Totals
from server.cli.validation.tree import HIDDEN, WEIGHTS, Branch, Weight, weight

LABELS: dict[Weight, tuple[str, str]] = {
    "error": ("Error", "Errors"),
    "warning": ("Warning", "Warnings"),
    "guide-defect": ("Guide defect", "Guide defects"),
    "not-checkable": ("Not checkable", "Not checkable"),
}
MEANINGS: dict[Weight, str] = {
    "error": "to be mended by the sender: a server refuses the message",
    "warning": "to be looked at: does not refuse the message",
    "guide-defect": "the guide contradicts itself here: nothing to be done",
    "not-checkable": "licensed or external codes: nobody can tell offline",
}
_IN_MEMORY = 1024 * 1024
_MOST_OPEN = 50
_MOST_RULES = 15
_MOST_CLEAN = 500
_PAGE = Template(Path(__file__).with_name("report.html").read_text("utf-8"))


class HtmlReport:
    """The page begins with the figures, so the documents wait in a temporary file for the end."""

    def __init__(self, out: IO[str], wishes: Wishes) -> None:
        self._out, self._wishes = out, wishes
        self._body = SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115 - until close
        self._clean: list[str] = []
        self._more_clean = 0
        self._shown = 0

    def document(self, checked: Checked) -> None:
        """A section for a document with findings; the others are listed by name."""
        if not checked.is_fhir:
            return
        if checked.issues or self._wishes.one:
            self._shown += 1
            self._body.writelines(self._section(checked))
        elif len(self._clean) < _MOST_CLEAN:
            self._clean.append(checked.document.name)
        else:
            self._more_clean += 1

    def end(self, totals: Totals, *, stopped: bool) -> None:
        """Write the page."""
        head, _, tail = _PAGE.template.partition("$documents")
        parts = {
            "verdict": _verdict(totals, stopped=stopped),
            "facts": _facts(totals, self._wishes.version),
            "switches": "".join(self._switch(each) for each in WEIGHTS),
            "filters": "".join(_filter(each, totals) for each in WEIGHTS),
            "rules": _rules(totals),
            "clean": self._clean_list(),
        }
        self._out.write(Template(head).substitute(parts))
        self._body.seek(0)
        while block := self._body.read(_IN_MEMORY):
            self._out.write(block)
        self._out.write(Template(tail).substitute(parts))

    def close(self) -> None:
        """Let go of the temporary file."""
        self._body.close()

    def _switch(self, kind: Weight) -> str:
        checked = "" if kind in HIDDEN and not self._wishes.all else " checked"
        return f'<input type="checkbox" class="switch" id="show-{kind}"{checked}>\n'

    def _section(self, checked: Checked) -> Iterator[str]:
        opened = " open" if self._wishes.one or (self._shown <= _MOST_OPEN and checked.count("error")) else ""
        kinds = " ".join(f"has-{each}" for each in WEIGHTS if checked.count(each))
        name = _h(checked.document.name)
        yield f'<details class="document {kinds}"{opened}><summary><span class="name">{name}</span>'
        for each in WEIGHTS:
            if number := checked.count(each):
                yield f' <span class="badge {each}">{number} {LABELS[each][number > 1].lower()}</span>'
        yield "" if checked.issues else ' <span class="badge fine">no findings</span>'
        yield f'</summary>\n<p class="profile" title="{_h(checked.profile)}">{_h(checked.held_to)}</p>\n'
        yield '<ul class="tree">'
        yield from _branch(checked.tree)
        yield "</ul></details>\n"

    def _clean_list(self) -> str:
        if not self._clean:
            return ""
        number = len(self._clean) + self._more_clean
        names = "".join(f"<li>{_h(name)}</li>" for name in self._clean)
        more = f"<li>and {self._more_clean} more</li>" if self._more_clean else ""
        words = f"{number} document{'s' * (number != 1)} without findings"
        return f'<details class="clean"><summary>{words}</summary><ul>{names}{more}</ul></details>'


def _h(text: str) -> str:
    return escape(printable(text))


def _verdict(totals: Totals, *, stopped: bool) -> str:
    errors = totals.issues["error"]
    words = f"{errors} error{'s' * (errors != 1)} in {totals.with_errors} of {totals.documents} documents"
    kind, words = ("error", words) if errors else ("fine", "No errors")
    note = " <small>(stopped before the last document)</small>" if stopped else ""
    return f'<p class="verdict {kind}">{words}{note}</p>'


def _facts(totals: Totals, version: str) -> str:
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    rows = {
        "Checked": when,
        "Documents": f"{totals.documents}"
        + (f" ({totals.skipped} JSON without a resource skipped)" if totals.skipped else ""),
        "Guides": f"PAS {version} with the DTR and US Core versions that belong to it, FHIR R4",
    }
    return "".join(f"<dt>{name}</dt><dd>{_h(text)}</dd>" for name, text in rows.items())


def _filter(kind: Weight, totals: Totals) -> str:
    number = totals.issues[kind]
    label = LABELS[kind][number != 1]
    meaning = _h(MEANINGS[kind])
    return f'<label for="show-{kind}" class="{kind}" title="{meaning}"><b>{number}</b> {label}<i>{meaning}</i></label>'


def _rules(totals: Totals) -> str:
    if len(totals.rules) < 2 or totals.documents < 2:
        return ""
    rows = "".join(
        f"<tr><td>{n}</td><td><code>{_h(r)}</code></td></tr>" for r, n in totals.rules.most_common(_MOST_RULES)
    )
    return f'<details class="rules"><summary>Rules most often broken</summary><table>{rows}</table></details>'


def _branch(branch: Branch) -> Iterator[str]:
    kinds = {weight(issue) for _, issue in branch.findings}
    fine = " fine" if not branch.shows(tuple(WEIGHTS)) else ""
    yield f'<li class="resource{fine}"><span class="label">{_h(branch.label)}</span>'
    if kinds:
        yield '<ul class="findings">'
        for path, issue in sorted(branch.findings, key=lambda finding: _ORDER[weight(finding[1])]):
            yield _finding(path, issue)
        yield "</ul>"
    if branch.branches:
        yield "<ul>"
        for below in branch.branches:
            yield from _branch(below)
        yield "</ul>"
    yield "</li>"


_ORDER = {each: place for place, each in enumerate(WEIGHTS)}


def _finding(path: str, issue: Issue) -> str:
    kind = weight(issue)
    mend = f'<p class="repair">{_h(repair(issue))}</p>' if issue.repair else ""
    place = f'<code class="path" title="{_h(issue.expression)}">{_h(path)}</code>' if path else ""
    return (
        f'<li class="finding {kind}"><p><span class="badge {kind}">{LABELS[kind][0]}</span> {place} '
        f'<span class="rule">{_h(issue.rule)}</span></p><p>{_h(said(issue))}</p>{mend}</li>\n'
    )
