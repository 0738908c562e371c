"""A ValueSet as it is packaged and expanded: active codes only, as of a moment (DTR oper-5, oper-15, spec-163)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from mappers.dtr.dialects import Dialect
from mappers.pas.instants import instant

Json = dict[str, Any]
Named = Callable[[str], Mapping[str, Any] | None]
"""Canonical -> the ValueSet, as it is in its file; None for an unknown one."""

_DEPRECATED = "http://hl7.org/fhir/StructureDefinition/valueset-deprecated"
DEEPEST = 10
"""Value sets of value sets of value sets."""


class NotListed(Exception):
    """The codes cannot be listed here: a terminology server would have to; `rule` names what keeps them from it."""


@dataclass(frozen=True, slots=True)
class Concept:
    """A code in its system, with the words it is shown by."""

    system: str
    code: str
    display: str = ""
    version: str = ""

    @property
    def key(self) -> tuple[str, str]:
        """System and code."""
        return self.system, self.code


def concepts_of(value_set: Mapping[str, Any], named: Named, depth: int = 0) -> list[Concept]:
    """The active codes of a set, each once, in its order.

    Raises:
        NotListed: it includes a whole code system, a filter, or a set that is not here.
    """
    if depth > DEEPEST:
        raise NotListed("value sets that include each other")
    given = value_set.get("expansion")
    if isinstance(given, Mapping) and "compose" not in value_set:
        return list(_expanded(given.get("contains", ())))
    compose = value_set.get("compose") or {}
    found = {concept.key: concept for part in compose.get("include", ()) for concept in _part(part, named, depth)}
    for part in compose.get("exclude", ()):
        for concept in _part(part, named, depth):
            found.pop(concept.key, None)
    return list(found.values())


def _part(part: Mapping[str, Any], named: Named, depth: int) -> list[Concept]:
    """The codes of one include: its own concepts, or what is in each of its sets."""
    if part.get("filter") or ("system" in part and not part.get("concept")):
        raise NotListed("a filter or a whole code system")
    own = list(_own(part)) if part.get("concept") else None
    sets = [_set(canonical, named, depth) for canonical in part.get("valueSet", ())]
    listed = [*([own] if own is not None else []), *sets]
    first = listed[0] if listed else []
    others = [{concept.key for concept in each} for each in listed[1:]]
    return [concept for concept in first if all(concept.key in other for other in others)]


def _own(part: Mapping[str, Any]) -> Iterator[Concept]:
    for each in part["concept"]:
        if not _is_inactive(each):
            yield Concept(part["system"], each["code"], each.get("display", ""), part.get("version", ""))


def _is_inactive(concept: Mapping[str, Any]) -> bool:
    said = concept.get("extension", ())
    return any(each.get("url") == _DEPRECATED and each.get("valueBoolean") is True for each in said)


def _set(canonical: str, named: Named, depth: int) -> list[Concept]:
    found = named(canonical)
    if found is None:
        raise NotListed("a value set that is not here")
    return concepts_of(found, named, depth + 1)


def _expanded(contains: Iterable[Mapping[str, Any]]) -> Iterator[Concept]:
    for each in contains:
        if "code" in each and not each.get("abstract") and not each.get("inactive"):
            yield Concept(each.get("system", ""), each["code"], each.get("display", ""), each.get("version", ""))
        yield from _expanded(each.get("contains", ()))


@dataclass(frozen=True, slots=True)
class Expansion:
    """A part of the codes of a set.

    total       how many there are in all that fit;  offset  how many of them come before
    parameters  what was asked for: ("filter", "valueString", "oxygen")
    """

    concepts: Sequence[Concept]
    total: int
    at: datetime
    offset: int | None = None
    parameters: tuple[tuple[str, str, Any], ...] = ()


def write_definition(value_set: Mapping[str, Any], id: str, dialect: Dialect, changed: datetime | None = None) -> Json:
    """The set as it is defined, not expanded: what it has in it is asked for by $expand."""
    return _identified(value_set, id, dialect, changed)


def write_expanded(
    value_set: Mapping[str, Any],
    id: str,
    dialect: Dialect,
    expansion: Expansion,
    changed: datetime | None = None,
) -> Json:
    """The set with its expansion in place of its definition: nothing is said twice (DTR spec-164)."""
    written = _identified(value_set, id, dialect, changed)
    written.pop("compose", None)
    key = f"{value_set['url']}|{value_set['version']} {instant(expansion.at)} {expansion.parameters}"
    said = [("activeOnly", "valueBoolean", True), *expansion.parameters]
    contains = [_contained(each) for each in expansion.concepts]
    return written | {
        "expansion": {
            "identifier": f"urn:uuid:{uuid5(NAMESPACE_URL, key)}",
            "timestamp": instant(expansion.at),
            "total": expansion.total,
            **({} if expansion.offset is None else {"offset": expansion.offset}),
            "parameter": [{"name": name, kind: value} for name, kind, value in said],
            **({"contains": contains} if contains else {}),
        }
    }


def _identified(value_set: Mapping[str, Any], id: str, dialect: Dialect, changed: datetime | None) -> Json:
    kept = {name: value for name, value in value_set.items() if name not in ("text", "expansion", "meta", "id")}
    known = [each for each in value_set.get("extension", ()) if each.get("url") not in dialect.left_out]
    kept.pop("extension", None)
    said = {name: value for name, value in kept.items() if name != "resourceType"}
    return (
        {"resourceType": "ValueSet", "id": id}
        | ({"meta": {"lastUpdated": instant(changed)}} if changed else {})
        | ({"extension": known} if known else {})
        | said
    )


def _contained(concept: Concept) -> Json:
    said = {
        "system": concept.system,
        "version": concept.version,
        "code": concept.code,
        "display": concept.display,
    }
    return {name: value for name, value in said.items() if value}
