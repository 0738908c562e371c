"""What an order asks for, by its codes, whichever type it has (DTR questionnaire-package, parameter order)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from mappers.fhir import Json, codings, object_in, objects, text_in
from server.authorization.request import Code

Find = Callable[[Json], Json]
"""A Reference -> what it points to; {} where it was not sent along."""

CODES = {
    "Appointment": ("serviceType", "appointmentType", "specialty"),
    "CommunicationRequest": ("category", "reasonCode"),
    "DeviceRequest": ("codeCodeableConcept", "codeReference.type"),
    "Encounter": ("type", "serviceType"),
    "ImmunizationRecommendation": ("recommendation.vaccineCode",),
    "MedicationRequest": ("medicationCodeableConcept", "medicationReference.code"),
    "NutritionOrder": ("oralDiet.type", "supplement.type", "enteralFormula.baseFormulaType"),
    "ServiceRequest": ("code",),
    "SupplyRequest": ("itemCodeableConcept", "itemReference.code"),
    "VisionPrescription": ("lensSpecification.product",),
}
"""Where each type of order says what is ordered; a Reference on the way is followed."""


def ordered_codes(order: Json, find: Find) -> tuple[Code, ...]:
    """The codes of what is ordered, in the spelling of systems that rules use; none for another type of resource."""
    paths = CODES.get(text_in(order, "resourceType"), ())
    found = (code for path in paths for concept in _at(order, path.split("."), find) for code in codings(concept))
    return tuple(dict.fromkeys(found))


def _at(node: Json, path: list[str], find: Find) -> Iterator[Json]:
    """The objects at the path, of every repetition on the way."""
    if not path:
        yield node
        return
    name, *rest = path
    for each in objects(node, name) or [object_in(node, name)]:
        if each:
            yield from _at(find(each) if name.endswith("Reference") else each, rest, find)
