"""What was found in all documents together: figures by weight, by file, by rule; bounded by the number of files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from server.cli.validation.checked import Checked
from server.cli.validation.tree import HIDDEN, WEIGHTS, Weight, weight

Figures = Counter[Weight]


@dataclass(slots=True)
class Totals:
    """Figures that grow with every document.

    files    file -> how many documents it had, and its issues by weight
    rules    rule of an error or warning -> how often it was broken
    profiles canonical held to -> how many documents
    skipped  JSON files of something else than FHIR in a directory that was looked through
    """

    documents: int = 0
    with_errors: int = 0
    skipped: int = 0
    issues: Figures = field(default_factory=Counter)
    files: dict[str, tuple[int, Figures]] = field(default_factory=dict)
    rules: Counter[str] = field(default_factory=Counter)
    profiles: Counter[str] = field(default_factory=Counter)

    def add(self, checked: Checked) -> None:
        """Count one document."""
        if not checked.is_fhir:
            self.skipped += 1
            return
        figures: Figures = Counter(weight(issue) for issue in checked.issues)
        documents, before = self.files.get(checked.document.file, (0, Counter()))
        self.files[checked.document.file] = (documents + 1, before + figures)
        self.documents += 1
        self.with_errors += figures["error"] > 0
        self.issues += figures
        self.rules.update(issue.rule for issue in checked.issues if weight(issue) not in HIDDEN)
        self.profiles[checked.profile] += 1

    @property
    def words(self) -> str:
        """One line: how much was found in how many documents."""
        documents = f"{self.documents} document{'s' * (self.documents != 1)}"
        skipped = f"; {self.skipped} JSON file{'s' * (self.skipped != 1)} without a resource skipped"
        return f"{documents}: {counted(self.issues)}{skipped if self.skipped else ''}"


def counted(figures: Figures) -> str:
    """Figures in words: "2 errors, 1 warning, 3 defects of the guide"; errors always."""
    return ", ".join(_amount(each, figures[each]) for each in WEIGHTS if figures[each] or each == "error")


def _amount(kind: Weight, number: int) -> str:
    one, many = WEIGHTS[kind]
    return f"{number or 'no'} {one if number == 1 else many}"
