"""Finding what a Reference of a Bundle entry means inside that Bundle (R4 bundle.html#references)."""

from __future__ import annotations

import re
from typing import Any

Json = dict[str, Any]

_REST_URL = re.compile(r"^(?P<base>https?://.+/)(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})$")
_RELATIVE = re.compile(r"^(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})$")
_VERSION = re.compile(r"/_history/[^/]+$")


class BundleReferences:
    """The entries of one Bundle by fullUrl, and what each reference in them points to.

    Tolerates any JSON: entries that are not objects are passed over. Where several entries share a fullUrl the
    first is found (the duplicate itself is reported by the Bundle rules).
    """

    def __init__(self, bundle: Json) -> None:
        self.entries: list[tuple[int, str, Json]] = []
        self._by_url: dict[str, int] = {}
        self._by_type_and_id: dict[str, list[int]] = {}
        raw = bundle.get("entry")
        for number, entry in enumerate(raw if isinstance(raw, list) else []):
            if not isinstance(entry, dict):
                continue
            resource, url = entry.get("resource"), entry.get("fullUrl")
            if not isinstance(resource, dict):
                continue
            place = len(self.entries)
            self.entries.append((number, url if isinstance(url, str) else "", resource))
            if isinstance(url, str):
                self._by_url.setdefault(url, place)
            local = f"{resource.get('resourceType')}/{resource.get('id')}"
            self._by_type_and_id.setdefault(local, []).append(place)

    def find(self, reference: str, from_url: str) -> tuple[int, str, Json] | None:
        """The entry (its number, fullUrl, resource) that `reference` in the entry `from_url` points to, or None.

        A relative reference takes the base of its entry's fullUrl; where that gives nothing (a urn:uuid entry, or
        another base) it is found by type and id when exactly one entry has them.
        """
        place = self._by_url.get(reference)
        if place is None and "/_history/" in reference:
            reference = _VERSION.sub("", reference)
            place = self._by_url.get(reference)
        if place is None:
            relative = _RELATIVE.match(reference)
            if relative is None:
                return None
            base = _REST_URL.match(from_url)
            if base is not None:
                place = self._by_url.get(base["base"] + reference)
            if place is None:
                candidates = self._by_type_and_id.get(reference, [])
                place = candidates[0] if len(candidates) == 1 else None
        return None if place is None else self.entries[place]


def references_in(node: Any) -> list[Json]:
    """Every Reference with a literal `reference` at or below `node`."""
    found, waiting = [], [node]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            if isinstance(here.get("reference"), str):
                found.append(here)
            here = here.values()
        waiting += [each for each in here if isinstance(each, (dict, list))]
    return found
