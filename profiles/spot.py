"""What several definitions together say about one element: the R4 type first, then profiles, then slices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from profiles.notation import Element, Slicing, TypeUse
from profiles.tables import Shape

Shapes = tuple[Shape, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Spot:
    """One element with one type, as all its definitions see it."""

    shapes: Shapes
    use: TypeUse

    @property
    def path(self) -> str:
        """The element's id in R4: `Claim.item.sequence`."""
        return self.shapes[0].element.id if self.shapes else self.use.code


def rule_id(shape: Shape, fact: str) -> str:
    """`PAS profile-claim Claim.item 1..*`; R4's own rules need no fact: `R4 Claim.item.sequence`."""
    if shape.label == "R4":
        return f"R4 {shape.element.id}"
    return f"{shape.label} {shape.element.id} {fact}"


def least(shapes: Shapes) -> tuple[int, Shape]:
    """The strictest minimum and the first definition that demands it."""
    strictest = max(shapes, key=lambda shape: shape.element.least or 0)
    return strictest.element.least or 0, strictest


def most(shapes: Shapes) -> tuple[int | None, Shape]:
    """The strictest maximum (None: any number) and the first definition that sets it."""
    limited = [shape for shape in shapes if shape.element.most is not None]
    if not limited:
        return None, shapes[0]
    strictest = min(limited, key=lambda shape: shape.element.most or 0)
    return strictest.element.most, strictest


def is_list(shapes: Shapes) -> bool:
    """True when JSON has an array here: R4 allows more than one."""
    first = shapes[0].element
    return first.many or (first.most or 0) > 1


def types(shapes: Shapes) -> tuple[tuple[TypeUse, ...], Shape]:
    """The types every definition allows, as the last one that speaks of them puts them, and that definition."""
    allowed: tuple[TypeUse, ...] = ()
    said_by = shapes[0]
    for shape in shapes:
        if shape.element.types:
            own = shape.element.types
            allowed = tuple(_narrower(use, allowed) for use in own) if allowed else own
            said_by = shape
    return allowed, said_by


def _narrower(use: TypeUse, allowed: tuple[TypeUse, ...]) -> TypeUse:
    wider = next((other for other in allowed if other.code == use.code), None)
    if wider is None:
        return use
    return TypeUse(use.code, use.profiles or wider.profiles, use.targets or wider.targets)


def like(shapes: Shapes) -> str:
    """The element whose content this one has, empty for its own."""
    return next((shape.element.like for shape in shapes if shape.element.like), "")


def slicing(shapes: Shapes) -> Slicing | None:
    """How the last definition that speaks of it divides the list."""
    return next((shape.element.slicing for shape in reversed(shapes) if shape.element.slicing), None)


def slices(shapes: Shapes) -> dict[str, Shapes]:
    """The slices by name, each with what every definition says of it."""
    found: dict[str, Shapes] = {}
    for shape in shapes:
        for name, part in shape.slices.items():
            found[name] = (*found.get(name, ()), part)
    return found


def children(sources: Shapes) -> dict[str, Shapes]:
    """The child elements by name, each with what every definition says of it."""
    found: dict[str, list[Shape]] = {}
    for source in sources:
        for name, child in source.children.items():
            if name in found:
                found[name].append(child)
            else:
                found[name] = [child]
    return {name: tuple(shapes) for name, shapes in found.items()}


def saying(shapes: Shapes, field: str) -> Iterator[Shape]:
    """The definitions that say something in `field`."""
    return (shape for shape in shapes if getattr(shape.element, field))


def limits_value(element: Element) -> bool:
    """True when a line says something of the value itself, besides its type and how often it occurs."""
    return bool(
        element.rules
        or element.binding
        or element.fixed is not None
        or element.pattern is not None
        or element.length is not None
        or element.lowest is not None
        or element.highest is not None
    )


def elements(shapes: Shapes) -> Iterator[Element]:
    """What the definitions say, the most general first."""
    return (shape.element for shape in shapes)
