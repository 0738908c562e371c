"""One walk through a resource: what is being looked at, where references lead, what still has to be checked."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

from profiles.problem import Problems
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
    entries something refers to, `looked_at` the places some profile was held against. `given_up` when
    there are more problems than anybody mends.
    """

    __slots__ = (
        "_contained",
        "_found",
        "_places",
        "bundle",
        "closure",
        "full_url",
        "given_up",
        "looked_at",
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
        self.given_up = False
        self.pointed: set[int] = set()
        self.looked_at: set[int] = set()
        self._places: dict[int, Place] = {}
        self._contained: dict[int, dict[str, Place]] = {}
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

    def contained(self, resource: Json) -> Place:
        """The place of a resource contained in the one being looked at."""
        self._inside(self.place)
        return self._places[id(resource)]

    def _inside(self, owner: Place) -> dict[str, Place]:
        """What a resource contains, by id; of several with one id the first."""
        known = self._contained.get(id(owner))
        if known is None:
            known = self._contained[id(owner)] = {}
            resources = owner.resource.get("contained")
            for number, resource in enumerate(resources if isinstance(resources, list) else []):
                if isinstance(resource, dict):
                    place = Place(resource, owner.full_url, [number, "contained", *owner.trail], owner)
                    self._places[id(resource)] = place
                    identity = resource.get("id")
                    if isinstance(identity, str):
                        known.setdefault(identity, place)
        return known

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
        return self._inside(owner).get(identity)

    def want(self, place: Place, candidates: Candidates) -> None:
        """The resource at `place` has to conform to one of `candidates`; asked once per place and tuple."""
        key = (id(place), id(candidates))
        if key not in self.seen:
            self.seen.add(key)
            self.wanted.append((place, candidates))
