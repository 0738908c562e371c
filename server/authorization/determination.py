"""The payer's answer to one request: a review action for every service line, with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from msgspec import Struct

from server.authorization.criteria import Finding, Result
from server.authorization.documentation import DocumentationRequirement
from server.authorization.request import Code, Party, Period, Quantity


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
    """Why: a coded reason (X12 886) and words that a member can understand (PF-20).

    criterion  what was not met, where a person decided: the id of a criterion, or a guideline and its section
    """

    code: Code
    words: str
    criterion: str = ""


@dataclass(frozen=True, slots=True)
class Authorized:
    """What may be provided: how much, when, and, where it differs from what was asked, what, where and by whom."""

    quantity: Quantity | None = None
    period: Period | None = None
    service: Code | None = None
    place: Code | None = None
    provider: Party | None = None


class Judged(Struct, frozen=True):
    """One criterion held against the facts of a line: the trace that is stored, shown and replayed.

    criterion  its id in the topic or plan;  rule  name and version of that topic or plan
    """

    criterion: str
    title: str
    rule: str
    result: Result
    findings: tuple[Finding, ...]


class Response(StrEnum):
    """What became of a nudge (PF-16)."""

    OFFERED = "offered"
    ACCEPTED = "accepted"
    DECLINED = "declined"


@dataclass(frozen=True, slots=True)
class Nudged:
    """A proposal made to the submitter, and their response with the coded reason of a decline."""

    nudge: str
    rule: str
    response: Response
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Read, but cannot be reviewed: a business error (ClaimResponse.error), not a denial.

    code      X12 901 reject reason;  follow_up  X12 889 action
    path      FHIRPath of the element in the request;  words  for people
    """

    code: str
    follow_up: str
    path: str
    words: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class LineDetermination:
    """The review action of one line.

    reasons     at least one for a denied, modified or pended line
    notes       further words for the submitter
    days        how long an approval of the line lasts under the rules it was reviewed by
    topic       name and version of the topic that decided, "" where none covers the line
    missing     what is to be attached before the line can be decided
    unanswered  linkIds of the form that are to be answered before it can be decided
    form        canonical of the topic's form, "" where it has none
    delegate    who reviews it for the payer (PF-18), "" for the payer
    trace       every criterion as it was judged
    nudges      proposals made, and what became of them
    ways        for a pended line the sets of facts any of which would certify it, shortest first
    human       True when a person decided, or asked for more than the rules did
    """

    sequence: int
    action: ReviewAction
    reasons: tuple[Reason, ...] = ()
    authorized: Authorized | None = None
    waits_for: WaitsFor | None = None
    missing: tuple[DocumentationRequirement, ...] = ()
    unanswered: tuple[str, ...] = ()
    form: str = ""
    delegate: str = ""
    trace: tuple[Judged, ...] = ()
    nudges: tuple[Nudged, ...] = ()
    ways: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()
    days: int = 90
    topic: str = ""
    human: bool = False


@dataclass(frozen=True, slots=True)
class Determination:
    """One determination per line, in the order of the lines, under the rules of one plan.

    With `rejections` nothing was reviewed, or not the lines they name.
    """

    plan: str
    lines: tuple[LineDetermination, ...]
    rejections: tuple[Rejection, ...] = ()
