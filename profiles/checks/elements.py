"""The shape of objects and lists: known names, what must be there, nothing empty, one of each choice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from profiles.notation import TypeUse
from profiles.problem import Check, Problem, Problems, is_name, shown

if TYPE_CHECKING:
    from profiles.visit import Visit


@dataclass(slots=True)
class Needed:
    """An element that must be there: the JSON names it can have, and what to say when none is."""

    names: tuple[str, ...]
    absent: Callable[[Visit], Problems]
    stem: str = ""

    def is_there(self, value: dict[str, Any]) -> bool:
        """True when one of the names has content; for a choice also one that is not allowed: that is said elsewhere."""
        for name in self.names:
            if name in value and (name[0] != "_" or _says_something(value[name])):
                return True
        size = len(self.stem)
        return bool(size) and any(name.startswith(self.stem) and name[size : size + 1].isupper() for name in value)


def _says_something(sibling: Any) -> bool:
    """True for the `_x` of an absent primitive that tells why it is absent: by an extension."""
    parts = sibling if isinstance(sibling, list) else [sibling]
    return any(isinstance(part, dict) and "extension" in part for part in parts)


@dataclass(frozen=True, slots=True)
class Choice:
    """An element of several types: what its JSON names begin with, the types R4 has, and what a profile leaves."""

    stem: str
    uses: tuple[TypeUse, ...]
    rule: str
    instead: str

    def has(self, name: str) -> bool:
        """True for a JSON name of it, allowed or not."""
        rest = name[len(self.stem) :]
        return name.startswith(self.stem) and any(rest == use.code[0].upper() + use.code[1:] for use in self.uses)


@dataclass(slots=True)
class Fields:
    """What an object may hold. The dicts are filled after the check that uses them is made: types contain themselves.

    table       JSON name -> check of its value
    aliases     JSON name -> element name where they differ (valueString -> value, _birthDate -> birthDate)
    forbidden   names R4 has and a profile takes away -> (rule, what is allowed instead)
    needed      elements that must be there; `quick` holds the names most of them have
    either      choices of which one must be there
    choices     groups of names of which one may be used
    stems       the elements of several types, to tell what a name that is not in the table was meant to be
    siblings    JSON names of primitives that must have an `_x`, and the check of what is missing in it
    beside      True for the `_x` of a primitive, which may be an id alone
    """

    what: str
    path: str
    table: dict[str, Check] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    forbidden: dict[str, tuple[str, str]] = field(default_factory=dict)
    needed: list[Needed] = field(default_factory=list)
    quick: set[str] = field(default_factory=set)
    choices: list[frozenset[str]] = field(default_factory=list)
    stems: list[Choice] = field(default_factory=list)
    siblings: list[tuple[str, Check]] = field(default_factory=list)
    either: list[Needed] = field(default_factory=list)
    beside: bool = False


def object_check(fields: Fields) -> Check:
    """The check of an object; every problem inside, with its trail."""
    table = fields.table
    quick = fields.quick
    choices = fields.choices
    siblings = fields.siblings
    needed = fields.needed
    either = fields.either
    find = table.get
    id_alone = "" if fields.beside else "id"

    def check(value: Any, visit: Visit) -> Problems:
        if type(value) is not dict:
            return [_not_an_object(value, fields)]
        problems: Problems = None
        for name, part in value.items():
            one = find(name)
            found = [_unknown(name, fields)] if one is None else one(part, visit)
            if found:
                found = _placed(found, name, value, fields)
                if problems is None:
                    problems = found
                else:
                    problems += found
        if not value or (len(value) == 1 and id_alone in value):
            return [_empty(fields), *(problems or ())]
        if needed and not quick <= value.keys():
            problems = _with_absent(needed, value, visit, problems)
        if either:
            problems = _with_absent(either, value, visit, problems)
        if choices:
            problems = _one_of_each(value, choices, fields, problems)
        return _with_siblings(value, visit, siblings, problems) if siblings else problems

    return check


def _with_absent(needed: list[Needed], value: dict[str, Any], visit: Visit, problems: Problems) -> Problems:
    for need in needed:
        if not need.is_there(value):
            problems = [*(problems or ()), *(need.absent(visit) or ())]
    return problems


def _with_siblings(
    value: dict[str, Any], visit: Visit, siblings: list[tuple[str, Check]], problems: Problems
) -> Problems:
    """Primitives that must have an `_x` and have none."""
    for name, inside in siblings:
        if name in value and f"_{name}" not in value:
            found = inside(value, visit) or ()
            problems = [*(problems or ()), *(problem.above(name) for problem in found)]
    return problems


def extension_object(fields: Fields) -> Check:
    """The check of an extension object: as any object, and a value or extensions, never both (ext-1)."""
    inner = object_check(fields)
    url_and_value = 2

    def check(value: Any, visit: Visit) -> Problems:
        problems = inner(value, visit)
        if type(value) is dict and (len(value) != url_and_value or "id" in value):
            values = {name.lstrip("_") for name in value if name.startswith(("value", "_value"))}
            has_value = bool(values)
            if len(values) > 1 and not any(p.trail[-1:] == ["value"] for p in problems or ()):
                text = f"{' and '.join(sorted(filter(is_name, values)))} together; only one may be used"
                return [Problem("structure", text, "R4 Extension.value[x]", "Keep one."), *(problems or ())]
            if has_value == ("extension" in value) and value:
                what = "both a value and extensions" if has_value else "neither a value nor extensions"
                return [Problem("invariant", f"an extension has {what}", "ext-1", "Keep one."), *(problems or ())]
        return problems

    return check


def _placed(found: list[Problem], name: str, value: dict[str, Any], fields: Fields) -> list[Problem]:
    shown_name = _element_name(name, fields) if is_name(name.lstrip("_")) else ""
    kept = []
    for problem in found:
        if problem.gap and problem.trail and _filled(value.get(_counterpart(name)), problem.trail[-1]):
            continue
        if problem.absent and not problem.trail:
            problem.absent = False
        elif shown_name:
            problem.trail.append(shown_name)
        kept.append(problem)
    return kept


def _element_name(name: str, fields: Fields) -> str:
    """FHIRPath's name of a JSON name: `value` for valueString and _valueString."""
    if name in fields.table or name in fields.forbidden:
        return fields.aliases.get(name, name)
    return next((choice.stem for choice in fields.stems if choice.has(name)), name)


