"""Quantities and periods of the domain as FHIR."""

from __future__ import annotations

from mappers.fhir import Json
from mappers.units import unit_code
from server.authorization.request import Period, Quantity
from server.authorization.systems import UNITS


def write_quantity(quantity: Quantity) -> Json:
    """A quantity with value and unit; a code only in the X12 units (PAS prof-2, prof-3)."""
    whole = quantity.value == quantity.value.to_integral_value()
    written = {"value": int(quantity.value) if whole else quantity.value, "unit": quantity.unit or "unit"}
    code = unit_code(quantity)
    return written | ({"system": UNITS, "code": code} if code else {})


def write_period(period: Period) -> Json:
    """A FHIR Period of whole days."""
    sides = {"start": period.start, "end": period.end}
    return {side: day.isoformat() for side, day in sides.items() if day}
