"""What a response repeats of its request: whole resources, under the same fullUrls (PAS spec-31, spec-33)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mappers.fhir import Json, object_in, text_in
from profiles.references import BundleReferences, references_in

_FARTHEST = 50
"""Steps from one entry to another that anybody follows."""


class Echo:
    """The entries of a request Bundle, ready to be repeated in its answer with absolute references.

    With `claim` the Claim is repeated as well, but what only it refers to is not: the submitter has it. Without,
    nothing in the answer refers to it.
    """

    def __init__(self, request: Json, *, claim: bool = True) -> None:
        self._there = BundleReferences(request)
        _, self._claim_url, self.claim = self._there.entries[0]
        self._repeats_claim = claim
        self._complete: dict[int, bool] = {}

    def reference(self, reference: Json) -> Json:
        """A reference of the Claim as an absolute one equal to its target's fullUrl; {} where there is no target."""
        found = self._find(reference, self._claim_url)
        return {"reference": found[1]} if found else {}

    def target(self, reference: Json) -> Json:
        """The resource that a reference of the Claim points to, {} where it is not there."""
        found = self._find(reference, self._claim_url)
        return found[2] if found else {}

    def complete_reference(self, reference: Json) -> Json:
        """Like `reference`; {} also where something that the target refers to, near or far, is not there."""
        found = self._find(reference, self._claim_url)
        return {"reference": found[1]} if found and self._is_complete(found, ()) else {}

    def provider(self, reference: Json) -> Json:
        """The Practitioner or Organization that a reference of the Claim means, also by a role; complete, else {}."""
        found = self._find(reference, self._claim_url)
        if found is not None and text_in(found[2], "resourceType") == "PractitionerRole":
            parts = (self._find(object_in(found[2], part), found[1]) for part in ("practitioner", "organization"))
            found = next((each for each in parts if each), None)
        return {"reference": found[1]} if found and self._is_complete(found, ()) else {}

    def entries_for(self, resources: Iterable[Json]) -> list[Json]:
        """The entries that the resources refer to, directly or through others, each once, in the request's order."""
        copies: dict[int, Json] = {}
        waiting = [reference for each in resources for reference in references_in(each)]
        while waiting:
            found = self._find(waiting.pop(), "")
            if found is None or found[0] in copies or found[1] == self._claim_url:
                continue
            copy = copies[found[0]] = self._absolute(found[2], found[1])
            waiting += references_in(copy)
        if self._repeats_claim:
            number, url, claim = self._there.entries[0]
            copies[number] = self._absolute(claim, url)
        return [
            {"fullUrl": url, "resource": copies[number]} for number, url, _ in self._there.entries if number in copies
        ]

    def _find(self, reference: Json, from_url: str) -> tuple[int, str, Json] | None:
        found = self._there.find(text_in(reference, "reference"), from_url)
        if found is not None and found[1] == self._claim_url and not self._repeats_claim:
            return None
        return found

    def _is_complete(self, entry: tuple[int, str, Json], above: tuple[int, ...]) -> bool:
        """Whether all it refers to is there, and nothing refers back to it (some clients follow that for ever)."""
        number, url, resource = entry
        if number in above or len(above) > _FARTHEST:
            return False
        if number not in self._complete:
            literal = [each for each in references_in(resource) if not each["reference"].startswith("#")]
            found = [self._find(each, url) for each in literal]
            self._complete[number] = all(each and self._is_complete(each, (*above, number)) for each in found)
        return self._complete[number]

    def _absolute(self, node: Any, from_url: str) -> Any:
        """A copy in which every literal reference equals its target's fullUrl.

        A reference whose target the request did not carry becomes a logical one: an answer refers to nothing that
        is not in it.
        """
        if isinstance(node, list):
            return [self._absolute(each, from_url) for each in node]
        if not isinstance(node, dict):
            return node
        copy = {
            name: self._absolute(value, from_url) if isinstance(value, (dict, list)) else value
            for name, value in node.items()
        }
        if isinstance(node.get("reference"), str) and not node["reference"].startswith("#"):
            found = self._find(node, from_url)
            if found:
                copy["reference"] = found[1]
            else:
                del copy["reference"]
                copy.setdefault("display", "not in the request Bundle")
        return copy
