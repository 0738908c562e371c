"""Writing the notation: from a definition to the text of its file."""

from __future__ import annotations

import json
from typing import Any

from profiles.notation import GAP, Definition, Element, Slicing, TypeUse, short


def write(definition: Definition) -> str:
    """The file of a definition; `read` gives it back."""
    head = [f"profile {definition.canonical}|{definition.version}", f"type {definition.type}"]
    if definition.on:
        head.append(f"on {definition.on}")
    if definition.derivation != "constraint":
        head.append(f"derivation {definition.derivation}")
    if definition.abstract:
        head.append("abstract yes")
    head += [f"context {kind} {expression}" for kind, expression in definition.contexts]
    return "\n".join([*head, "", *map(line_of, definition.elements)]) + "\n"


def line_of(element: Element) -> str:
    """The line of an element; `parse` gives it back."""
    fields = [element.id, element.cardinality]
    fields += ["must-support"] if element.must_support else []
    fields += ["modifier"] if element.modifier else []
    fields += ["type " + " or ".join(map(_type_text, element.types))] if element.types else []
    for word, literal in (
        ("fixed", element.fixed),
        ("pattern", element.pattern),
        ("least", element.lowest),
        ("most", element.highest),
    ):
        fields += [f"{word} {_json(literal.value)}"] if literal else []
    fields += [f"length {element.length}"] if element.length is not None else []
    fields += ["binding " + " ".join(element.binding)] if element.binding else []
    fields += ["rules " + " ".join(element.rules)] if element.rules else []
    fields += [_slicing_text(element.slicing)] if element.slicing else []
    fields += [f"like {element.like}"] if element.like else []
    return GAP.join(text for text in fields if text)


def _type_text(use: TypeUse) -> str:
    text = use.code
    if use.profiles:
        text += "{" + " or ".join(map(short, use.profiles)) + "}"
    if use.targets:
        text += "(" + " or ".join(map(short, use.targets)) + ")"
    return text


def _json(value: Any) -> str:
    """JSON on one line in which two blanks never meet, so that a field stays one field."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace(GAP, " \\u0020")


def _slicing_text(slicing: Slicing) -> str:
    words = ["slices", slicing.rules, *(["ordered"] if slicing.ordered else [])]
    return " ".join(words + [f"{kind}:{path.replace(' ', '%20')}" for kind, path in slicing.discriminators])
