"""What a provider asks in one message: the member, who asks, the coverage, the service lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


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
    cancelled   the submitter withdraws the line (PAS spec-69)
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
    cancelled: bool = False

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
    """A document sent along; `types` says what it is (LOINC and the like, or X12 755 report types)."""

    types: tuple[Code, ...] = ()
    control_number: str = ""
    created: date | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """Who the service is for: the identifiers the payer knows the member by, and what rules may ask about."""

    identifiers: tuple[Identifier, ...] = ()
    subscriber_id: str = ""
    birth_date: date | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """An organization or practitioner: its identifiers (NPI, TIN) and name."""

    identifiers: tuple[Identifier, ...] = ()
    name: str = ""

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
    identifiers   the Claim's own identifiers; other requests may carry the same ones
    expedited     a delay would endanger the member: the 72 hour clock holds (PF-22)
    senders       interchange and application sender codes: whose subscription hears of changes (PAS spec-58)
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
    expedited: bool = False
    senders: tuple[str, ...] = ()
