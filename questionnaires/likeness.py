"""Cases that say only how they differ from another one: `like:` names it by its sentence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from questionnaires.problem import Problem
from questionnaires.written import Written

_LIKE, _OWN = "like", "expect"
_MERGED = ("answers", "facts", "member", "coverage")
"""What is taken over field by field; of the rest the case's own, where it has one. An empty field takes away."""


def written_out(written: Written, problems: list[Problem]) -> tuple[Written, list[Problem]]:
    """The file with every case in full, and what is wrong with it as a list of cases."""
    if problems:
        return written, problems
    if not isinstance(written.value, list):
        return written, [written.error((), "a list is expected here", "begin every entry with a dash")]
    full: dict[str, Mapping[str, Any]] = {}
    cases: list[Any] = []
    found: list[Problem] = []
    for number, case in enumerate(written.value):
        alike = isinstance(case, dict) and _LIKE in case
        if alike and _sentence(case[_LIKE]) not in full:
            what = f"no case above says {case[_LIKE]!r}"
            found.append(written.error((number, _LIKE), what, "copy its sentence, and put this case below it"))
        whole = _like(case, full) if alike else case
        if isinstance(whole, dict) and isinstance(whole.get("case"), str):
            full[_sentence(whole["case"])] = whole
        cases.append(whole)
    return replace(written, value=cases), found


def _like(case: Mapping[str, Any], full: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    other = full.get(_sentence(case[_LIKE]), {})
    taken = {name: value for name, value in other.items() if name not in (_OWN, "rejected")}
    own = {name: value for name, value in case.items() if name != _LIKE}
    merged = {name: _over(taken[name], own[name]) for name in _MERGED if name in taken and name in own}
    return {name: value for name, value in {**taken, **own, **merged}.items() if value is not None}


def _sentence(value: Any) -> str:
    return " ".join(str(value).split())


def _over(taken: Any, own: Any) -> Any:
    if not isinstance(taken, Mapping) or not isinstance(own, Mapping):
        return own
    return {name: value for name, value in {**taken, **own}.items() if value is not None}
