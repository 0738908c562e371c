"""What the references of a request Bundle point to, from its Claim on."""

from __future__ import annotations

from mappers.fhir import Json, text_in
from profiles.references import BundleReferences


class Targets:
    """The Claim of a request Bundle and what its references point to."""

    def __init__(self, bundle: Json) -> None:
        self.references = BundleReferences(bundle)
        _, self.claim_url, self.claim = self.references.entries[0]

    def at(self, reference: Json, from_url: str) -> tuple[str, Json]:
        """fullUrl and resource that a Reference of the entry `from_url` points to; ("", {}) where it is not there."""
        found = self.references.find(text_in(reference, "reference"), from_url)
        return (found[1], found[2]) if found else ("", {})

    def of(self, reference: Json) -> Json:
        """The resource that a Reference of the Claim points to; {} where it is not in the Bundle."""
        return self.at(reference, self.claim_url)[1]
