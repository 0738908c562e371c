"""A record reviewed again because documentation arrived for it: the same rules, the same day, more to go by (PF-17)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mappers.pas.write import base_of, write_response
from mappers.wire import from_bytes, to_bytes
from server.authorization.attachment import Attachment, informed
from server.authorization.determination import Determination
from server.authorization.history import NOTHING_ON_RECORD
from server.authorization.received import counting, receive, waiting
from server.authorization.record import Authorization, Reviewed
from server.authorization.review import review
from server.operations.attached_contents import with_checked_forms
from server.payer import Caller, Payer


def review_again(caller: Caller, payer: Payer, before: Authorization, arrived: Sequence[Attachment]) -> Authorization:
    """Put what arrived on the record; the lines that waited for it are decided, and the new answer is on record too.

    The rules are those of the last review, and so is the day: who sends a document late asks for nothing retrospective.

    Raises:
        Conflict: somebody else changed the record in between.
    """
    version, lines = before.version + 1, waiting(before)
    last = before.reviews[-1] if before.reviews else Reviewed(1, payer.day(before.created), "")
    rules = (payer.rules_kept(last.content) or payer.rules_for)(before.request, last.on)
    counted = with_checked_forms(payer, arrived, rules.content)
    history = NOTHING_ON_RECORD
    if lines and rules.ask_for_history:
        history = payer.authorizations.history(before.request.member, besides=before.id)
    reviewed = Reviewed(version, last.on, rules.content, history, last.eligibility)
    determination = Determination(before.plan, ())
    if lines:
        request = informed(before.request, counting(before, counted, version), version)
        determination = review(replace(request, lines=lines), rules, last.on, history, last.eligibility)
    changed = receive(before, counted, determination, reviewed=reviewed, by=caller.name, at=payer.now())
    answer = _answer(caller, payer, changed) if changed.lines != before.lines else None
    payer.authorizations.change(caller, changed, answer)
    return changed


def _answer(caller: Caller, payer: Payer, changed: Authorization) -> bytes:
    """What the submitter reads from now on: what arrived is not asked for any more."""
    exchange = payer.authorizations.exchange(caller, changed.id)
    if exchange is None:
        raise LookupError("an authorization on record has an exchange")
    return to_bytes(write_response(changed, from_bytes(exchange.request), base_of(from_bytes(exchange.answer))))
