"""What forms are filled with beforehand: the CQL libraries of a content directory and the ELM made from them.

<directory>/libraries/<any>.cql           a library that topics share
<directory>/<topic>/prepopulation.cql     the library of a topic
<any>.elm.json                            beside each: its ELM, made by `make elm`

DTR 2.2.0 spec-92 to 96 (CQL 1.5, context Patient, CQL and ELM), spec-98 (names are unique), sec-3 (asks for no more
than it needs). Both texts are read when the content is; nothing is compiled at run time.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from questionnaires.problem import Problem, Severity
from questionnaires.retrieves import Elm, Retrieve, definitions, retrieves_of, versioned

SHARED, OF_TOPIC = "libraries", "prepopulation.cql"
LIBRARY_URL = "urn:placet:library:"
INITIAL = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-initialExpression"
MADE_FROM = "cql-sha256"
"""The tag in the ELM's own annotation, written by `make elm`."""

_HEADER = re.compile(r"^library\s+\"?([A-Za-z][\w-]*)\"?(?:\s+version\s+'([^']*)')?", re.MULTILINE)
_DEFINE = re.compile(
    r"^define\s+(?:public\s+|private\s+)?(?!function\b|fluent\b)(?:\"([^\"]+)\"|(\w+))\s*:", re.MULTILINE
)
_REFERENCE = re.compile(r'^"([^"]+)"\."([^"]+)"$')


@dataclass(frozen=True, slots=True)
class Define:
    """An expression that can be asked for by name, and the line on which its CQL begins."""

    name: str
    line: int


@dataclass(frozen=True, slots=True)
class Library:
    """A CQL library; `cql` and `elm` are the texts of the files as they are, `elm` "" where there is none.

    defines     the expressions of the CQL, functions not among them
    compiled    the library in the ELM, empty where there is none
    retrieves   what it asks of the record by itself, each once: Library.dataRequirement
    """

    path: Path
    name: str
    version: str
    cql: str
    elm: str
    defines: tuple[Define, ...]
    compiled: Elm = field(repr=False)
    retrieves: tuple[Retrieve, ...]

    @property
    def url(self) -> str:
        """Its canonical without version."""
        return LIBRARY_URL + self.name

    @property
    def canonical(self) -> str:
        """url|version: how packages and questionnaires name it."""
        return f"{self.url}|{self.version}"

    @property
    def includes(self) -> tuple[str, ...]:
        """Canonicals (url|version) of the libraries it depends on."""
        return tuple(LIBRARY_URL + versioned(each, "path") for each in definitions(self.compiled, "includes"))

    @property
    def value_sets(self) -> tuple[str, ...]:
        """Canonicals (url|version where a version is given) of the value sets it names."""
        return tuple(versioned(each, "id") for each in definitions(self.compiled, "valueSets"))

    @property
    def statements(self) -> frozenset[str]:
        """The names of all that the ELM defines, functions among them."""
        return frozenset(str(each.get("name", "")) for each in definitions(self.compiled, "statements"))

    @property
    def made_from(self) -> str:
        """The SHA-256 of the CQL that the ELM says it was made from; "" where it does not say."""
        notes = self.compiled.get("annotation", [])
        tags = (tag for note in notes if isinstance(note, dict) for tag in note.get("t", []))
        return next((str(tag.get("value")) for tag in tags if tag.get("name") == MADE_FROM), "")

    @property
    def is_current(self) -> bool:
        """True where the ELM was made from this CQL."""
        return self.made_from == sha256(self.cql.encode()).hexdigest()

    @property
    def digest(self) -> str:
        """Equal for equal texts: whether it has changed since a client last asked."""
        return sha256(f"{self.cql}\0{self.elm}".encode()).hexdigest()

    def line_of(self, words: str) -> int:
        """The first line of the CQL with these words, else 1."""
        return line_of(self.cql, words)


def line_of(text: str, words: str) -> int:
    """The first line of the text with these words, else 1."""
    at = text.find(words)
    return text.count("\n", 0, at) + 1 if at >= 0 else 1


def library_paths(directory: Path) -> list[Path]:
    """The CQL files of a content directory, the shared ones first."""
    return sorted((directory / SHARED).glob("*.cql")) + sorted(directory.glob(f"*/{OF_TOPIC}"))


def elm_path(path: Path) -> Path:
    """Where the ELM of a CQL file is."""
    return path.with_suffix(".elm.json")


def read_libraries(directory: Path) -> tuple[tuple[Library, ...], list[Problem]]:
    """The libraries of the directory and what is wrong with reading each; CQL without a name is left out."""
    problems: list[Problem] = []
    read = [library for path in library_paths(directory) if (library := _library(path, problems))]
    compiled = {library.name: library.compiled for library in read}
    return tuple(replace(each, retrieves=retrieves_of(each.compiled, compiled)) for each in read), problems


def defines_named(questionnaire: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Every question that is filled beforehand: linkId, name of the library, name of the define.

    An initialExpression that is no such reference gives its whole text as define of no library.
    """
    items = questionnaire.get("item")
    for item in items if isinstance(items, list) else []:
        for extension in item.get("extension", []):
            if extension.get("url") == INITIAL:
                text = str(extension.get("valueExpression", {}).get("expression", ""))
                reference = _REFERENCE.match(text)
                library, define = (reference[1], reference[2]) if reference else ("", text)
                yield str(item.get("linkId", "")), library, define
        yield from defines_named(item)


def _library(path: Path, problems: list[Problem]) -> Library | None:
    cql = _text(path, problems)
    header = _HEADER.search(cql)
    if header is None:
        mend = "write: library NAME version '...'"
        problems.append(Problem(str(path), 1, Severity.ERROR, "this CQL is no library with a name", mend))
        return None
    elm = _text(elm_path(path), problems) if elm_path(path).exists() else ""
    compiled = _compiled(elm, elm_path(path), problems) if elm else {}
    defines = tuple(
        Define(found[1] or found[2], cql.count("\n", 0, found.start()) + 1) for found in _DEFINE.finditer(cql)
    )
    return Library(path, header[1], header[2] or "", cql, elm, defines, compiled, ())


def _text(path: Path, problems: list[Problem]) -> str:
    try:
        return path.read_bytes().decode()
    except UnicodeDecodeError:
        problems.append(Problem(str(path), 1, Severity.ERROR, "this is not UTF-8 text", "save the file as UTF-8"))
        return ""


def _compiled(elm: str, path: Path, problems: list[Problem]) -> dict[str, Any]:
    """The library in the ELM; empty where the text is no ELM."""
    try:
        library = json.loads(elm)["library"]
    except (ValueError, KeyError, TypeError, RecursionError):
        library = None
    if not isinstance(library, dict):
        problems.append(Problem(str(path), 1, Severity.ERROR, "this is no ELM library in JSON", "run make elm"))
        return {}
    return library
