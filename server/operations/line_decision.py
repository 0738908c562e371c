"""A person works on a request: the record changes, and so does the answer that the submitter reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from mappers.pas.write import base_of, write_response
from mappers.wire import from_bytes, to_bytes
from server.authorization import casework
from server.authorization.casework import InformationRequest
from server.authorization.decision import Decision, decide
from server.authorization.numbers import as_number
from server.authorization.record import Authorization
from server.payer import Payer, Staff


class NotOnRecord(Exception):
    """No authorization has this number or id."""


def find(payer: Payer, staff: Staff, number_or_id: str) -> tuple[Authorization, int | None]:
    """The authorization that a person means, and the line when they gave the number of one line.

    Raises:
        NotOnRecord: nothing on record has this authorization number or ClaimResponse id.
    """
    number = as_number(number_or_id)
    found = payer.authorizations.by_number(staff, number) if number else None
    if found is not None:
        return found, next(each.sequence for each in found.lines if each.number == number)
    found = payer.authorizations.get(staff, number_or_id)
    if found is None:
        raise NotOnRecord(
            f"{number_or_id!r} is neither an authorization number nor the id of a ClaimResponse on record."
        )
    return found, None


def decide_lines(
    payer: Payer, staff: Staff, authorization: Authorization, line: int | None, decision: Decision
) -> Authorization:
    """Put a reviewer's decision on the pended line (None = all pended ones) on record, with the new answer.

    Raises:
        NotDecidable: the line is not pended, or the decision lacks what it needs.
        Conflict: somebody else changed the record in between; look again and decide again.
    """
    return _answered(payer, staff, authorization, lambda before, at: decide(before, decision, line=line, at=at))


def ask_for_information(
    payer: Payer, staff: Staff, authorization: Authorization, line: int | None, wanted: InformationRequest
) -> Authorization:
    """Let the pended line (None = all) wait for documents or answers; the new answer says for which (PF-17).

    Raises:
        NotDecidable, Conflict: as in `decide_lines`.
    """
    return _answered(payer, staff, authorization, lambda before, at: casework.ask(before, wanted, line=line, at=at))


def extend_clock(payer: Payer, staff: Staff, authorization: Authorization, reason: str) -> Authorization:
    """Take the one extension of the clock, with the reason (PF-22).

    Raises:
        NotDecidable: it cannot be extended (any more).
        Conflict: as in `decide_lines`.
    """
    return _answered(
        payer, staff, authorization, lambda before, at: casework.extend(before, reason, by=staff.name, at=at)
    )


def assign_line(payer: Payer, staff: Staff, authorization: Authorization, line: int | None, to: str) -> Authorization:
    """Give the line (None = all) to a person of the payer; the submitter's answer stays as it is."""
    assigned = casework.assign(authorization, to, line=line, by=staff.name, at=payer.now())
    payer.authorizations.change(staff, assigned, None)
    return assigned


def note_line(payer: Payer, staff: Staff, authorization: Authorization, line: int | None, words: str) -> Authorization:
    """Put a remark in the history; the submitter's answer stays as it is."""
    noted = casework.note(authorization, words, line=line, by=staff.name, at=payer.now())
    payer.authorizations.change(staff, noted, None)
    return noted


def _answered(
    payer: Payer, staff: Staff, authorization: Authorization, change: Callable[[Authorization, datetime], Authorization]
) -> Authorization:
    """Make the change, write what the submitter reads from now on, put both on record."""
    changed = change(authorization, payer.now())
    exchange = payer.authorizations.exchange(staff, authorization.id)
    if exchange is None:
        raise NotOnRecord(f"The exchange of authorization {authorization.id} is not on record.")
    answer = write_response(changed, from_bytes(exchange.request), base_of(from_bytes(exchange.answer)))
    payer.authorizations.change(staff, changed, to_bytes(answer))
    return changed
