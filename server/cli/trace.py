"""The trace of a review for a terminal: per line every criterion, what was found, and what would have changed it."""

from __future__ import annotations

from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding

from server.authorization.facts import ANSWER, DOCUMENT, NAMED
from server.authorization.otherwise import Way
from server.operations.authorization_trace import TracedCriterion, TracedLine

_COLOURS = {"met": "green", "not met": "red", "unknown": "yellow"}
MOST_WAYS = 3


def print_trace(console: Console, lines: Iterable[TracedLine]) -> None:
    """Every line: by which rules on which day, then its criteria one by one."""
    for line in lines:
        by = f"by {line.topic or 'the plan alone'}" + (f" on {line.on}" if line.on else "")
        console.print(f"[bold]line {line.sequence}[/bold]  {line.number}  {line.status}, reviewed {by}")
        if line.human:
            _put(console, 2, "A person has decided since: this is what the rules found before.")
        for criterion in line.criteria:
            _print_criterion(console, criterion)
        for nudged in line.nudges:
            _put(console, 2, f"proposal {nudged.nudge}: {nudged.response.value} {nudged.reason}".rstrip())
        for way in line.certified_by[:MOST_WAYS]:
            _put(console, 2, f"would be certified with: {escape('; '.join(fact_words(fact) for fact in way))}")
        if not line.criteria:
            _put(console, 2, "No criterion was held against it.")
        console.print()


def fact_words(name: str) -> str:
    """What a fact is, for people."""
    if name.startswith(DOCUMENT):
        return f"document {name.rpartition('|')[2]}"
    return f"answer {name.removeprefix(ANSWER)}" if name.startswith(ANSWER) else NAMED.get(name, ("", name))[1]


def _print_criterion(console: Console, criterion: TracedCriterion) -> None:
    result = f"[{_COLOURS[criterion.result.value]}]{criterion.result.value:8}[/]"
    title = f"{escape(criterion.title)} [dim]({escape(criterion.rule)} {escape(criterion.criterion)})[/]"
    _put(console, 2, f"{result}{title}")
    for finding in criterion.findings:
        had = f"was {finding.value} ({finding.origin})" if finding.value else "nobody said it"
        words = f"{fact_words(finding.fact)}: wanted {_short(finding.wanted)}, {had}"
        _put(console, 10, f"{finding.result.value:8}{escape(words)}")
    for way in (criterion.turned_by or ())[:MOST_WAYS]:
        _put(console, 10, f"[dim]turned by {escape(_way_words(way))}[/]")


def _put(console: Console, indent: int, words: str) -> None:
    """Words that keep their indent where they go over the end of the line."""
    console.print(Padding(words, (0, 0, 0, indent)))


def _way_words(way: Way) -> str:
    return " and ".join(f"{fact_words(change.fact)}: {_short(change.needed)}" for change in way)


def _short(words: str) -> str:
    """Long lists of codes are cut: they are in the topic, and whole in the JSON of the trace."""
    return words if len(words) <= 80 else f"{words[:77]}..."
