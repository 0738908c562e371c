"""The payer: its plans and topics, what it keeps, its clock; and what a call brings with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from typing import Any, Protocol

from questionnaires.content import Content
from questionnaires.forms import Forms
from questionnaires.requirements import Requirement
from server.attachments import NO_SCANNER, Attachments, Scanner
from server.authorization.eligibility import EVERYONE, Eligibility
from server.authorization.history import History
from server.authorization.inquiry import Inquiry
from server.authorization.policy import Rules
from server.authorization.record import Authorization, Channel
from server.authorization.request import AuthorizationRequest, Member
from server.authorization.subscription import Subscription
from server.notices import Notices
from server.subscriptions import NOBODY, Subscriptions


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. Records are filed under, and visible to, the caller's organization only.

    npis     the providers it is known to speak for when it inquires about records of other organizations
    org_ids  the sender codes and identifiers of organizations whose answers it may subscribe to, besides its npis
    """

    name: str
    organization: str
    npis: tuple[str, ...] = ()
    org_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Staff:
    """A person or command of the payer: sees every record; `name` stands in the history."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """One request at the door: who calls, the exact bytes, the decoded resource, and the id in the path.

    query       the parameters of the URL, each once;  parameters  all values of each
    dialect     version of the DTR guide that is spoken at this base: 2.2.0 or 2.0.1
    prefer      the Prefer header, "" where none was sent
    channel     how it arrived, where one of the payer's people files it for the caller
    """

    caller: Caller
    base: str
    """Absolute base URL without trailing slash, as the caller reached it: ``http://127.0.0.1:8080/fhir``."""
    raw: bytes = b""
    resource: dict[str, Any] = field(default_factory=dict)
    id: str = ""
    query: dict[str, str] = field(default_factory=dict)
    request_id: str = ""
    parameters: dict[str, tuple[str, ...]] = field(default_factory=dict)
    method: str = "POST"
    dialect: str = "2.2.0"
    prefer: str = ""
    channel: Channel = Channel.ELECTRONIC


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its answer as they went over the wire, byte for byte, with the issues that did not refuse it."""

    request: bytes
    answer: bytes
    issues: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Filed:
    """What filing gave: the authorization on record, its current answer, and whether the message was a resend."""

    authorization: Authorization
    answer: bytes
    resent: bool = False


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is on record: authorizations, exchanges, and service lines by status word."""

    authorizations: int
    exchanges: int
    lines: dict[str, int]


@dataclass(frozen=True, slots=True)
class Proposed:
    """How often a rule's proposal had this response, with the coded reason of declines (PF-16)."""

    rule: str
    nudge: str
    response: str
    reason: str
    lines: int


@dataclass(frozen=True, slots=True)
class Inquired:
    """An authorization that an inquiry found; `own`: the caller's organization filed it.

    request  where its latest request is kept
    """

    authorization: Authorization
    own: bool
    request: str


class Authorizations(Protocol):
    """The authorizations on record.

    Every method is limited to what `who` may see: a Caller the records of its organization, Staff all of them. Other
    records do not exist.
    """

    def answer_to_resend(self, caller: Caller, request: bytes, now: datetime) -> Filed | None:
        """The record of the same bytes sent by the same organization within the resend window, else None."""

    def file(self, caller: Caller, authorization: Authorization, exchange: Exchange, now: datetime) -> Filed:
        """Put a new authorization on record, durably, before it is answered.

        Two equal messages at the same moment file one authorization: the second gets the first one's record
        (`resent`). The authorization document is the commit point; what was written before it without it is swept.

        Raises:
            NumberTaken: a number of it was issued before; number it anew and file again.
            Unavailable: the store does not answer.
        """

    def get(self, who: Caller | Staff, authorization_id: str) -> Authorization | None:
        """The authorization with this id (a ClaimResponse has the same id), or None."""

    def by_number(self, who: Caller | Staff, number: str) -> Authorization | None:
        """The authorization one of whose lines has, or ever had, this number, or None."""

    def by_trace(self, who: Caller | Staff, value: str) -> Sequence[Authorization]:
        """The authorizations one of whose lines has, or had, this trace number (PAS ainfo-3), newest first."""

    def by_tracking(self, caller: Caller, value: str) -> Sequence[Authorization]:
        """The caller's authorizations that what is attached may mean by this number, newest first.

        It is an attachment control number, a trace number, an identifier of the Claim, or a control number in it.
        """

    def answer(self, who: Caller | Staff, authorization_id: str) -> bytes | None:
        """The current answer (PAS response Bundle), byte for byte as it was or would be sent, or None."""

    def exchange(self, who: Caller | Staff, authorization_id: str) -> Exchange | None:
        """The first request and the current answer, or None."""

    def request(self, who: Caller | Staff, authorization_id: str, version: int) -> bytes | None:
        """The latest request that this version of the authorization had, byte for byte, or None."""

    def pended(self, due_before: datetime) -> Sequence[Authorization]:
        """Every authorization with a pended line whose due date on record lies before the moment, soonest first."""

    def by_claim(self, caller: Caller, names: Sequence[str]) -> Authorization | None:
        """The caller's latest authorization whose Claim has, or had, one of these fullUrls or identifiers, or None.

        names  fullUrls, and identifiers as ``system|value``
        """

    def history(self, member: Member, besides: str = "") -> History:
        """What is on record for the member, whoever asked for it, newest first; not the authorization `besides`."""

    def of_member(self, caller: Caller, member: Member) -> Sequence[Authorization]:
        """The caller's authorizations of the member, found by its own identifiers, newest first."""

    def inquire(self, caller: Caller, inquiry: Inquiry) -> Sequence[Inquired]:
        """The authorizations that an inquiry asks about and may know: also those of other organizations (PAS spec-52).

        Nowhere else are they seen; here the member and an NPI have to match (PAS spec-53).
        """

    def inquired_request(self, inquired: Inquired) -> bytes:
        """The latest request of an authorization that an inquiry found, byte for byte."""

    def update(self, caller: Caller, changed: Authorization, exchange: Exchange, now: datetime) -> Filed:
        """Put an update of the caller's authorization (its version one higher) on record, durably, with its exchange.

        Resends are known as in `file`.

        Raises:
            Conflict: the record's version is not the one the update was made from; read it again, update again.
            NumberTaken, Unavailable: as in `file`.
        """

    def change(self, who: Caller | Staff, changed: Authorization, answer: bytes | None) -> None:
        """Put a changed authorization (its version one higher) and its new answer on record; None: the answer stays.

        The notices that the change makes are put there with it (PF-35).

        Raises:
            Conflict: the record's version is not the one the change was made from.
        """

    def counts(self) -> Counts:
        """How much is on record."""

    def proposals(self) -> Sequence[Proposed]:
        """What was proposed to submitters and how they responded, counted per rule, by its name (PF-16)."""

    def ping(self) -> bool:
        """True when the store answers."""


