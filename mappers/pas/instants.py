"""Moments as FHIR instants."""

from __future__ import annotations

from datetime import datetime


def instant(at: datetime) -> str:
    """A FHIR instant with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
