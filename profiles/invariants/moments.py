"""Comparing dates, dateTimes and instants of different precision, as FHIRPath does."""

from __future__ import annotations

import re
from datetime import datetime
from decimal import Decimal
from typing import Any

_DAY = re.compile(r"[0-9]{4}(?:-[0-9]{2}(?:-[0-9]{2})?)?")
_MOMENT = re.compile(
    r"(?P<minute>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}):(?P<second>[0-9]{2}(?:\.[0-9]{1,20})?)"
    r"(?P<zone>Z|[+-][0-9]{2}:[0-9]{2})"
)


def not_after(earlier: Any, later: Any) -> bool | None:
    """`earlier <= later`; None where the precision of one leaves it open or one is no date."""
    if not isinstance(earlier, str) or not isinstance(later, str):
        return None
    one, other = _instant(earlier), _instant(later)
    if one and other:
        return one <= other
    day, other_day = earlier[:10], later[:10]
    if not (_DAY.fullmatch(day) and _DAY.fullmatch(other_day)):
        return None
    shared = min(len(day), len(other_day))
    if day[:shared] != other_day[:shared]:
        return day[:shared] < other_day[:shared]
    return True if earlier == later else None


def _instant(text: str) -> tuple[datetime, Decimal] | None:
    moment = _MOMENT.fullmatch(text)
    if moment is None:
        return None
    try:
        return datetime.fromisoformat(moment["minute"] + moment["zone"]), Decimal(moment["second"])
    except ValueError:
        return None
