"""Claim/$submit: an authorization request is answered with a determination for every service line (PAS 2.2.1)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from mappers.cdex.contents import Checked
from mappers.pas import names
from mappers.pas.read import read_request
from mappers.pas.write import write_response
from mappers.wire import to_bytes
from profiles import Issue, issues_in
from server.authorization.attachment import informed
from server.authorization.clocks import terms_of
from server.authorization.determination import Determination
from server.authorization.eligibility import Eligibility, as_enrolled, first_day_of
from server.authorization.history import NOTHING_ON_RECORD
from server.authorization.limits import rejected_update
from server.authorization.numbers import new_number
from server.authorization.received import as_received, counting, with_received
from server.authorization.record import Authorization, Reviewed, open_authorization
from server.authorization.request import AuthorizationRequest
from server.authorization.review import review
from server.authorization.update import update
from server.errors import Conflict, refuse_if
from server.operations.attached_contents import documents_of, held_for, keep_documents, settle
from server.operations.catalogue import Operation
from server.operations.form_answers import with_checked_answers
from server.payer import Call, Exchange, NumberTaken, Payer

ATTEMPTS = 8
"""How often a message is decided anew when another one was faster, or a number was drawn that is taken."""


def submit_claim(call: Call, payer: Payer) -> bytes:
    """Answer a PAS request Bundle with a PAS response Bundle, on record before it is answered.

    A Claim that names a prior one updates the submitter's authorization; an unknown prior is a new request. The same
    bytes again within the resend window get the record's current answer and file nothing. With ``dry-run=true``
    nothing is stored or numbered, and every pended line says what would certify it.

    Raises:
        Invalid: the Bundle breaks rules of the guide; every problem is in it, nothing is stored.
    """
    dry_run = call.query.get("dry-run", "").lower() == "true"
    resent = None if dry_run else payer.authorizations.answer_to_resend(call.caller, call.raw, payer.now())
    if resent:
        return resent.answer
    issues = refuse_if(_with_who_pays(issues_in(call.resource, names.REQUEST_BUNDLE), payer))
    documents = documents_of(call.resource)
    message = replace(_message(call, payer, issues), documents=tuple(documents))
    if dry_run:
        message = _held_against_forms(message, payer, payer.now())
        return to_bytes(_written(_authorization(message, payer, payer.now(), numbered=False)[0], message, dry_run=True))
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _filed(message, payer)
        except (NumberTaken, Conflict):
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _with_who_pays(issues: Iterable[Issue], payer: Payer) -> list[Issue]:
    """The issues, where a claim for payment was sent with who takes those here (PF-9)."""
    if not payer.claims_to:
        return list(issues)
    told = f"Claims for payment are taken by: {payer.claims_to}"
    of_use = [(issue, issue.expression == "Bundle.entry[0].resource.use") for issue in issues]
    return [replace(issue, repair=f"{issue.repair} {told}".strip()) if here else issue for issue, here in of_use]


@dataclass(frozen=True, slots=True)
class Message:
    """A submitted Bundle that was read: the call, the request in it, and the issues that did not refuse it.

    The request is under the coverage that the payer knows the member by (`eligibility`); the bytes of its documents
    were looked at.
    """

    call: Call
    request: AuthorizationRequest
    issues: list[Issue]
    eligibility: Eligibility
    documents: tuple[Checked, ...] = ()

    @property
    def kept_issues(self) -> tuple[dict[str, str], ...]:
        """The issues as they are kept with the exchange."""
        return tuple(asdict(issue) for issue in self.issues)


def _message(call: Call, payer: Payer, issues: list[Issue]) -> Message:
    """What was sent, and whether it is for a member: asked once, however often it is decided."""
    request = read_request(call.resource)
    day = first_day_of(request, payer.day(payer.now()))
    eligibility = payer.members.eligibility(request, day)
    return Message(call, as_enrolled(request, eligibility, day), issues, eligibility)


def _filed(message: Message, payer: Payer) -> bytes:
    """Decide, write the answer, put both on record; the answer that counts is the record's."""
    at = payer.now()
    message = _held_against_forms(message, payer, at)
    authorization, is_update = _authorization(message, payer, at)
    authorization = replace(authorization, channel=message.call.channel)
    kept = keep_documents(payer, message.call.caller, authorization, message.documents, at)
    exchange = Exchange(message.call.raw, to_bytes(_written(authorization, message)), message.kept_issues)
    file = payer.authorizations.update if is_update else payer.authorizations.file
    filed = file(message.call.caller, authorization, exchange, at)
    if not filed.resent:
        settle(payer, kept, authorization)
    return filed.answer