def _counterpart(name: str) -> str:
    return name[1:] if name[:1] == "_" else f"_{name}"


def _filled(other: Any, position: str | int) -> bool:
    """True when the list on the other side of `_` has something at the position."""
    if not isinstance(other, list) or not isinstance(position, int) or position >= len(other):
        return False
    return other[position] is not None and other[position] != {}


def _not_an_object(value: Any, fields: Fields) -> Problem:
    return Problem(
        "structure", f"must be an object ({fields.what}), not {_kind(value)}", f"R4 {fields.path}", "Write { ... }."
    )


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    return {list: "an array", dict: "an object", type(None): "null"}.get(type(value), "a number")


def _empty(fields: Fields) -> Problem:
    return Problem("invariant", f"{fields.what} without content", "ele-1", "Leave the element out or give it content.")


def _unknown(name: Any, fields: Fields) -> Problem:
    forbidden = fields.forbidden.get(name)
    if forbidden is None:
        forbidden = next(((c.rule, c.instead) for c in fields.stems if c.has(name)), None)
    if forbidden is not None:
        rule, instead = forbidden
        return Problem("structure", f"{name} is not allowed here", rule, instead or f"Remove {name}.")
    said = f"unknown element {name}" if is_name(str(name).lstrip("_")) else "unknown element"
    return Problem("structure", said, f"R4 {fields.path}", "Remove it, or correct its name.")


def _one_of_each(value: dict[str, Any], choices: list[frozenset[str]], fields: Fields, problems: Problems) -> Problems:
    for names in choices:
        used = value.keys() & names
        if len(used) > 1:
            element = fields.aliases.get(next(iter(used)), "")
            text = f"{' and '.join(sorted(used))} together; only one may be used"
            found = Problem("structure", text, f"R4 {fields.path}.{element}[x]", "Keep one of them.", trail=[element])
            problems = [*(problems or ()), found]
    return problems


ENOUGH = 1000  # problems of one list, after which the rest of it is not read: nobody mends them one by one


def rest_unread(rule: str, number: int) -> Problem:
    """What to say of a list that is given up."""
    return Problem("too-costly", f"not read beyond [{number}]: too many problems", rule, "Mend these first.")


def list_check(item: Check, path: str, at_least: int = 0, at_most: int | None = None, rule: str = "") -> Check:
    """The check of an array: it is one, it is not empty, it has as many items as allowed, each item is right."""

    def check(value: Any, visit: Visit) -> Problems:
        if type(value) is not list:
            return [Problem("structure", f"must be an array, not {_kind(value)}", f"R4 {path}", "Write [ ... ].")]
        if not value:
            return [Problem("structure", "an empty array", f"R4 {path}", "Leave the element out.")]
        problems: Problems = None
        for number, part in enumerate(value):
            found = item(part, visit)
            if found:
                for problem in found:
                    problem.trail.append(number)
                if problems is None:
                    problems = found
                else:
                    problems += found
                if len(problems) > ENOUGH:
                    return [*problems, rest_unread(f"R4 {path}", number)]
        size = len(value)
        if size < at_least:
            text = f"{size} where at least {at_least} are needed"
            problems = [*(problems or ()), Problem("required", text, rule, f"Add {at_least - size} more.")]
        elif at_most is not None and size > at_most:
            text = f"{size} where at most {at_most} may be"
            problems = [*(problems or ()), Problem("structure", text, rule, f"Keep {at_most}.")]
        return problems

    return check


def sibling_list(inside: Check, path: str) -> Check:
    """The check of the `_x` array beside a list of primitives: null or an object at each position."""

    def item(value: Any, visit: Visit) -> Problems:
        if value is None:
            text = "null where there is no value either"
            return [
                Problem("structure", text, f"R4 {path}", "Shorten the list, or say why the value is absent.", gap=True)
            ]
        return inside(value, visit)

    return list_check(item, path)


def resource_type(expected: str) -> Check:
    """The resourceType is the one looked for."""

    def check(value: Any, _visit: Visit) -> Problems:
        if value == expected:
            return None
        return [Problem("structure", f"must be {expected}, not {shown(value)}", f"R4 {expected}")]

    return check


def nothing_more(_value: Any, _visit: Visit) -> Problems:
    """Always right."""
    return None
