"""The tables of the repository are what the importer makes of the official packages."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pytest

from profiles.importer import ImportRefused, Summary, folder_name, import_package, read_package
from profiles.reading import read
from profiles.tables import HERE, Tables, read_guide

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "davinci_pas_2.2.1.tgz": "pas-2.2.1",
    "davinci_pas_2.0.1.tgz": "pas-2.0.1",
    "davinci_dtr_2.0.1.tgz": "dtr-2.0.1",
    "davinci-crd-2.0.1.tgz": "crd-2.0.1",
    "us_core_700.tgz": "uscore-7.0.0",
    "us_core_610.tgz": "uscore-6.1.0",
    "us_core_311.tgz": "uscore-3.1.1",
}
R4_PACKAGE = Path(os.environ.get("PLACET_R4_PACKAGE", ROOT / "build" / "hl7.fhir.r4.core.tgz"))
Json = dict[str, Any]


def imported(package: Path, folder: Path, tables: Tables) -> Summary:
    """Import into `folder`, which holds nothing but the repository's selection of definitions."""
    folder.mkdir()
    selection = HERE / folder.name / "selection.txt"
    if selection.exists():
        shutil.copy(selection, folder)
    return import_package(read_package(package), folder, tables)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text("utf-8") for path in folder.iterdir()}


@pytest.mark.parametrize(("package", "name"), PACKAGES.items())
def test_an_import_of_an_official_package_gives_what_is_in_the_repository(
    package: str, name: str, tmp_path: Path
) -> None:
    path = ROOT.parent / "shared" / "ig" / package
    if not path.exists():
        pytest.skip(f"{package} is not beside the repository")

    imported(path, tmp_path / name, Tables([read_guide(HERE / "r4-4.0.1")]))

    assert contents(tmp_path / name) == contents(HERE / name)
    assert folder_name(read_package(path)) == name


def test_an_import_of_r4_gives_what_is_in_the_repository(tmp_path: Path) -> None:
    if not R4_PACKAGE.exists():
        pytest.skip("hl7.fhir.r4.core.tgz is neither in build/ nor named by PLACET_R4_PACKAGE")

    imported(R4_PACKAGE, tmp_path / "r4-4.0.1", Tables([]))

    assert contents(tmp_path / "r4-4.0.1") == contents(HERE / "r4-4.0.1")


def packed(path: Path, **files: object) -> Path:
    """A package.tgz of these JSON files."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            data = json.dumps(content).encode()
            member = tarfile.TarInfo(f"package/{name}.json")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


OWN: Json = {
    "resourceType": "StructureDefinition",
    "url": "http://plan.example.com/StructureDefinition/own-patient",
    "name": "OwnPatient",
    "kind": "resource",
    "type": "Patient",
    "derivation": "constraint",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
    "differential": {
        "element": [
            {"id": "Patient", "path": "Patient"},
            {"id": "Patient.birthDate", "path": "Patient.birthDate", "min": 1, "max": "1"},
            {"id": "Patient.identifier", "path": "Patient.identifier", "slicing": {"rules": "open"}},
        ]
    },
}


def test_a_guide_of_ones_own_without_snapshots_is_imported(tmp_path: Path) -> None:
    head = {"name": "com.example.plan", "version": "1.0.0", "fhirVersions": ["4.0.1"]}
    package = packed(tmp_path / "own.tgz", package=head, own=OWN)

    summary = imported(package, tmp_path / "plan-1.0.0", Tables([read_guide(HERE / "r4-4.0.1")]))

    definition = read((tmp_path / "plan-1.0.0" / "own-patient.txt").read_text("utf-8"), "own-patient.txt")
    assert (definition.type, definition.on) == ("Patient", "Patient")
    assert [(e.id, e.cardinality) for e in definition.elements] == [("Patient.birthDate", "1..1")]
    assert summary.definitions == 1
    assert any("slicing without discriminator" in line for line in summary.not_expressed)
    assert any("no snapshot" in line for line in summary.not_expressed)


def test_a_definition_a_guide_has_dropped_does_not_stay(tmp_path: Path) -> None:
    head = {"name": "com.example.plan", "version": "1.0.0", "fhirVersions": ["4.0.1"]}
    other = {**OWN, "url": "http://plan.example.com/StructureDefinition/other-patient"}
    tables = Tables([read_guide(HERE / "r4-4.0.1")])
    folder = tmp_path / "plan-1.0.0"
    imported(packed(tmp_path / "a.tgz", package=head, own=OWN, other=other), folder, tables)
    (folder / "notes.md").write_text("kept", "utf-8")

    import_package(read_package(packed(tmp_path / "b.tgz", package=head, own=OWN)), folder, tables)

    assert not (folder / "other-patient.txt").exists()
    assert (folder / "own-patient.txt").exists()
    assert (folder / "notes.md").exists()


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "package/package.json is missing"),
        ({"package": {"name": "x", "fhirVersions": ["5.0.0"]}}, "is for FHIR 5.0.0"),
        ({"package": {"name": "x", "fhirVersions": ["4.0.1"]}}, "no profile, extension or type"),
    ],
)
def test_what_is_no_package_for_r4_is_refused_in_words(files: Json, words: str, tmp_path: Path) -> None:
    path = packed(tmp_path / "x.tgz", **files)

    with pytest.raises(ImportRefused, match=words):
        imported(path, tmp_path / "x", Tables([]))


def test_a_file_that_is_no_archive_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "x.tgz").write_text("x", "utf-8")

    with pytest.raises(ImportRefused, match="not a FHIR package"):
        read_package(tmp_path / "x.tgz")
