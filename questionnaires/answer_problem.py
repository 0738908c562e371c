"""What is wrong with the answers of a filled form: where, by which rule, how to mend it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from questionnaires.problem import Severity


@dataclass(frozen=True, slots=True)
class AnswerProblem:
    """One problem of a QuestionnaireResponse; it never holds what was answered.

    link_id     the item it is about, "" for the response as a whole
    expression  FHIRPath from the response on;  rule  what asks for it
    what, mend  what is wrong, and what to send instead
    dropped     the answers to the item do not count
    """

    severity: Severity
    link_id: str
    expression: str
    rule: str
    what: str
    mend: str
    dropped: bool = False

    def __str__(self) -> str:
        return f"{self.expression}: {self.severity}: {self.what} - {self.mend} ({self.rule})"


@dataclass(frozen=True, slots=True)
class Checked:
    """A response held against its form.

    problems  everything that is wrong;  missing  linkIds that are required, asked, and not answered usably
    dropped   linkIds whose answers do not count
    """

    problems: tuple[AnswerProblem, ...] = ()
    missing: tuple[str, ...] = ()
    dropped: frozenset[str] = frozenset()


def errors_of(problems: Iterable[AnswerProblem]) -> list[AnswerProblem]:
    """Those that make a response invalid."""
    return [each for each in problems if each.severity is Severity.ERROR]
