"""The payer's answer to one request: a review action for every service line, with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from server.authorization.documentation import DocumentationRequirement
from server.authorization.request import Code, Period, Quantity


class ReviewAction(StrEnum):
    """What was decided for a line; the values are X12 306 codes."""

    CERTIFIED = "A1"
    NOT_CERTIFIED = "A3"
    PENDED = "A4"
    MODIFIED = "A6"
    CANCELLED = "C"

    @property
    def status(self) -> str:
        """The word people use for it (PF-2: a pended line is never called approved)."""
        return {"A1": "approved", "A3": "denied", "A4": "pended", "A6": "modified", "C": "cancelled"}[self.value]


class WaitsFor(StrEnum):
    """What a pended line waits for (PF-3)."""

    CLINICAL_REVIEW = "clinical review"
    MISSING_INFORMATION = "missing information"
    DELEGATE = "review by a delegate"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why: a coded reason (X12 886) and words that a member can understand (PF-20)."""

    code: Code
    words: str


@dataclass(frozen=True, slots=True)
class Authorized:
    """What may be provided: how much, when, and, where it differs from what was asked, which service and place."""

    quantity: Quantity | None = None
    period: Period | None = None
    service: Code | None = None
    place: Code | None = None


@dataclass(frozen=True, slots=True)
class LineDetermination:
    """The review action of one line.

    reasons     at least one for a denied, modified or pended line
    notes       further words for the submitter
    days        how long an approval of the line lasts under the rules it was reviewed by
    topic       name and version of the topic that decided, "" where none covers the line
    missing     what is to be answered or attached before the line can be decided
    human       True when a person decided
    """

    sequence: int
    action: ReviewAction
    reasons: tuple[Reason, ...] = ()
    authorized: Authorized | None = None
    waits_for: WaitsFor | None = None
    missing: tuple[DocumentationRequirement, ...] = ()
    notes: tuple[str, ...] = ()
    days: int = 90
    topic: str = ""
    human: bool = False


@dataclass(frozen=True, slots=True)
class Determination:
    """One determination per line, in the order of the lines, under the rules of one plan."""

    plan: str
    lines: tuple[LineDetermination, ...]
