"""One walk through a resource: what is being looked at, where references lead, what still has to be checked."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from profiles.problem import Problem, Problems
from profiles.references import BundleReferences

Json = dict[str, Any]
Candidates = tuple[str, ...]


@dataclass(slots=True, eq=False)
class Place:
    """A resource and where it stands: `trail` from the root of the visit, `owner` when it is contained in another."""

    resource: Json
    full_url: str
    trail: list[str | int]
    owner: Place | None = None
    type: str = ""

    def __post_init__(self) -> None:
        """`type` is its resourceType, empty when that is no string."""
        kind = self.resource.get("resourceType")
        self.type = kind if isinstance(kind, str) else ""


def declared_by(resource: Json) -> list[str]:
    """The canonicals in meta.profile."""
    meta = resource.get("meta")
    profiles = meta.get("profile") if isinstance(meta, dict) else None
    return [p for p in profiles if isinstance(p, str)] if isinstance(profiles, list) else []


class Visit:
    """The walk through one Bundle or one single resource; a Bundle inside another resource has a visit of its own.

    `resource` (for a contained one: its container), `bundle` and `full_url` are what invariants may look at.
    Conformance of reference targets is not followed at once but noted in `wanted`, so that chains and circles of
    references need no recursion. `closure` is the rule by which every target has to be in the Bundle, `pointed` the
    entries something refers to.
    """

    __slots__ = (
        "_found",
        "_places",
        "bundle",
        "closure",
        "full_url",
        "narratives",
        "place",
        "pointed",
        "resource",
        "results",
        "root",
        "seen",
        "wanted",
    )

    def __init__(self, root: Json, narratives: dict[str, str | None] | None = None) -> None:
        self.root = Place(root, "", [])
        self.place = self.root
        self.resource: Json = root
        self.full_url = ""
        self.bundle: BundleReferences | None = None
        self.narratives: dict[str, str | None] = {} if narratives is None else narratives
        self.wanted: deque[tuple[Place, Candidates]] = deque()
        self.seen: set[tuple[int, int]] = set()
        self.results: dict[tuple[int, str], Problems] = {}
        self.closure = ""
        self.pointed: set[int] = set()
        self._places: dict[int, Place] = {}
        self._found: dict[tuple[str, str], Place | None] = {}

    def open_bundle(self) -> None:
        """Know the entries of the root, a Bundle."""
        self.bundle = BundleReferences(self.root.resource)
        for number, url, resource in self.bundle.entries:
            self._places[id(resource)] = Place(resource, url, ["resource", number, "entry"])

    def entries(self) -> list[Place]:
        """The resources of the Bundle's entries, in order."""
        return [self._places[id(resource)] for _, _, resource in self.bundle.entries] if self.bundle else []

    def enter(self, place: Place) -> Place:
        """Look at another resource; gives the one to `enter` again afterwards."""
        before = self.place
        self.place, self.full_url = place, place.full_url
        self.resource = (place.owner or place).resource
        return before

    def place_of(self, resource: Json) -> Place | None:
        """Where an entry's resource stands."""
        return self._places.get(id(resource))

    def contained(self, resource: Json, number: int) -> Place:
        """The place of a resource contained in the one being looked at."""
        place = self._places.get(id(resource))
        if place is None:
            owner = self.place
            place = Place(resource, owner.full_url, [number, "contained", *owner.trail], owner)
            self._places[id(resource)] = place
        return place

    def resolve(self, reference: str) -> Place | None:
        """What a literal reference of the resource being looked at points to, inside it or inside the Bundle."""
        if reference.startswith("#"):
            return self._fragment(reference[1:])
        if self.bundle is None:
            return None
        key = (self.full_url, reference)
        if key in self._found:
            return self._found[key]
        found = self.bundle.find(reference, self.full_url)
        place = None if found is None else self._places[id(found[2])]
        if place is not None and place is not self.place:
            self.pointed.add(id(place))
        self._found[key] = place
        return place

    def _fragment(self, identity: str) -> Place | None:
        owner = self.place.owner or self.place
        if not identity:
            return owner
        inside = owner.resource.get("contained")
        for number, resource in enumerate(inside if isinstance(inside, list) else []):
            if isinstance(resource, dict) and resource.get("id") == identity:
                before = self.enter(owner)
                place = self.contained(resource, number)
                self.enter(before)
                return place
        return None

    def want(self, place: Place, candidates: Candidates) -> None:
        """The resource at `place` has to conform to one of `candidates`; asked once per place and tuple."""
        key = (id(place), id(candidates))
        if key not in self.seen:
            self.seen.add(key)
            self.wanted.append((place, candidates))


Runner = Callable[[Place, str], Problems]


@dataclass(slots=True)
class Conformance:
    """Works off what a visit wants; every problem of a resource is reported once, at the resource."""

    visit: Visit
    check: Callable[[str, Place, Visit], Problems]
    reported: set[tuple[int, str]] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)

    def run(self) -> list[Problem]:
        """Everything wanted so far and what that wants in turn, with trails from the root of the visit."""
        wanted = self.visit.wanted
        while wanted:
            place, candidates = wanted.popleft()
            self._report(place, self._choose(place, candidates))
        return self.problems

    def result(self, place: Place, canonical: str) -> Problems:
        """What is wrong with the resource by one profile, looked at once."""
        key = (id(place), canonical)
        results = self.visit.results
        if key not in results:
            before = self.visit.enter(place)
            results[key] = self.check(canonical, place, self.visit)
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
