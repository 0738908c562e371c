"""Documentation that arrives apart from its request: what it says it is for, and what of it rules look at (PF-17)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from server.authorization.numbers import as_number
from server.authorization.request import Answers, AuthorizationRequest, Document, Identifier, Member, Party, ServiceLine
from server.authorization.systems import ATTACHMENT_CONTROL_NUMBERS, TRACE_NUMBERS

if TYPE_CHECKING:
    from server.authorization.record import Authorization


class State(StrEnum):
    """How far the content of an attachment is trusted: nothing counts, and nobody opens it, before it is clean."""

    CLEAN = "clean"
    QUARANTINED = "quarantined"
    REFUSED = "refused"


class Way(StrEnum):
    """How an attachment came."""

    WITH_REQUEST = "submit"
    APART = "submit-attachment"


@dataclass(frozen=True, slots=True)
class Meant:
    """Which request an attachment says it is for (CDex 2.1 $submit-attachment).

    tracking   attachment control number, identifier of the Claim, trace number of a line, or control number that the
               Claim announced
    member     the member's id;  providers  who sends it: organization, practitioner
    reference  the payer's administrative reference number, "" where it was not given
    lines      sequences of the lines it is about; none = the whole request
    """

    tracking: Identifier
    member: Identifier
    providers: tuple[Identifier, ...]
    reference: str = ""
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Attachment:
    """An attachment on record; its bytes are kept apart, by their SHA-256.

    meant          None for one that came with its request
    final          nothing more is coming for the same tracking number
    document, answers  what rules look at
    authorization  id of the authorization it belongs to, "" while it is held for one
    settled        it belongs to it, durably; until then it is only meant to
    """

    id: str
    organization: str
    received: datetime
    way: Way
    media_type: str
    size: int
    sha256: str
    title: str = ""
    meant: Meant | None = None
    final: bool = True
    state: State = State.CLEAN
    document: Document | None = None
    answers: Answers | None = None
    authorization: str = ""
    settled: bool = False

    @property
    def counts(self) -> bool:
        """True when rules may look at it."""
        return self.final and self.state is State.CLEAN


@dataclass(frozen=True, slots=True)
class Received:
    """What arrived apart from the request and counts from a version of the record on: part of what reviews are made of.

    attachment  id of the attachment
    """

    attachment: str
    version: int
    document: Document | None = None
    answers: Answers | None = None


def informed(request: AuthorizationRequest, received: Iterable[Received], version: int) -> AuthorizationRequest:
    """The request with everything that had arrived apart from it by this version of the record."""
    there = [each for each in received if each.version <= version]
    documents = tuple(each.document for each in there if each.document)
    answers = tuple(each.answers for each in there if each.answers)
    if not documents and not answers:
        return request
    return replace(request, documents=(*request.documents, *documents), answers=(*request.answers, *answers))


@dataclass(frozen=True, slots=True)
class _Known:
    """What attachments may name a request by.

    numbers  authorization numbers of its lines;  issued  trace numbers that the payer gave them
    """

    request: AuthorizationRequest
    lines: tuple[ServiceLine, ...]
    numbers: tuple[str, ...] = ()
    issued: tuple[str, ...] = ()


def is_meant_for(authorization: Authorization, meant: Meant, own_npis: Sequence[str] = ()) -> bool:
    """Whether an attachment belongs to the authorization: tracking number, member, provider, reference, lines.

    own_npis  the providers its sender speaks for; none = any
    """
    lines = tuple(line.asked for line in authorization.lines)
    issued = tuple(each for line in authorization.lines for each in authorization.traces_of(line))
    return _fits(_Known(authorization.request, lines, authorization.numbers, issued), meant, own_npis)


def is_meant_for_request(request: AuthorizationRequest, meant: Meant, own_npis: Sequence[str] = ()) -> bool:
    """The same for a request that is not on record yet: it has no numbers of the payer's."""
    return _fits(_Known(request, request.lines), meant, own_npis)


def _fits(known: _Known, meant: Meant, own_npis: Sequence[str]) -> bool:
    request = known.request
    parties = (request.provider, *request.care_team, *request.orderers)
    return (
        _is_tracked(known, meant.tracking)
        and _is_member(meant.member, request.member)
        and any(_is_party(each, parties, own_npis) for each in meant.providers)
        and (not meant.reference or _has_number(known, meant.reference))
        and {line.sequence for line in known.lines}.issuperset(meant.lines)
    )


def _is_member(named: Identifier, member: Member) -> bool:
    """Whether it is an id of the member; the subscriber id has no system, so one in a system is none."""
    known = (*member.identifiers, *member.coverage_ids)
    if not named.system or not known:
        known = (*known, Identifier("", member.subscriber_id))
    return any(is_same(named, each) for each in known)


def _is_tracked(known: _Known, tracking: Identifier) -> bool:
    """Whether the request, or one of its lines, goes by this tracking number.

    It may be an attachment control number (a line's number and what was asked for), a trace number, a control number
    that the Claim announced, or an identifier of the Claim; a system counts where both sides give one.
    """
    number = tracking.value.partition(".")[0]
    if tracking.system in ("", ATTACHMENT_CONTROL_NUMBERS) and _has_number(known, number):
        return True
    traces = (each for line in known.lines for each in line.trace_numbers)
    issued = (Identifier(TRACE_NUMBERS, each) for each in known.issued)
    announced = (Identifier("", each) for each in known.request.announced)
    return any(is_same(tracking, each) for each in (*known.request.identifiers, *traces, *issued, *announced))


def tracking_values(request: AuthorizationRequest) -> tuple[str, ...]:
    """The numbers that an attachment may name a request by before any line of it has a number of its own."""
    traces = (each.value for line in request.lines for each in line.trace_numbers)
    return tuple(dict.fromkeys([*(each.value for each in request.identifiers), *traces, *request.announced]))


def is_same(one: Identifier, other: Identifier) -> bool:
    """Equal values, and equal systems as far as both give one."""
    systems = not one.system or not other.system or one.system == other.system
    return bool(one.value) and one.value == other.value and systems


def _has_number(known: _Known, number: str) -> bool:
    written = as_number(number)
    return written is not None and written in known.numbers


def _is_party(named: Identifier, parties: Iterable[Party], own_npis: Sequence[str]) -> bool:
    if own_npis and named.value not in own_npis:
        return False
    return any(is_same(named, known) for party in parties for known in party.identifiers)
