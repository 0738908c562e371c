"""Value sets that expand from what is in the tables, and what is known of those that do not.

`codesystems.txt`: a system per line and its codes. `valuesets.txt`: a canonical per line, below it its parts::

    http://hl7.org/fhir/ValueSet/x
      all of http://system            every code of a system
      http://system: a b              some codes (%20 for a blank)
      in http://other/ValueSet        everything in another value set
      some of http://system           by a filter that only a terminology server can answer
      without http://system: c        codes taken out
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

Code = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Expansion:
    """What is in a value set: (system, code) pairs, and systems of which all or some codes belong to it unlisted.

    `complete` is True when the pairs are everything, so that absence can be told.
    """

    pairs: frozenset[Code]
    open_systems: frozenset[str]
    complete: bool

    @property
    def codes(self) -> frozenset[str]:
        """The codes without their systems, as an element of type code holds them."""
        return frozenset(code for _, code in self.pairs)

    @property
    def systems(self) -> frozenset[str]:
        """Every system a code of this set can come from."""
        return self.open_systems | {system for system, _ in self.pairs}


UNKNOWN = Expansion(frozenset(), frozenset(), False)


class ValueSets:
    """The value sets and code systems of some folders, the earlier ones preferred."""

    def __init__(self, folders: list[Path]) -> None:
        self._folders = folders
        self._parts: dict[str, list[str]] | None = None
        self._systems: dict[str, str] = {}
        self._expansions: dict[str, Expansion] = {}

    def expansion(self, canonical: str) -> Expansion:
        """What is in the value set, as far as the tables tell; UNKNOWN when none holds it."""
        plain = canonical.partition("|")[0]
        known = self._expansions.get(plain)
        if known is None:
            self._expansions[plain] = UNKNOWN  # a set that includes itself adds nothing
            known = self._expansions[plain] = self._expand(plain)
        return known

    def holds(self, canonical: str) -> bool:
        """True when some folder says what is in the value set."""
        return canonical.partition("|")[0] in self._read()

    def system(self, url: str) -> list[str] | None:
        """Every code of a code system, None when the tables do not have it."""
        self._read()
        codes = self._systems.get(url)
        return None if codes is None else [code.replace("%20", " ") for code in codes.split(" ")]

    def _expand(self, plain: str) -> Expansion:
        parts = self._read().get(plain)
        if parts is None:
            return UNKNOWN
        pairs: set[Code] = set()
        without: set[Code] = set()
        open_systems: set[str] = set()
        complete = True
        for part in parts:
            if part.startswith("without "):
                without |= _pairs(part.removeprefix("without "))
                continue
            found = self._part(part)
            pairs |= found.pairs
            open_systems |= found.open_systems
            complete = complete and found.complete
        return Expansion(frozenset(pairs - without), frozenset(open_systems), complete)

    def _part(self, part: str) -> Expansion:
        if part.startswith("in "):
            return self.expansion(part.removeprefix("in "))
        if part.startswith("some of "):
            return Expansion(frozenset(), frozenset({part.removeprefix("some of ")}), False)
        if part.startswith("all of "):
            url = part.removeprefix("all of ")
            codes = self.system(url)
            if codes is None:
                return Expansion(frozenset(), frozenset({url}), False)
            return Expansion(frozenset((url, code) for code in codes), frozenset(), True)
        return Expansion(frozenset(_pairs(part)), frozenset(), True)

    def _read(self) -> dict[str, list[str]]:
        if self._parts is None:
            self._parts = {}
            for folder in reversed(self._folders):
                self._parts.update(_sets_in(folder / "valuesets.txt"))
                self._systems.update(_systems_in(folder / "codesystems.txt"))
        return self._parts


@cache
def _sets_in(path: Path) -> dict[str, list[str]]:
    """Canonical -> parts, of one folder; read once for all sets that see it."""
    found: dict[str, list[str]] = {}
    parts: list[str] = []
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        if line.startswith("  "):
            parts.append(line[2:])
        else:
            parts = found[line] = []
    return found


@cache
def _systems_in(path: Path) -> dict[str, str]:
    """System -> its codes with blanks between, of one folder."""
    lines = path.read_text("utf-8").splitlines() if path.exists() else ()
    return {url: codes for url, _, codes in (line.partition(" ") for line in lines)}


def _pairs(part: str) -> set[Code]:
    system, _, codes = part.partition(": ")
    return {(system, code.replace("%20", " ")) for code in codes.split(" ")}
