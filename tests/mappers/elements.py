"""Finding elements of FHIR JSON by short paths, for expectations that are data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Json = dict[str, Any]


def elements_at(node: Any, path: str) -> Iterator[Any]:
    """The values at a path: ``name``, ``name[x]`` of any type, ``name{word}`` that says the word (`says`)."""
    step, _, rest = path.partition(".")
    name, _, word = step.removesuffix("}").partition("{")
    for value in values_of(node, name):
        if not word or says(value, word):
            yield from elements_at(value, rest) if rest else [value]


def values_of(node: Json, name: str) -> Iterator[Any]:
    """The values of an element, of a repeating one each."""
    stem = name.removesuffix("[x]")
    typed = [key for key in node if key.startswith(stem) and key[len(stem) : len(stem) + 1].isupper()]
    for key in typed if name.endswith("[x]") else [name]:
        found = node.get(key, [])
        yield from found if isinstance(found, list) else [found]


def says(value: Json, word: str) -> bool:
    """Whether an extension, identifier, input or item is the one."""
    kinds = [coding["code"] for coding in value.get("type", {}).get("coding", [])]
    ends = [str(value.get(key, "")).replace("/", "-").rpartition("-" + word)[1:] for key in ("url", "system")]
    return word in kinds or word in (value.get("url"), str(value.get("itemSequence"))) or ("-" + word, "") in ends


def put(node: Any, path: str, value: Any) -> None:
    """Set the element at a path of names and numbers; null takes it away, a number behind the end adds to a list."""
    *above, last = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in above:
        node = node[step]
    if value is None:
        del node[last]
    elif isinstance(node, list) and last == len(node):
        node.append(value)
    else:
        node[last] = value
