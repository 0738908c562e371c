"""YAML as it was written: texts, lists, mappings and nothing else, each with the line it stands on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from questionnaires.problem import Problem, Severity

Place = tuple[str | int, ...]
"""The way to a value from the top of a file: names of fields and positions in lists."""

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_PLAIN_TAGS = {f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp", "merge")}
_NOTHING = {"", "~", "null"}


@dataclass(frozen=True, slots=True)
class Written:
    """One file: its value, and the line of every place in it.

    Every scalar is a text (or None where nothing is written), so that the code ``01`` stays ``01`` and the answer
    ``no`` stays ``no``; what a field means is the schema's to say. `digest` is the SHA-256 of its bytes.
    """

    file: str
    value: Any
    lines: Mapping[Place, int]
    digest: str = ""

    def line(self, *place: str | int) -> int:
        """The line of the place, or of the nearest place around it that is written."""
        while place not in self.lines and place:
            place = place[:-1]
        return self.lines.get(place, 1)

    def error(self, place: Place, what: str, mend: str) -> Problem:
        """An error at the place."""
        return Problem(self.file, self.line(*place), Severity.ERROR, what, mend)

    def warning(self, place: Place, what: str, mend: str) -> Problem:
        """A warning at the place."""
        return Problem(self.file, self.line(*place), Severity.WARNING, what, mend)


def read_yaml(path: Path) -> tuple[Written, list[Problem]]:
    """The file as written, and what is wrong with it as YAML: syntax, fields given twice, tags, aliases."""
    file = str(path)
    raw = path.read_bytes()
    try:
        node = yaml.compose(raw.decode("utf-8"), Loader=_Loader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        return Written(file, None, {}), [_unreadable(file, error)]
    if node is None:
        return Written(file, None, {}), [Problem(file, 1, Severity.ERROR, "the file is empty", "write it or delete it")]
    reading = _Reading(file)
    return Written(file, reading.read(node, ()), reading.lines, sha256(raw).hexdigest()), reading.problems


def _unreadable(file: str, error: Exception) -> Problem:
    if isinstance(error, UnicodeDecodeError):
        return Problem(file, 1, Severity.ERROR, "this is not UTF-8 text", "save the file as UTF-8")
    if isinstance(error, RecursionError):
        return Problem(file, 1, Severity.ERROR, "nested too deeply", "write it flat")
    mark = getattr(error, "problem_mark", None)
    what = f"this is not YAML ({getattr(error, 'problem', None) or 'characters that YAML does not allow'})"
    return Problem(file, mark.line + 1 if mark else 1, Severity.ERROR, what, "check indentation, colons and quotes")


@dataclass(slots=True)
class _Reading:
    file: str
    lines: dict[Place, int] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    def read(self, node: yaml.Node, place: Place) -> Any:
        self.lines.setdefault(place, node.start_mark.line + 1)
        if id(node) in self.seen:
            return self.refuse(node, "an alias (*) repeats another part of the file", "write it out")
        self.seen.add(id(node))
        if isinstance(node, yaml.MappingNode) and node.tag == "tag:yaml.org,2002:map":
            return self.mapping(node, place)
        if isinstance(node, yaml.SequenceNode) and node.tag == "tag:yaml.org,2002:seq":
            return [self.read(each, (*place, number)) for number, each in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _PLAIN_TAGS:
            return None if not node.style and node.value in _NOTHING else node.value
        return self.refuse(node, f"the tag {node.tag} is not read here", "write plain text, a list or a mapping")

    def mapping(self, node: yaml.MappingNode, place: Place) -> dict[str, Any]:
        value: dict[str, Any] = {}
        for key, content in node.value:
            if not isinstance(key, yaml.ScalarNode):
                self.refuse(key, "the name of a field is a list or a mapping", "use a plain name")
                continue
            if key.value in value:
                first = self.lines[(*place, key.value)]
                self.refuse(key, f"'{key.value}' is given twice, first in line {first}", "keep one of them")
                continue
            self.lines[(*place, key.value)] = key.start_mark.line + 1
            value[key.value] = self.read(content, (*place, key.value))
        return value

    def refuse(self, node: yaml.Node, what: str, mend: str) -> None:
        self.problems.append(Problem(self.file, node.start_mark.line + 1, Severity.ERROR, what, mend))
