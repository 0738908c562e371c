"""The operations and interactions this server offers, as data: routes and CapabilityStatement are made from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from server.payer import Call, Payer

Reply = Any  # what an operation answers: bytes already written, or a resource as a dict
Handler = Callable[["Call", "Payer"], Reply]


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a caller can ask for.

    name        as in the path: ``$submit``, or the interaction: ``read``
    kind        operation (POST [base]/[resource]/[name]) or read (GET [base]/[resource]/[id])
    resource    the type it is on; "" = system level
    definition  canonical of the OperationDefinition, "" for interactions
    handler     (call, payer) -> bytes or resource
    summary     one sentence for the CapabilityStatement
    body_limit  bytes accepted, decoded
    profiles    canonicals of the profiles that input and output conform to
    """

    name: str
    kind: Literal["operation", "read"]
    resource: str
    definition: str
    handler: Handler
    summary: str
    body_limit: int = 10 * 1024 * 1024
    profiles: tuple[str, ...] = ()


def catalogue() -> tuple[Operation, ...]:
    """Every operation, in the order in which people read about them."""
    from server.operations import claim_inquire, claim_submit, claimresponse_read, validate

    return (claim_submit.OPERATION, claim_inquire.OPERATION, claimresponse_read.OPERATION, *validate.operations())
