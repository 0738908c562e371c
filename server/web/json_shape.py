"""What FHIR asks of any JSON it is written in, whatever the resource (R4 json.html), and the limits of one message.

One pass over the decoded document, outermost first; every problem becomes an Issue with its FHIRPath.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from typing import Any

from profiles.issue import Issue
from server.web import limits

Json = dict[str, Any]
Level = list[tuple[Any, str]]
"""The objects and arrays of one level of nesting, each with its FHIRPath."""

_KEY = re.compile(r"_?[a-zA-Z][A-Za-z0-9]*")
_TYPE = re.compile(r"[A-Z][A-Za-z]{1,63}")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_R4 = "R4 json.html"
TOO_MUCH = "too-costly"
LIMIT = "limit of this server"
LIST_LIMIT = "limit of this server on lists"
"""Rule of an issue with proper FHIR JSON whose lists are longer than is read here."""


class _Names(dict[str, bool]):
    """Whether a key is a FHIR element name. Good ones are remembered, up to a bound: the same few hundred return."""

    def __missing__(self, key: str) -> bool:
        good = len(key) <= 64 and _KEY.fullmatch(key) is not None
        if good and len(self) < 4096:
            self[key] = good
        return good


_IS_NAME = _Names()


def shape_issues(document: Any) -> list[Issue]:
    """Every way in which `document` is not one FHIR resource in JSON; empty when it is. At most `limits.PROBLEMS`."""
    if not isinstance(document, dict):
        return [_issue("", "The body is not a JSON object.", "Send one resource: an object with resourceType.")]
    name = document.get("resourceType")
    if not isinstance(name, str) or not _TYPE.fullmatch(name):
        return [_issue("", "The object has no resourceType.", 'Name the type first: "resourceType": "Bundle".')]
    found = list(islice(_problems(document, name), limits.PROBLEMS + 1))
    if len(found) > limits.PROBLEMS:
        found[-1] = _issue(name, f"More than {limits.PROBLEMS} problems; the rest is not listed.", "Mend these first.")
    return found


def _problems(document: Json, name: str) -> Iterator[Issue]:
    level: Level = [(document, name)]
    depth = 1
    while level:
        if depth > limits.NESTING:
            yield too_deep(level[0][1])
            return
        below: Level = []
        for node, path in level:
            yield from (_in_object if type(node) is dict else _in_array)(node, path, below)
        level = below
        depth += 1


def _in_object(node: Json, path: str, below: Level) -> Iterator[Issue]:
    if not 0 < len(node) <= limits.OBJECT_KEYS:
        yield from _size(node, path)
    for key, value in node.items():
        kind = type(value)
        if not _IS_NAME[key]:
            yield _issue(path, "A key is not the name of a FHIR element.", "Names are letters and digits: birthDate.")
        elif kind is str:
            if not value.isprintable() or not 0 < len(value) <= limits.STRING_CHARACTERS:
                yield from _in_string(value, _child(path, key), is_base64=key in limits.BASE64_KEYS)
        elif kind is dict:
            below.append((value, _child(path, key)))
        elif kind is list:
            below.append((value, _child(path, key)))
            if not 0 < len(value) <= limits.LOWEST_OF_ARRAYS:
                yield from _length(value, _child(path, key), key, node)
            if None in value:
                yield from _nulls(value, _child(path, key), key, node)
        elif kind is not bool:
            yield from _in_number(value, _child(path, key))


def _in_array(node: list[Any], path: str, below: Level) -> Iterator[Issue]:
    for number, value in enumerate(node):
        kind = type(value)
        if kind is dict:
            below.append((value, f"{path}[{number}]"))
        elif kind is list:
            yield _issue(f"{path}[{number}]", "An array stands directly in an array.", "Write one array of elements.")
        elif kind is str:
            if not value.isprintable() or not 0 < len(value) <= limits.STRING_CHARACTERS:
                yield from _in_string(value, f"{path}[{number}]")
        elif kind is not bool and value is not None:  # nulls were looked at with the array's other half
            yield from _in_number(value, f"{path}[{number}]")


def _child(path: str, key: str) -> str:
    """FHIRPath has no underscore: _birthDate holds the id and extensions of birthDate."""
    return f"{path}.{key[1:] if key[0] == '_' else key}"


def _size(node: Json, path: str) -> Iterator[Issue]:
    if not node:
        yield _issue(path, "An empty object.", "Leave the element out.")
    else:
        yield _too_much(path, f"An object with more than {limits.OBJECT_KEYS} keys.")


def _length(array: list[Any], path: str, key: str, parent: Json) -> Iterator[Issue]:
    if not array:
        yield _issue(path, "An empty array.", "Leave the element out.")
    limit = limits.ARRAYS_OF.get(f"{parent.get('resourceType')}.{key}", limits.ARRAY_ELEMENTS)
    if len(array) > limit:
        yield _too_much(path, f"An array with more than {limit} elements.")


def _nulls(array: list[Any], path: str, key: str, parent: Json) -> Iterator[Issue]:
    """null only fills a place whose value, or whose id and extensions, stand in the array's other half."""
    other = parent.get(key[1:] if key.startswith("_") else f"_{key}")
    for number, value in enumerate(array):
        if value is None and not (isinstance(other, list) and number < len(other) and other[number] is not None):
            yield _issue(
                f"{path}[{number}]",
                "null without a counterpart.",
                f"Leave it out, or fill the same place of the other half ({_halves(key)}).",
            )


def _halves(key: str) -> str:
    return f"{key.lstrip('_')} and _{key.lstrip('_')}"


def _in_string(value: str, path: str, *, is_base64: bool = False) -> Iterator[Issue]:
    if not value:
        yield _issue(path, "An empty string.", "Leave the element out.")
    if len(value) > limits.STRING_CHARACTERS and not is_base64:
        yield _too_much(path, f"A string longer than {limits.STRING_CHARACTERS} characters.", LIMIT)
    if _CONTROL.search(value):
        yield _issue(
            path, "A string with a control character.", "Of the control characters only tab, CR and LF are allowed."
        )


def _in_number(value: Any, path: str) -> Iterator[Issue]:
    if value is None:
        yield _issue(path, "null is not a value.", "Leave the element out.")
    elif type(value) is int:
        if abs(value) >= 10**limits.NUMBER_DIGITS:
            yield _issue(path, "A number with too many digits.", f"Use at most {limits.NUMBER_DIGITS} digits.", "value")
    elif isinstance(value, Decimal):
        if len(value.as_tuple().digits) > limits.NUMBER_DIGITS:
            yield _issue(path, "A number with too many digits.", f"Use at most {limits.NUMBER_DIGITS} digits.", "value")
        if abs(value.adjusted()) > limits.NUMBER_MAGNITUDE:
            yield _issue(path, "A number too large or too small.", "Stay between 1e-308 and 1e308.", "value")


def too_deep(path: str = "") -> Issue:
    """Nested deeper than is read."""
    message = f"Objects and arrays are nested deeper than {limits.NESTING} levels."
    return Issue(
        "error", TOO_MUCH, path, message, LIMIT, f"Nest at most {limits.NESTING} levels; resources need fewer than 30."
    )


def _issue(path: str, message: str, repair: str, code: str = "structure") -> Issue:
    return Issue("error", code, path, message, _R4, repair)


def _too_much(path: str, message: str, rule: str = LIST_LIMIT) -> Issue:
    return Issue("error", TOO_MUCH, path, message, rule, "Split the request, or send less.")
