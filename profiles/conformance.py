"""Does a resource have a profile: the walk through it, its entries and what they refer to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from profiles.checks.bundle_rules import bundle_problems, kind_of
from profiles.checks.claim_rules import claim_problems
from profiles.checks.elements import ENOUGH
from profiles.notation import CORE
from profiles.problem import Problem, Problems
from profiles.visit import Candidates, Place, Visit, declared_by

if TYPE_CHECKING:
    from profiles.compiler import Compiler

Json = dict[str, Any]


def whole(
    compiler: Compiler, resource: Json, canonical: str, narratives: dict[str, str | None] | None = None
) -> list[Problem]:
    """Everything wrong with a resource, its entries and what they refer to, with trails from the resource."""
    visit = Visit(resource, narratives)
    kind = None
    if visit.root.type == "Bundle":
        visit.open_bundle()
        kind = kind_of(canonical)
        visit.closure = kind.closure_rule if kind else ""
    conformance = Conformance(compiler, visit)
    visit.want(visit.root, compiler.one_of(visit.root.type, (canonical,)))
    problems = conformance.run()
    for place in visit.entries():
        _want_declared(compiler, place, visit)
    conformance.run()
    if visit.root.type == "Claim" and not canonical.startswith(CORE):
        problems += claim_problems(resource)
    return bundle_problems(visit, kind, problems) if kind else problems


def _at(compiler: Compiler, canonical: str, place: Place, visit: Visit) -> Problems:
    """The problems of the resource at `place`; a Bundle is walked through by a visit of its own."""
    if place.type == "Bundle" and place is not visit.root:
        return whole(compiler, place.resource, canonical, visit.narratives)
    return compiler.resource(canonical)(place.resource, visit)


def _want_declared(compiler: Compiler, place: Place, visit: Visit) -> None:
    """An entry has to be right by R4, and by each profile it says it has."""
    kind = place.type
    if kind not in compiler.resource_types:
        return
    declared = compiler.declared(place.resource)
    for canonical in declared:
        visit.want(place, compiler.one_of(kind, (canonical,)))
    if not declared and id(place) not in visit.looked_at:
        visit.want(place, compiler.one_of(kind, (CORE + kind,)))


def inside(compiler: Compiler, resource: Json, kind: str, candidates: Candidates | None, visit: Visit) -> Problems:
    """The problems of a resource that another holds, by one of `candidates` or what it declares."""
    if candidates is None:
        candidates = tuple(compiler.declared(resource)[:1]) or (CORE + kind,)
    results = [whole(compiler, resource, one, visit.narratives) for one in candidates]
    return min(results, key=lambda found: sum(problem.refuses for problem in found))


def contained(compiler: Compiler, resource: Json, kind: str, candidates: Candidates | None, visit: Visit) -> Problems:
    """The problems of a resource in `contained`, whose references lead where those of its container do."""
    place = visit.contained(resource)
    before = visit.enter(place)
    found = compiler.resource(candidates[0] if candidates else CORE + kind)(resource, visit)
    visit.enter(before)
    return found


def conforms(compiler: Compiler, value: Any, canonical: str, visit: Visit) -> bool:
    """True when a value has a profile; for slices told apart by profile."""
    tables = compiler.tables
    kind = tables.type_of(canonical)
    if not isinstance(value, dict) or kind is None:
        return False
    if "resourceType" in value:
        found: Problems = whole(compiler, value, canonical, visit.narratives) if value["resourceType"] == kind else None
        return value["resourceType"] == kind and not any(problem.refuses for problem in found or ())
    found = compiler.data_type(canonical, kind)(value, visit)
    return not any(problem.refuses for problem in found or ())


@dataclass(slots=True)
class Conformance:
    """Works off what a visit wants; every problem of a resource is reported once, at the resource."""

    compiler: Compiler
    visit: Visit
    reported: set[tuple[int, str]] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def run(self) -> list[Problem]:
        """Everything wanted so far and what that wants in turn, with trails from the root of the visit."""
        wanted = self.visit.wanted
        while wanted and not self.visit.given_up:
            place, candidates = wanted.popleft()
            self._report(place, self._choose(place, candidates))
            if len(self.problems) > ENOUGH * 5:
                self.visit.given_up = True
                text = "not every resource was read: too many problems"
                self.problems.append(Problem("too-costly", text, f"R4 {self.visit.root.type}", "Mend these first."))
        return self.problems

    def result(self, place: Place, canonical: str) -> Problems:
        """What is wrong with the resource by one profile, looked at once."""
        key = (id(place), canonical)
        results = self.visit.results
        if key not in results:
            before = self.visit.enter(place)
            results[key] = _at(self.compiler, canonical, place, self.visit)
            self.visit.looked_at.add(id(place))
            self.visit.enter(before)
        return results[key]

    def _choose(self, place: Place, candidates: Candidates) -> str:
        if len(candidates) == 1:
            self.result(place, candidates[0])
            return candidates[0]
        declared = {canonical.partition("|")[0] for canonical in declared_by(place.resource)}
        order = sorted(candidates, key=lambda c: c.partition("|")[0] not in declared)
        wants: dict[str, list[tuple[Place, Candidates]]] = {}
        for canonical in order:
            asked = len(self.visit.wanted)
            if not _fails(self.result(place, canonical)):
                return canonical
            wants[canonical] = self._take_back(asked)
        chosen = order[0]
        if chosen.partition("|")[0] not in declared:
            chosen = min(order, key=lambda c: len(self.result(place, c) or ()))
        for target, profiles in wants[chosen]:
            self.visit.want(target, profiles)
        return chosen

    def _take_back(self, asked: int) -> list[tuple[Place, Candidates]]:
        """A profile that does not fit has no say about what its resource refers to."""
        wanted = self.visit.wanted
        taken = [wanted.pop() for _ in range(len(wanted) - asked)]
        for place, candidates in taken:
            self.visit.seen.discard((id(place), id(candidates)))
        return taken[::-1]

    def _report(self, place: Place, canonical: str) -> None:
        key = (id(place), canonical)
        if key not in self.reported:
            self.reported.add(key)
            self.problems += [problem.above(*place.trail) for problem in self.result(place, canonical) or ()]


def _fails(problems: Problems) -> bool:
    return any(problem.refuses for problem in problems or ())
