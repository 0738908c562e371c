"""From paths to documents, one at a time: a file is one resource, or one on every line (NDJSON)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import jiter

from profiles.issue import Issue

STDIN = "-"
BY_LINE = (".ndjson", ".jsonl")
KNOWN = (".json", *BY_LINE)
LARGEST = 40 * 1024 * 1024
"""Bytes of one document: what the server reads, too."""
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Document:
    """One resource as it was found.

    file     as it is shown; "-" is standard input
    line     in an NDJSON file, else 0
    body     its bytes; empty when `problem` says why they could not be had
    chosen   False when it was found by looking through a directory: what is not FHIR there is not a mistake
    """

    file: str
    line: int
    body: bytes
    problem: Issue | None = None
    chosen: bool = True

    @property
    def name(self) -> str:
        """The file, and the line where it has many documents."""
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Source:
    """A file to be read; `chosen` as in Document."""

    path: str
    chosen: bool = True

    @property
    def size(self) -> int:
        """Bytes on disk, 0 when nobody can tell."""
        try:
            return 0 if self.path == STDIN else Path(self.path).stat().st_size
        except OSError:
            return 0


def sources_in(paths: Sequence[str]) -> list[Source]:
    """The files that `paths` name, each once; directories are looked through for .json and .ndjson, in order."""
    found: dict[str, Source] = {}
    for path in paths:
        if path != STDIN and Path(path).is_dir():
            for inside in _below(path):
                found.setdefault(inside, Source(inside, chosen=False))
        else:
            found[path] = Source(path)
    return list(found.values())


def documents_in(source: Source) -> Iterator[Document]:
    """The documents of a file, one in memory at a time. What cannot be read is a document with a problem."""
    shown = printable(source.path)
    try:
        if source.path == STDIN:
            yield from _piped(sys.stdin.buffer)
            return
        with Path(source.path).open("rb") as file:
            if source.path.lower().endswith(BY_LINE):
                yield from _lines(file, shown, source.chosen)
            else:
                yield _document(shown, 0, file.read(LARGEST + 1), source.chosen)
    except OSError as error:
        problem = Issue(
            "error", "exception", "", f"the file cannot be read ({type(error).__name__})", "placet validate"
        )
        yield Document(shown, 0, b"", problem, source.chosen)


def printable(text: str) -> str:
    """A text that can be shown anywhere: no control characters, no halves of surrogate pairs."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def _below(directory: str) -> Iterator[str]:
    for folder, inner, names in os.walk(directory):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(KNOWN) and not name.startswith("."):
                yield str(Path(folder, name))


def _lines(file: BinaryIO, shown: str, chosen: bool, before: Iterable[bytes] = ()) -> Iterator[Document]:
    """A document for every line that is not blank; `before` are lines that were read already."""
    for number, line in enumerate(_and_then(before, file), 1):
        if line.strip():
            yield _document(shown, number, line, chosen)


def _and_then(before: Iterable[bytes], file: BinaryIO) -> Iterator[bytes]:
    yield from before
    while line := file.readline(LARGEST + 1):
        yield line
        if len(line) > LARGEST:
            _skip_line(file)


def _skip_line(file: BinaryIO) -> None:
    while (rest := file.readline(_CHUNK)) and not rest.endswith(b"\n"):
        pass


def _piped(file: BinaryIO) -> Iterator[Document]:
    """Standard input has no name that tells: two lines of which the first is a whole object are NDJSON."""
    first = file.readline(LARGEST + 1)
    second = file.readline(LARGEST + 1) if first.strip() and _is_object(first) else b""
    if second.strip():
        yield from _lines(file, STDIN, True, (first, second))
    else:
        yield _document(STDIN, 0, first + second + file.read(max(0, LARGEST + 1 - len(first))), True)


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(jiter.from_json(line, catch_duplicate_keys=False), dict)
    except ValueError:
        return False


def _document(shown: str, line: int, body: bytes, chosen: bool) -> Document:
    if len(body) <= LARGEST:
        return Document(shown, line, body, None, chosen)
    message = f"larger than {LARGEST // 1024 // 1024} MiB, more than is read as one resource"
    problem = Issue(
        "error", "too-long", "", message, "limit of this server", "Split it: one resource on a line, .ndjson."
    )
    return Document(shown, line, b"", problem, chosen)
