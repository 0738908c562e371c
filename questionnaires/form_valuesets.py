"""The ValueSets that forms choose answers from: FHIR ValueSets in JSON files beside the topics.

<topic>/valuesets/<name>.json       of the forms of one topic
libraries/valuesets/<name>.json     of any form
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from questionnaires.json_file import read_json
from questionnaires.problem import Problem
from questionnaires.written import Written
from server.authorization.request import Code
from server.authorization.systems import normal_system

SHARED = "libraries"


@dataclass(frozen=True, slots=True)
class FormValueSet:
    """A ValueSet as a form needs it.

    codes     what it lists, by its expansion or its own concepts; None where it names codes that only a terminology
              server can list: then any code may be in it
    resource  the FHIR ValueSet as it is in the file;  digest  hash of the file
    """

    url: str
    version: str
    title: str
    codes: tuple[Code, ...] | None
    resource: Mapping[str, Any] = field(hash=False, repr=False)
    digest: str = ""

    @property
    def canonical(self) -> str:
        """url|version: how forms name it."""
        return f"{self.url}|{self.version}"


class FormValueSets:
    """The ValueSets that one form can name, by url and by url|version; of several versions the url is the newest."""

    def __init__(self, sets: Iterable[FormValueSet] = ()) -> None:
        self._named: dict[str, FormValueSet] = {}
        for each in sorted(sets, key=lambda one: _number(one.version)):
            self._named[each.url] = self._named[each.canonical] = each

    def get(self, canonical: str) -> FormValueSet | None:
        """The set with this url or url|version; None for an unknown one."""
        return self._named.get(canonical)

    def __iter__(self) -> Iterator[FormValueSet]:
        return iter({each.canonical: each for each in self._named.values()}.values())

    def joined(self, others: FormValueSets) -> FormValueSets:
        """These and the others."""
        return FormValueSets((*others, *self))


def read_valuesets(folder: Path, problems: list[Problem]) -> FormValueSets:
    """The ValueSets in a folder; what is wrong with any of them is added to the problems."""
    written = []
    for path in sorted(folder.glob("*.json")):
        file, found = read_json(path)
        found = found or list(_problems(file))
        problems.extend(found)
        if not found:
            written.append(file)
    resources = {str(each.value["url"]): each.value for each in written}
    return FormValueSets(_value_set(each, resources) for each in written)


def _problems(written: Written) -> Iterator[Problem]:
    value = written.value
    if not isinstance(value, dict) or value.get("resourceType") != "ValueSet":
        yield written.error((), "this is no ValueSet", 'write {"resourceType": "ValueSet", ...}')
        return
    for name in ("url", "version", "status"):
        if not isinstance(value.get(name), str):
            yield written.error((), f"the value set has no {name}", f'write "{name}": "..."')
    if not isinstance(value.get("compose"), dict) and not isinstance(value.get("expansion"), dict):
        yield written.error((), "the value set has no codes", "add compose")


def _value_set(written: Written, resources: Mapping[str, Any]) -> FormValueSet:
    value = written.value
    codes = _codes(value, resources, ())
    listed = None if codes is None else tuple(dict.fromkeys(codes))
    title = str(value.get("title", value.get("name", "")))
    return FormValueSet(value["url"], value["version"], title, listed, value, written.digest)


def _codes(value: Any, resources: Mapping[str, Any], within: tuple[str, ...]) -> list[Code] | None:
    """The codes of a ValueSet; None where they cannot be listed."""
    expansion = value.get("expansion")
    if isinstance(expansion, dict):
        return list(_contained(expansion.get("contains")))
    compose = value.get("compose") or {}
    found: list[Code] = []
    for include in _objects(compose.get("include")):
        codes = _included(include, resources, (*within, str(value.get("url"))))
        if codes is None:
            return None
        found += codes
    dropped: set[Code] = set()
    for exclude in _objects(compose.get("exclude")):
        dropped |= set(_included(exclude, resources, within) or ())
    return [code for code in found if code not in dropped]


def _included(include: Mapping[str, Any], resources: Mapping[str, Any], within: tuple[str, ...]) -> list[Code] | None:
    system = normal_system(str(include.get("system", "")))
    if include.get("concept"):
        return [Code(system, str(each.get("code"))) for each in _objects(include["concept"])]
    named = [str(url).partition("|")[0] for url in include.get("valueSet") or ()]
    if not named or system or any(url in within or url not in resources for url in named):
        return None
    sets = [_codes(resources[url], resources, within) for url in named]
    listed = [each for each in sets if each is not None]
    if len(listed) < len(sets):
        return None
    return [code for code in listed[0] if all(code in other for other in listed[1:])]


def _contained(contains: Any) -> Iterator[Code]:
    for each in _objects(contains):
        if each.get("code") and each.get("abstract") is not True:
            yield Code(normal_system(str(each.get("system", ""))), str(each["code"]))
        yield from _contained(each.get("contains"))


def _objects(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(version: str) -> tuple[int, ...]:
    """The version as numbers to sort by."""
    return tuple(int(part) if part.isdigit() else 0 for part in version.split("."))
