"""A CQL library as a FHIR Library: CQL and ELM side by side, what it depends on, what it asks of the record."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mappers.dtr import names
from mappers.dtr.dialects import Dialect
from mappers.pas.instants import instant

Json = dict[str, Any]
_TYPES = "http://terminology.hl7.org/CodeSystem/library-type"
SEMVER = {
    "url": names.VERSION_ALGORITHM,
    "valueCoding": {"system": "http://hl7.org/fhir/version-algorithm", "code": "semver"},
}


@dataclass(frozen=True, slots=True)
class Required:
    """Resources of a type that a library asks for: by (system, code), or by value set (canonical), or all of them."""

    type: str
    path: str = ""
    codes: tuple[tuple[str, str], ...] = ()
    value_set: str = ""


@dataclass(frozen=True, slots=True)
class LibraryText:
    """A library to write; `needs` are the canonicals, with version, of the libraries and value sets it names."""

    url: str
    version: str
    name: str
    cql: str
    elm: str
    needs: tuple[str, ...]
    required: tuple[Required, ...]


def write_library(library: LibraryText, id: str, dialect: Dialect, changed: datetime | None = None) -> Json:
    """The Library (DTR spec-95, spec-99: both texts as data)."""
    known = [SEMVER] if names.VERSION_ALGORITHM not in dialect.left_out else []
    written: Json = {
        "resourceType": "Library",
        "id": id,
        "meta": {"lastUpdated": instant(changed)} if changed else {},
        "extension": known,
        "url": library.url,
        "version": library.version,
        "name": library.name,
        "title": library.name,
        "status": "active",
        "type": {"coding": [{"system": _TYPES, "code": "logic-library"}]},
        "relatedArtifact": [_depends_on(each) for each in library.needs],
        "dataRequirement": list(map(_data_requirement, library.required)),
        "content": list(_contents(library)),
    }
    return {name: value for name, value in written.items() if value not in ({}, [])}


def _contents(library: LibraryText) -> Iterable[Json]:
    for kind, text in ((names.CQL, library.cql), (names.ELM, library.elm)):
        if text:
            yield {"contentType": kind, "data": b64encode(text.encode()).decode()}


def _depends_on(canonical: str) -> Json:
    words = canonical.partition("|")[0].rpartition(":")[2]
    return {"type": "depends-on", "display": words, "resource": canonical}


def _data_requirement(required: Required) -> Json:
    codes = [{"system": system, "code": code} if system else {"code": code} for system, code in required.codes]
    by: Json = {"path": required.path} if required.path else {}
    by |= {"code": codes} if codes else {}
    by |= {"valueSet": required.value_set} if required.value_set else {}
    return {"type": required.type} | ({"codeFilter": [by]} if codes or required.value_set else {})
