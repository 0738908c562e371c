"""Narrative: the XHTML of Narrative.div, each text looked at once per message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from profiles.narrative import problem_in
from profiles.problem import Check, Problem, Problems
from profiles.spot import Spot

EXAMPLE = '"<div xmlns=\\"http://www.w3.org/1999/xhtml\\">...</div>"'

if TYPE_CHECKING:
    from profiles.visit import Visit


def narrative(spot: Spot) -> Check:
    """The div is one of the safe subset of XHTML."""
    rule = f"R4 {spot.path}"

    def check(value: Any, visit: Visit) -> Problems:
        if type(value) is not str:
            return [Problem("structure", "must be a string of XHTML", rule, EXAMPLE, gap=value is None)]
        known = visit.narratives
        if value not in known:
            known[value] = problem_in(value)
        reason = known[value]
        return None if reason is None else [Problem("value", reason, rule, "Use the XHTML that R4 narrative allows.")]

    return check
