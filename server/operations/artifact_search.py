"""Read and search of Questionnaire, Library and ValueSet: what packages are made of, by id or by url, version, name."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

from mappers.dtr import names
from mappers.dtr.dialects import DIALECTS
from mappers.pas.instants import instant
from profiles import Issue
from questionnaires.artifacts import KINDS, Artifact, Kind
from server.errors import Invalid, NotFound, refusal
from server.operations.artifacts import Press
from server.operations.catalogue import BOTH, Operation, SearchParameter
from server.payer import Call, Payer

Json = dict[str, Any]
RULE = "R4 search"
USUAL, MOST = 20, 100
"""Resources on a page: where nothing is said, and at most."""

_COMMA = re.compile(r"(?<!\\),")


def read_artifact(call: Call, payer: Payer, kind: Kind) -> Any:
    """The form, library or value set with this id, in the dialect of the base.

    Raises:
        NotFound: there is none.
    """
    press = _press(call, payer)
    found = press.content.artifacts.get(kind, call.id)
    if found is None:
        repair = f"Search for it by url: {kind}?url=..."
        raise refusal(NotFound, "not-found", f"There is no {kind} with this id.", "R4 http read", repair=repair)
    return _written(found, press)


def search_artifacts(call: Call, payer: Payer, kind: Kind) -> Json:
    """A searchset of those that fit every parameter; values with commas between are alternatives.

    Raises:
        Invalid: a number that is none, a modifier that is not known, or, with Prefer: handling=strict, a parameter.
    """
    problems = [*_misused(call), *_misnumbered(call)]
    if problems:
        raise Invalid(problems)
    press = _press(call, payer)
    fitting = [each for each in press.content.artifacts.of_kind(kind) if _fits(each, call)]
    page = _page(call)
    shown = fitting[page.offset : page.offset + page.count]
    return {
        "resourceType": "Bundle",
        "meta": {"lastUpdated": instant(press.at)},
        "type": "searchset",
        "total": len(fitting),
        "link": _links(call, kind, page, len(fitting)),
        **({"entry": [_entry(each, press) for each in shown]} if shown else {}),
    }


def _press(call: Call, payer: Payer) -> Press:
    return Press(payer, payer.content(), DIALECTS[call.dialect], call.base, payer.now())


def _written(artifact: Artifact, press: Press) -> Any:
    """As it is for everybody: the plan's own numbers are filled in packages only."""
    match artifact.kind:
        case "Questionnaire":
            return press.form(artifact)
        case "Library":
            return press.library(artifact)
        case _:
            return press.defined_set(artifact)