class Members(Protocol):
    """Who is a member of the payer, under which plan, on which days."""

    def eligibility(self, request: AuthorizationRequest, day: date) -> Eligibility:
        """What is known about the person of the request; `day` is the first that anything is asked for.

        Raises:
            Unavailable: the store does not answer.
        """


@dataclass(frozen=True, slots=True)
class FormError:
    """An error that a client found in a form; `form` is the canonical of one of the payer's, or "other".

    severity, code  of an OperationOutcome.issue;  times  how often
    """

    form: str
    severity: str
    code: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class FormErrorReport:
    """What one client reported: every error counted, the payer's forms it names, and the bytes as they were sent."""

    organization: str
    errors: tuple[FormError, ...]
    forms: tuple[str, ...]
    body: bytes


class FormErrors(Protocol):
    """What clients say is wrong with forms."""

    def report(self, report: FormErrorReport, at: datetime) -> None:
        """Put a report on record.

        Raises:
            Unavailable: the store does not answer.
        """

    def counts(self) -> Sequence[FormError]:
        """How often each error of each form version was reported, the most frequent first."""


class NumberTaken(Exception):
    """An authorization number was issued before (to any submitter): never issue it twice."""


RulesFor = Callable[[AuthorizationRequest, date], Rules]
"""The plan and topics in force for a request on a day."""


def _no_content() -> Content:
    raise LookupError("this payer was made without content; only what needs none can be asked of it")


@dataclass(frozen=True)
class Payer:
    """Everything an operation needs, handed in, nothing global.

    zone        where the payer's days begin
    requirements  (plan or "" for the default one, code, day) -> what is required for the code; None for unknown plans
    members     the roster, or whoever else is asked about members
    rules_for   request -> the plan and topics in force for its coverage, services and dates
    content     the plans, topics and forms that hold now
    forms_kept  fingerprint -> the forms of plans and topics that are or were in use; none for unknown ones
    first_seen  digests of artifacts -> when this store first saw each: since then it has not changed
    form_errors what clients say is wrong with forms; None where nobody keeps it
    rules_kept  fingerprint -> the same as `rules_for`, of plans and topics that were in use; None for unknown ones
    now         the clock; timezone-aware
    npi_binding whether an inquiry about other organizations' records needs an NPI of the caller's own: without it the
                pair of member id and NPI is a password that many know
    subscriptions  who wants to hear of changed answers
    notices     what they are told, None where nobody is
    org_id_binding  whether the names in a subscription's filters have to be registered for its caller (PAS spec-59)
    entitled    whether the caller of a subscription may (still) hear of all that its filters name
    endpoint_allowed  whether notifications may go to a URL, as far as can be told without asking anybody
    attachments what was attached, None where nothing is kept;  scanner  looks whether it is harmful
    payer_ids   the identifiers that attachments may name the payer by; none = any
    claims_to   who takes claims for payment, in words; "" where that is not said
    sensitive   which authorizations are told only to who ordered or renders them (PAS spec-49)
    """

    authorizations: Authorizations
    rules_for: RulesFor
    now: Callable[[], datetime]
    content: Callable[[], Content] = _no_content
    forms_kept: Callable[[str], Forms] = lambda _fingerprint: Forms()
    first_seen: Callable[[Sequence[str]], Mapping[str, datetime]] = lambda _digests: {}
    form_errors: FormErrors | None = None
    rules_kept: Callable[[str], RulesFor | None] = lambda _fingerprint: None
    requirements: Callable[[str, str, date], Sequence[Requirement] | None] = lambda _plan, _code, _on: None
    members: Members = EVERYONE
    npi_binding: bool = True
    subscriptions: Subscriptions = NOBODY
    notices: Notices | None = None
    org_id_binding: bool = True
    entitled: Callable[[Subscription], bool] = lambda _subscription: True
    endpoint_allowed: Callable[[str], bool] = lambda _url: False
    attachments: Attachments | None = None
    scanner: Scanner = NO_SCANNER
    payer_ids: tuple[str, ...] = ()
    sensitive: Callable[[Authorization], bool] = lambda _authorization: False
    name: str = "Placet demo payer"
    claims_to: str = ""
    zone: tzinfo = UTC

    def day(self, at: datetime) -> date:
        """The calendar day of a moment where the payer is: what rules and periods count in."""
        return at.astimezone(self.zone).date()
