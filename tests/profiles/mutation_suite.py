"""The mutation suite as data: bases, cases, how a case changes its base, and where an issue was expected.

A base is a valid resource of this project's own (`bases/<name>.json`). A case (`cases/<kind of rule>.json`) names a
base or brings its own `data`, changes it by a `patch`, and lists the issues the guide demands. `expected` holds every
error that refuses, one for each root cause; information is expected where it is listed and free elsewhere.

A patch is a list of RFC 6902 operations with JSON pointers (add, remove, replace, copy, move) and three of our own:
fill (a string of `times` x `text`), nest (`depth` lists, or objects with the next one under `key` and `leaf` at the
bottom) and repeat (append `value` `times` over, # standing for the number).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from profiles import issues_in
from profiles.issue import Issue

HERE = Path(__file__).parent
Json = dict[str, Any]

_CHOICES = re.compile(
    r"\.(value|serviced|timing|diagnosis|procedure|location|occurrence|medication|multipleBirth|deceased|quantity|code"
    r"|answer|content|bounds|allowed|reported|asNeeded|effective|onset|abatement|performed|author|age|dose|rate)"
    r"(Base64Binary|Boolean|Canonical|CodeableReference|CodeableConcept|Code|Coding|DateTime|Date|Decimal|Id|Instant"
    r"|Integer|Markdown|Oid|PositiveInt|String|Time|Timing|UnsignedInt|Uri|Url|Uuid|Address|Annotation|Attachment"
    r"|Duration|Expression|HumanName|Identifier|Meta|Money|Period|Quantity|Range|Ratio|Reference)(?=[.\[]|$)"
)


def read(path: Path) -> Any:
    """Decoded as at the door: decimals keep their digits."""
    return json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)


def base_names() -> list[str]:
    return sorted(path.stem for path in (HERE / "bases").glob("*.json"))


def base(name: str) -> Any:
    """A fresh copy of a base, free to be changed."""
    return read(HERE / "bases" / f"{name}.json")


@cache
def case_files() -> dict[str, list[Json]]:
    return {path.stem: read(path) for path in sorted((HERE / "cases").glob("*.json"))}


def all_cases() -> Iterator[tuple[str, Json]]:
    for kind, cases in case_files().items():
        for case in cases:
            yield kind, case


def resource_of(case: Json) -> Any:
    """What the case holds against the profile: its base, or its own data, after the patch."""
    resource = case["data"] if "data" in case else base(case["base"])
    for operation in case.get("patch", []):
        _OPERATIONS[operation["op"]](resource, operation)
    return resource


def issues_of(case: Json) -> list[Issue]:
    if "version" in case:
        return issues_in(resource_of(case), case["profile"], version=case["version"])
    return issues_in(resource_of(case), case["profile"])


def refuses(expected: Json) -> bool:
    return expected["severity"] == "error" and expected.get("verdict", "yours") == "yours"


# ---------------------------------------------------------------------------------------------- patches


def steps(pointer: str) -> list[str]:
    """RFC 6901, the empty pointer being the whole."""
    return [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]


def at(resource: Any, pointer: str) -> Any:
    for step in steps(pointer):
        resource = resource[int(step)] if isinstance(resource, list) else resource[step]
    return resource


def _holder(resource: Any, pointer: str) -> tuple[Any, Any]:
    *way, last = steps(pointer)
    holder = at(resource, "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in way))
    if isinstance(holder, list):
        return holder, len(holder) if last == "-" else int(last)
    return holder, last


def _set(resource: Any, pointer: str, value: Any) -> None:
    holder, key = _holder(resource, pointer)
    if isinstance(holder, list):
        holder.insert(key, value)
    else:
        holder[key] = value


def _copied(value: Any) -> Any:
    return json.loads(json.dumps(value, default=_number), parse_float=Decimal)


def _number(value: Decimal) -> float:
    return float(value)


def _add(resource: Any, operation: Json) -> None:
    _set(resource, operation["path"], _copied(operation["value"]))


def _remove(resource: Any, operation: Json) -> None:
    holder, key = _holder(resource, operation["path"])
    del holder[key]


def _replace(resource: Any, operation: Json) -> None:
    holder, key = _holder(resource, operation["path"])
    assert key in holder if isinstance(holder, dict) else key < len(holder), operation
    holder[key] = operation["value"]


def _copy(resource: Any, operation: Json) -> None:
    _set(resource, operation["path"], _copied(at(resource, operation["from"])))


def _move(resource: Any, operation: Json) -> None:
    value = at(resource, operation["from"])
    _remove(resource, {"path": operation["from"]})
    _set(resource, operation["path"], value)


def _fill(resource: Any, operation: Json) -> None:
    holder, key = _holder(resource, operation["path"])
    holder[key] = operation["text"] * operation["times"]


def _nest(resource: Any, operation: Json) -> None:
    holder, key = _holder(resource, operation["path"])
    value: Any = [operation["leaf"]] if "leaf" in operation else []
    for _ in range(operation["depth"]):
        value = [{**operation["leaf"], operation["key"]: value}] if "key" in operation else [value]
    holder[key] = value


def _repeat(resource: Any, operation: Json) -> None:
    pattern = json.dumps(operation["value"])
    at(resource, operation["path"]).extend(json.loads(pattern.replace("#", str(n))) for n in range(operation["times"]))


_OPERATIONS = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "copy": _copy,
    "move": _move,
    "fill": _fill,
    "nest": _nest,
    "repeat": _repeat,
}


# ---------------------------------------------------------------------------------------------- places


def place(expression: str) -> str:
    """A FHIRPath expression as compared: servicedDate, serviced.ofType(date) and serviced are one, and so are
    _birthDate and birthDate."""
    return _CHOICES.sub(r".\1", re.sub(r"\.ofType\(\w+\)", "", expression).replace("._", "."))


def meets(issue: Issue, expected: Json) -> bool:
    """True when the issue is the expected one; whatever `expected` leaves out is free."""
    places = expected.get("expression", [])
    places = [places] if isinstance(places, str) else places
    words = expected.get("rule_contains", [])
    words = [words] if isinstance(words, str) else words
    return (
        issue.severity == expected["severity"]
        and issue.verdict == expected.get("verdict", "yours")
        and issue.code == expected.get("code", issue.code)
        and issue.rule == expected.get("rule", issue.rule)
        and (not places or place(issue.expression) in {place(each) for each in places})
        and (not words or any(word in issue.rule for word in words))
    )


def persons_words(resource: Any) -> set[str]:
    """Whatever in the resource could name a person: parts of Patients, and member numbers of Coverages."""
    words: set[str] = set()
    for patient in _resources(resource, "Patient"):
        for element in ("identifier", "name", "telecom", "address", "contact"):
            words |= _texts(patient.get(element))
        words.add(patient.get("birthDate"))
    for coverage in _resources(resource, "Coverage"):
        words |= {coverage.get("subscriberId"), coverage.get("dependent")}
        words |= _texts(coverage.get("identifier"))
    return {word for word in words if isinstance(word, str) and re.search(r"\w", word)}


_SAID_OPENLY = {"system", "use", "code", "url", "reference", "display", "type", "state", "country", "id"}


def _texts(node: Any) -> set[str]:
    found: set[str] = set()
    waiting = [node]
    while waiting:
        node = waiting.pop()
        if isinstance(node, str):
            found.add(node)
        elif isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            waiting.extend(value for key, value in node.items() if key not in _SAID_OPENLY)
    return {word for word in found if len(word) > 3}


def _resources(resource: Any, kind: str) -> Iterator[Json]:
    waiting = [resource]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            if node.get("resourceType") == kind:
                yield node
            waiting.extend(value for value in node.values() if isinstance(value, (dict, list)))
