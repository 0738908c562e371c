"""What a request may hold at all: beyond it, it is rejected with a business error, not denied (PF-6 to PF-8)."""

from __future__ import annotations

from collections.abc import Iterator

from server.authorization.determination import Rejection
from server.authorization.policy import Plan
from server.authorization.request import AuthorizationRequest

CORRECT_AND_RESUBMIT = "C"
"""X12 889: please correct and resubmit."""

NEW_REQUEST = "N"
"""X12 889: resubmission not allowed; a new request is made."""

INVALID_REQUEST = "33"
"""X12 901: input errors."""

INVALID_CODE = "AG"
"""X12 901: invalid or missing procedure code."""


def rejections(request: AuthorizationRequest, plan: Plan) -> tuple[Rejection, ...]:
    """Every limit of the plan that the request breaks."""
    return tuple(_broken(request, plan))


def _broken(request: AuthorizationRequest, plan: Plan) -> Iterator[Rejection]:
    if len(request.lines) > plan.most_lines:
        yield Rejection(
            INVALID_REQUEST,
            CORRECT_AND_RESUBMIT,
            "Bundle.entry[0].resource.item",
            f"A request has at most {plan.most_lines} service lines, this one has {len(request.lines)}. "
            "Send the others in another request.",
        )
    if len(request.diagnoses) > plan.most_diagnoses:
        yield Rejection(
            INVALID_REQUEST,
            CORRECT_AND_RESUBMIT,
            "Bundle.entry[0].resource.diagnosis",
            f"A request has one primary and at most {plan.most_diagnoses - 1} further diagnoses, "
            f"this one has {len(request.diagnoses)}.",
        )
    for place, line in enumerate(request.lines):
        grouped = [code for code in line.services if any(code in span for span in plan.groupers)]
        for code in grouped:
            yield Rejection(
                INVALID_CODE,
                CORRECT_AND_RESUBMIT,
                f"Bundle.entry[0].resource.item[{place}].productOrService",
                f"{code.code} groups many services and cannot be authorized. Ask for the specific services.",
                line.sequence,
            )


def rejected_update() -> tuple[Rejection, ...]:
    """An update of a denied request: a new request is made instead (PF-34)."""
    words = "This request was denied and cannot be updated. Send a new request, or ask for a reconsideration."
    return (Rejection(INVALID_REQUEST, NEW_REQUEST, "Bundle.entry[0].resource.related", words),)
