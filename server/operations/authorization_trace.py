"""How the rules came to what they decided: every criterion, every fact, and what would have changed it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from mappers.pas.read import read_request
from mappers.wire import from_bytes
from server.authorization.criteria import Condition, Finding, Result
from server.authorization.determination import Judged, Nudged
from server.authorization.otherwise import Way, turned_by
from server.authorization.policy import Rules
from server.authorization.record import Authorization, LineOnRecord, Reviewed
from server.authorization.request import AuthorizationRequest
from server.operations.form_answers import with_checked_answers
from server.payer import Payer, Staff


@dataclass(frozen=True, slots=True)
class TracedCriterion:
    """A criterion as it came out; `turned_by` is None where the rules of that time are not kept."""

    criterion: str
    title: str
    rule: str
    result: Result
    findings: tuple[Finding, ...]
    turned_by: tuple[Way, ...] | None


@dataclass(frozen=True, slots=True)
class TracedLine:
    """How one line was reviewed: on which day, by which content, with what result."""

    sequence: int
    number: str
    status: str
    human: bool
    topic: str
    on: date | None
    content: str
    criteria: tuple[TracedCriterion, ...]
    nudges: tuple[Nudged, ...]
    certified_by: tuple[tuple[str, ...], ...]


def traced_lines(payer: Payer, staff: Staff, authorization: Authorization) -> tuple[TracedLine, ...]:
    """The trace of every line, as it is on record."""
    return tuple(_traced(payer, staff, authorization, line) for line in authorization.lines)


def request_at(
    payer: Payer, staff: Staff, authorization: Authorization, version: int, content: str
) -> AuthorizationRequest | None:
    """The request that made this version of the authorization, read from its bytes; None where it is not on record.

    Its filled forms are held against the forms of the content with this fingerprint.
    """
    raw = payer.authorizations.request(staff, authorization.id, version)
    if raw is None:
        return None
    bundle = from_bytes(raw)
    return with_checked_answers(read_request(bundle), bundle, payer.forms_kept(content))[0]


def _traced(payer: Payer, staff: Staff, authorization: Authorization, line: LineOnRecord) -> TracedLine:
    determination = line.determination
    review = next((each for each in authorization.reviews if each.version == line.reviewed), None)
    conditions = _conditions(payer, staff, authorization, line, review) if review and determination.trace else {}
    return TracedLine(
        line.sequence,
        line.number,
        determination.action.status,
        determination.human,
        determination.topic,
        review.on if review else None,
        review.content if review else "",
        tuple(_criterion(judged, conditions.get((judged.rule, judged.criterion))) for judged in determination.trace),
        determination.nudges,
        determination.ways,
    )


def _criterion(judged: Judged, condition: Condition | None) -> TracedCriterion:
    turned = turned_by(condition, judged) if condition is not None else None
    return TracedCriterion(judged.criterion, judged.title, judged.rule, judged.result, judged.findings, turned)


def _conditions(
    payer: Payer, staff: Staff, authorization: Authorization, line: LineOnRecord, review: Reviewed
) -> dict[tuple[str, str], Condition]:
    """The conditions that the line was held against, by rule and id; none where the rules of that time are not kept."""
    rules_for = payer.rules_kept(review.content)
    request = request_at(payer, staff, authorization, review.version, review.content)
    if rules_for is None or request is None:
        return {}
    return _named(rules_for(request, review.on), line)


def _named(rules: Rules, line: LineOnRecord) -> dict[tuple[str, str], Condition]:
    topic = rules.topic_for(line.asked)
    named = {(rules.plan.id, denial.id): denial.when for denial in rules.plan.denials}
    if topic is not None:
        named |= {(topic.reference, denial.id): denial.when for denial in topic.denials}
        named |= {(topic.reference, criterion.id): criterion.condition for criterion in topic.criteria}
    return named
