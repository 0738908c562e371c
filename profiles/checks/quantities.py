"""Quantities of the PAS guide: a value with a unit or code, and codes of X12 (PAS prof-2, prof-3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from profiles.issue import Severity
from profiles.problem import Check, Problem, Problems, snippet
from profiles.spot import Spot

if TYPE_CHECKING:
    from profiles.compiler import Compiler
    from profiles.visit import Visit

PROFILE = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/profile-quantity"
UNITS = "https://codesystem.x12.org/005010/673"


def quantities(spot: Spot, _compiler: Compiler) -> Check | None:
    """Unit or code there, and a code from X12; a warning where an order has another: so has the guide's example."""
    if not any(profile.partition("|")[0] == PROFILE for profile in spot.use.profiles):
        return None
    about_codes: Severity = "error" if spot.path.startswith(("Claim.", "ClaimResponse.", "Extension.")) else "warning"
    repair = snippet({"system": UNITS, "code": "UN"})

    def check(value: Any, _visit: Visit) -> Problems:
        if type(value) is not dict or "value" not in value:
            return None
        if "unit" not in value and "code" not in value:
            text = "a quantity has a unit or a code"
            return [Problem("business-rule", text, "PAS prof-2", repair)]
        if "code" in value and value.get("system") != UNITS:
            text = f"the code of a quantity comes from {UNITS}"
            return [Problem("business-rule", text, "PAS prof-3", repair, severity=about_codes)]
        return None

    return check
