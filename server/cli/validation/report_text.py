"""A report for people at a terminal: each document as a tree of resources, its findings at their place."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from mappers.operation_outcome import repair, said
from profiles import Issue
from server.cli.validation.checked import Checked
from server.cli.validation.documents import printable
from server.cli.validation.report import Wishes
from server.cli.validation.totals import Totals
from server.cli.validation.tree import HIDDEN, WEIGHTS, Branch, Weight, weight

STYLES: dict[Weight, str] = {
    "error": "bold red",
    "warning": "yellow",
    "guide-defect": "magenta",
    "not-checkable": "blue",
}
_LABELS: dict[Weight, str] = {"guide-defect": "guide defect", "not-checkable": "not checkable"}
_MOST_FILES = 40
_MOST_RULES = 10


class TextReport:
    """Prints every document with findings as it comes; a table of files and rules at the end of many."""

    def __init__(self, console: Console, wishes: Wishes) -> None:
        self._console, self._wishes = console, wishes
        self._weights = _weights(wishes)

    def document(self, checked: Checked) -> None:
        """Print its tree, unless there is nothing to show in one of many."""
        if not checked.is_fhir or not (checked.tree.shows(self._weights) or self._wishes.one):
            return
        if self._wishes.quiet and not checked.count("error"):
            return
        self._console.print(Text(checked.document.name, "bold underline"))
        self._console.print(Text(checked.held_to, "dim"))
        self._console.print(self._tree(checked.tree))
        self._console.print()

    def end(self, totals: Totals, *, stopped: bool) -> None:
        """The tables of many documents, and one line of figures."""
        if self._wishes.quiet:
            return
        if len(totals.files) > 1 and totals.issues.total():
            self._console.print(_files(totals))
        if totals.documents > 1 and len(totals.rules) > 1:
            self._console.print(_rules(totals))
        if stopped:
            self._console.print(Text("Stopped before the last document.", "bold yellow"))
        line = Text(totals.words, STYLES["error"] if totals.issues["error"] else "green")
        if not self._wishes.all and any(totals.issues[each] for each in HIDDEN):
            line.append("  (--all shows all of them)", "dim")
        self._console.print(line)

    def close(self) -> None:
        """Nothing is held."""

    def _tree(self, branch: Branch, tree: Tree | None = None) -> Tree:
        """Resources with findings have a branch each; the others stand together in one line."""
        tree = tree if tree is not None else Tree(Text(branch.label, "bold"), guide_style="dim")
        for path, issue in sorted(branch.findings, key=lambda finding: _ORDER[weight(finding[1])]):
            if weight(issue) in self._weights:
                tree.add(_finding(path, issue))
        fine = []
        for below in branch.branches:
            if below.shows(self._weights):
                self._tree(below, tree.add(Text(below.label, "bold")))
            else:
                fine.append(below.label)
        if fine and not self._wishes.quiet:
            more = f" and {len(fine) - _MOST_FINE} more" if len(fine) > _MOST_FINE else ""
            tree.add(Text("fine: " + ", ".join(fine[:_MOST_FINE]) + more, "green"))
        elif not branch.branches and not tree.children:
            tree.add(Text("fine", "green"))
        return tree


_ORDER = {each: place for place, each in enumerate(WEIGHTS)}
_MOST_FINE = 12


def _weights(wishes: Wishes) -> tuple[Weight, ...]:
    if wishes.quiet:
        return ("error",)
    return tuple(WEIGHTS) if wishes.all else tuple(each for each in WEIGHTS if each not in HIDDEN)


def _finding(path: str, issue: Issue) -> Group:
    kind = weight(issue)
    head = Text.assemble((_LABELS.get(kind, kind), STYLES[kind]), "  ", (path, "bold"), "  " if path else "")
    head.append(printable(issue.rule), "dim")
    lines = [head, Text(printable(said(issue)))]
    if issue.repair:
        lines.append(Text(printable(repair(issue)), "green"))
    return Group(*lines)


def _files(totals: Totals) -> Table:
    """The files with findings, those with errors first."""
    table = Table(title="Files with findings", title_justify="left", box=SIMPLE_HEAD)
    for column in ("errors", "warnings", "guide\ndefects", "not\ncheckable"):
        table.add_column(column, justify="right")
    table.add_column("file", overflow="fold")
    listed = sorted((row for row in totals.files.items() if row[1][1]), key=lambda row: -row[1][1]["error"])
    for file, (documents, figures) in listed[:_MOST_FILES]:
        cells = [Text(str(figures[each]) if figures[each] else "", STYLES[each]) for each in WEIGHTS]
        table.add_row(*cells, Text(f"{file} ({documents} documents)" if documents > 1 else file))
    if len(listed) > _MOST_FILES:
        table.add_row("", "", "", "", Text(f"and {len(listed) - _MOST_FILES} more", "dim"))
    return table


def _rules(totals: Totals) -> Table:
    table = Table(title="Rules most often broken", title_justify="left", box=SIMPLE_HEAD)
    table.add_column("times", justify="right")
    table.add_column("rule", overflow="fold")
    for rule, times in totals.rules.most_common(_MOST_RULES):
        table.add_row(str(times), Text(printable(rule)))
    return table