def _held_against_forms(message: Message, payer: Payer, at: datetime) -> Message:
    """The message with what counts of its filled forms; what is wrong with the rest is kept with its issues."""
    if not message.request.answers:
        return message
    fingerprint = payer.rules_for(message.request, payer.day(at)).content
    request, issues = with_checked_answers(message.request, message.call.resource, payer.forms_kept(fingerprint))
    return replace(message, request=request, issues=[*message.issues, *issues])


def _authorization(
    message: Message, payer: Payer, at: datetime, *, numbered: bool = True
) -> tuple[Authorization, bool]:
    """What the message makes of the record: a new authorization, or (True) an update of the one it names."""
    call, request = message.call, message.request
    prior = payer.authorizations.by_claim(call.caller, request.prior) if request.prior else None
    on = payer.day(at)
    rules = payer.rules_for(request, on)
    history = NOTHING_ON_RECORD
    if rules.ask_for_history:
        history = payer.authorizations.history(request.member, besides=prior.id if prior else "")
    version = prior.version + 1 if prior else 1
    held = held_for(payer, call.caller, request, rules.content, at)
    received = counting(prior, held, version) if prior else as_received(held, version)
    determination = review(informed(request, received, version), rules, on, history, message.eligibility)
    reviewed = Reviewed(version, on, rules.content, history, message.eligibility)
    terms = terms_of(rules.plan, expedited=request.expedited)
    number = new_number if numbered else str
    by = call.caller.name
    if prior is None or prior.is_denied or determination.rejections:
        if prior is not None and prior.is_denied:
            determination = Determination(rules.plan.id, (), rejected_update())
        new = open_authorization(
            request,
            determination,
            authorization_id=str(uuid4()),
            new_number=number,
            by=by,
            at=at,
            reviewed=reviewed,
            terms=terms,
        )
        new = _noted(new, unknown_prior=bool(request.prior) and prior is None)
        return (with_received(new, held, by, at) if new.lines else new), False
    updated = update(
        prior,
        request,
        determination,
        new_number=number,
        by=by,
        at=at,
        reviewed=reviewed,
        terms=terms,
        informed=bool(held),
    )
    return with_received(updated, held, by, at), True


def _noted(authorization: Authorization, *, unknown_prior: bool) -> Authorization:
    """A request whose prior is not on record was taken as a new one: every line says so."""
    if not unknown_prior:
        return authorization
    words = "The request that this one updates is not on record for your organization; it was taken as a new request."
    lines = tuple(
        replace(line, determination=replace(line.determination, notes=(*line.determination.notes, words)))
        for line in authorization.lines
    )
    return replace(authorization, lines=lines)


def _written(authorization: Authorization, message: Message, *, dry_run: bool = False) -> dict[str, Any]:
    return write_response(authorization, message.call.resource, message.call.base, dry_run=dry_run)


OPERATION = Operation(
    name="$submit",
    kind="operation",
    resource="Claim",
    definition="http://hl7.org/fhir/us/davinci-pas/OperationDefinition/Claim-submit",
    handler=submit_claim,
    summary="Submit, update or cancel a prior authorization request; every service line gets its determination.",
    body_limit=40 * 1024 * 1024,
    profiles=(names.PAS + "profile-claim", names.PAS + "profile-claim-update"),
)
