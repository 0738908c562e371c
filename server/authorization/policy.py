"""Plans and topics: what the payer decides by. Read from data; nothing here knows how they are written down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from server.authorization.criteria import Condition, comparisons_in
from server.authorization.determination import Reason, ReviewAction
from server.authorization.documentation import DocumentationRequirement
from server.authorization.facts import HISTORY
from server.authorization.request import Code, Coverage, Detail, Period, Quantity, ServiceLine
from server.authorization.scores import Score
from server.authorization.systems import DECISION_REASONS, SERVICE_TYPES


class ReviewPath(StrEnum):
    """How the lines of a topic are decided.

    CERTIFY         certified up to the recommended quantity
    CRITERIA        the same, once every criterion is met and every document is there
    DOCUMENTATION   pended until the required documents are there, then for a clinician
    CLINICAL        pended for a clinician
    NOT_COVERED     denied administratively: not a benefit of the plan (PF-19)
    """

    CERTIFY = "certify"
    CRITERIA = "criteria"
    DOCUMENTATION = "documentation"
    CLINICAL = "clinical review"
    NOT_COVERED = "not covered"


class Above(StrEnum):
    """What happens to a line that asks for more than the recommended quantity (PF-14, PF-21)."""

    PEND = "pend"
    REDUCE = "reduce"


@dataclass(frozen=True, slots=True)
class CodeSpan:
    """The codes from `first` to `last` (equal for a single code) of one system; codes of one span have one length."""

    system: str
    first: str
    last: str

    def __contains__(self, code: Code) -> bool:
        return (
            code.system == self.system
            and len(code.code) == len(self.first)
            and self.first <= code.code.upper() <= self.last
        )

    @property
    def is_single(self) -> bool:
        """True for exactly one code."""
        return self.first == self.last


@dataclass(frozen=True, slots=True)
class Source:
    """Where a rule is written for people: document, page, address."""

    document: str
    page: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One condition of a policy. `provider` says what the submitter can do when it is not met."""

    id: str
    title: str
    condition: Condition
    provider: str = ""


@dataclass(frozen=True, slots=True)
class Nudge:
    """A proposal made when `when` is met: fewer units, another place (PF-14 to PF-16).

    answer    linkId of the form's yes/no item that accepts it
    decline   linkId of the item that holds the coded reason of a decline
    good      codes of reasons that let the line pass as it was asked
    place     place of service that is proposed, None where the recommended quantity is
    words     the proposal, for the provider
    """

    id: str
    when: Condition
    words: str
    answer: str = ""
    decline: str = ""
    good: frozenset[str] = frozenset()
    place: Code | None = None


@dataclass(frozen=True, slots=True)
class AdministrativeDenial:
    """A rule that denies a line without a clinical question, when `when` is met (PF-19)."""

    id: str
    title: str
    when: Condition
    reason: Reason


