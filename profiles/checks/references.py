"""References: their targets' types and, inside the Bundle or the resource, their targets' profiles."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from profiles.notation import CORE
from profiles.problem import Check, Problem, Problems, shown
from profiles.spot import Spot, rule_id, types

if TYPE_CHECKING:
    from profiles.compiler import Compiler
    from profiles.visit import Candidates, Visit

ANY = CORE + "Resource"
# The request a response answers and the Claim before an update need not be sent along.
MAY_BE_ELSEWHERE = frozenset({"Claim.related.claim", "ClaimResponse.request"})
_PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
FORGOTTEN = {
    (path, _PAS + "profile-claim"): _PAS + "profile-claim-update"
    for path in ("ClaimResponse.request", "Task.reasonReference")
}
"""Targets that a guide forgets: the answer to an update refers to the update, which is no profile-claim."""

_TYPED = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/[A-Za-z0-9\-.]{1,64}(?:/_history/[A-Za-z0-9\-.]{1,64})?$")


def targets(spot: Spot, compiler: Compiler) -> Check | None:
    """What a Reference may point to: a type when only the text tells, a profile when the target is at hand."""
    if spot.use.code != "Reference":
        return None
    anything = not spot.use.targets or ANY in spot.use.targets
    named = spot.use.targets
    forgotten = tuple(FORGOTTEN[spot.path, each] for each in named if (spot.path, each) in FORGOTTEN)
    by_type = None if anything else allowed((*named, *forgotten), compiler)
    if by_type is None:
        return partial(_resolved, spot.path)
    names = " or ".join(sorted(by_type))
    path = spot.path
    rule = rule_id(types(spot.shapes)[1], f"Reference({names})")

    def check(value: Any, visit: Visit) -> Problems:
        reference = value.get("reference") if type(value) is dict else None
        if type(reference) is not str:
            return None
        place = visit.resolve(reference)
        missing = None
        if place is None:
            missing = _missing(path, reference, visit)
            typed = _TYPED.search(reference)
            kind = typed[1] if typed else None
        else:
            kind = place.type
        if not kind:
            return missing
        candidates = by_type.get(kind)
        if candidates is None:
            return [Problem("value", f"points to {shown(kind)}, not to {names}", rule, f"Refer to {names}.")]
        if place is not None:
            visit.want(place, candidates)
        return missing

    return check


def _resolved(path: str, value: Any, visit: Visit) -> Problems:
    """A reference to anything is only looked up."""
    reference = value.get("reference") if type(value) is dict else None
    if type(reference) is str and visit.resolve(reference) is None:
        return _missing(path, reference, visit)
    return None


def _missing(path: str, reference: str, visit: Visit) -> Problems:
    """What is referred to is in the Bundle, where the guide demands it; a warning until it is known whose it is."""
    if not visit.closure or path in MAY_BE_ELSEWHERE or reference.startswith("#"):
        return None
    text = "what this refers to is not in the Bundle"
    repair = "Add the resource as an entry with this fullUrl."
    return [Problem("not-found", text, visit.closure, repair, severity="warning", trail=["reference"])]


def allowed(canonicals: tuple[str, ...], compiler: Compiler) -> dict[str, Candidates] | None:
    """Type -> the profiles a resource of it may have; None when a canonical is unknown, so nothing can be told."""
    by_type: dict[str, list[str]] = {}
    for canonical in canonicals:
        kind = compiler.tables.type_of(canonical)
        if kind is None:
            if not canonical.startswith(CORE):
                return None
            kind = canonical.removeprefix(CORE)
        by_type.setdefault(kind, []).append(canonical)
    return {kind: compiler.one_of(kind, tuple(several)) for kind, several in by_type.items()}
