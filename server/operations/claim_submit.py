"""Claim/$submit: an authorization request is answered with a determination for every service line (PAS 2.2.1)."""

from __future__ import annotations

from dataclasses import asdict
from uuid import uuid4

from mappers.pas import names
from mappers.pas.read import read_request
from mappers.pas.write import write_response
from mappers.wire import to_bytes
from profiles import issues_in
from server.authorization.numbers import new_number
from server.authorization.record import Authorization, open_authorization
from server.authorization.review import review
from server.errors import refuse_if
from server.operations.catalogue import Operation
from server.payer import Call, Exchange, NumberTaken, Payer

ATTEMPTS_TO_NUMBER = 5


def submit_claim(call: Call, payer: Payer) -> bytes:
    """Answer a PAS request Bundle with a PAS response Bundle, on record before it is answered.

    The same bytes again within the resend window get the record's current answer and file nothing.

    Raises:
        Invalid: the Bundle breaks rules of the guide; every problem is in it, nothing is stored.
    """
    resent = payer.authorizations.answer_to_resend(call.caller, call.raw, payer.now())
    if resent:
        return resent.answer
    issues = refuse_if(issues_in(call.resource, names.REQUEST_BUNDLE))
    request = read_request(call.resource)
    at = payer.now()
    rules = payer.rules_for(request, payer.day(at))
    determination = review(request, rules, on=payer.day(at))

    def numbered() -> Authorization:
        return open_authorization(
            request,
            determination,
            authorization_id=str(uuid4()),
            new_number=new_number,
            by=call.caller.name,
            at=at,
        )

    for _ in range(ATTEMPTS_TO_NUMBER):
        authorization = numbered()
        answer = to_bytes(write_response(authorization, call.resource, call.base))
        exchange = Exchange(call.raw, answer, tuple(asdict(issue) for issue in issues))
        try:
            return payer.authorizations.file(call.caller, authorization, exchange, at).answer
        except NumberTaken:
            continue
    raise RuntimeError(f"no free authorization number in {ATTEMPTS_TO_NUMBER} draws: the random source is broken")


OPERATION = Operation(
    name="$submit",
    kind="operation",
    resource="Claim",
    definition="http://hl7.org/fhir/us/davinci-pas/OperationDefinition/Claim-submit",
    handler=submit_claim,
    summary="Submit a prior authorization request; answered with a determination for every service line.",
    body_limit=40 * 1024 * 1024,
    profiles=(names.PAS + "profile-claim",),
)
