"""A person decides pended lines: the record changes, and so does the answer that the submitter reads."""

from __future__ import annotations

from mappers.pas.write import base_of, write_response
from mappers.wire import from_bytes, to_bytes
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
    decided = decide(authorization, decision, line=line, at=payer.now())
    exchange = payer.authorizations.exchange(staff, authorization.id)
    if exchange is None:
        raise NotOnRecord(f"The exchange of authorization {authorization.id} is not on record.")
    answer = write_response(decided, from_bytes(exchange.request), base_of(from_bytes(exchange.answer)))
    payer.authorizations.change(staff, decided, to_bytes(answer))
    return decided
