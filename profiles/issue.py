"""One problem found in a resource: what, where, by which rule, whose fault, and how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "information"]
Verdict = Literal["yours", "guide-defect", "not-checkable"]


@dataclass(frozen=True, slots=True)
class Issue:
    """A problem, never holding anything about a person.

    severity    error refuses the message; warning and information are kept with the exchange
    code        FHIR issue-type code: structure, required, value, invariant, business-rule, ...
    expression  FHIRPath down to the element: ``Bundle.entry[0].resource.item[2].sequence``
    message     what is wrong; may quote codes, uris, numbers and type names, never patient data
    rule        ``PAS spec-12``, ``PAS profile-claim Claim.item 1..*``, ``R4 Claim.item.sequence``, an invariant key
    repair      what to write instead; a JSON snippet where the repair is mechanical
    verdict     yours (the sender's to mend), guide-defect (known defect of the guide, ignored),
                not-checkable (licensed or external content, nobody can tell offline)
    """

    severity: Severity
    code: str
    expression: str
    message: str
    rule: str
    repair: str = ""
    verdict: Verdict = "yours"

    @property
    def refuses(self) -> bool:
        """True when a message with this issue cannot be processed."""
        return self.severity == "error" and self.verdict == "yours"
