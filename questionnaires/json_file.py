"""JSON files of the content: read as JSON, fast; the lines of their places only when somebody asks for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import jiter

from questionnaires.problem import Problem, Severity
from questionnaires.written import Place, Written, read_yaml


class LinesOf(Mapping[Place, int]):
    """The line of every place in a JSON file. JSON is a part of YAML, whose reader knows lines; it is slow."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def _lines(self) -> Mapping[Place, int]:
        return read_yaml(self._path)[0].lines

    def __getitem__(self, place: Place) -> int:
        return self._lines[place]

    def __iter__(self) -> Iterator[Place]:
        return iter(self._lines)

    def __len__(self) -> int:
        return len(self._lines)


def read_json(path: Path) -> tuple[Written, list[Problem]]:
    """The file as written, numbers with a point as Decimal; and what is wrong with it as JSON."""
    raw, file = path.read_bytes(), str(path)
    try:
        value = jiter.from_json(raw, float_mode="decimal", catch_duplicate_keys=True)
    except ValueError as error:
        line = _line_in(str(error))
        problem = Problem(file, line, Severity.ERROR, f"this is not JSON ({error})", "correct it there")
        return Written(file, None, {}), [problem]
    return Written(file, value, LinesOf(path), sha256(raw).hexdigest()), []


def _line_in(message: str) -> int:
    """The line that the parser names at the end of its message."""
    _words, _at, place = message.rpartition(" at line ")
    number = place.partition(" ")[0]
    return int(number) if number.isdigit() else 1
