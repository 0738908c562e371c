"""Reading plain FHIR JSON: the elements of a resource as lists, codings, dates, without surprises."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Any

from server.authorization.request import Code, Identifier, Period
from server.authorization.systems import normal_system

Json = dict[str, Any]


def objects(node: Json, name: str) -> list[Json]:
    """The objects of a repeating element; [] where it is absent."""
    found = node.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def object_in(node: Json, name: str) -> Json:
    """The object of a single element; {} where it is absent."""
    found = node.get(name)
    return found if isinstance(found, dict) else {}


def text_in(node: Json, name: str) -> str:
    """The string of a primitive element; "" where it is absent."""
    found = node.get(name)
    return found if isinstance(found, str) else ""


def extensions(node: Json, url: str) -> Iterator[Json]:
    """The extensions of the element that have this url."""
    return (each for each in objects(node, "extension") if each.get("url") == url)


def extension(node: Json, url: str) -> Json:
    """The first extension with this url; {} where there is none."""
    return next(extensions(node, url), {})


def codings(concept: Json) -> tuple[Code, ...]:
    """The codings of a CodeableConcept that have a code, their systems in the one spelling that rules use."""
    return tuple(
        Code(normal_system(text_in(each, "system")), text_in(each, "code"), text_in(each, "display"))
        for each in objects(concept, "coding")
        if text_in(each, "code")
    )


def identifiers(node: Json) -> tuple[Identifier, ...]:
    """The identifiers of a resource that have a value."""
    return tuple(
        Identifier(text_in(each, "system"), text_in(each, "value"))
        for each in objects(node, "identifier")
        if text_in(each, "value")
    )


def day(text: str) -> date | None:
    """The first day that a FHIR date or dateTime, also a partial one, can mean; None for anything else."""
    parts = text[:10].split("-")
    try:
        numbers = [int(part) for part in parts if part]
        return date(numbers[0], numbers[1] if len(numbers) > 1 else 1, numbers[2] if len(numbers) > 2 else 1)
    except (ValueError, IndexError):
        return None


def period(node: Json) -> Period | None:
    """A Period as days; None where neither side is given."""
    start, end = day(text_in(node, "start")), day(text_in(node, "end"))
    return Period(start, end) if start or end else None


def serviced(item: Json) -> Period | None:
    """The days of service of an item."""
    on = day(text_in(item, "servicedDate"))
    return Period(on, on) if on else period(object_in(item, "servicedPeriod"))
