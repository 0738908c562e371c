"""Extensions by their definitions: url, value or parts, where they may stand, how often a profile asks for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from profiles.checks.elements import list_check
from profiles.notation import Element
from profiles.problem import Check, Problem, Problems, shown, snippet
from profiles.spot import Shapes, least, most, rule_id, slices, slicing
from profiles.tables import Shape

if TYPE_CHECKING:
    from profiles.compiler import Compiler
    from profiles.visit import Visit

EVERYWHERE = "Element"
Contexts = tuple[tuple[str, str], ...]


@dataclass(slots=True, eq=False)
class Demand:
    """How often an extension with this url may occur here, and by which rule."""

    url: str
    at_least: int
    at_most: int | None
    rule: str
    shapes: Shapes
    content: dict[str, Any]


def demands(compiler: Compiler, shapes: Shapes) -> dict[str, Demand]:
    """The extensions the definitions name at this element, by url."""
    found = {}
    for name, parts in slices(shapes).items():
        url = _url(parts) or name
        low, low_by = least(parts)
        high, high_by = most(parts)
        fact = f"{low}..{'*' if high is None else high}"
        rule = rule_id(low_by if low else high_by, fact)
        found[url] = Demand(url, low, high, rule, parts, _content(compiler, url, parts) if low else {})
    return found


def _content(compiler: Compiler, url: str, parts: Shapes) -> dict[str, Any]:
    """What an extension holds besides its url, as an example: its value where it is fixed, else its kind."""
    definition = compiler.definition_shapes(url) if compiler.holds_extension(url) else ()
    values = tuple(s.children["value[x]"] for s in (*definition, *parts) if "value[x]" in s.children)
    if not values or most(values)[0] == 0:
        return {"extension": []}
    literal = next((e.fixed or e.pattern for e in map(_element, reversed(values)) if e.fixed or e.pattern), None)
    uses = next((e.types for e in map(_element, reversed(values)) if e.types), ())
    if not uses:
        return {}
    code = uses[0].code
    return {f"value{code[0].upper()}{code[1:]}": literal.value if literal else ({} if code[0].isupper() else "...")}


def _element(shape: Shape) -> Element:
    return shape.element


def _url(parts: Shapes) -> str:
    for shape in parts:
        for use in shape.element.types:
            if use.profiles:
                return use.profiles[0].partition("|")[0]
        url = shape.children.get("url")
        if url is not None and url.element.fixed is not None:
            return str(url.element.fixed.value)
    return ""


def extension_list(compiler: Compiler, shapes: Shapes, hosts: frozenset[str]) -> Check:
    """The check of an `extension` array at an element known by the names `hosts`."""
    named = demands(compiler, shapes)
    how = slicing(shapes)
    low, low_by = least(shapes)
    high, high_by = most(shapes)
    promised = sum(demand.at_least for demand in named.values())
    rule = rule_id(low_by, f"{low}..*") if low > promised else rule_id(high_by, f"{low}..{high}")
    nested = shapes[0].element.id == "Element.extension" and EXTENSION in hosts
    path = shapes[0].element.id
    known: dict[str, Check] = {}
    closed = rule_id(shapes[-1], "slices closed") if how is not None and how.rules == "closed" else ""
    complex_definition = nested and len(shapes) > 1

    def lookup(url: str) -> Check:
        """Definitions are compiled when first met; urls without one share a check and are not kept."""
        demand = named.get(url)
        if demand is None and not compiler.holds_extension(url):
            if complex_definition and ":" not in url:
                return _no_such_part(rule_id(shapes[-1], "slices"), list(named))
            return compiler.any_extension if ":" in url or nested else _relative
        made = compiler.extension(url, demand.shapes if demand else (), hosts)
        known[url] = made
        return made

    def item(value: Any, visit: Visit) -> Problems:
        url = value.get("url") if type(value) is dict else None
        if type(url) is not str:
            return compiler.any_extension(value, visit)
        check = known.get(url) or lookup(url)
        if closed and url not in named:
            return [Problem("structure", "no other extension is allowed here", closed, "Remove it.")]
        return check(value, visit)

    whole = list_check(item, path, low if low > promised else 0, high, rule)
    if not named:
        return whole
    limited = [demand for demand in named.values() if demand.at_least or demand.at_most is not None]

    def check(value: Any, visit: Visit) -> Problems:
        problems = whole(value, visit)
        if type(value) is not list or not value:
            return problems
        counts: dict[Any, int] = {}
        for part in value:
            url = part.get("url") if type(part) is dict else None
            if type(url) is str:
                counts[url] = counts.get(url, 0) + 1
        for demand in limited:
            count = counts.get(demand.url, 0)
            if count < demand.at_least:
                problems = [*(problems or ()), missing_extension(demand)]
            elif demand.at_most is not None and count > demand.at_most:
                problems = [*(problems or ()), _too_many(demand, count)]
        return problems

    return check


EXTENSION = "Extension"


def missing_extension(demand: Demand) -> Problem:
    """What to say when a profile demands an extension that is not there."""
    part = demand.url.rsplit("/", 1)[-1]
    repair = snippet({"url": demand.url, **demand.content})
    return Problem("required", f"the extension {part} is missing", demand.rule, repair, absent=True)


def _too_many(demand: Demand, count: int) -> Problem:
    part = demand.url.rsplit("/", 1)[-1]
    text = f"{count} extensions {part} where at most {demand.at_most} may be"
    return Problem("structure", text, demand.rule, f"Keep {demand.at_most}." if demand.at_most else "Remove it.")


def _relative(_value: Any, _visit: Visit) -> Problems:
    text = "the url of an extension must be absolute"
    return [Problem("extension", text, "R4 Extension.url", "Write the whole url, with http:.", trail=["url"])]


def _no_such_part(rule: str, parts: list[str]) -> Check:
    listing = ", ".join(parts)

    def check(value: Any, _visit: Visit) -> Problems:
        text = f"{shown(value['url'])} is not a part of this extension"
        return [Problem("extension", text, rule, f"One of: {listing}" if listing else "Remove it.")]

    return check


def context(compiler: Compiler, canonical: str, contexts: Contexts, hosts: frozenset[str], rule: str) -> Check | None:
    """The extension stands at an element its definition names; undecided where the type alone cannot tell.

    A place of a data type (`Dosage.timing`) is kept by its end, since a path in a resource does not show the type; one
    that is no type of R4 (`Request`) means a pattern of types, and nothing is asked.
    """
    places = set()
    for kind, expression in contexts:
        first, _, rest = expression.replace("[x]", "").partition(".")
        if kind != "element" or first == EVERYWHERE or not compiler.is_type(first):
            return None
        places.add(f"{first}.{rest}" if rest and compiler.is_resource(first) else f".{rest}" if rest else first)
    if not places or places & hosts:
        return None
    name = canonical.rsplit("/", 1)[-1]
    text = f"the extension {name} may only stand at {', '.join(sorted(expression for _, expression in contexts))}"
    kept = frozenset(places)

    def check(_value: Any, _visit: Visit) -> Problems:
        return [Problem("extension", text, rule, "Move or remove it.", places=kept)]

    return check