def _entry(artifact: Artifact, press: Press) -> Json:
    url = f"{press.base}/{artifact.kind}/{artifact.id}"
    return {"fullUrl": url, "resource": _written(artifact, press), "search": {"mode": "match"}}


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of what was found is shown."""

    count: int
    offset: int


Matches = Callable[[str, str], bool]
"""(what the artifact says, what is asked for) -> whether it fits."""


def _is(said: str, asked: str) -> bool:
    return said == asked


def _token(said: str, asked: str) -> bool:
    return said == asked.rpartition("|")[2]


def _starts(said: str, asked: str) -> bool:
    return said.casefold().startswith(asked.casefold())


def _contains(said: str, asked: str) -> bool:
    return asked.casefold() in said.casefold()


@dataclass(frozen=True, slots=True)
class Searched:
    """A parameter: its declaration, what it looks at, and how by modifier ("" for none)."""

    declared: SearchParameter
    says: Callable[[Artifact], tuple[str, ...]]
    ways: dict[str, Matches]


_TEXT: dict[str, Matches] = {"": _starts, "exact": _is, "contains": _contains}
_SEARCHED = {
    each.declared.name: each
    for each in (
        Searched(SearchParameter("_id", "token", "Id on this server."), lambda a: (a.id,), {"": _token}),
        Searched(
            SearchParameter("url", "uri", "Canonical, also with |version."),
            lambda a: (a.url, a.canonical),
            {"": _is},
        ),
        Searched(SearchParameter("version", "token", "Business version."), lambda a: (a.version,), {"": _token}),
        Searched(SearchParameter("name", "string", "Name for computers."), lambda a: (a.name,), _TEXT),
        Searched(SearchParameter("title", "string", "Name for people."), lambda a: (a.title,), _TEXT),
        Searched(SearchParameter("status", "token", "active, draft ..."), lambda a: (a.status,), {"": _token}),
    )
}
_PAGING = ("_count", "_offset")
_ELSEWHERE = ("_format",)


def _fits(artifact: Artifact, call: Call) -> bool:
    """Every parameter fits; of one parameter any of its alternatives."""
    return all(
        any(way(said, wanted) for said in searched.says(artifact) for wanted in _alternatives(value))
        for searched, way, values in _asked(call)
        for value in values
    )


def _asked(call: Call) -> list[tuple[Searched, Matches, Sequence[str]]]:
    found: list[tuple[Searched, Matches, Sequence[str]]] = []
    for given, values in call.parameters.items():
        name, _, modifier = given.partition(":")
        if name in _SEARCHED:
            found.append((_SEARCHED[name], _SEARCHED[name].ways[modifier], values))
    return found


def _alternatives(value: str) -> list[str]:
    return [re.sub(r"\\([,$|\\])", r"\1", each) for each in _COMMA.split(value)]


def _misused(call: Call) -> list[Issue]:
    strict = "handling=strict" in call.prefer.replace(" ", "").lower()
    problems = []
    for given in call.parameters:
        name, _, modifier = given.partition(":")
        known = _SEARCHED.get(name)
        if known is not None and modifier not in known.ways:
            repair = f"Leave the modifier out, or use one of: {', '.join(filter(None, known.ways)) or 'none'}."
            words = f"The modifier of {name} is not supported."
            problems.append(Issue("error", "not-supported", f"http.{name}", words, RULE, repair))
        elif known is None and given not in (*_PAGING, *_ELSEWHERE) and strict:
            words = "A parameter is not supported."
            repair = f"Search by {', '.join(_SEARCHED)}, or leave out Prefer: handling=strict."
            problems.append(Issue("error", "not-supported", "http", words, RULE, repair))
    return problems


def _misnumbered(call: Call) -> list[Issue]:
    return [
        Issue("error", "value", f"http.{name}", f"{name} is no number.", RULE, "Write 10.")
        for name in _PAGING
        if name in call.query and not (call.query[name].isascii() and call.query[name].isdigit())
    ]


def _page(call: Call) -> Page:
    count = min(int(call.query.get("_count", USUAL)), MOST)
    return Page(count, min(int(call.query.get("_offset", 0)), 10**9))


def _links(call: Call, kind: Kind, page: Page, total: int) -> list[Json]:
    """Where this page is, and the ones beside it; only what was understood is in their URLs."""
    links = [("self", page.offset)]
    if page.count:
        links += [("previous", max(0, page.offset - page.count))] if page.offset else []
        links += [("next", page.offset + page.count)] if page.offset + page.count < total else []
    return [{"relation": relation, "url": _url(call, kind, page.count, offset)} for relation, offset in links]


def _url(call: Call, kind: Kind, count: int, offset: int) -> str:
    understood = [(name, value) for name, values in call.parameters.items() for value in values if _knows(name)]
    paging = [("_count", str(count)), *([("_offset", str(offset))] if offset else [])]
    return f"{call.base}/{kind}?{urlencode([*understood, *paging])}"


def _knows(given: str) -> bool:
    return given.partition(":")[0] in _SEARCHED


_PROFILES = {"Questionnaire": (names.STANDARD_FORM, names.ADAPTIVE_SEARCH)}


def operations() -> tuple[Operation, ...]:
    """Read and search of each type."""
    return tuple(each for kind in KINDS for each in (_read_operation(kind), _search_operation(kind)))


def _read_operation(kind: Kind) -> Operation:
    return Operation(
        name="read",
        kind="read",
        resource=kind,
        definition="",
        handler=partial(read_artifact, kind=kind),
        summary=f"Read a {kind} that packages are made of.",
        profiles=_PROFILES.get(kind, ()),
        dialects=BOTH,
    )


def _search_operation(kind: Kind) -> Operation:
    return Operation(
        name="search",
        kind="search",
        resource=kind,
        definition="",
        handler=partial(search_artifacts, kind=kind),
        summary=f"Find a {kind}; unknown parameters are ignored, or refused with Prefer: handling=strict.",
        searched=tuple(each.declared for each in _SEARCHED.values()),
        dialects=BOTH,
    )
