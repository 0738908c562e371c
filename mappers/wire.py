"""FHIR JSON as bytes, decimals kept digit by digit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import jiter
import orjson


def to_bytes(resource: Any) -> bytes:
    """The resource as compact UTF-8 JSON; a Decimal is written with the digits it has (1.10 stays 1.10)."""
    return orjson.dumps(resource, default=_decimal)


def _decimal(value: object) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value))
    raise TypeError(f"{type(value).__name__} is not a FHIR JSON value")


def from_bytes(raw: bytes) -> Any:
    """The JSON value of bytes that were read strictly before; decimals come back digit by digit."""
    return jiter.from_json(raw, float_mode="decimal")
