"""The shipped tables: every file is of the notation, everything compiles, nothing named is missing."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from profiles.compiler import Compiler
from profiles.conformance import whole
from profiles.defects import defects
from profiles.invariants import PREDICATES, UNDECIDABLE, name_of
from profiles.notation import Element, Literal, NotationError
from profiles.profile_set import FOLDERS, profile_set
from profiles.reading import parse, read
from profiles.tables import HERE, file_name, read_guide
from profiles.writing import line_of, write

GUIDES = sorted(path.parent for path in HERE.glob("*/guide.txt"))
OTHER = {"guide.txt", "rules.txt", "valuesets.txt", "codesystems.txt", "selection.txt"}
NATIVE = {"ele-1", "ext-1", "txt-1", "txt-2"}


REQUEST = json.loads((Path(__file__).parent / "bases" / "pas-request.json").read_text("utf-8"))
REQUEST_BUNDLE = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/profile-pas-request-bundle"


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.txt") if path.name not in OTHER)


@pytest.mark.parametrize("folder", GUIDES, ids=lambda folder: folder.name)
def test_every_file_is_what_writing_gives_of_reading_it(folder: Path) -> None:
    for path in files(folder):
        text = path.read_text("utf-8")

        assert write(read(text, path.name)) == text, path.name


@pytest.mark.parametrize("folder", GUIDES, ids=lambda folder: folder.name)
def test_every_line_gives_its_element_back(folder: Path) -> None:
    for path in files(folder):
        for element in read(path.read_text("utf-8"), path.name).elements:
            assert parse(line_of(element)) == element


@pytest.mark.parametrize("folder", GUIDES, ids=lambda folder: folder.name)
def test_the_list_of_a_guide_names_its_files(folder: Path) -> None:
    listed = read_guide(folder).types

    assert {f"{file_name(canonical)}.txt" for canonical in listed} == {path.name for path in files(folder)}
    for path in files(folder):
        definition = read(path.read_text("utf-8"), path.name)
        assert listed[definition.canonical] == definition.type


@pytest.mark.parametrize("folder", GUIDES, ids=lambda folder: folder.name)
def test_every_invariant_of_a_guide_has_a_severity_and_a_predicate(folder: Path) -> None:
    severities = read_guide(folder).severities
    r4 = read_guide(HERE / "r4-4.0.1").severities

    for path in files(folder):
        for element in read(path.read_text("utf-8"), path.name).elements:
            for key in element.rules:
                assert key in severities or key in r4, f"{key} in {path.name}"
                known = name_of(key, folder.name, element.id) in PREDICATES or key in UNDECIDABLE or key in NATIVE
                assert known, f"{key} in {path.name} has no predicate"


@pytest.mark.parametrize("version", FOLDERS)
def test_everything_compiles(version: str) -> None:
    compiled = profile_set(version).compile_everything()

    assert compiled == sum(len(guide.types) for guide in profile_set(version).tables.guides)


def test_threads_that_compile_at_once_find_the_same() -> None:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for _ in range(3):
            compiler = Compiler(profile_set("2.2.1").tables)
            with ThreadPoolExecutor(8) as threads:
                found = list(threads.map(partial(whole, compiler, REQUEST), [REQUEST_BUNDLE] * 16))
            assert [len(problems) for problems in found] == [0] * 16
    finally:
        sys.setswitchinterval(before)


def test_every_defect_names_a_rule_and_a_reason() -> None:
    assert defects()
    for (rule, path), reason in defects().items():
        assert rule.strip() and path.strip() and len(reason) > 20


@pytest.mark.parametrize(
    "line",
    [
        "Claim.item  1..*",
        'Claim.status  0..1  must-support  modifier  type code  pattern "active"  binding required http://x/y',
        "Claim.item.quantity  type Quantity{http://x/q or http://x/r}",
        "Claim.provider  type Reference(Organization or http://x/role) or string",
        "Claim.careTeam  slices closed ordered value:extension('http://x').value%20as%20boolean pattern:type",
        "Claim.item.sequence  least 1  most 9  length 3  rules a-1 b-2",
        "Questionnaire.item.item  0..*  like Questionnaire.item",
    ],
)
def test_a_line_says_the_same_when_it_is_written_again(line: str) -> None:
    element = parse(line)

    assert parse(line_of(element)) == element
    assert element != Element(element.id)


@pytest.mark.parametrize("value", ["two  blanks", "   ", 'a "quote"', {"a": [1, {"b": "x  y"}]}, None, False, 0, ""])
def test_any_json_value_stays_one_field(value: object) -> None:
    element = Element("Claim.x", fixed=Literal(value), pattern=Literal(value))

    assert parse(line_of(element)) == element


@pytest.mark.parametrize("text", ["profile x|1\ntype Claim\n\nClaim.item  maybe", "type Claim\n\n", "profile x\n"])
def test_what_is_not_of_the_notation_is_named_with_its_file(text: str) -> None:
    with pytest.raises(NotationError, match=r"x\.txt"):
        read(text, "x.txt")
