"""A report for build servers: JUnit XML, a test case for every document, a failure for its errors."""

from __future__ import annotations

from tempfile import SpooledTemporaryFile
from typing import IO
from xml.sax.saxutils import escape, quoteattr

from mappers.operation_outcome import repair, said
from profiles import Issue
from server.cli.validation.checked import Checked
from server.cli.validation.documents import printable
from server.cli.validation.report import Wishes
from server.cli.validation.totals import Totals
from server.cli.validation.tree import HIDDEN, weight

_IN_MEMORY = 1024 * 1024


class JunitReport:
    """The root element counts the cases, so the cases wait in a temporary file for the end."""

    def __init__(self, out: IO[str], wishes: Wishes) -> None:
        self._out, self._version, self._all = out, wishes.version, wishes.all
        self._cases = SpooledTemporaryFile(_IN_MEMORY, "w+", encoding="utf-8")  # noqa: SIM115 - until close

    def document(self, checked: Checked) -> None:
        """One test case."""
        if checked.is_fhir:
            self._cases.write(self._case(checked))

    def end(self, totals: Totals, *, stopped: bool) -> None:  # noqa: ARG002 - as every report
        """Write everything."""
        counts = f'tests="{totals.documents}" failures="{totals.with_errors}" errors="0" skipped="0"'
        name = quoteattr(f"placet validate, PAS {self._version}")
        self._out.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites {counts}>\n')
        self._out.write(f"<testsuite name={name} {counts}>\n")
        self._cases.seek(0)
        while block := self._cases.read(_IN_MEMORY):
            self._out.write(block)
        self._out.write("</testsuite>\n</testsuites>\n")

    def close(self) -> None:
        """Let go of the temporary file."""
        self._cases.close()

    def _case(self, checked: Checked) -> str:
        errors = [issue for issue in checked.issues if weight(issue) == "error"]
        shown = [i for i in checked.issues if weight(i) == "warning" or (self._all and weight(i) in HIDDEN)]
        inside = ""
        if errors:
            words = f"{len(errors)} error{'s' * (len(errors) > 1)}"
            inside += f'<failure message="{words}" type="validation">{_text(errors)}</failure>'
        if shown:
            inside += f"<system-out>{_text(shown)}</system-out>"
        held_to = quoteattr(checked.profile or "no profile")
        return f"<testcase name={quoteattr(checked.document.name)} classname={held_to}>{inside}</testcase>\n"


def _text(issues: list[Issue]) -> str:
    return "\n".join(escape(printable(_line(issue))) for issue in issues)


def _line(issue: Issue) -> str:
    return f"{weight(issue)}: {issue.expression} {said(issue)} {repair(issue)} [{issue.rule}]"
