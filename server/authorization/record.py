"""The authorization on record: request, determinations so far, numbers, dates, history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from server.authorization.attachment import Received
from server.authorization.clocks import PROMISED, Clock, Terms, clock
from server.authorization.determination import (
    Determination,
    LineDetermination,
    Rejection,
    ReviewAction,
    WaitsFor,
)
from server.authorization.eligibility import AS_SAID, Eligibility
from server.authorization.history import NOTHING_ON_RECORD, History, PriorLine
from server.authorization.numbers import trace_number
from server.authorization.request import AuthorizationRequest, Party, Period, ServiceLine


class Channel(StrEnum):
    """How a request reached the payer; all but the first were filed by its own people (PF-11)."""

    ELECTRONIC = ""
    FAX = "fax"
    PHONE = "phone"
    MAIL = "mail"
    PORTAL = "portal"


@dataclass(frozen=True, slots=True)
class LineOnRecord:
    """One service line: what was asked, the number it has for ever (PF-1), and its determination now.

    issued    the day the present certification was given, None while there is none
    reviewed  version of the authorization in which the rules last decided the line
    assigned  who of the payer works on it, "" for nobody in particular
    """

    asked: ServiceLine
    number: str
    determination: LineDetermination
    issued: date | None = None
    reviewed: int = 1
    assigned: str = ""

    @property
    def sequence(self) -> int:
        """The line's identity: its sequence in the request."""
        return self.asked.sequence

    @property
    def provider(self) -> Party | None:
        """Who may provide it in place of those asked for (PF-21); None where it is they, or nothing is certified."""
        authorized = self.determination.authorized
        return authorized.provider if authorized else None


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the record: when, by whom, to which line (None = all), from and to which action.

    waits_for  what a line that is pended now waits for: what the clock is read from
    """

    at: datetime
    by: str
    what: str
    line: int | None = None
    before: ReviewAction | None = None
    after: ReviewAction | None = None
    note: str = ""
    waits_for: WaitsFor | None = None


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What a review was made from, besides the request: with it the review can be made again.

    version  of the authorization that it gave;  on  the payer's day;  content  fingerprint of plans and topics
    eligibility  what the payer knew about the member; the request on record is under the coverage it gave
    """

    version: int
    on: date
    content: str
    history: History = NOTHING_ON_RECORD
    eligibility: Eligibility = AS_SAID


@dataclass(frozen=True, slots=True)
class Authorization:
    """An authorization request on record. A ClaimResponse has its id; `version` grows by one with every change.

    request     the latest request; its lines may be fewer than those on record
    rejections  why it could not be reviewed; such a record has no lines
    due         by when every line is decided, as of the last change; a clock that stands still moves it on
    terms       what the plan promised about that
    received    documentation that arrived apart from the request, oldest first
    channel     how the latest request arrived
    """

    id: str
    version: int
    plan: str
    request: AuthorizationRequest
    lines: tuple[LineOnRecord, ...]
    created: datetime
    changed: datetime
    due: datetime
    history: tuple[Event, ...] = ()
    rejections: tuple[Rejection, ...] = ()
    reviews: tuple[Reviewed, ...] = ()
    terms: Terms = PROMISED
    received: tuple[Received, ...] = ()
    channel: Channel = Channel.ELECTRONIC

    def clock_at(self, now: datetime) -> Clock:
        """The decision clock as it stands at a moment (PF-22)."""
        return clock(self.created, self.history, self.terms, now)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The authorization number of every line."""
        return tuple(line.number for line in self.lines)

    def traces_of(self, line: LineOnRecord) -> tuple[str, ...]:
        """The trace numbers that stand for one of its lines as a form's context: the submitter's, else the payer's."""
        given = tuple(each.value for each in line.asked.trace_numbers)
        return given or (trace_number(self.id, line.number),)

    @property
    def statuses(self) -> tuple[str, ...]:
        """The status word of every line, in order."""
        return tuple(line.determination.action.status for line in self.lines)

    @property
    def is_denied(self) -> bool:
        """True when every line was denied or withdrawn, and one was denied: a new request is made, not an update."""
        actions = {line.determination.action for line in self.lines}
        return ReviewAction.NOT_CERTIFIED in actions and actions <= {ReviewAction.NOT_CERTIFIED, ReviewAction.CANCELLED}

    @property
    def is_pended(self) -> bool:
        """True while a line waits for a decision."""
        return any(line.determination.action is ReviewAction.PENDED for line in self.lines)

    @property
    def period(self) -> Period | None:
        """From the first to the last day that anything certified may be provided on; None while nothing is."""
        periods = [line.determination.authorized.period for line in self.lines if line.determination.authorized]
        starts = [period.start for period in periods if period and period.start]
        ends = [period.end for period in periods if period and period.end]
        return Period(min(starts), max(ends)) if starts and ends else None


def open_authorization(
    request: AuthorizationRequest,
    determination: Determination,
    *,
    authorization_id: str,
    new_number: Callable[[], str],
    by: str,
    at: datetime,
    reviewed: Reviewed | None = None,
    terms: Terms | None = None,
) -> Authorization:
    """A new authorization: every line gets its number now, also a pended or denied one (PF-1).

    `terms` are the plan's; where none are given those of PF-22 hold.
    """
    decided = {each.sequence: each for each in determination.lines}
    lines = tuple(
        LineOnRecord(asked, new_number(), decided[asked.sequence], issued_on(decided[asked.sequence], at))
        for asked in request.lines
        if asked.sequence in decided
    )
    events = tuple(
        Event(
            at,
            by,
            "filed",
            line.sequence,
            None,
            line.determination.action,
            line.determination.topic,
            line.determination.waits_for,
        )
        for line in lines
    )
    opened = Authorization(
        id=authorization_id,
        version=1,
        plan=determination.plan,
        request=request,
        lines=lines,
        created=at,
        changed=at,
        due=at,
        history=events or (Event(at, by, "rejected", note=", ".join(each.code for each in determination.rejections)),),
        rejections=determination.rejections,
        reviews=(reviewed,) if reviewed else (),
        terms=terms or (Terms(72) if request.expedited else PROMISED),
    )
    return timed(opened)


def timed(changed: Authorization) -> Authorization:
    """The authorization with its due date as its history has it now."""
    return replace(changed, due=changed.clock_at(changed.changed).due)


def prior_lines(authorization: Authorization) -> tuple[PriorLine, ...]:
    """The lines of an authorization as later requests for the member see them."""
    asked_by = authorization.request.provider.npis
    team = tuple(npi for party in authorization.request.care_team for npi in party.npis)
    named = (*asked_by, *team)
    return tuple(
        PriorLine(
            authorization.id,
            line.number,
            line.determination.topic.partition("@")[0],
            line.asked.service,
            line.determination.action,
            line.provider.npis if line.provider else named,
            line.determination.authorized.quantity if line.determination.authorized else None,
            line.determination.authorized.period if line.determination.authorized else None,
        )
        for line in authorization.lines
    )


def issued_on(decided: LineDetermination, at: datetime) -> date | None:
    """The day a certification was given; None for a determination that certifies nothing."""
    return at.date() if decided.authorized else None
