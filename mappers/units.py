"""Units of quantities: X12 673 codes and UCUM on the wire, plain singular names in rules (PAS prof-2, prof-3)."""

from __future__ import annotations

from decimal import Decimal

from mappers.fhir import Json, text_in
from server.authorization.request import Quantity
from server.authorization.systems import UCUM, UNITS

_NAMES = {
    (UNITS, "VS"): "visit",
    (UNITS, "UN"): "unit",
    (UNITS, "DA"): "day",
    (UNITS, "DY"): "day",
    (UNITS, "HS"): "hour",
    (UNITS, "HR"): "hour",
    (UNITS, "MO"): "month",
    (UNITS, "WK"): "week",
    (UCUM, "d"): "day",
    (UCUM, "h"): "hour",
    (UCUM, "wk"): "week",
    (UCUM, "mo"): "month",
}


_CODES = {"visit": "VS", "unit": "UN", "day": "DA", "hour": "HS", "month": "MO", "week": "WK"}


def unit_code(quantity: Quantity) -> str:
    """The X12 673 code of a quantity that was given in these units; "" for other units."""
    return _CODES.get(quantity.unit, "") if quantity.system == UNITS else ""


def unit_name(quantity: Json) -> str:
    """The name of a Quantity's unit: singular, lower case; its code where we have no name; "" where it gives none."""
    code = text_in(quantity, "code")
    known = _NAMES.get((text_in(quantity, "system"), code))
    if known:
        return known
    dimensionless = code in ("", "1") or code.startswith("{")
    words = text_in(quantity, "unit") or (code.strip("{}") if code != "1" else "")
    return _singular(words) if dimensionless or text_in(quantity, "unit") else code


def read_quantity(node: Json) -> Quantity | None:
    """A Quantity with its unit by name; None for one without a value."""
    value = node.get("value")
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        return None
    return Quantity(Decimal(value), unit_name(node), text_in(node, "system"))


def _singular(word: str) -> str:
    plain = word.strip().lower()
    return plain[:-1] if plain.endswith("s") and not plain.endswith("ss") else plain
