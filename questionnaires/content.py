"""The payer's content: plans and topics as the review needs them."""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from questionnaires.artifacts import Artifacts
from questionnaires.checks import problems_of_rules
from questionnaires.code_index import CodeIndex
from questionnaires.files import ContentFiles, read_files
from questionnaires.forms import Forms
from questionnaires.prepopulation import Library, read_libraries
from questionnaires.prepopulation_checks import problems_among
from questionnaires.problem import ContentProblems, errors_in
from questionnaires.topics import plan_of, topic_of
from server.authorization.known import years_between
from server.authorization.policy import Plan, Rules, Topic
from server.authorization.record import Authorization
from server.authorization.request import AuthorizationRequest, Code, Coverage, ServiceLine

DEMO = Path(__file__).parent
"""The plans and topics that come with the server."""


@dataclass(frozen=True, slots=True)
class Content:
    """Plans and topics; a topic that holds for several plans stands once for each, with that plan's words.

    forms        the forms of the topics, each version once, by canonical: `forms.get("urn:placet:form:home-oxygen")`
    fingerprint  hash of the files it was read from: equal content decides equally
    libraries    what the forms are filled with beforehand; a content that was kept for replay has none
    sensitive    names of topics whose authorizations are told only to who orders or renders them (PAS spec-49)
    artifacts    forms, libraries and value sets by canonical
    prepared     what was made from it once, for as long as it holds, by whoever made it
    """

    plans: tuple[Plan, ...]
    topics: tuple[Topic, ...]
    forms: Forms = field(default_factory=Forms)
    fingerprint: str = ""
    libraries: tuple[Library, ...] = field(default=(), repr=False)
    sensitive: frozenset[str] = frozenset()
    artifacts: Artifacts = field(init=False, repr=False, compare=False)
    prepared: dict[object, Any] = field(default_factory=dict, init=False, repr=False, compare=False)
    _index: CodeIndex = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_index", CodeIndex(self.topics))
        object.__setattr__(self, "artifacts", Artifacts(tuple(self.forms), self.libraries))

    def plan_for(self, coverage: Coverage) -> Plan:
        """The plan that a class of the coverage names, else the default plan."""
        named = (plan for plan in self.plans if plan.is_named_by(coverage))
        return next(named, None) or next(plan for plan in self.plans if plan.default)

    def plan(self, name: str) -> Plan | None:
        """The plan with this id."""
        return next((plan for plan in self.plans if plan.id == name), None)

    def rules_for(self, request: AuthorizationRequest, on: date) -> Rules:
        """The plan of the request's coverage; of its topics in force on the day those of these services and this age.

        Only what the lines of this request name is in it: a changed request has rules of its own.
        """
        plan = self.plan_for(request.coverage)
        birth = request.member.birth_date
        age = years_between(birth, on) if birth else None
        named = self._in_force(plan, (code for line in request.lines for code in _codes(line)), on)
        return Rules(plan, tuple(topic for topic in named if topic.is_for(age)))

    def topics_of(self, plan: Plan, on: date) -> tuple[Topic, ...]:
        """Every topic that is in force for the plan on the day."""
        return tuple(topic for topic in self.topics if topic.holds(plan.id, on))

    def topics_naming(self, plan: Plan, code: Code, on: date) -> tuple[Topic, ...]:
        """The topics in force for the plan on the day that name the code."""
        return self._in_force(plan, [code], on)

    def is_sensitive(self, authorization: Authorization) -> bool:
        """Whether a line was decided by, or asks for a code of, a topic that is marked so in any version.

        What a topic decided that is not here any more is: nobody can tell what it was.
        """
        decided = {line.determination.topic.partition("@") for line in authorization.lines}
        named = {name for name, version, _ in decided if version}
        if named & self.sensitive or not named <= {topic.name for topic in self.topics}:
            return True
        asked = [*authorization.request.lines, *(line.asked for line in authorization.lines)]
        codes = tuple(code for line in asked for code in _codes(line))
        return any(topic.covers_any(codes) for topic in self.topics if topic.name in self.sensitive)

    def _in_force(self, plan: Plan, codes: Iterable[Code], on: date) -> tuple[Topic, ...]:
        positions = {position for code in codes for position in self._index.positions(plan.id, code)}
        found = (self.topics[position] for position in sorted(positions))
        return tuple(topic for topic in found if topic.holds(plan.id, on))


def _codes(line: ServiceLine) -> Iterator[Code]:
    yield from line.services
    yield from line.ordered
    yield from line.category


def load_content(directory: Path | None = None) -> Content:
    """The plans and topics of a content directory, by default those that come with the server.

    Raises:
        ContentProblems: with every error in it, by file and line.
    """
    with _uncollected():
        files, problems = read_files(directory or DEMO, with_cases=False)
        libraries, of_libraries = read_libraries(directory or DEMO)
        errors = errors_in([*problems, *of_libraries, *problems_among(libraries), *problems_of_rules(files)])
        if errors:
            raise ContentProblems(errors)
        return replace(content_of(files), libraries=libraries)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Nothing that is read becomes garbage: a collector that looks at ever more of it takes a fifth of the time."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()


def content_of(files: ContentFiles) -> Content:
    """The content that error-free files say."""
    plans = {file.id: file for file in files.plans}
    forms = [topic.form for topic in reversed(files.topics) if topic.form]
    return Content(
        tuple(plan_of(file) for file in files.plans),
        tuple(topic_of(rule, plans[rule.plan]) for rule in files.rules),
        Forms(forms),
        files.fingerprint,
        sensitive=frozenset(topic.topic for topic in files.topics if topic.values["sensitive"]),
    )
