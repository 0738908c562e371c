"""Value sets and code systems of a package as lines of the tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def code_system_line(system: Json) -> str:
    """`url code code ...`; empty when the package does not hold every code of the system."""
    if system.get("content") != "complete" or not system.get("concept"):
        return ""
    return " ".join([system["url"], *map(_word, _codes(system["concept"]))]) + "\n"


def value_set_lines(value_set: Json, systems: dict[str, Json]) -> list[str]:
    """The canonical and its parts; filters on concepts are worked out when `systems` has the code system."""
    compose = value_set.get("compose", {})
    lines = [str(value_set["url"])]
    for include in compose.get("include", []):
        lines += [f"  {part}" for part in _parts(include, systems)]
    for exclude in compose.get("exclude", []):
        for part in _parts(exclude, systems):
            lines.append(f"  without {part}" if ": " in part else "  some of what is left")
    if len(lines) == 1:
        lines += _from_expansion(value_set.get("expansion", {}))
    return lines


def _parts(include: Json, systems: dict[str, Json]) -> Iterator[str]:
    url = include.get("system")
    sets = [canonical.partition("|")[0] for canonical in include.get("valueSet", [])]
    if url is None:
        # Several value sets in one include mean what they have in common; one is the usual case.
        yield from (f"in {sets[0]}",) if len(sets) == 1 else (f"some of {name}" for name in sets)
    elif sets:
        yield f"some of {url}"
    elif include.get("concept"):
        yield f"{url}: " + " ".join(_word(concept["code"]) for concept in include["concept"])
    elif include.get("filter"):
        codes = _filtered(systems.get(url), include["filter"])
        yield f"{url}: " + " ".join(map(_word, codes)) if codes else f"some of {url}"
    else:
        yield f"all of {url}"


def _filtered(system: Json | None, filters: list[Json]) -> list[str] | None:
    """The codes a filter keeps, when it is one of concept is-a or descendent-of on a system held completely."""
    if system is None or system.get("content") != "complete" or len(filters) != 1:
        return None
    how = filters[0]
    if how.get("property") != "concept" or how.get("op") not in ("is-a", "descendent-of"):
        return None
    if system.get("property") and _links_by_property(system):
        return None
    top = _find(system.get("concept", []), how.get("value"))
    if top is None:
        return None
    below = list(_codes(top.get("concept", [])))
    return [top["code"], *below] if how["op"] == "is-a" else below


def _links_by_property(system: Json) -> bool:
    """Some systems name parents in properties instead of nesting; those are left to a terminology server."""
    links = {"parent", "child", "subsumedBy", "partOf"}
    return any(p.get("code") in links for c in _concepts(system.get("concept", [])) for p in c.get("property", []))


def _find(concepts: list[Json], code: object) -> Json | None:
    return next((concept for concept in _concepts(concepts) if concept.get("code") == code), None)


def _concepts(concepts: list[Json]) -> Iterator[Json]:
    for concept in concepts:
        yield concept
        yield from _concepts(concept.get("concept", []))


def _codes(concepts: list[Json]) -> Iterator[str]:
    return (concept["code"] for concept in _concepts(concepts))


def _from_expansion(expansion: Json) -> list[str]:
    contains = expansion.get("contains", [])
    whole = expansion.get("total", len(contains)) == len(contains)
    by_system: dict[str, list[str]] = {}
    for entry in contains:
        by_system.setdefault(entry.get("system", ""), []).append(entry.get("code", ""))
    if not whole:
        return [f"  some of {url}" for url in by_system]
    return [f"  {url}: " + " ".join(map(_word, codes)) for url, codes in by_system.items()]


def _word(code: str) -> str:
    return code.replace(" ", "%20")
