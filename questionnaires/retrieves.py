"""What a CQL library asks of the record, read from its ELM: FHIR Library.dataRequirement (DTR spec-68, sec-3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Elm = Mapping[str, Any]
"""The library in an ELM file: the value of its member `library`."""


@dataclass(frozen=True, slots=True, order=True)
class Retrieve:
    """Resources of a type; with codes or a value set only those with one of them in the element `path`.

    value_set   canonical, url|version where the library gives a version
    """

    type: str
    path: str = ""
    codes: tuple[tuple[str, str], ...] = ()
    value_set: str = ""

    @property
    def is_narrow(self) -> bool:
        """True where it asks for less than everything of the type; there is only one Patient."""
        return bool(self.codes or self.value_set) or self.type == "Patient"


def definitions(library: Elm, kind: str) -> list[dict[str, Any]]:
    """What the ELM defines of a kind: statements, includes, valueSets, codes, codeSystems."""
    section = library.get(kind)
    found = section.get("def") if isinstance(section, dict) else None
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def versioned(definition: Elm, key: str) -> str:
    """The name under the key, with |version where there is one."""
    version = definition.get("version")
    return f"{definition.get(key, '')}|{version}" if version else str(definition.get(key, ""))


def retrieves_of(library: Elm, others: Mapping[str, Elm]) -> tuple[Retrieve, ...]:
    """What the library itself asks for, each once and sorted; `others` are all libraries by name."""
    included = definitions(library, "includes")
    known = {each.get("localIdentifier"): others.get(str(each.get("path")), {}) for each in included}
    found = {_retrieve(node, library, known) for node in _nodes(library.get("statements"), "Retrieve")}
    return tuple(sorted(found))


def _nodes(value: Any, kind: str) -> Iterator[dict[str, Any]]:
    """Every node of the type, in any depth, without recursion."""
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            waiting.extend(node.values())
            if node.get("type") == kind:
                yield node


def _retrieve(node: Elm, library: Elm, known: Mapping[Any, Elm]) -> Retrieve:
    name = str(node.get("dataType", "")).rpartition("}")[2]
    codes, sets = node.get("codes"), [*_nodes(node.get("codes"), "ValueSetRef")]
    if not codes:
        return Retrieve(name)
    return Retrieve(
        name,
        str(node.get("codeProperty", "")),
        tuple(sorted({_code(each, _home(each, library, known)) for each in _nodes(codes, "CodeRef")})),
        next((versioned(_defined(each, _home(each, library, known), "valueSets"), "id") for each in sets), ""),
    )


def _home(reference: Elm, library: Elm, known: Mapping[Any, Elm]) -> Elm:
    """The library in which the thing referred to is defined."""
    return known.get(reference["libraryName"], {}) if "libraryName" in reference else library


def _defined(reference: Elm, home: Elm, kind: str) -> Elm:
    return next((each for each in definitions(home, kind) if each.get("name") == reference.get("name")), {})


def _code(reference: Elm, home: Elm) -> tuple[str, str]:
    """System and code."""
    code = _defined(reference, home, "codes")
    system = _defined(code.get("codeSystem", {}), home, "codeSystems")
    return str(system.get("id", "")), str(code.get("id", ""))
