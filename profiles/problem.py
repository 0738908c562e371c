"""A problem on its way up from where it was found to the root, gathering its path."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from profiles.issue import Severity, Verdict

if TYPE_CHECKING:
    from profiles.visit import Visit

Problems = list["Problem"] | None
Check = Callable[[Any, "Visit"], Problems]

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,63}")
_CODE = re.compile(r"[a-z][a-z0-9\-]*|[A-Za-z0-9]{1,4}|(?:https?://|urn:(?:uuid|oid):)[!-~]*")
_QUOTED_TYPES = {bool, int}
SHOWN = 100


@dataclass(slots=True, eq=False)
class Problem:
    """Like an Issue, with `trail` (names and list positions, innermost first) instead of an expression.

    `gap` marks a null in a list, which an extension at the same position of the `_` sibling allows. `places` are the
    only elements an extension may stand at, where the shared type it was found in could not tell. `absent` means that
    something is not there at all: said of the element it should stand in, not of the list it should stand in.
    """

    code: str
    message: str
    rule: str
    repair: str = ""
    severity: Severity = "error"
    verdict: Verdict = "yours"
    trail: list[str | int] = field(default_factory=list)
    gap: bool = False
    places: frozenset[str] = frozenset()
    absent: bool = False

    @property
    def refuses(self) -> bool:
        """True when it makes its resource not conform."""
        return self.severity == "error" and self.verdict == "yours"

    def above(self, *names: str | int) -> Problem:
        """The same problem seen from further up; `names` from the inside out. The original is left alone."""
        return Problem(
            self.code,
            self.message,
            self.rule,
            self.repair,
            self.severity,
            self.verdict,
            [*self.trail, *names],
            self.gap,
            self.places,
            self.absent,
        )


def path_of(trail: list[str | int], root: str) -> str:
    """FHIRPath of a trail: `Bundle.entry[0].resource.item[2].sequence`."""
    path = root
    for step in reversed(trail):
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path


def is_name(key: object) -> bool:
    """True for a key that may be shown: it looks like an element's name and cannot hold a sentence."""
    return isinstance(key, str) and _NAME.fullmatch(key) is not None


def snippet(value: Any) -> str:
    """A JSON value as it is written in a repair."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "), default=str)


def shown(value: Any) -> str:
    """A code, uri or number as a message may quote it; anything else by what it is.

    What is no code by its looks may be a name or a number of a person in the wrong place.
    """
    if isinstance(value, str):
        return f"'{value}'" if len(value) <= SHOWN and _CODE.fullmatch(value) else "this text"
    if type(value) in _QUOTED_TYPES:
        return snippet(value)
    return {dict: "an object", list: "an array", type(None): "null"}.get(type(value), "this value")
