"""A form that was asked for by the answer to a PAS request: the client's own references in that request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from mappers.dtr.draft import CONTEXTS
from mappers.dtr.package_request import reference_to
from mappers.fhir import Json, identifiers, object_in, objects, text_in
from mappers.pas.orders import order_of
from mappers.pas.parties import focal_coverage
from mappers.pas.targets import Targets


@dataclass(frozen=True, slots=True)
class Launched:
    """The member, the coverage and the orders of a request, as the client refers to them; {} where it does not."""

    subject: Json
    coverage: Json
    contexts: tuple[Json, ...]


def read_launched(bundle: Json, sequences: Iterable[int]) -> Launched:
    """What a PAS request Bundle says of the lines with these sequences."""
    there = Targets(bundle)
    return Launched(
        _client_reference(object_in(there.claim, "patient"), there),
        _client_reference(focal_coverage(there.claim), there),
        tuple(_contexts(there, frozenset(sequences))),
    )


def _contexts(there: Targets, sequences: frozenset[int]) -> Iterator[Json]:
    for item in objects(there.claim, "item"):
        _url, order = order_of(item, there)
        reference = reference_to(order)
        if item.get("sequence") in sequences and reference and order.get("resourceType") in CONTEXTS:
            yield reference


def _client_reference(reference: Json, there: Targets) -> Json:
    """Where the client has it: type and id; else its first identifier, since urn:uuid means nothing outside."""
    target = there.of(reference)
    named = reference_to(target)
    if named or not target:
        return named
    known = next(iter(identifiers(target)), None)
    said = {"system": known.system, "value": known.value} if known else {}
    kept = {name: value for name, value in said.items() if value}
    return {"type": text_in(target, "resourceType"), "identifier": kept} if kept else {}
