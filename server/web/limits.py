"""How much of a message is read. Generous for anything a guide describes, small enough that no message is a burden."""

from __future__ import annotations

NESTING = 64  # FHIR resources need fewer than 30 levels
NODES = 500_000  # values and keys of one document
OBJECT_KEYS = 500
ARRAY_ELEMENTS = 5_000
ARRAYS_OF = {"Bundle.entry": 1_000, "Claim.item": 999}  # X12 278 carries no more service lines
LOWEST_OF_ARRAYS = min(ARRAY_ELEMENTS, *ARRAYS_OF.values())
STRING_CHARACTERS = 1024 * 1024  # R4 datatypes.html#string
BASE64_KEYS = frozenset({"data", "valueBase64Binary"})  # as long as the body itself may be
NUMBER_DIGITS = 18  # R4 datatypes.html#decimal
NUMBER_MAGNITUDE = 308  # what every binary64 reader behind us can hold
PROBLEMS = 100  # issues of one answer
REQUEST_SECONDS = 15.0  # for one request to arrive
