"""Reading the notation: from the text of a file to a definition."""

from __future__ import annotations

import json

from profiles.notation import GAP, Definition, Element, Literal, NotationError, Slicing, TypeUse, full


def read(text: str, source: str) -> Definition:
    """The definition a file holds. Raises NotationError naming `source` and the line."""
    head, _, body = text.partition("\n\n")
    definition = _header(head.splitlines(), source)
    start = head.count("\n") + 3
    for number, line in enumerate(body.splitlines(), start):
        if line:
            try:
                definition.elements.append(parse(line))
            except (ValueError, IndexError) as fault:
                raise NotationError(f"{source}:{number}: {fault}") from fault
    return definition


def _header(lines: list[str], source: str) -> Definition:
    said: dict[str, str] = {}
    contexts: list[tuple[str, str]] = []
    for line in lines:
        word, _, value = line.partition(" ")
        if word == "context":
            kind, _, expression = value.partition(" ")
            contexts.append((kind, expression))
        else:
            said[word] = value
    if "profile" not in said or "type" not in said:
        raise NotationError(f"{source}: a file starts with `profile` and `type`")
    canonical, _, version = said["profile"].partition("|")
    return Definition(
        canonical=canonical,
        version=version,
        type=said["type"],
        on=said.get("on", ""),
        derivation=said.get("derivation", "constraint"),
        abstract="abstract" in said,
        contexts=tuple(contexts),
    )


def parse(line: str) -> Element:
    """The element of one line. Raises ValueError for a field the notation does not know."""
    identity, *fields = line.split(GAP)
    element = Element(identity)
    for text in fields:
        word, _, rest = text.partition(" ")
        reader = _FIELDS.get(word)
        if reader is not None:
            reader(element, rest)
        elif word[0].isdigit():
            _cardinality(element, word)
        else:
            raise ValueError(f"unknown field {word!r}")
    return element


def _cardinality(element: Element, text: str) -> None:
    least, _, most = text.partition("..")
    element.least = int(least)
    element.many = most == "*"
    element.most = None if element.many else int(most)


def _types(element: Element, rest: str) -> None:
    element.types = tuple(_type(text) for text in _alternatives(rest))


def _alternatives(text: str) -> list[str]:
    """`A or B(C or D)` as [`A`, `B(C or D)`]."""
    if "(" not in text and "{" not in text:
        return text.split(" or ")
    parts = [""]
    for word in text.split(" or "):
        open_ones = parts[-1].count("(") + parts[-1].count("{") - parts[-1].count(")") - parts[-1].count("}")
        if open_ones:
            parts[-1] += " or " + word
        else:
            parts.append(word)
    return parts[1:]


def _type(text: str) -> TypeUse:
    targets: tuple[str, ...] = ()
    profiles: tuple[str, ...] = ()
    if text.endswith(")"):
        text, _, inner = text[:-1].partition("(")
        targets = tuple(full(name) for name in inner.split(" or "))
    if text.endswith("}"):
        text, _, inner = text[:-1].partition("{")
        profiles = tuple(full(name) for name in inner.split(" or "))
    return TypeUse(text, profiles, targets)


def _fixed(element: Element, rest: str) -> None:
    element.fixed = Literal(json.loads(rest))


def _pattern(element: Element, rest: str) -> None:
    element.pattern = Literal(json.loads(rest))


def _lowest(element: Element, rest: str) -> None:
    element.lowest = Literal(json.loads(rest))


def _highest(element: Element, rest: str) -> None:
    element.highest = Literal(json.loads(rest))


def _length(element: Element, rest: str) -> None:
    element.length = int(rest)


def _binding(element: Element, rest: str) -> None:
    strength, _, canonical = rest.partition(" ")
    element.binding = (strength, canonical)


def _rules(element: Element, rest: str) -> None:
    element.rules = tuple(rest.split(" "))


def _slices(element: Element, rest: str) -> None:
    rules, *words = rest.split(" ")
    ordered = words[:1] == ["ordered"]
    pairs = (word.partition(":") for word in words[ordered:])
    element.slicing = Slicing(rules, ordered, tuple((kind, path.replace("%20", " ")) for kind, _, path in pairs))


def _like(element: Element, rest: str) -> None:
    element.like = rest


def _must_support(element: Element, _rest: str) -> None:
    element.must_support = True


def _modifier(element: Element, _rest: str) -> None:
    element.modifier = True


_FIELDS = {
    "must-support": _must_support,
    "modifier": _modifier,
    "type": _types,
    "fixed": _fixed,
    "pattern": _pattern,
    "least": _lowest,
    "most": _highest,
    "length": _length,
    "binding": _binding,
    "rules": _rules,
    "slices": _slices,
    "like": _like,
}
