"""Known defects of the guides, from `defects.txt`: what they make wrong is listed and never refuses a message."""

from __future__ import annotations

from functools import cache
from pathlib import Path

ANYWHERE = "*"


@cache
def defects() -> dict[tuple[str, str], str]:
    """(rule id, element path or `*`) -> why the guide is at fault."""
    found = {}
    for line in Path(__file__).with_name("defects.txt").read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            rule, path, reason = line.split("  ", 2)
            found[rule, path] = reason
    return found


def defect(rule: str, path: str) -> str | None:
    """Why breaking `rule` at `path` is the guide's fault, None where it is the sender's."""
    known = defects()
    return known.get((rule, path)) or known.get((rule, ANYWHERE))
