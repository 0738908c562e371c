"""Amounts in another unit, where both are of one kind; days and months are not, a month has no fixed length (UCUM)."""

from __future__ import annotations

from decimal import Decimal

from server.authorization.request import Quantity

_NAMES = {
    "d": "day",
    "days": "day",
    "h": "hour",
    "hours": "hour",
    "wk": "week",
    "weeks": "week",
    "mo": "month",
    "months": "month",
    "a": "year",
    "years": "year",
    "yr": "year",
    "visits": "visit",
    "units": "unit",
    "min": "minute",
    "minutes": "minute",
    "points": "point",
    "{score}": "point",
    "percent": "%",
    "mm[Hg]": "mmHg",
    "mmhg": "mmHg",
    "[in_i]": "in",
    "[lb_av]": "lb",
    "[degF]": "degF",
}

_IN_BASE: dict[str, tuple[str, Decimal]] = {
    "minute": ("time", Decimal(1)),
    "hour": ("time", Decimal(60)),
    "day": ("time", Decimal(1440)),
    "week": ("time", Decimal(10080)),
    "month": ("calendar", Decimal(1)),
    "year": ("calendar", Decimal(12)),
    "g": ("mass", Decimal(1)),
    "kg": ("mass", Decimal(1000)),
    "lb": ("mass", Decimal("453.59237")),
    "mm": ("length", Decimal(1)),
    "cm": ("length", Decimal(10)),
    "m": ("length", Decimal(1000)),
    "in": ("length", Decimal("25.4")),
}

KNOWN_UNITS = frozenset(_NAMES.values()) | frozenset(_IN_BASE)
"""Every unit that has one spelling here."""


def unit_word(unit: str) -> str:
    """The one spelling of a unit that rules use: ``wk`` and ``weeks`` are ``week``."""
    return _NAMES.get(unit, unit)


_COUNTED = frozenset({"visit", "unit", "minute", "hour", "day", "week", "month", "year", "point"})


def counted(amount: Quantity) -> str:
    """The amount as people say it: ``12 visits``, ``1 visit``, ``88 %``."""
    unit = unit_word(amount.unit)
    words = f"{unit}s" if unit in _COUNTED and amount.value != 1 else unit
    return f"{amount.value} {words}".strip()


def converted(amount: Quantity, unit: str) -> Decimal | None:
    """The amount's value in `unit`; None where the two units cannot be compared.

    An amount without a unit is taken to be in the unit that is asked for, and the other way round.
    """
    if not amount.unit or not unit or amount.unit == unit:
        return amount.value
    have, want = unit_word(amount.unit), unit_word(unit)
    if have == want:
        return amount.value
    from_base, to_base = _IN_BASE.get(have), _IN_BASE.get(want)
    if from_base is None or to_base is None or from_base[0] != to_base[0]:
        return None
    return amount.value * from_base[1] / to_base[1]
