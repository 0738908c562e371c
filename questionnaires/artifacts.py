"""What goes into packages: forms, libraries and value sets, found by their canonicals, with all that each depends on.

Pure: made of a content that was read; nothing here knows FHIR servers, members or requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal

from questionnaires.form_valuesets import FormValueSet
from questionnaires.forms import Form
from questionnaires.prepopulation import Library

Kind = Literal["Questionnaire", "Library", "ValueSet"]
KINDS: tuple[Kind, ...] = ("Questionnaire", "Library", "ValueSet")
"""In the order in which a package has them."""

CQF_LIBRARY = "http://hl7.org/fhir/StructureDefinition/cqf-library"
_VALUE_SET_EXTENSIONS = ("http://hl7.org/fhir/StructureDefinition/questionnaire-unitValueSet",)


@dataclass(frozen=True, slots=True)
class Artifact:
    """A form, library or value set. Its canonical says which, in which version.

    made_of  the form, library or value set itself
    needs    type and canonical of what it names and cannot do without
    digest   hash of its files: equal content has not changed
    """

    kind: Kind
    url: str
    version: str
    name: str
    title: str
    status: str
    made_of: Form | Library | FormValueSet
    needs: tuple[tuple[Kind, str], ...]
    digest: str

    @property
    def canonical(self) -> str:
        """url|version: how messages name it."""
        return f"{self.url}|{self.version}"

    @property
    def id(self) -> str:
        """Its id on this server: the same for the same canonical, whatever else is there (R4 datatypes.html#id)."""
        words = "".join(
            sign for sign in self.url.rpartition(":")[2].rpartition("/")[2] if sign.isalnum() or sign in "-."
        )
        return f"{words[:40]}-{sha256(self.canonical.encode()).hexdigest()[:12]}".lstrip("-.")

    def holds(self, on: date) -> bool:
        """True when it may be used on the day: it is not retired, and a form's period holds (DTR spec-124)."""
        if self.status == "retired":
            return False
        if not isinstance(self.made_of, Form):
            return True
        first, last = self.made_of.first, self.made_of.last
        return (first is None or first <= on) and (last is None or on <= last)


@dataclass(frozen=True, slots=True)
class Closure:
    """Everything that an artifact depends on, each once, libraries before value sets; and what is not there."""

    artifacts: tuple[Artifact, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Artifacts:
    """The forms and libraries of a content, and every value set that one of them can name."""

    forms: tuple[Form, ...] = ()
    libraries: tuple[Library, ...] = ()
    _closures: dict[str, Closure] = field(default_factory=dict, init=False, repr=False, compare=False)

    @cached_property
    def every(self) -> tuple[Artifact, ...]:
        """All of them, each once, by type, url and version."""
        sets = {each.canonical: each for form in self.forms for each in form.sets}
        found = [
            *map(_of_form, self.forms),
            *map(_of_library, self.libraries),
            *map(_of_value_set, sets.values()),
        ]
        return tuple(sorted(found, key=lambda each: (KINDS.index(each.kind), each.url, version_number(each.version))))

    @cached_property
    def _by_id(self) -> Mapping[tuple[str, str], Artifact]:
        return {(each.kind, each.id): each for each in self.every}

    @cached_property
    def _versions(self) -> Mapping[tuple[str, str], list[Artifact]]:
        """The versions of each url, the newest first."""
        found: dict[tuple[str, str], list[Artifact]] = {}
        for each in reversed(self.every):
            found.setdefault((each.kind, each.url), []).append(each)
        return found

    def of_kind(self, kind: Kind) -> tuple[Artifact, ...]:
        """Those of a type."""
        return tuple(each for each in self.every if each.kind == kind)

    def get(self, kind: Kind, id: str) -> Artifact | None:
        """The one with this id on the server."""
        return self._by_id.get((kind, id))

    def find(self, kind: Kind, canonical: str, on: date | None = None) -> Artifact | None:
        """The one that a canonical names; without version the newest, on a day the newest that holds then."""
        url, _, version = canonical.partition("|")
        versions = self._versions.get((kind, url), [])
        if version:
            return next((each for each in versions if each.version == version), None)
        return next((each for each in versions if on is None or each.holds(on)), None)

    def closure(self, artifact: Artifact) -> Closure:
        """All that it depends on, also by way of others (DTR oper-12, oper-14)."""
        known = self._closures.get(artifact.canonical)
        if known is None:
            known = self._closures[artifact.canonical] = self._closed(artifact)
        return known

    def _closed(self, artifact: Artifact) -> Closure:
        found: dict[tuple[str, str], Artifact] = {}
        missing: dict[str, None] = {}
        waiting = list(artifact.needs)
        while waiting:
            kind, canonical = waiting.pop(0)
            needed = self.find(kind, canonical)
            if needed is None:
                missing[canonical] = None
            elif (kind, needed.canonical) not in found:
                found[kind, needed.canonical] = needed
                waiting += needed.needs
        ordered = sorted(found.values(), key=lambda each: KINDS.index(each.kind))
        return Closure(tuple(_one_version(ordered)), tuple(missing))


def _one_version(ordered: Iterable[Artifact]) -> Iterator[Artifact]:
    """Of several versions of a library only the newest (DTR oper-17); value sets in every version that is named."""
    libraries: dict[str, Artifact] = {}
    for each in ordered:
        if each.kind != "Library":
            continue
        other = libraries.get(each.url)
        if other is None or version_number(each.version) > version_number(other.version):
            libraries[each.url] = each
    yield from libraries.values()
    yield from (each for each in ordered if each.kind != "Library")


def version_number(version: str) -> tuple[int, ...]:
    """The version as numbers to sort by; a part that is no number is 0."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))


def _of_form(form: Form) -> Artifact:
    said = form.resource
    needs = dict.fromkeys(_named_by_form(said))
    name, status = str(said.get("name", "")), str(said.get("status", ""))
    return Artifact("Questionnaire", form.url, form.version, name, form.title, status, form, tuple(needs), form.digest)


def _of_library(library: Library) -> Artifact:
    needs: list[tuple[Kind, str]] = [("Library", each) for each in library.includes]
    needs += [("ValueSet", each) for each in library.value_sets]
    name = library.name
    return Artifact(
        "Library", library.url, library.version, name, name, "active", library, tuple(needs), library.digest
    )


def _of_value_set(value_set: FormValueSet) -> Artifact:
    said = value_set.resource
    name, status = str(said.get("name", "")), str(said.get("status", ""))
    needs: list[tuple[Kind, str]] = [("ValueSet", each) for each in dict.fromkeys(imported_sets(said))]
    return Artifact(
        "ValueSet",
        value_set.url,
        value_set.version,
        name,
        value_set.title,
        status,
        value_set,
        tuple(needs),
        value_set.digest,
    )


def imported_sets(value_set: Mapping[str, Any]) -> Iterator[str]:
    """The canonicals of the value sets that one is composed of."""
    compose = value_set.get("compose") or {}
    for part in (*compose.get("include", ()), *compose.get("exclude", ())):
        yield from part.get("valueSet", ())


def _named_by_form(form: Mapping[str, Any]) -> Iterator[tuple[Kind, str]]:
    """Type and canonical of everything outside that a form names; sets that it contains (#id) are inside."""
    for extension in form.get("extension", ()):
        if extension.get("url") == CQF_LIBRARY:
            yield "Library", extension["valueCanonical"]
    waiting = list(form.get("item", ()))
    while waiting:
        item = waiting.pop(0)
        waiting += item.get("item", ())
        named = [item.get("answerValueSet", "")]
        named += [
            each.get("valueCanonical", "")
            for each in item.get("extension", ())
            if each.get("url") in _VALUE_SET_EXTENSIONS
        ]
        yield from (("ValueSet", canonical) for canonical in named if canonical and not canonical.startswith("#"))
