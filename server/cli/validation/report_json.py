"""A report for machines: a JSON array with an object for every document."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import IO, Any

from server.cli.validation.checked import Checked
from server.cli.validation.report import Wishes
from server.cli.validation.totals import Totals


class JsonReport:
    """An array of {file, line, type, profile, profileBy, guide, version, errors, ..., issues}; every issue is in it."""

    def __init__(self, out: IO[str], wishes: Wishes) -> None:
        self._out, self._version = out, wishes.version
        self._before = "[\n"

    def document(self, checked: Checked) -> None:
        """One object of the array."""
        if checked.is_fhir:
            self._out.write(self._before + json.dumps(self._entry(checked), ensure_ascii=False))
            self._before = ",\n"

    def end(self, totals: Totals, *, stopped: bool) -> None:  # noqa: ARG002 - as every report
        """Close the array."""
        self._out.write("[]\n" if self._before == "[\n" else "\n]\n")

    def close(self) -> None:
        """Nothing is held."""

    def _entry(self, checked: Checked) -> dict[str, Any]:
        document = checked.document
        return {
            "file": document.file,
            **({"line": document.line} if document.line else {}),
            "type": checked.type or None,
            "profile": checked.profile or None,
            "profileBy": checked.origin,
            "guide": checked.guide or None,
            "version": self._version,
            "errors": checked.count("error"),
            "warnings": checked.count("warning"),
            "guideDefects": checked.count("guide-defect"),
            "notCheckable": checked.count("not-checkable"),
            "issues": [asdict(issue) for issue in checked.issues],
        }
