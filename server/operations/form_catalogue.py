"""The operations by which forms are handed out, in the order in which people read about them."""

from __future__ import annotations

from server.operations import questionnaire_package
from server.operations.catalogue import Operation


def form_operations() -> tuple[Operation, ...]:
    """What DTR offers besides $next-question."""
    return (questionnaire_package.OPERATION,)
