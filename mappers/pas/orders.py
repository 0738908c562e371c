"""The orders that items point to: what they ask for, how much of it, and who ordered it."""

from __future__ import annotations

from collections.abc import Iterator

from mappers.fhir import Json, codings, extension, object_in, objects
from mappers.pas import names
from mappers.pas.parties import party
from mappers.pas.targets import Targets
from mappers.units import read_quantity
from server.authorization.request import Code, Party, Quantity


def order_of(item: Json, there: Targets) -> tuple[str, Json]:
    """The order that an item points to: its fullUrl and itself."""
    return there.at(object_in(extension(item, names.REQUESTED_SERVICE), "valueReference"), there.claim_url)


def ordered(order: Json, url: str, there: Targets) -> tuple[Code, ...]:
    """What an order asks for, whichever of the four PAS order types it is."""
    match order.get("resourceType"):
        case "ServiceRequest":
            return codings(object_in(order, "code"))
        case "DeviceRequest":
            return codings(object_in(order, "codeCodeableConcept"))
        case "MedicationRequest":
            _, medication = there.at(object_in(order, "medicationReference"), url)
            return codings(object_in(order, "medicationCodeableConcept")) or codings(object_in(medication, "code"))
        case "NutritionOrder":
            return tuple(_nutrition_codes(order))
    return ()


def _nutrition_codes(order: Json) -> Iterator[Code]:
    for concept in objects(object_in(order, "oralDiet"), "type"):
        yield from codings(concept)
    for supplement in objects(order, "supplement"):
        yield from codings(object_in(supplement, "type"))
    yield from codings(object_in(object_in(order, "enteralFormula"), "baseFormulaType"))


def ordered_quantity(order: Json) -> Quantity | None:
    """How much an order asks for."""
    dispensed = object_in(object_in(order, "dispenseRequest"), "quantity")
    return read_quantity(object_in(order, "quantityQuantity")) or read_quantity(dispensed)


def orderers(claim: Json, there: Targets) -> Iterator[Party]:
    """Who ordered what the items point to, each once."""
    found: list[Party] = []
    for item in objects(claim, "item"):
        url, order = order_of(item, there)
        orderer = party(object_in(order, "requester") or object_in(order, "orderer"), there, url)
        if orderer.identifiers and orderer not in found:
            found.append(orderer)
    yield from found
