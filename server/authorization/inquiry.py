"""What somebody asks about authorizations on record, by example, and which of them it fits (PAS $inquire)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from server.authorization.numbers import as_number
from server.authorization.policy import CodeSpan
from server.authorization.record import Authorization, LineOnRecord
from server.authorization.request import Code, Identifier, Member, Party, Period


@dataclass(frozen=True, slots=True)
class InquiredLine:
    """One example of a line: every part of it that is given fits the line that is looked for.

    numbers      authorization or administration reference numbers, present or former ones
    services     codings of the service; none = any (PAS spec-43)
    service_end  last code, where a range of codes is asked about
    serviced     days of service
    action       X12 306 code of the review action
    issued, effective, expires  when the certification was given, begins, ends
    """

    numbers: tuple[str, ...] = ()
    trace_numbers: tuple[Identifier, ...] = ()
    services: tuple[Code, ...] = ()
    service_end: Code | None = None
    serviced: Period | None = None
    action: str = ""
    issued: Period | None = None
    effective: Period | None = None
    expires: Period | None = None


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A question about the authorizations of one member, by example.

    member     the ids by which the payer knows the member, and the subscriber id
    npis       of the requesting, ordering and rendering providers that it names
    lines      an authorization is meant when one of its lines fits one of these examples, or when there are none
    numbers    of the whole request, like those of a line
    serviced   days of service of any line
    diagnoses  any of them
    """

    member: Member
    npis: frozenset[str]
    insurer: Party
    lines: tuple[InquiredLine, ...] = ()
    numbers: tuple[str, ...] = ()
    serviced: Period | None = None
    diagnoses: tuple[Code, ...] = ()

    @property
    def gives_numbers(self) -> bool:
        """True when it asks for certain authorizations by their numbers."""
        return bool(self.numbers) or any(line.numbers for line in self.lines)


def may_know(authorization: Authorization, member: Member, npis: Iterable[str]) -> bool:
    """Whether who names this member and these NPIs may see the authorization, whoever filed it (PAS spec-53)."""
    return _is_member(authorization.request.member, member) and bool(_providers(authorization) & set(npis))


def orders_or_renders(authorization: Authorization, npis: Iterable[str]) -> bool:
    """Whether one of the NPIs ordered or renders something of it; the requester does where nobody else is named."""
    request = authorization.request
    others = {npi for party in (*request.orderers, *request.care_team, *_instead(authorization)) for npi in party.npis}
    return bool((others or set(request.provider.npis)) & set(npis))


def fits(authorization: Authorization, inquiry: Inquiry) -> bool:
    """Whether the authorization is one of those asked about. Who may see it is another question: `may_know`."""
    lines = authorization.lines
    return (
        _is_insurer(authorization.request.insurer, inquiry.insurer)
        and (not inquiry.numbers or any(_has_number(line, inquiry.numbers) for line in lines))
        and (inquiry.serviced is None or any(_overlap(days(line, authorization), inquiry.serviced) for line in lines))
        and (
            not inquiry.diagnoses
            or _any_equal((each.code for each in authorization.request.diagnoses), inquiry.diagnoses)
        )
        and (
            not inquiry.lines or any(_line_fits(line, each, authorization) for each in inquiry.lines for line in lines)
        )
    )


def days(line: LineOnRecord, authorization: Authorization) -> Period:
    """The days of service of a line: asked for, else approved, else the day it was filed."""
    filed = authorization.created.date()
    authorized = line.determination.authorized
    return line.asked.serviced or (authorized.period if authorized else None) or Period(filed, filed)


def first_day(authorization: Authorization) -> date:
    """The first day of service of any line; the day of filing where none is said."""
    starts = (days(line, authorization).start for line in authorization.lines)
    return min((start for start in starts if start), default=authorization.created.date())


def current(found: Sequence[Authorization]) -> list[Authorization]:
    """Those that no later one of them replaces, by giving a number of theirs as its own former one (PAS spec-48)."""
    return [each for each in found if not any(_replaces(other, each) for other in found)]


def _replaces(later: Authorization, earlier: Authorization) -> bool:
    given = {_plain(number) for line in later.lines for number in line.asked.references}
    return later.created > earlier.created and bool(given & set(earlier.numbers))


def _is_member(known: Member, named: Member) -> bool:
    """An id of theirs in common; without ids from a common source the same coverage, and not born on another day."""
    if set(known.identifiers) & set(named.identifiers):
        return True
    if {each.system for each in known.identifiers} & {each.system for each in named.identifiers}:
        return False
    same_subscriber = bool(known.subscriber_id) and known.subscriber_id == named.subscriber_id
    same_coverage = same_subscriber or bool(set(known.coverage_ids) & set(named.coverage_ids))
    return same_coverage and (not known.birth_date or not named.birth_date or known.birth_date == named.birth_date)


def _providers(authorization: Authorization) -> set[str]:
    """The NPIs of who asked for it, ordered it, or provides it."""
    request = authorization.request
    asked = (request.provider, *request.orderers, *request.care_team)
    return {npi for party in (*asked, *_instead(authorization)) for npi in party.npis}


def _instead(authorization: Authorization) -> list[Party]:
    """Who provides lines in place of the providers asked for."""
    return [line.provider for line in authorization.lines if line.provider]


def _is_insurer(known: Party, named: Party) -> bool:
    """The same insurer, as far as both give identifiers."""
    ours, theirs = set(known.identifiers), set(named.identifiers)
    return not ours or not theirs or bool(ours & theirs)


def _line_fits(line: LineOnRecord, example: InquiredLine, authorization: Authorization) -> bool:
    authorized = line.determination.authorized
    approved = (authorized.period if authorized else None) or Period()
    return (
        (not example.numbers or _has_number(line, example.numbers))
        and (not example.trace_numbers or bool(set(example.trace_numbers) & set(line.asked.trace_numbers)))
        and (not example.services or _is_for(line, example))
        and (example.serviced is None or _overlap(days(line, authorization), example.serviced))
        and (not example.action or example.action == line.determination.action)
        and _within(line.issued, example.issued)
        and _within(approved.start, example.effective)
        and _within(approved.end, example.expires)
    )


def _has_number(line: LineOnRecord, numbers: Iterable[str]) -> bool:
    """Whether one of the numbers is the line's own, or one that it had before it was asked for anew (PAS spec-47)."""
    known = {line.number, *(_plain(each) for each in line.asked.references)}
    return any(_plain(each) in known for each in numbers)


def _plain(number: str) -> str:
    return as_number(number) or number.strip()


def _is_for(line: LineOnRecord, example: InquiredLine) -> bool:
    """Whether the line names or orders the service, or one in the range of codes."""
    asked = (*line.asked.services, *line.asked.ordered)
    first, last = example.services[0], example.service_end
    if last is not None and last.system == first.system and len(last.code) == len(first.code):
        return any(code in CodeSpan(first.system, first.code, last.code) for code in asked)
    return _any_equal(asked, example.services)


def _any_equal(ours: Iterable[Code], theirs: Iterable[Code]) -> bool:
    return bool({(each.system, each.code) for each in ours} & {(each.system, each.code) for each in theirs})


def _overlap(known: Period, wanted: Period) -> bool:
    begins = known.start is None or wanted.end is None or known.start <= wanted.end
    return begins and (known.end is None or wanted.start is None or wanted.start <= known.end)


def _within(day: date | None, wanted: Period | None) -> bool:
    return wanted is None or (day is not None and _overlap(Period(day, day), wanted))
