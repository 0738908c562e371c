"""When a request has to be decided (PF-22, 42 CFR 422.568, 422.572)."""

from __future__ import annotations

from datetime import datetime, timedelta

EXPEDITED = timedelta(hours=72)
STANDARD = timedelta(days=7)


def due(received: datetime, *, expedited: bool) -> datetime:
    """The moment by which every line is decided: 72 hours after an expedited request, 7 days after a standard one."""
    return received + (EXPEDITED if expedited else STANDARD)
