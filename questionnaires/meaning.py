"""What written conditions mean in a topic: its form says what type an answer has, the plan how much is recommended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from questionnaires.conditions import GIVEN, OPERATORS, RECOMMENDED, Compared, Said, comparisons
from questionnaires.forms import Form, Item
from questionnaires.valuesets import ValueSet, codes_of, is_numbered
from questionnaires.written import Place
from server.authorization.criteria import All, AmountIs, AnyOf, CodeIn, Comparison, Condition, DayWithin, Not, TruthIs
from server.authorization.facts import ANSWER, NAMED, Kind, kind_of
from server.authorization.known import document_fact
from server.authorization.policy import CodeSpan
from server.authorization.request import Code, Quantity
from server.authorization.systems import CPT, HCPCS, ICD_10_CM, PLACES_OF_SERVICE, SNOMED, TAXONOMY, short_name
from server.authorization.units import KNOWN_UNITS, converted, unit_word

Wrong = tuple[Place, str, str]
"""A place, what is wrong there, how to mend it."""

_COUNTED = ("visit", "unit", "hour", "day", "month")
UNITS: Mapping[str, tuple[str, ...]] = {
    "line.quantity": _COUNTED,
    "line.days": ("day", "week", "hour"),
    "member.age": ("year", "month"),
    "history.visits_authorized": _COUNTED,
}
"""The units that facts which are amounts come in."""

SYSTEMS: Mapping[str, tuple[str, ...]] = {
    "line.place": (PLACES_OF_SERVICE,),
    "line.specialty": (TAXONOMY,),
    "line.modifiers": (HCPCS, CPT),
    "request.diagnoses": (ICD_10_CM, SNOMED),
}
"""The code systems that facts which are codes come in, where not any."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a condition stands: the form it asks about, the sets it can name, the recommended quantity there."""

    form: Form | None = None
    sets: Mapping[str, ValueSet] = field(default_factory=dict)
    recommended: Quantity | None = None

    def item(self, said: Compared) -> Item | None:
        """The question whose answer is compared."""
        return self.form.items.get(str(said.name)) if self.form and said.subject == "answer" else None


def fact_name(said: Compared) -> str:
    """The name of the fact that is compared."""
    if isinstance(said.name, Code):
        return document_fact(said.name)
    return ANSWER + said.name if said.subject == "answer" else said.name


def meant(said: Said, scope: Scope) -> Condition:
    """The condition in the words of the review. `wrong_in` has found nothing."""
    if isinstance(said, Compared):
        return _comparison(said, scope)
    parts = tuple(meant(part, scope) for part in said.parts)
    if said.word == "not":
        return Not(parts[0])
    return All(parts) if said.word == "all" else AnyOf(parts)


def wrong_in(said: Said, place: Place, scope: Scope) -> Iterator[Wrong]:
    """Names that do not exist, and comparisons that the type of the fact cannot have."""
    for compared, where in comparisons(said, place):
        yield from _wrong(compared, where, scope)


def _wrong(said: Compared, place: Place, scope: Scope) -> Iterator[Wrong]:
    known = list(_names(said, scope))
    if said.subject != "document" and said.name not in known:
        yield (*place, said.subject), *_unknown(said, known, scope)
        return
    item = scope.item(said)
    kind = item.kind if item else kind_of(fact_name(said))
    if kind is None:
        what = f"an answer of type {item.type if item else '?'} cannot be compared"
        yield (*place, said.subject), what, "compare another item"
        return
    if said.value == GIVEN:
        return
    wanted = OPERATORS[said.operator][0]
    if wanted is not kind:
        fitting = [f"{name}:" for name, (each, _) in OPERATORS.items() if each is kind] or [f"is: {GIVEN}"]
        what = f"'{said.operator}' compares {_NAMES[wanted]}, and {said.name} is {_NAMES[kind]}"
        yield (*place, said.operator), what, f"write {' or '.join(fitting)}"
        return
    check = _OF_KIND.get(kind)
    if check:
        yield from check(said, (*place, said.operator), scope)


_NAMES = {
    Kind.TRUTH: "yes or no",
    Kind.AMOUNT: "an amount",
    Kind.DAY: "a day",
    Kind.CODES: "codes",
    Kind.TEXT: "a text",
}


def _names(said: Compared, scope: Scope) -> Iterator[str]:
    if said.subject == "fact":
        yield from NAMED
    elif scope.form:
        yield from scope.form.items


def _unknown(said: Compared, known: list[str], scope: Scope) -> tuple[str, str]:
    if said.subject == "answer" and scope.form is None:
        return f"there is no form to answer '{said.name}'", "write questionnaire.json beside topic.yaml"
    thing = f"no linkId '{said.name}' in the form" if said.subject == "answer" else f"no fact '{said.name}'"
    near = get_close_matches(str(said.name), known, 1)
    mend = f"did you mean '{near[0]}'?" if near else f"there are {', '.join(known)}"
    return f"there is {thing}", mend


