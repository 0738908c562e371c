"""The files of a content directory, read through their schemas, with everything that is wrong with each.

<directory>/plans/<plan>.yaml             a plan; the name of the file is its id
<directory>/<topic>/topic.yaml            a topic, its newest version; the name of the folder is its name
<directory>/<topic>/earlier/<any>.yaml    versions that held before
<directory>/<topic>/cases.yaml            its cases
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marshmallow import Schema, ValidationError

from questionnaires.case_schema import CaseSchema
from questionnaires.problem import Problem, Severity
from questionnaires.schemas import PlanSchema, TopicSchema
from questionnaires.written import Place, Written, read_yaml

PLANS = "plans"


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan as written; `values` as PlanSchema reads them."""

    id: str
    written: Written
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class PlanRule:
    """One version of a topic as it holds for one plan: what differs there put over what holds for all."""

    topic: str
    plan: str
    written: Written
    values: dict[str, Any]
    differing: frozenset[str]

    def place(self, name: str, *rest: str | int) -> Place:
        """Where the field that holds for this plan is written."""
        return ("plans", self.plan, name, *rest) if name in self.differing else (name, *rest)


@dataclass(frozen=True, slots=True)
class TopicFile:
    """A version of a topic as written; `values` as TopicSchema reads them."""

    topic: str
    written: Written
    values: dict[str, Any]

    @property
    def rules(self) -> Iterator[PlanRule]:
        """One rule for every plan that the version holds for."""
        for plan, differing in self.values["plans"].items():
            yield PlanRule(self.topic, plan, self.written, {**self.values, **differing}, frozenset(differing))


@dataclass(frozen=True, slots=True)
class CaseFile:
    """The cases of a topic as written; every element of `values` as CaseSchema reads it."""

    topic: str
    written: Written
    values: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class ContentFiles:
    """Everything readable in a content directory; `plan_ids` and `topic_names` also name what is not readable."""

    directory: Path
    plan_ids: frozenset[str]
    topic_names: frozenset[str]
    plans: tuple[PlanFile, ...]
    topics: tuple[TopicFile, ...]
    cases: tuple[CaseFile, ...]

    @property
    def rules(self) -> Iterator[PlanRule]:
        """Every version of every topic for every plan."""
        for topic in self.topics:
            yield from topic.rules


def read_files(directory: Path, *, with_cases: bool = True) -> tuple[ContentFiles, list[Problem]]:
    """The files of the directory and the problems of reading each by itself."""
    problems: list[Problem] = []
    plans = [*_plans(directory, problems)]
    topics = [*_topics(directory, problems)]
    cases = [*_cases(directory, problems)] if with_cases else []
    files = ContentFiles(
        directory,
        frozenset(path.stem for path in _plan_paths(directory)),
        frozenset(folder.name for folder in _topic_folders(directory)),
        tuple(plans),
        tuple(topics),
        tuple(cases),
    )
    return files, problems


def _plan_paths(directory: Path) -> list[Path]:
    return sorted((directory / PLANS).glob("*.yaml"))


def _topic_folders(directory: Path) -> list[Path]:
    """Folders with YAML in them; the others (code, caches) are not content."""
    folders = (
        (each for each in directory.iterdir() if each.is_dir() and each.name != PLANS) if directory.is_dir() else ()
    )
    return sorted(each for each in folders if any(each.glob("*.yaml")) or any(each.glob("earlier/*.yaml")))


def _plans(directory: Path, problems: list[Problem]) -> Iterator[PlanFile]:
    for path in _plan_paths(directory):
        written, values = _read(path, PlanSchema(), problems)
        if values is not None:
            yield PlanFile(path.stem, written, values)


def _topics(directory: Path, problems: list[Problem]) -> Iterator[TopicFile]:
    for folder in _topic_folders(directory):
        newest = folder / "topic.yaml"
        if not newest.exists():
            what = f"topic {folder.name} has no topic.yaml"
            problems.append(Problem(str(newest), 1, Severity.ERROR, what, "write it, or delete the folder"))
        for path in (newest, *sorted(folder.glob("earlier/*.yaml"))):
            written, values = _read(path, TopicSchema(), problems) if path.exists() else (None, None)
            if written is not None and values is not None:
                yield TopicFile(folder.name, written, values)


def _cases(directory: Path, problems: list[Problem]) -> Iterator[CaseFile]:
    for folder in _topic_folders(directory):
        path = folder / "cases.yaml"
        if path.exists():
            written, values = _read(path, CaseSchema(many=True), problems)
            yield CaseFile(folder.name, written, values or [])


def _read(path: Path, schema: Schema, problems: list[Problem]) -> tuple[Written, Any]:
    """The file and its values; None for the values where anything is wrong, which is added to the problems."""
    written, found = read_yaml(path)
    problems.extend(found)
    if schema.many and not isinstance(written.value, list) and not found:
        found = [written.error((), "a list is expected here", "begin every entry with a dash")]
        problems.extend(found)
    if found:
        return written, None
    try:
        return written, schema.load(written.value)
    except ValidationError as error:
        problems.extend(_problems(written, error.messages, ()))
        return written, None


def _problems(written: Written, messages: Any, place: Place) -> Iterator[Problem]:
    """marshmallow's tree of messages as problems with lines."""
    if isinstance(messages, dict):
        for name, inner in messages.items():
            yield from _problems(written, inner, place if name == "_schema" else (*place, name))
        return
    for message in [messages] if isinstance(messages, str) else messages:
        what, _dash, mend = message.partition(" - ")
        yield written.error(place, what, mend)