@dataclass(frozen=True, slots=True)
class Topic:
    """One clinical subject and the rule its lines are decided by.

    plans           ids of the plans it holds for
    in_force        first and last day it holds
    recommended     how much is certified without a question (PF-14); None = as asked
    approved_days   length of the approved period, in days
    reason          why a line is denied, reduced or pended by this topic, in words for the member
    pending         why a line is pended, where `reason` says why it is reduced (PF-2)
    provider_words  what the submitter is told besides
    form            canonical with version of the topic's Questionnaire, "" where it has none
    criteria        all are met before a line is certified by itself
    fresh_days      how old a required document may be, in days; None = any age
    delegate        company that reviews the topic for the plan (PF-18)
    ages            youngest and oldest age of members it is for, in whole years; an open side is None
    scores          measures whose score is calculated from the answers to their sections
    """

    name: str
    version: str
    title: str
    codes: tuple[CodeSpan, ...]
    plans: frozenset[str]
    in_force: Period
    source: Source
    path: ReviewPath
    reason: Reason
    provider_words: str = ""
    recommended: Quantity | None = None
    above: Above = Above.PEND
    approved_days: int = 90
    documentation: tuple[DocumentationRequirement, ...] = ()
    pending: Reason | None = None
    form: str = ""
    criteria: tuple[Criterion, ...] = ()
    nudges: tuple[Nudge, ...] = ()
    denials: tuple[AdministrativeDenial, ...] = ()
    fresh_days: int | None = None
    delegate: str = ""
    ages: tuple[int | None, int | None] = (None, None)
    scores: tuple[Score, ...] = ()
    _spans: Mapping[tuple[str, int], tuple[tuple[str, str], ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        spans: dict[tuple[str, int], list[tuple[str, str]]] = {}
        for span in self.codes:
            spans.setdefault((span.system, len(span.first)), []).append((span.first, span.last))
        object.__setattr__(self, "_spans", {alike: tuple(each) for alike, each in spans.items()})

    def reason_for(self, action: ReviewAction) -> Reason:
        """Why a line of the topic is denied, reduced or pended: never the words of a reduction for a pended line."""
        return self.pending if action is ReviewAction.PENDED and self.pending else self.reason

    @property
    def reference(self) -> str:
        """Name and version: what a determination says it was decided by."""
        return f"{self.name}@{self.version}"

    def covers_any(self, codes: tuple[Code, ...]) -> bool:
        """True when one of the codes is one of the topic's."""
        for code in codes:  # noqa: SIM110 - asked of every topic for every line: any() costs as much as the answer
            if self.covers(code):
                return True
        return False

    def covers(self, code: Code) -> bool:
        """True when the code is one of the topic's."""
        spans = self._spans.get((code.system, len(code.code)))
        if spans is None:
            return False
        text = code.code.upper()
        for first, last in spans:  # noqa: SIM110 - as above
            if first <= text <= last:
                return True
        return False

    def is_for(self, age: int | None) -> bool:
        """True when members of the age are meant; an age that nobody said excludes nothing."""
        youngest, oldest = self.ages
        return age is None or ((youngest is None or youngest <= age) and (oldest is None or age <= oldest))

    def holds(self, plan: str, on: date) -> bool:
        """True when the topic is in force for the plan on the day."""
        start, end = self.in_force.start, self.in_force.end
        return plan in self.plans and (start is None or start <= on) and (end is None or on <= end)


# The list of codes is licensed: this one is a placeholder, and so are those of the demo plans.
NOT_IN_FORCE = Reason(
    Code(DECISION_REASONS, "03"),
    "Your coverage does not pay for services on this day. We did not look at whether you need the service.",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One product of the payer.

    coverage_classes  (type, value) pairs of a Coverage that select this plan, compared without case
    default           the plan for coverages that name none
    uncovered         why a line that no topic covers is pended for a person
    approved_days     approved period where the topic gives none
    denials           administrative denials that hold for every line of the plan (PF-19)
    most_lines        service lines in one request (PF-6)
    most_diagnoses    diagnoses in one request (PF-7)
    groupers          codes that stand for groups of services and are not authorized (PF-8)
    pauses            the clock stops while information is awaited (PF-22)
    expedited_hours, standard_days  by when expedited and other requests are decided (PF-22)
    extended_days     by when after one extension, counted from the request (PF-22)
    npi_check         providers are named by well-formed NPIs
    past_days, future_days  how far from the request a first day of service may lie; None = as far as they like
    needs             details of the member and the provider without which nothing is decided (PF-23)
    not_in_force      why a line is denied on whose first day a known member is not covered, where no denial says so
    """

    id: str
    title: str
    uncovered: Reason
    coverage_classes: frozenset[tuple[str, str]] = frozenset()
    default: bool = False
    approved_days: int = 90
    denials: tuple[AdministrativeDenial, ...] = ()
    most_lines: int = 10
    most_diagnoses: int = 10
    groupers: tuple[CodeSpan, ...] = ()
    pauses: bool = False
    expedited_hours: int = 72
    standard_days: int = 7
    extended_days: int = 14
    npi_check: bool = False
    past_days: int | None = None
    future_days: int | None = None
    needs: tuple[Detail, ...] = ()
    not_in_force: Reason = NOT_IN_FORCE

    def is_named_by(self, coverage: Coverage) -> bool:
        """True when a class of the coverage is one of this plan's, or says its id as the plan."""
        named = self.coverage_classes | {("plan", self.id.lower())}
        return any((kind.lower(), value.lower()) in named for kind, value in coverage.classes)


@dataclass(frozen=True, slots=True)
class Rules:
    """A plan and the topics in force for it: all that a review needs to know.

    content  fingerprint of the plans and topics they are from: with it the review can be made again
    """

    plan: Plan
    topics: tuple[Topic, ...] = field(default=())
    content: str = ""

    @property
    def ask_for_history(self) -> bool:
        """True when a rule looks at what is on record for the member; otherwise nobody needs to look it up."""
        conditions = [
            *(denial.when for denial in self.plan.denials),
            *(denial.when for topic in self.topics for denial in topic.denials),
            *(criterion.condition for topic in self.topics for criterion in topic.criteria),
            *(nudge.when for topic in self.topics for nudge in topic.nudges),
        ]
        return any(each.fact.startswith(HISTORY) for condition in conditions for each in comparisons_in(condition))

    def topic_for(self, line: ServiceLine) -> Topic | None:
        """The topic of the line's most specific service, or None where no topic covers that service.

        A service type (X12 1365) says only a kind of service; a procedure, device or drug code says which. So what a
        line orders by such a code decides over a service type it names. Between equally specific services the one
        the line itself names goes first. A range of codes belongs to a topic only when both its ends do.
        """
        codes = _most_specific(line)
        found = [topic for topic in self.topics if topic.covers_any(codes)]
        if line.service_end is not None and codes == line.services:
            found = [topic for topic in found if topic.covers(line.service_end)]
        if len(found) < 2:
            return found[0] if found else None
        return min(found, key=lambda topic: not _names_exactly(topic, codes))


def _most_specific(line: ServiceLine) -> tuple[Code, ...]:
    """The codings of what the line names or of what it orders, whichever is more specific; else of its category."""
    if not line.ordered:
        return line.services or line.category
    given = [codes for codes in (line.services, line.ordered) if codes]
    return min(given, key=lambda codes: all(code.system == SERVICE_TYPES for code in codes))


def _names_exactly(topic: Topic, codes: tuple[Code, ...]) -> bool:
    return any(span.is_single and code in span for span in topic.codes for code in codes)