def _wrong_amount(said: Compared, place: Place, scope: Scope) -> Iterator[Wrong]:
    if said.value == RECOMMENDED:
        if scope.recommended is None:
            yield place, "there is no recommended quantity", "add recommended: 12 visits, or write the amount"
        return
    bound = said.value[0] if isinstance(said.value, tuple) else said.value
    item = scope.item(said)
    units = ((item.unit,) if item.unit else ()) if item else UNITS[str(said.name)]
    if not _fits(bound, units, sent=item is None or item.type == "quantity"):
        what = f"{said.name} is not measured in '{bound.unit}'" if bound.unit else f"{said.name} has a unit"
        mend = (
            f"write the amount in {' or '.join(units)}" if units else "write the number alone, or give the item a unit"
        )
        yield place, what, mend


def _fits(bound: Quantity, units: tuple[str, ...], *, sent: bool) -> bool:
    """Whether an amount of the fact can be held against the bound; what is sent without unit is not converted."""
    if not units or not bound.unit:
        return not units and (not bound.unit or (sent and bound.unit in KNOWN_UNITS))
    if sent:
        return any(converted(Quantity(bound.value, unit), bound.unit) is not None for unit in units)
    return unit_word(bound.unit) in {unit_word(unit) for unit in units}


def _wrong_codes(said: Compared, place: Place, scope: Scope) -> Iterator[Wrong]:
    item = scope.item(said)
    for number, entry in enumerate(said.value):
        where = (*place, number)
        codes = _codes(entry, scope, item)
        if codes is None:
            yield where, *_no_codes(str(entry), scope, item)
            continue
        options = {(code.system, code.code) for code in item.options} if item else set()
        for code in codes:
            if options and not any(_alike(code, *option) for option in options):
                yield where, f"{code.code} is no option of item '{said.name}'", _options(item)
            systems = SYSTEMS.get(str(said.name), ()) if item is None else ()
            if systems and code.system not in systems:
                what = f"{said.name} never has codes of {short_name(code.system)}"
                yield where, what, f"use codes of {' or '.join(map(short_name, systems))}"


def _alike(wanted: Code, system: str, code: str) -> bool:
    if wanted.system != system:
        return False
    return code.startswith(wanted.code[:-1]) if wanted.code.endswith("*") else wanted.code == code


def _no_codes(name: str, scope: Scope, item: Item | None) -> tuple[str, str]:
    if name in scope.sets:
        return f"value set '{name}' has a range that is too wide to compare with", "write its codes one by one"
    if item and item.options:
        return f"there is no option '{name}' in item '{item.link_id}', and no such value set", _options(item)
    sets = ", ".join(scope.sets) or "still to be written"
    return f"there is no value set '{name}'", f"write a code with its system, or a set: the sets are {sets}"


def _options(item: Item | None) -> str:
    return f"its options are {', '.join(code.code for code in item.options)}" if item else ""


_OF_KIND = {Kind.AMOUNT: _wrong_amount, Kind.CODES: _wrong_codes}


def _comparison(said: Compared, scope: Scope) -> Comparison:
    fact = fact_name(said)
    if said.value == GIVEN:
        return DayWithin(fact)
    match OPERATORS[said.operator][0]:
        case Kind.AMOUNT:
            return _amount(said, fact, scope)
        case Kind.TRUTH:
            return TruthIs(fact, said.value)
        case Kind.CODES:
            item = scope.item(said)
            codes = (code for entry in said.value for code in _codes(entry, scope, item) or ())
            return CodeIn(fact, tuple(dict.fromkeys(_with_level_one(codes))), said.operator == "one of")
        case _:
            return DayWithin(fact, said.value["before"], said.value["after"])


def _with_level_one(codes: Iterable[Code]) -> Iterator[Code]:
    for code in codes:
        yield code
        if code.system == CPT:
            yield Code(HCPCS, code.code)


def _amount(said: Compared, fact: str, scope: Scope) -> AmountIs:
    value = scope.recommended if said.value == RECOMMENDED else said.value
    match said.operator:
        case "at least":
            return AmountIs(fact, low=value)
        case "more than":
            return AmountIs(fact, low=value, inclusive=False)
        case "at most":
            return AmountIs(fact, high=value)
        case "less than":
            return AmountIs(fact, high=value, inclusive=False)
        case _:
            return AmountIs(fact, *said.value)


def _codes(entry: Code | str, scope: Scope, item: Item | None) -> tuple[Code, ...] | None:
    """The codes that an entry stands for; None where there is no such name, or too many codes."""
    if isinstance(entry, Code):
        return (entry,)
    option = next((code for code in item.options if code.code == entry), None) if item else None
    if option is not None:
        return (option,)
    entries = scope.sets.get(entry)
    if entries is None or not all(is_numbered(each) for each in entries if isinstance(each, CodeSpan)):
        return None
    return tuple(codes_of(entries))
