"""Slicing: which slice an item belongs to, by every discriminator of FHIR, and what each slice demands."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from profiles.checks.discriminators import Belongs, belongs_by, children_of
from profiles.checks.elements import ENOUGH, rest_unread
from profiles.problem import Check, Problem, Problems, snippet
from profiles.spot import Shapes, least, most, rule_id

if TYPE_CHECKING:
    from profiles.compiler import Compiler
    from profiles.notation import Slicing
    from profiles.visit import Visit


@dataclass(slots=True, eq=False)
class Slice:
    """One slice: which items belong to it, how many there may be, and the check of each."""

    name: str
    belongs: Belongs
    check: Check
    at_least: int
    at_most: int | None
    rule: str
    hint: str


def slice_items(
    compiler: Compiler, how: Slicing, named: dict[str, Shapes], item_check: Callable[[Shapes], Check]
) -> list[Slice]:
    """The slices whose items can be told; one that no discriminator can tell (licensed codes) is left out."""
    made = []
    for name, shapes in named.items():
        tests = [belongs_by(compiler, kind, path, shapes) for kind, path in how.discriminators]
        if not tests or None in tests:
            continue
        low, low_by = least(shapes)
        high, high_by = most(shapes)
        rule = rule_id(low_by if low else high_by, f"{low}..{'*' if high is None else high}")
        belongs = _all([test for test in tests if test is not None])
        made.append(Slice(name, belongs, item_check(shapes), low, high, rule, _hint(how, shapes)))
    return made


def sliced_list(whole: Check, unsliced: Check, parts: list[Slice], how: Slicing, closed_rule: str) -> Check:
    """The check of a sliced array. `whole` looks at the array without its items, `unsliced` at items of no slice."""
    several = tuple(parts)
    closed = how.rules == "closed"
    last_only = how.rules == "openAtEnd"

    def check(value: Any, visit: Visit) -> Problems:
        problems = whole(value, visit)
        if type(value) is not list or not value:
            return problems
        counts = dict.fromkeys(range(len(several)), 0)
        before = -1
        for number, item in enumerate(value):
            position = next((n for n, part in enumerate(several) if part.belongs(item, visit)), None)
            if position is None:
                found = unsliced(item, visit)
                if closed:
                    found = [*(found or ()), _no_slice(several, closed_rule)]
                before = len(several) if last_only else before
            else:
                counts[position] += 1
                found = several[position].check(item, visit)
                if position < before and (how.ordered or before == len(several)):
                    found = [
                        *(found or ()),
                        Problem("structure", "out of order", closed_rule, "Keep the order of the slices."),
                    ]
                before = max(before, position)
            if found:
                for problem in found:
                    problem.trail.append(number)
                if problems is None:
                    problems = found
                else:
                    problems += found
                if len(problems) > ENOUGH:
                    return [*problems, rest_unread(closed_rule, number)]
        return _counted(several, counts, problems)

    return check


def _counted(parts: tuple[Slice, ...], counts: dict[int, int], problems: Problems) -> Problems:
    for number, part in enumerate(parts):
        count = counts[number]
        if count < part.at_least:
            problems = [*(problems or ()), missing_slice(part, count)]
        elif part.at_most is not None and count > part.at_most:
            text = f"{count} of {part.name} where at most {part.at_most} may be"
            repair = f"Keep {part.at_most}." if part.at_most else "Remove it."
            problems = [*(problems or ()), Problem("structure", text, part.rule, repair)]
    return problems


def missing_slice(part: Slice, count: int = 0) -> Problem:
    """What to say when a slice has fewer items than it must."""
    text = f"{part.name} is missing" if not count else f"{count} of {part.name} where {part.at_least} are needed"
    return Problem("required", text, part.rule, part.hint, absent=not count)


def _no_slice(parts: tuple[Slice, ...], rule: str) -> Problem:
    names = ", ".join(part.name for part in parts)
    return Problem("structure", f"belongs to none of the slices {names}, and no other is allowed", rule, "Remove it.")


def _hint(how: Slicing, shapes: Shapes) -> str:
    """An item's beginning as JSON where the discriminators fix it."""
    item: dict[str, Any] = {}
    for _, path in how.discriminators:
        if re.fullmatch(r"\w+", path):
            for shape in children_of(shapes, path):
                literal = shape.element.fixed or shape.element.pattern
                if literal:
                    item[path] = literal.value
    return f"Add {snippet(item)} with the rest." if item else "Add it."


def _all(tests: list[Belongs]) -> Belongs:
    if len(tests) == 1:
        return tests[0]
    return lambda item, visit: all(test(item, visit) for test in tests)
