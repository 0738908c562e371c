"""The operations and interactions this server offers, as data: routes and CapabilityStatement are made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from server.payer import Call, Payer

Reply = Any  # what an operation answers: bytes already written, a resource as a dict, or an Answer
Handler = Callable[["Call", "Payer"], Reply]
Kind = Literal["operation", "read", "search", "create", "update", "delete"]


@dataclass(frozen=True, slots=True)
class SearchParameter:
    """A parameter of a search: name, FHIR type (string, token, uri, date ...) and what it means."""

    name: str
    type: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing a caller can ask for.

    name        as in the path: ``$submit``, or the interaction: ``read``
    kind        operation ([base]/[resource]/[name], with `instance` [base]/[resource]/[id]/[name]), or an interaction
    resource    the type it is on; "" = system level
    definition  canonical of the OperationDefinition, "" for interactions
    handler     (call, payer) -> bytes, resource or Answer
    summary     one sentence for the CapabilityStatement
    body_limit  bytes accepted, decoded
    profiles    canonicals of the profiles that input and output conform to
    methods     of an operation; by GET its parameters are those of the query (`Call.parameters`)
    instance    an operation on one resource: its id is `Call.id`
    aliases     other paths under the base, for callers who read the guide differently: ``$submit-attachment``
    searched    parameters of a search
    too_large   what a caller with more than `body_limit` does instead, "" for the usual advice
    topics      canonicals of the subscription topics that can be subscribed to
    instantiates  canonicals of CapabilityStatements of a guide, all of which is done where this is offered
    dialects    versions of the DTR guide at whose bases it is offered: 2.2.0 at /fhir, 2.0.1 at /r201/fhir
    """

    name: str
    kind: Kind
    resource: str
    definition: str
    handler: Handler
    summary: str
    body_limit: int = 10 * 1024 * 1024
    profiles: tuple[str, ...] = ()
    methods: tuple[str, ...] = ("POST",)
    instance: bool = False
    aliases: tuple[str, ...] = ()
    searched: tuple[SearchParameter, ...] = ()
    too_large: str = ""
    topics: tuple[str, ...] = ()
    instantiates: tuple[str, ...] = ()
    dialects: tuple[str, ...] = ("2.2.0",)


@dataclass(frozen=True, slots=True)
class Answer:
    """A reply that is not simply 200: status, resource or bytes (None = empty body), and headers of its own."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


BOTH = ("2.2.0", "2.0.1")
"""The dialects of what is offered at both bases: everything of DTR."""


def catalogue() -> tuple[Operation, ...]:
    """Every operation, in the order in which people read about them."""
    from server.operations import (
        attachment_submit,
        claim_inquire,
        claim_submit,
        claimresponse_read,
        next_question,
        subscription_change,
        subscription_events,
        subscription_read,
        subscription_status,
        validate,
    )
    from server.operations.form_catalogue import form_operations

    return (
        claim_submit.OPERATION,
        attachment_submit.OPERATION,
        claim_inquire.OPERATION,
        claimresponse_read.OPERATION,
        *subscription_change.OPERATIONS,
        *subscription_read.OPERATIONS,
        subscription_events.OPERATION,
        *subscription_status.OPERATIONS,
        *form_operations(),
        next_question.OPERATION,
        *validate.operations(),
    )
