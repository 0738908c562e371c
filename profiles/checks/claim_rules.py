"""The numbering inside a Claim: sequences are unique, and what points to a sequence finds it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from profiles.problem import Problem

Json = dict[str, Any]

# list -> the rule that makes its sequences unique
NUMBERED = {
    "supportingInfo": "PAS spec-22",
    "item": "R4 Claim.item.sequence",
    "careTeam": "R4 Claim.careTeam.sequence",
    "diagnosis": "R4 Claim.diagnosis.sequence",
    "procedure": "R4 Claim.procedure.sequence",
    "insurance": "R4 Claim.insurance.sequence",
}
# element of an item -> the list it points into
POINTERS = {
    "careTeamSequence": "careTeam",
    "diagnosisSequence": "diagnosis",
    "procedureSequence": "procedure",
    "informationSequence": "supportingInfo",
}


def claim_problems(claim: Json) -> Iterator[Problem]:
    """What is wrong with the numbering of one Claim, with trails from the Claim."""
    numbers: dict[str, set[int]] = {}
    for name, rule in NUMBERED.items():
        seen = numbers[name] = set()
        for position, sequence in _sequences(claim, name):
            if sequence in seen:
                text = f"sequence {sequence} is used before"
                yield Problem("business-rule", text, rule, "Number each once.", trail=["sequence", position, name])
            seen.add(sequence)
    for position, item in _objects(claim, "item"):
        for pointer, target in POINTERS.items():
            pointers = item.get(pointer)
            for place, sequence in enumerate(pointers if isinstance(pointers, list) else ()):
                if type(sequence) is int and sequence not in numbers[target]:
                    known = ", ".join(map(str, sorted(numbers[target])[:20]))
                    yield Problem(
                        "business-rule",
                        f"there is no {target} with sequence {sequence}",
                        f"R4 Claim.item.{pointer}",
                        f"One of: {known}" if known else f"Add the {target}, or remove {pointer}.",
                        trail=[place, pointer, position, "item"],
                    )


def _objects(claim: Json, name: str) -> Iterator[tuple[int, Json]]:
    items = claim.get(name)
    for position, item in enumerate(items if isinstance(items, list) else ()):
        if isinstance(item, dict):
            yield position, item


def _sequences(claim: Json, name: str) -> Iterator[tuple[int, int]]:
    for position, item in _objects(claim, name):
        if type(item.get("sequence")) is int:
            yield position, item["sequence"]
