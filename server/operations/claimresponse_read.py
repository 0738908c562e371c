"""GET ClaimResponse/[id]: the answer as it stands now, for the organization that asked."""

from __future__ import annotations

from typing import Any

from mappers.fhir import object_in, objects
from mappers.pas import names
from mappers.wire import from_bytes
from server.errors import NotFound, refusal
from server.operations.catalogue import Operation
from server.payer import Call, Payer


def read_claim_response(call: Call, payer: Payer) -> dict[str, Any]:
    """The ClaimResponse with this id.

    Raises:
        NotFound: there is none, or it is another organization's: the two look the same.
    """
    answer = payer.authorizations.answer(call.caller, call.id)
    if answer is None:
        raise refusal(
            NotFound,
            "not-found",
            "No ClaimResponse with this id is on record for your organization.",
            "R4 http read",
            repair="Use the id of a ClaimResponse that was returned to your organization.",
        )
    return object_in(objects(from_bytes(answer), "entry")[0], "resource")


OPERATION = Operation(
    name="read",
    kind="read",
    resource="ClaimResponse",
    definition="",
    handler=read_claim_response,
    summary="Read the present answer to an authorization request.",
    profiles=(names.CLAIM_RESPONSE,),
)
