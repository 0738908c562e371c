"""Making a folder of constraint tables from a FHIR package: the facts of its snapshots, never their prose.

Each definition becomes what its snapshot adds to the R4 type it is about, so a file stands on R4 alone.
"""

from __future__ import annotations

import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from profiles import notation
from profiles.importing.elements import Extraction
from profiles.importing.terminology import code_system_line, value_set_lines
from profiles.notation import CORE, Definition
from profiles.tables import Guide, Tables, file_name, read_guide
from profiles.writing import write

Json = dict[str, Any]
LABELS = {
    "hl7.fhir.r4.core": ("r4", "R4"),
    "hl7.fhir.us.core": ("uscore", "US Core"),
    "hl7.fhir.us.davinci-pas": ("pas", "PAS"),
    "hl7.fhir.us.davinci-dtr": ("dtr", "DTR"),
    "hl7.fhir.us.davinci-crd": ("crd", "CRD"),
}
SEVERITIES = ("error", "warning")
KINDS = ("complex-type", "resource")


class ImportRefused(ValueError):
    """The file is not a FHIR package, or not one for R4; says why."""


@dataclass(slots=True)
class Package:
    """The conformance resources of a package.tgz, by type, in the order of their file names."""

    name: str
    version: str
    canonical: str
    resources: dict[str, list[Json]] = field(default_factory=dict)


@dataclass(slots=True)
class Summary:
    """What an import wrote and what it could not express, each with its place."""

    folder: Path
    definitions: int = 0
    elements: int = 0
    value_sets: int = 0
    open_value_sets: int = 0
    not_expressed: list[str] = field(default_factory=list)


def read_package(path: Path) -> Package:
    """The package of a .tgz file. Raises ImportRefused when it is none, or is not for R4."""
    found: dict[str, list[Json]] = {}
    head: Json = {}
    try:
        with tarfile.open(path, "r:gz") as archive:
            for name, content in _json_files(archive):
                if name == "package.json":
                    head = content
                elif "resourceType" in content:
                    found.setdefault(content["resourceType"], []).append(content)
    except (tarfile.TarError, OSError, json.JSONDecodeError, UnicodeDecodeError) as fault:
        raise ImportRefused(f"{path.name} is not a FHIR package: {fault}") from fault
    if "name" not in head:
        raise ImportRefused(f"{path.name} is not a FHIR package: package/package.json is missing or has no name")
    versions = head.get("fhirVersions") or head.get("fhir-version-list") or ["4.0.1"]
    if not any(str(version).startswith("4.0") for version in versions):
        raise ImportRefused(f"{path.name} is for FHIR {', '.join(map(str, versions))}; the tables are R4 (4.0.1)")
    return Package(head["name"], str(head.get("version", "")), str(head.get("canonical", "")), found)


def _json_files(archive: tarfile.TarFile) -> Iterator[tuple[str, Json]]:
    members = [m for m in archive.getmembers() if m.isfile() and m.name.endswith(".json")]
    for member in sorted(members, key=lambda m: m.name):
        directory, _, name = member.name.rpartition("/")
        if directory == "package" and not name.startswith("."):
            stream = archive.extractfile(member)
            content = json.load(stream) if stream else None
            if isinstance(content, dict):
                yield name, content


def folder_name(package: Package) -> str:
    """`pas-2.2.1`; a guide nobody named here takes the last part of its package name."""
    short = LABELS.get(package.name, (package.name.rpartition(".")[2], ""))[0]
    return f"{short}-{package.version}"


def import_package(
    package: Package, folder: Path, tables: Tables, progress: Callable[[str], None] = lambda _name: None
) -> Summary:
    """Write the tables of `package` into `folder`; `tables` hold R4 (for R4 itself: nothing).

    A `selection.txt` in the folder limits the definitions to the names it lists. Raises ImportRefused when the
    package has nothing to say or stands on a type that the tables do not hold.
    """
    chosen = definitions_in(package, folder)
    if not chosen:
        raise ImportRefused(f"{package.name} has no profile, extension or type to import")
    folder.mkdir(parents=True, exist_ok=True)
    _forget(folder)
    summary = Summary(folder)
    label = LABELS.get(package.name, ("", package.name.rpartition(".")[2].upper()))[1]
    being_made = Guide(folder, folder.name, package.name, package.version, label)
    tables = Tables([*tables.guides, being_made])
    extraction = Extraction(tables, package.version, {sd["url"]: sd for sd in chosen}, summary.not_expressed)
    index: list[str] = []
    for resource in sorted(chosen, key=lambda sd: _depth(sd, extraction.siblings)):
        progress(resource["name"])
        definition = extraction.definition(resource)
        being_made.add(definition)
        (folder / f"{file_name(definition.canonical)}.txt").write_text(write(definition), "utf-8")
        index.append(_index_line(definition))
        summary.definitions += 1
        summary.elements += len(definition.elements)
    head = f"guide {package.name}\nversion {package.version}\nlabel {label}\n\n"
    (folder / "guide.txt").write_text(head + "".join(sorted(index)), "utf-8")
    rules = "".join(f"{key} {severity}\n" for key, severity in sorted(extraction.rules.items()))
    (folder / "rules.txt").write_text(rules, "utf-8")
    _write_terminology(package, folder, summary)
    return summary


def _forget(folder: Path) -> None:
    """Remove what an earlier import wrote, by its own list: a definition the guide has dropped must not stay."""
    if (folder / "guide.txt").exists():
        for canonical in read_guide(folder).types:
            (folder / f"{file_name(canonical)}.txt").unlink(missing_ok=True)


def _depth(sd: Json, siblings: dict[str, Json]) -> tuple[bool, int]:
    """Types before what is built on them, profiles after all types."""
    depth, base = 0, siblings.get(sd.get("baseDefinition", ""))
    while base is not None and depth < len(siblings):
        depth, base = depth + 1, siblings.get(base.get("baseDefinition", ""))
    return sd["url"] != CORE + sd["type"], depth


def _index_line(definition: Definition) -> str:
    return f"{notation.short(definition.canonical)} {definition.type}\n"


def definitions_in(package: Package, folder: Path) -> list[Json]:
    """The StructureDefinitions an import into `folder` takes: types, profiles and extensions, no logical models."""
    listed = folder / "selection.txt"
    names = set(listed.read_text("utf-8").split()) if listed.exists() else None
    definitions = package.resources.get("StructureDefinition", [])
    return [
        sd
        for sd in definitions
        if sd.get("kind") in KINDS and "url" in sd and (names is None or file_name(sd["url"]) in names)
    ]


def _write_terminology(package: Package, folder: Path, summary: Summary) -> None:
    systems = package.resources.get("CodeSystem", [])
    by_url = {system["url"]: system for system in systems if "url" in system}
    lines = sorted(line for line in map(code_system_line, by_url.values()) if line)
    (folder / "codesystems.txt").write_text("".join(lines), "utf-8")
    blocks = []
    for value_set in package.resources.get("ValueSet", []):
        if "url" in value_set:
            block = value_set_lines(value_set, by_url)
            blocks.append("\n".join(block) + "\n")
            summary.value_sets += 1
            summary.open_value_sets += any(line.startswith("  some of ") for line in block)
    (folder / "valuesets.txt").write_text("".join(sorted(blocks)), "utf-8")
