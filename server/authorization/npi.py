"""National provider identifiers: ten digits, of which the last checks the others (45 CFR 162.406)."""

from __future__ import annotations

_PREFIX_SUM = 24
"""What the prefix 80840 of the US in the card issuers' numbering adds to the Luhn sum (ISO/IEC 7812)."""

_DIGITS = 10


def is_npi(text: str) -> bool:
    """True for ten ASCII digits, the first a 1 or 2, whose Luhn check behind the prefix 80840 holds."""
    if len(text) != _DIGITS or not (text.isascii() and text.isdigit()) or text[0] not in "12":
        return False
    return (_PREFIX_SUM + sum(_counted(place, int(digit)) for place, digit in enumerate(text))) % 10 == 0


def _counted(place: int, digit: int) -> int:
    """Every second digit counts double, its digits added; the first of ten is one of them."""
    doubled = digit if place % 2 else 2 * digit
    return doubled // 10 + doubled % 10
