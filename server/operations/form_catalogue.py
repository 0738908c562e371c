"""The operations by which forms are handed out, in the order in which people read about them."""

from __future__ import annotations

from server.operations import artifact_search, log_questionnaire_errors, questionnaire_package, valueset_expand
from server.operations.catalogue import Operation


def form_operations() -> tuple[Operation, ...]:
    """What DTR offers besides $next-question."""
    return (
        questionnaire_package.OPERATION,
        log_questionnaire_errors.OPERATION,
        *artifact_search.operations(),
        *valueset_expand.OPERATIONS,
    )
