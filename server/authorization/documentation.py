"""What is still to be answered or attached before a line can be decided (PF-17)."""

from __future__ import annotations

from dataclasses import dataclass

from server.authorization.request import Code


@dataclass(frozen=True, slots=True)
class DocumentationRequirement:
    """A document the payer needs, by its code (LOINC attachment code or X12 755 report type), in words for people.

    others      codes of documents that serve as well
    fresh_days  how old it may be, in days; None = any age
    """

    code: Code
    words: str
    others: tuple[Code, ...] = ()
    fresh_days: int | None = None
