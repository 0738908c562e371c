"""What a response repeats of its request: whole resources, under the same fullUrls (PAS spec-31, spec-33)."""

from __future__ import annotations

from typing import Any

from mappers.fhir import Json, text_in
from profiles.references import BundleReferences, references_in


class Echo:
    """The entries of a request Bundle, ready to be repeated in its answer with absolute references."""

    def __init__(self, request: Json) -> None:
        self._there = BundleReferences(request)
        _, self._claim_url, self.claim = self._there.entries[0]

    def reference(self, reference: Json) -> Json:
        """A reference of the Claim as an absolute one equal to its target's fullUrl; {} where there is no target."""
        found = self._there.find(text_in(reference, "reference"), self._claim_url)
        return {"reference": found[1]} if found else {}

    def type_of(self, reference: Json) -> str:
        """The resource type that a reference of the Claim points to, "" where there is no target."""
        found = self._there.find(text_in(reference, "reference"), self._claim_url)
        return text_in(found[2], "resourceType") if found else ""

    def entries_for(self, resources: list[Json], besides: str) -> list[Json]:
        """The entries that the resources refer to, directly or through others, each once, in the request's order.

        The entry `besides` (the Claim) is repeated as well, but what only it refers to is not: the submitter has it.
        """
        wanted: set[int] = set()
        waiting = [reference for each in resources for _, reference in references_in(each, "")]
        while waiting:
            found = self._there.find(text_in(waiting.pop(), "reference"), "")
            if found is None or found[0] in wanted or found[1] == besides:
                continue
            wanted.add(found[0])
            waiting += [reference for _, reference in references_in(self._absolute(found[2], found[1]), "")]
        return [
            {"fullUrl": url, "resource": self._absolute(resource, url)}
            for number, url, resource in self._there.entries
            if number in wanted or url == besides
        ]

    def _absolute(self, node: Any, from_url: str) -> Any:
        """A copy in which every literal reference equals its target's fullUrl.

        A reference whose target the request did not carry becomes a logical one: an answer refers to nothing that
        is not in it.
        """
        if isinstance(node, list):
            return [self._absolute(each, from_url) for each in node]
        if not isinstance(node, dict):
            return node
        copy = {name: self._absolute(value, from_url) for name, value in node.items()}
        if isinstance(node.get("reference"), str) and not node["reference"].startswith("#"):
            found = self._there.find(node["reference"], from_url)
            if found:
                copy["reference"] = found[1]
            else:
                del copy["reference"]
                copy.setdefault("display", "not in the request Bundle")
        return copy
