"""What an invariant may look at besides the element it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from profiles.references import BundleReferences

Json = dict[str, Any]


class Surroundings(Protocol):
    """What a predicate is told about the place of an element.

    resource  the resource it stands in, with all it contains (FHIRPath %rootResource): for an element of a contained
              resource the container
    bundle    the entries of the Bundle around that resource, None outside of a Bundle
    full_url  of that resource's entry, empty outside of a Bundle
    """

    @property
    def resource(self) -> Json: ...

    @property
    def bundle(self) -> BundleReferences | None: ...

    @property
    def full_url(self) -> str: ...


@dataclass(slots=True)
class Scope:
    """Surroundings of their own, for an element that is looked at by itself."""

    resource: Json
    bundle: BundleReferences | None = None
    full_url: str = ""


Predicate = Callable[[Any, Surroundings], bool]


def contained(identity: str, scope: Surroundings) -> Json | None:
    """The contained resource of that id.

    Surroundings that keep them by id in `contained_by_id` spare one search per reference, which many references to
    many contained resources would make quadratic.
    """
    known: dict[str, Json] | None = getattr(scope, "contained_by_id", None)
    if known is not None:
        return known.get(identity)
    inside = scope.resource.get("contained")
    found = inside if isinstance(inside, list) else []
    return next((one for one in found if isinstance(one, dict) and one.get("id") == identity), None)


def resolved(reference: Any, scope: Surroundings) -> Json | None:
    """The resource a Reference leads to, contained or in the same Bundle; None where that cannot be followed."""
    literal = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(literal, str):
        return None
    if literal.startswith("#"):
        return contained(literal[1:], scope)
    entry = scope.bundle.find(literal, scope.full_url) if scope.bundle else None
    return entry[2] if entry else None
