"""A form, library or value set as JSON of a dialect: written once for as long as the content holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson

from mappers.dtr.dialects import Dialect
from mappers.dtr.library import LibraryText, Required, write_library
from mappers.dtr.questionnaire import Writing, write_form, write_search_form
from mappers.dtr.valueset import (
    Concept,
    Expansion,
    NotListed,
    concepts_of,
    write_definition,
    write_expanded,
)
from mappers.wire import to_bytes
from questionnaires.artifacts import Artifact
from questionnaires.content import Content
from questionnaires.form_valuesets import FormValueSet
from questionnaires.forms import Form
from questionnaires.prepopulation import Library
from server.authorization.policy import Topic
from server.authorization.request import Quantity
from server.payer import Payer


@dataclass(frozen=True, slots=True)
class Press:
    """Where artifacts are written: for whom, in which dialect, from which content, at which moment."""

    payer: Payer
    content: Content
    dialect: Dialect
    base: str
    at: datetime

    def form(self, artifact: Artifact, topic: Topic | None = None) -> Any:
        """The form as it is handed out; the topic gives the plan's recommended amount."""
        form = form_in(artifact)
        writing = self.writing(artifact, topic)
        if form.adaptive:
            return write_search_form(form.resource, artifact.id, writing)
        key = ("form", writing.recommended)
        return self._once(artifact, key, lambda: write_form(form.resource, artifact.id, writing))

    def writing(self, artifact: Artifact, topic: Topic | None = None) -> Writing:
        """How the form is written for a topic of a plan."""
        recommended = topic.recommended if topic else None
        return Writing(self.dialect, self.base, recommended, self.changed(artifact, recommended))

    def library(self, artifact: Artifact) -> Any:
        """The library with CQL and ELM."""
        changed = self.changed(artifact)
        return self._once(
            artifact, "library", lambda: write_library(library_text(artifact), artifact.id, self.dialect, changed)
        )

    def packaged_set(self, artifact: Artifact) -> Any:
        """The value set as packages have it: expanded as of today, or only defined where it has many codes.

        Raises:
            NotListed: it should be expanded, but its codes cannot be listed here.
        """
        below = self.dialect.expanded_below
        if below is not None and len(self.concepts(artifact)) >= below:
            return self.defined_set(artifact)
        changed, concepts = self.changed(artifact), self.concepts(artifact)
        today = ("expanded", self.payer.day(self.at))

        def expanded() -> dict[str, Any]:
            expansion = Expansion(concepts, len(concepts), self.at)
            return write_expanded(value_set_in(artifact).resource, artifact.id, self.dialect, expansion, changed)

        return self._once(artifact, "expanded", expanded, state=today)

    def defined_set(self, artifact: Artifact) -> Any:
        """The value set without expansion."""
        resource, changed = value_set_in(artifact).resource, self.changed(artifact)
        return self._once(artifact, "defined", lambda: write_definition(resource, artifact.id, self.dialect, changed))

    def concepts(self, artifact: Artifact) -> list[Concept]:
        """The active codes of a value set.

        Raises:
            NotListed: they cannot be listed here.
        """
        prepared, key = self.content.prepared, ("concepts", artifact.canonical)
        found = prepared.get(key)
        if found is None:
            found = prepared[key] = concepts_of(value_set_in(artifact).resource, self._set_named)
        return list(found)

    def changed(self, artifact: Artifact, recommended: Quantity | None = None) -> datetime | None:
        """When it last changed: since this store first saw it as it is, else on the day it gives itself."""
        digest = artifact.digest
        if recommended is not None:
            digest = sha256(f"{digest} {recommended}".encode()).hexdigest()
        return self.payer.first_seen([digest]).get(digest) or _own_date(artifact)

    def _set_named(self, canonical: str) -> Mapping[str, Any] | None:
        found = self.content.artifacts.find("ValueSet", canonical)
        return None if found is None else value_set_in(found).resource

    def _once(self, artifact: Artifact, kind: object, write: Any, state: object = None) -> orjson.Fragment:
        """The JSON that was written before in the same `state`, or is written now."""
        key = (kind, artifact.kind, artifact.canonical, self.dialect.version)
        known = self.content.prepared.get(key)
        if known is None or known[0] != state:
            known = self.content.prepared[key] = (state, orjson.Fragment(to_bytes(write())))
        return known[1]


def form_in(artifact: Artifact) -> Form:
    """The form that an artifact is made of."""
    assert isinstance(artifact.made_of, Form)
    return artifact.made_of


def value_set_in(artifact: Artifact) -> FormValueSet:
    """The value set that an artifact is made of."""
    assert isinstance(artifact.made_of, FormValueSet)
    return artifact.made_of


def library_text(artifact: Artifact) -> LibraryText:
    """The library that an artifact is made of, as it is written."""
    library = artifact.made_of
    assert isinstance(library, Library)
    required = tuple(Required(each.type, each.path, each.codes, each.value_set) for each in library.retrieves)
    needs = tuple(canonical for _kind, canonical in artifact.needs)
    return LibraryText(library.url, library.version, library.name, library.cql, library.elm, needs, required)


def _own_date(artifact: Artifact) -> datetime | None:
    made_of = artifact.made_of
    text = "" if isinstance(made_of, Library) else str(made_of.resource.get("date", ""))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


__all__ = ["NotListed", "Press", "form_in", "library_text", "value_set_in"]
