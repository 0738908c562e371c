"""Every plan function of the desk (PF-1 to PF-30) has a journey, or a reason why it has none."""

from __future__ import annotations

import ast
import re
from collections import Counter
from pathlib import Path

from tests.journeys.plan_functions.asking import SUBMITTED

JOURNEYS = Path(__file__).parents[1]

NOT_SHOWN: dict[str, str] = {}
"""Plan functions without a journey, and why."""

PARTLY_SHOWN: dict[str, str] = {}
"""Parts of plan functions that no journey shows, and why."""


def shown() -> Counter[str]:
    """How many journeys show each plan function: cases by `shows`, tests by the ids that begin their docstrings."""
    named = Counter(name for case in SUBMITTED for name in case["shows"])
    for file in JOURNEYS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                named.update(re.findall(r"PF-\d+", (ast.get_docstring(node) or "").partition(":")[0]))
    return named


def test_every_plan_function_has_a_journey_or_a_reason() -> None:
    wanted = {f"PF-{number}" for number in range(1, 31)}
    found = shown().keys()
    assert wanted <= found | NOT_SHOWN.keys()
    assert found.isdisjoint(NOT_SHOWN)
    assert found >= PARTLY_SHOWN.keys()
    assert all((NOT_SHOWN | PARTLY_SHOWN).values())
