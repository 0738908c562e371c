"""One document held to a profile: its issues, by which profile they were found, and where they stand."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Literal

from profiles import Issue, issues_in, profile_of
from profiles.profile_set import profile_set
from server.cli.validation.documents import Document
from server.cli.validation.tree import Branch, Weight, tree_of, type_of, weight
from server.errors import Refusal
from server.web.json_shape import LIMIT, LIST_LIMIT, shape_issues
from server.web.json_syntax import decode

Origin = Literal["asked for", "declared", "guessed", "none"]
_ORIGINS = {"asked for": "as asked for", "declared": "which it declares", "guessed": "guessed from its content"}


@dataclass(frozen=True, slots=True)
class Checked:
    """A document and what was found in it.

    type      its resourceType, "" when it has none that is known
    profile   canonical that it was held to, "" when there is none for it
    guide     whose profile that is: "PAS 2.2.1"
    origin    who chose the profile
    is_fhir   False for a JSON file of something else, found by looking through a directory
    """

    document: Document
    type: str
    profile: str
    guide: str
    origin: Origin
    issues: list[Issue]
    tree: Branch
    is_fhir: bool = True

    @property
    def held_to(self) -> str:
        """In words, by which profile and why that one."""
        if not self.profile:
            return "held to no profile"
        name = self.profile.partition("|")[0].rpartition("/")[2]
        return f"held to {name} of {self.guide}, {_ORIGINS[self.origin]}"

    def count(self, wanted: Weight) -> int:
        """How many issues have this weight."""
        return sum(1 for issue in self.issues if weight(issue) == wanted)


def check(document: Document, profile: str | None, version: str) -> Checked:
    """Hold a document to `profile`, else to the one it declares, else to the one its kind and content suggest."""
    if document.problem:
        return _unread(document, [document.problem])
    try:
        resource, issues = decode(document.body)
    except Refusal as refusal:
        return _unread(document, list(refusal.issues))
    if not document.chosen and not (isinstance(resource, dict) and "resourceType" in resource):
        return Checked(document, "", "", "", "none", [], Branch(""), is_fhir=False)
    held_to, origin = _held_to(resource, profile, version)
    issues += issues_in(resource, profile, version=version)
    issues += _of_the_json(resource, issues)
    found = profile_set(version).tables.find(held_to)
    guide = f"{found[0].label} {found[0].version}" if found else ""
    return Checked(document, type_of(resource), held_to, guide, origin, issues, tree_of(resource, issues))


def wanted_profile(name: str, version: str) -> str:
    """The canonical that `name` means: a canonical, or its last part alone (profile-claim).

    Raises:
        KeyError: nobody holds it; its argument says so, with names that look like it.
    """
    tables = profile_set(version).tables
    if tables.holds(name):
        return name
    names: dict[str, str] = {}
    for guide in tables.guides:
        for canonical in guide.types:
            names.setdefault(canonical.rpartition("/")[2], canonical)
    if name in names:
        return names[name]
    near = difflib.get_close_matches(name.partition("|")[0].rpartition("/")[2], names, 3)
    raise KeyError(f"no profile {name!r} is held here" + (f"; {' or '.join(near)} is meant?" if near else ""))


def _unread(document: Document, issues: list[Issue]) -> Checked:
    tree = Branch("not read", [("", issue) for issue in issues])
    return Checked(document, "", "", "", "none", issues, tree)


def _held_to(resource: object, profile: str | None, version: str) -> tuple[str, Origin]:
    if profile:
        return profile, "asked for"
    if not isinstance(resource, dict) or not type_of(resource):
        return "", "none"
    return profile_of(resource, version), "declared" if profile_set(version).declared(resource) else "guessed"


def _of_the_json(resource: object, known: list[Issue]) -> list[Issue]:
    """What the server's strict reader says of the JSON, and the validator has not said of the same element."""
    places = {issue.expression for issue in known if issue.refuses}
    limits = (LIMIT, LIST_LIMIT)
    return [i for i in shape_issues(resource) if i.rule not in limits and i.expression not in places and i.expression]
