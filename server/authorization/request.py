"""What a provider asks in one message: the member, who asks, the coverage, the service lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Code:
    """A code in its system (a URI); `display` is only for people."""

    system: str
    code: str
    display: str = ""


@dataclass(frozen=True, slots=True)
class Quantity:
    """How much of something; `unit` is the unit's code, or its name where it has none, or "" where none was given."""

    value: Decimal
    unit: str = ""
    system: str = ""


@dataclass(frozen=True, slots=True)
class Period:
    """From the first to the last day, both included; an open side is None."""

    start: date | None = None
    end: date | None = None


@dataclass(frozen=True, slots=True)
class Identifier:
    """A business identifier; `system` may be ""."""

    system: str
    value: str


@dataclass(frozen=True, slots=True)
class ServiceLine:
    """One thing asked for. Its sequence is its identity for ever (PAS spec-34).

    services    codings of productOrService
    service_end last code, where a range of codes is asked for
    ordered     codings of the order the line points to (ServiceRequest, DeviceRequest, ...)
    category    codings of the service type
    change      "added" or "changed" where an update says so (PAS spec-71), else ""
    cancelled   the submitter withdraws the line (PAS spec-69, spec-70)
    certification  X12 1322: I initial, R renewal, S revised, 3 cancel, 4 extension ...; "" where not given
    references  authorization and tracking numbers that the submitter gives for it
    providers   sequences of the care team members who provide it; none = all
    """

    sequence: int
    services: tuple[Code, ...] = ()
    service_end: Code | None = None
    modifiers: tuple[Code, ...] = ()
    ordered: tuple[Code, ...] = ()
    category: tuple[Code, ...] = ()
    quantity: Quantity | None = None
    serviced: Period | None = None
    place: Code | None = None
    trace_numbers: tuple[Identifier, ...] = ()
    change: str = ""
    cancelled: bool = False
    certification: str = ""
    references: tuple[str, ...] = ()
    providers: tuple[int, ...] = ()

    @property
    def service(self) -> Code:
        """The code people know the line by: what it orders, else what it names, else its category."""
        for codes in (self.services, self.ordered, self.category):
            if codes:
                return codes[0]
        return Code("", "", "unspecified service")


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A condition the request is about (PF-4)."""

    sequence: int
    code: Code


@dataclass(frozen=True, slots=True)
class Document:
    """A document; `types` says what it is (LOINC and the like, or X12 755 report types).

    lines  sequences of the lines it is about; none = all of them
    """

    types: tuple[Code, ...] = ()
    control_number: str = ""
    created: date | None = None
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """One answered item of a form: its linkId, who gave it (``auto``, ``override``, ``manual``), and its value.

    Exactly one of the values is given; a repeating item has its codes together, otherwise its first answer.
    """

    link_id: str
    origin: str = ""
    truth: bool | None = None
    amount: Quantity | None = None
    day: date | None = None
    codes: tuple[Code, ...] = ()
    text: str = ""

    @property
    def value(self) -> bool | Quantity | date | tuple[Code, ...] | str | None:
        """The value that is given; None where none is."""
        if self.truth is not None:
            return self.truth
        return self.amount or self.day or self.codes or self.text or None


@dataclass(frozen=True, slots=True)
class Answers:
    """A filled form: the canonical of its Questionnaire, its status and its answers.

    lines   sequences of the lines it is about; none = all of them
    open    linkIds that its form requires besides these answers
    faults  what is wrong with it, in words that hold nothing that was answered
    """

    form: str
    status: str
    answers: tuple[Answer, ...]
    authored: date | None = None
    lines: tuple[int, ...] = ()
    open: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


class Detail(StrEnum):
    """What a plan can need to know about who asks and for whom (PF-23); whether it is given is kept, not what it is."""

    MEMBER_NAME = "member name"
    MEMBER_BIRTH_DATE = "member birth date"
    MEMBER_ADDRESS = "member address"
    MEMBER_PHONE = "member phone"
    PROVIDER_NAME = "provider name"
    PROVIDER_NPI = "provider NPI"
    PROVIDER_TIN = "provider TIN"
    PROVIDER_PHONE = "provider phone"
    PROVIDER_FAX = "provider fax"
    PROVIDER_ADDRESS = "provider address"
    PROVIDER_SPECIALTY = "provider specialty"


@dataclass(frozen=True, slots=True)
class Member:
    """Who the service is for: the identifiers the payer knows the member by, and what rules may ask about.

    path          FHIRPath of the Patient in the request
    coverage_ids  member ids that the coverage gives; a family may share them
    """

    identifiers: tuple[Identifier, ...] = ()
    subscriber_id: str = ""
    birth_date: date | None = None
    path: str = "Bundle.entry[0].resource.patient"
    coverage_ids: tuple[Identifier, ...] = ()


@dataclass(frozen=True, slots=True)
class Party:
    """An organization or practitioner: its identifiers (NPI, TIN), name and specialties.

    sequence  of a care team member; 0 for others
    """

    identifiers: tuple[Identifier, ...] = ()
    name: str = ""
    specialties: tuple[Code, ...] = ()
    sequence: int = 0

    @property
    def npis(self) -> tuple[str, ...]:
        """The national provider identifiers of this party."""
        return tuple(each.value for each in self.identifiers if each.system == "http://hl7.org/fhir/sid/us-npi")


@dataclass(frozen=True, slots=True)
class Coverage:
    """The insurance the request is made under; `classes` are (type, value) pairs such as ("plan", "gold")."""

    classes: tuple[tuple[str, str], ...] = ()
    period: Period | None = None


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """One authorization request, in the payer's words.

    claim_url     fullUrl of the Claim: later messages refer to the request by it
    prior         fullUrls and identifiers of the Claim that this one updates; none for a new request
    cancels       the whole request is withdrawn (certification type 3 on the Claim)
    identifiers   the Claim's own identifiers; other requests may carry the same ones
    expedited     a delay would endanger the member: the 72 hour clock holds (PF-22)
    senders       interchange and application sender codes: whose subscription hears of changes (PAS spec-58)
    orderers      who ordered what the lines point to: they may ask about the request too (PAS spec-53)
    announced     control numbers of its supporting information: documents that come apart name them
    given         which details of the member and the provider it gives (PF-23)
    """

    claim_url: str
    lines: tuple[ServiceLine, ...]
    identifiers: tuple[Identifier, ...] = ()
    member: Member = Member()
    provider: Party = Party()
    insurer: Party = Party()
    care_team: tuple[Party, ...] = ()
    coverage: Coverage = Coverage()
    diagnoses: tuple[Diagnosis, ...] = ()
    documents: tuple[Document, ...] = ()
    answers: tuple[Answers, ...] = ()
    prior: tuple[str, ...] = ()
    cancels: bool = False
    expedited: bool = False
    senders: tuple[str, ...] = ()
    orderers: tuple[Party, ...] = ()
    announced: tuple[str, ...] = ()
    given: tuple[Detail, ...] = ()
