"""What is wrong with plans and topics: where it stands, what it is, how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """An error keeps the content from being used; a warning is for people to look at."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One problem in a file of plans or topics; `line` counts from 1."""

    file: str
    line: int
    severity: Severity
    what: str
    mend: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.severity}: {self.what} - {self.mend}"


def errors_in(problems: Iterable[Problem]) -> list[Problem]:
    """The problems that keep content from being used."""
    return [problem for problem in problems if problem.severity is Severity.ERROR]


class ContentProblems(Exception):
    """Plans and topics cannot be used; `problems` has every error, in the order of files and lines."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
