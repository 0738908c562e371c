"""The files of a content directory, read through their schemas, with everything that is wrong with each.

<directory>/plans/<plan>.yaml             a plan; the name of the file is its id
<directory>/valuesets.yaml                sets of codes that topics name
<directory>/<topic>/topic.yaml            a topic, its newest version; the name of the folder is its name
<directory>/<topic>/questionnaire.json    its form
<directory>/<topic>/earlier/<any>.yaml    versions that held before; <any>.json is the form of one that had another
<directory>/<topic>/cases.yaml            its cases
<directory>/<topic>/valuesets/*.json      FHIR ValueSets that its form chooses answers from
<directory>/libraries/valuesets/*.json    FHIR ValueSets that any form can choose from
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from marshmallow import ValidationError

from questionnaires.case_schema import CaseSchema
from questionnaires.form_file import read_form
from questionnaires.form_valuesets import SHARED, read_valuesets
from questionnaires.forms import Form
from questionnaires.likeness import written_out
from questionnaires.meaning import Scope
from questionnaires.notation import made
from questionnaires.plan_schema import PlanSchema
from questionnaires.problem import Problem, Severity
from questionnaires.topic_schema import TopicSchema
from questionnaires.valuesets import ValueSet, ValueSetsField, spans_of
from questionnaires.written import Place, Written, read_yaml
from server.authorization.policy import CodeSpan

PLANS, VALUE_SETS, FORM, VALUE_SET_FOLDER = "plans", "valuesets.yaml", "questionnaire.json", "valuesets"


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan as written; `values` as PlanSchema reads them."""

    id: str
    written: Written
    values: dict[str, Any]
    scope: Scope

    def place(self, name: str, *rest: str | int) -> Place:
        """Where the field is written."""
        return (name, *rest)

    def held(self, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """The rules in a list (denials), each with its position."""
        yield from enumerate(self.values.get(name, ()))


@dataclass(frozen=True, slots=True)
class PlanRule:
    """One version of a topic as it holds for one plan: what differs there put over what holds for all."""

    topic: str
    plan: str
    written: Written
    values: dict[str, Any]
    differing: frozenset[str]
    scope: Scope

    def held(self, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Of the rules in a list (criteria, nudges, denials) those that hold for this plan, each with its position."""
        for number, rule in enumerate(self.values.get(name, ())):
            if self.plan in rule.get("plans", [self.plan]):
                yield number, rule

    @property
    def spans(self) -> Iterator[tuple[int, CodeSpan]]:
        """The codes, those of value sets included, each with its position in the list; unknown sets have none."""
        for position, entry in enumerate(self.values["codes"]):
            spans = [entry] if isinstance(entry, CodeSpan) else spans_of(self.scope.sets.get(entry, ()))
            yield from ((position, span) for span in spans)

    def place(self, name: str, *rest: str | int) -> Place:
        """Where the field that holds for this plan is written."""
        return ("plans", self.plan, name, *rest) if name in self.differing else (name, *rest)


@dataclass(frozen=True, slots=True)
class TopicFile:
    """A version of a topic as written; `values` as TopicSchema reads them."""

    topic: str
    written: Written
    values: dict[str, Any]
    form: Form | None = None
    sets: Mapping[str, ValueSet] = field(default_factory=dict)

    @property
    def rules(self) -> Iterator[PlanRule]:
        """One rule for every plan that the version holds for."""
        for plan, differing in self.values["plans"].items():
            values = {**self.values, **differing}
            scope = Scope(self.form, self.sets, values.get("recommended"))
            yield PlanRule(self.topic, plan, self.written, values, frozenset(differing), scope)


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
    sets: Mapping[str, ValueSet] = field(default_factory=dict)
    sets_digest: str = ""

    @property
    def fingerprint(self) -> str:
        """The hash of all that decides: plans, value sets, topics and forms, not cases."""
        digests = [
            self.sets_digest,
            *(f"{plan.id} {plan.written.digest}" for plan in self.plans),
            *(f"{topic.topic} {topic.written.digest}" for topic in self.topics),
            *(f"{topic.topic} {topic.form.digest}" for topic in self.topics if topic.form),
        ]
        return sha256("\n".join(digests).encode()).hexdigest()

    @property
    def rules(self) -> Iterator[PlanRule]:
        """Every version of every topic for every plan."""
        for topic in self.topics:
            yield from topic.rules


def read_files(directory: Path, *, with_cases: bool = True) -> tuple[ContentFiles, list[Problem]]:
    """The files of the directory and the problems of reading each by itself."""
    problems: list[Problem] = []
    sets, digest = _sets(directory, problems)
    plans = [*_plans(directory, sets, problems)]
    topics = [*_topics(directory, sets, problems)]
    cases = [*_cases(directory, problems)] if with_cases else []
    files = ContentFiles(
        directory,
        frozenset(path.stem for path in _plan_paths(directory)),
        frozenset(folder.name for folder in _topic_folders(directory)),
        tuple(plans),
        tuple(topics),
        tuple(cases),
        sets,
        digest,
    )
    return files, problems


def _sets(directory: Path, problems: list[Problem]) -> tuple[dict[str, ValueSet], str]:
    path = directory / VALUE_SETS
    if not path.exists():
        return {}, ""
    written, sets = _read(path, ValueSetsField().deserialize, problems)
    return sets or {}, written.digest


def _plan_paths(directory: Path) -> list[Path]:
    return sorted((directory / PLANS).glob("*.yaml"))


def _topic_folders(directory: Path) -> list[Path]:
    """Folders with YAML in them; the others (code, caches) are not content."""
    folders = (
        (each for each in directory.iterdir() if each.is_dir() and each.name != PLANS) if directory.is_dir() else ()
    )
    return sorted(each for each in folders if any(each.glob("*.yaml")) or any(each.glob("earlier/*.yaml")))


def _plans(directory: Path, sets: Mapping[str, ValueSet], problems: list[Problem]) -> Iterator[PlanFile]:
    for path in _plan_paths(directory):
        written, values = _read(path, made(PlanSchema).load, problems)
        if values is not None:
            yield PlanFile(path.stem, written, values, Scope(sets=sets))


def _topics(directory: Path, sets: Mapping[str, ValueSet], problems: list[Problem]) -> Iterator[TopicFile]:
    shared = read_valuesets(directory / SHARED / VALUE_SET_FOLDER, problems)
    for folder in _topic_folders(directory):
        own_sets = shared.joined(read_valuesets(folder / VALUE_SET_FOLDER, problems))
        newest = folder / "topic.yaml"
        if not newest.exists():
            what = f"topic {folder.name} has no topic.yaml"
            problems.append(Problem(str(newest), 1, Severity.ERROR, what, "write it, or delete the folder"))
        form = read_form(folder / FORM, problems, own_sets) if (folder / FORM).exists() else None
        for path in (newest, *sorted(folder.glob("earlier/*.yaml"))):
            written, values = _read(path, made(TopicSchema).load, problems) if path.exists() else (None, None)
            if written is not None and values is not None:
                own = path.with_suffix(".json")
                asks = read_form(own, problems, own_sets) if path != newest and own.exists() else form
                asks = replace(asks, scores=tuple(values["scores"])) if asks else None
                yield TopicFile(folder.name, written, values, asks, sets)


def _cases(directory: Path, problems: list[Problem]) -> Iterator[CaseFile]:
    for folder in _topic_folders(directory):
        path = folder / "cases.yaml"
        if path.exists():
            written, found = written_out(*read_yaml(path))
            values = _valid(written, CaseSchema(many=True).load, found, problems)
            yield CaseFile(folder.name, written, values or [])


def _read(path: Path, load: Callable[[Any], Any], problems: list[Problem]) -> tuple[Written, Any]:
    """The file and its values; None for the values where anything is wrong, which is added to the problems."""
    written, found = read_yaml(path)
    return written, _valid(written, load, found, problems)


def _valid(written: Written, load: Callable[[Any], Any], found: list[Problem], problems: list[Problem]) -> Any:
    if not found:
        try:
            return load(written.value)
        except ValidationError as error:
            found = list(_problems(written, error.messages, ()))
    problems.extend(found)
    return None


def _problems(written: Written, messages: Any, place: Place) -> Iterator[Problem]:
    """marshmallow's tree of messages as problems with lines."""
    if isinstance(messages, dict):
        for name, inner in messages.items():
            yield from _problems(written, inner, place if name == "_schema" else (*place, name))
        return
    for message in [messages] if isinstance(messages, str) else messages:
        what, _dash, mend = message.partition(" - ")
        yield written.error(place, what, mend)
