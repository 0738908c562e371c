"""What every report is: it hears of each document when it was checked, and of the totals at the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from server.cli.validation.checked import Checked
from server.cli.validation.totals import Totals


@dataclass(frozen=True, slots=True)
class Wishes:
    """How much a report says.

    all      also defects of the guide and what is not checkable, which are else only counted
    quiet    only documents with errors
    one      a single document is checked: it is shown even when nothing was found
    version  of the guides
    """

    all: bool = False
    quiet: bool = False
    one: bool = False
    version: str = ""


class Report(Protocol):
    """Written while documents are checked, so that nothing but figures has to be remembered."""

    def document(self, checked: Checked) -> None:
        """Report a document."""

    def end(self, totals: Totals, *, stopped: bool) -> None:
        """Report the totals; `stopped` when somebody pressed Ctrl-C before the last document."""

    def close(self) -> None:
        """Let go of what was held until the end."""
