"""Every kind of discriminator tells items apart, also those no shipped profile uses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from profiles.compiler import Compiler
from profiles.conformance import whole
from profiles.problem import path_of
from profiles.reading import read
from profiles.tables import HERE, Guide, Tables, read_guide

Json = dict[str, Any]
OWN = "http://plan.example.com/StructureDefinition/"

# discriminator, lines of the slice `one` (1..1) of Patient, an item of the slice, an item that is none
CASES = {
    "value of a child": (
        "Patient.identifier  slices open value:system",
        ["Patient.identifier:one  1..1", 'Patient.identifier:one.system  fixed "urn:a"'],
        ("identifier", {"system": "urn:a", "value": "1"}, {"system": "urn:b", "value": "1"}),
    ),
    "value below a pattern": (
        "Patient.identifier  slices open value:type.coding.code",
        ["Patient.identifier:one  1..1", 'Patient.identifier:one.type  pattern {"coding":[{"code":"MB"}]}'],
        ("identifier", {"type": {"coding": [{"code": "MB"}]}}, {"type": {"coding": [{"code": "NI"}]}}),
    ),
    "pattern of the item": (
        "Patient.communication  slices open pattern:language",
        [
            "Patient.communication:one  1..1",
            'Patient.communication:one.language  pattern {"coding":[{"system":"urn:ietf:bcp:47","code":"en"}]}',
        ],
        (
            "communication",
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "en"}]}},
            {"language": {"coding": [{"system": "urn:ietf:bcp:47", "code": "es"}]}},
        ),
    ),
    "required binding of the item": (
        "Patient.telecom  slices open value:system",
        [
            "Patient.telecom:one  1..1",
            "Patient.telecom:one.system  binding required http://hl7.org/fhir/ValueSet/administrative-gender",
        ],
        ("telecom", {"system": "other", "value": "1"}, {"system": "phone", "value": "1"}),
    ),
    "existence": (
        "Patient.name  slices open exists:family",
        ["Patient.name:one  1..1", "Patient.name:one.family  1..1"],
        ("name", {"family": "Sample"}, {"text": "Sample"}),
    ),
    "absence": (
        "Patient.name  slices open exists:period",
        ["Patient.name:one  1..1", "Patient.name:one.period  0..0"],
        ("name", {"text": "Sample"}, {"text": "Sample", "period": {"start": "2026"}}),
    ),
    "type of a contained resource": (
        "Patient.contained  slices open type:$this",
        ["Patient.contained:one  1..1  type Organization"],
        (
            "contained",
            {"resourceType": "Organization", "id": "a", "name": "A"},
            {"resourceType": "Location", "id": "a", "name": "A"},
        ),
    ),
    "profile of a data type": (
        "Patient.identifier  slices open profile:$this",
        [f"Patient.identifier:one  1..1  type Identifier{{{OWN}numbered}}"],
        ("identifier", {"system": "urn:a", "value": "1"}, {"system": "urn:a"}),
    ),
    "value of an extension": (
        "Patient.contact  slices open value:extension('http://plan.example.com/x').value.ofType(boolean)",
        [
            "Patient.contact:one  1..1",
            "Patient.contact:one.extension:x  1..1",
            'Patient.contact:one.extension:x.url  fixed "http://plan.example.com/x"',
            "Patient.contact:one.extension:x.value[x]  type boolean  fixed true",
        ],
        (
            "contact",
            {"name": {"text": "x"}, "extension": [{"url": "http://plan.example.com/x", "valueBoolean": True}]},
            {"name": {"text": "x"}, "extension": [{"url": "http://plan.example.com/x", "valueBoolean": False}]},
        ),
    ),
}
NUMBERED = f"profile {OWN}numbered|1\ntype Identifier\non Identifier\n\nIdentifier.value  1..1"


@pytest.fixture
def own(tmp_path: Path) -> Guide:
    """A guide of one's own, with one profile of Identifier."""
    (tmp_path / "rules.txt").write_text("", "utf-8")
    guide = Guide(tmp_path, "own", label="Own")
    guide.add(read(NUMBERED, "numbered.txt"))
    return guide


def said_of_one(own: Guide, lines: list[str], patient: Json) -> list[tuple[str, str]]:
    """(place, what) of what is said of the slice `one` when a Patient is held against a profile of these lines."""
    own.add(read(f"profile {OWN}patient|1\ntype Patient\non Patient\n\n" + "\n".join(lines), "patient.txt"))
    compiler = Compiler(Tables([own, read_guide(HERE / "r4-4.0.1")]))
    found = whole(compiler, {"resourceType": "Patient", **patient}, OWN + "patient")
    return [(path_of(p.trail, "Patient"), p.message) for p in found if "one" in p.rule.partition(":")[2]]


@pytest.mark.parametrize("kind", CASES)
def test_an_item_belongs_to_its_slice(kind: str, own: Guide) -> None:
    how, lines, (name, item, _) = CASES[kind]

    assert said_of_one(own, [how, *lines], {name: [item]}) == []


@pytest.mark.parametrize("kind", CASES)
def test_another_item_does_not(kind: str, own: Guide) -> None:
    how, lines, (name, _, other) = CASES[kind]

    assert said_of_one(own, [how, *lines], {name: [other]}) == [("Patient", "one is missing")]


@pytest.mark.parametrize("kind", CASES)
def test_a_slice_that_must_be_there_makes_its_list_necessary(kind: str, own: Guide) -> None:
    how, lines, _ = CASES[kind]

    assert said_of_one(own, [how, *lines], {"active": True}) == [("Patient", "one is missing")]


def test_an_ordered_slicing_keeps_its_order(own: Guide) -> None:
    lines = [
        "Patient.identifier  slices closed ordered value:system",
        "Patient.identifier:one  0..1",
        'Patient.identifier:one.system  fixed "urn:a"',
        "Patient.identifier:two  0..1",
        'Patient.identifier:two.system  fixed "urn:b"',
    ]
    own.add(read(f"profile {OWN}patient|1\ntype Patient\non Patient\n\n" + "\n".join(lines), "patient.txt"))
    compiler = Compiler(Tables([own, read_guide(HERE / "r4-4.0.1")]))

    def messages(*systems: str) -> list[str]:
        patient = {"resourceType": "Patient", "identifier": [{"system": system} for system in systems]}
        return [problem.message for problem in whole(compiler, patient, OWN + "patient")]

    assert messages("urn:a", "urn:b") == []
    assert messages("urn:b", "urn:a") == ["out of order"]
    assert messages("urn:c") == ["belongs to none of the slices one, two, and no other is allowed"]
