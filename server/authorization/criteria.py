"""Conditions of a policy, three-valued: met, not met, or unknown because a named fact is missing (Kleene)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from msgspec import Struct

from server.authorization.facts import DOCUMENT, Facts, FactValue, Known
from server.authorization.request import Code, Quantity
from server.authorization.units import converted


class Result(StrEnum):
    """What holding a condition against the facts gives."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "unknown"


class Finding(Struct, frozen=True):
    """One comparison as it came out: the trace that is stored with the determination and can be replayed.

    A review makes a hundred of them: a Struct is made in a tenth of the time of a frozen dataclass.

    fact      name of the fact;  value  what it was, "" while unknown;  origin  where it was found
    wanted    what would have met the comparison, in words
    """

    fact: str
    wanted: str
    result: Result
    value: str = ""
    origin: str = ""


class Evaluation(Struct, frozen=True):
    """The result of a condition, and every comparison made for it.

    missing  the sets of unknown facts any of which, known as wanted, would meet an unknown condition; shortest first
    """

    result: Result
    findings: tuple[Finding, ...]
    missing: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class AmountIs:
    """The fact is an amount between `low` and `high`, both included where `inclusive`; None leaves a side open.

    `words`, of this and every comparison, is what it wants: made once, since every review tells it.
    """

    fact: str
    low: Quantity | None = None
    high: Quantity | None = None
    inclusive: bool = True
    words: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", in_words(self))


@dataclass(frozen=True, slots=True)
class TruthIs:
    """The fact is true, or false."""

    fact: str
    wanted: bool
    words: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", in_words(self))


@dataclass(frozen=True, slots=True)
class CodeIn:
    """One of the fact's codes is one of `codes`, or, where `wanted` is False, none is.

    A code that ends with `*` stands for all that begin alike: ICD-10-CM ``M54*``.
    """

    fact: str
    codes: tuple[Code, ...]
    wanted: bool = True
    words: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", in_words(self))


@dataclass(frozen=True, slots=True)
class DayWithin:
    """The fact is a day at most `before` days before the request and at most `after` days after it; None: any."""

    fact: str
    before: int | None = None
    after: int | None = None
    words: str = field(init=False, repr=False, compare=False, default="")

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", in_words(self))


@dataclass(frozen=True, slots=True)
class All:
    """Met when every part is; not met when one is not."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """Met when one part is; not met when none is."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Met when the part is not met; unknown stays unknown."""

    part: Condition


Comparison = AmountIs | TruthIs | CodeIn | DayWithin
Condition = Comparison | All | AnyOf | Not

_MET, _NOT_MET, _UNKNOWN = Result.MET, Result.NOT_MET, Result.UNKNOWN
"""Looking a member up in its class costs more than a comparison."""

MISSING_SETS = 20
"""How many ways to meet a condition are kept: enough for people, and it keeps nested alternatives from exploding."""


def evaluate(condition: Condition, facts: Facts) -> Evaluation:
    """The condition held against the facts."""
    if isinstance(condition, (All, AnyOf)):
        parts = [evaluate(part, facts) for part in condition.parts]
        return _all(parts) if isinstance(condition, All) else _any(parts)
    return _not(condition.part, facts) if isinstance(condition, Not) else _compared(condition, facts)


def comparisons_in(condition: Condition) -> Iterator[Comparison]:
    """Every comparison of a condition, in the order they are written."""
    match condition:
        case All(parts) | AnyOf(parts):
            for part in parts:
                yield from comparisons_in(part)
        case Not(part):
            yield from comparisons_in(part)
        case _:
            yield condition


def in_words(comparison: Comparison) -> str:
    """What a comparison wants, for traces and people: ``at least 6 week``, ``within 20 days before the request``."""
    match comparison:
        case AmountIs(_, low, high, inclusive):
            sides = [
                f"{'at least' if inclusive else 'more than'} {amount_text(low)}" if low else "",
                f"{'at most' if inclusive else 'less than'} {amount_text(high)}" if high else "",
            ]
            return " and ".join(filter(None, sides))
        case TruthIs(_, wanted):
            return "yes" if wanted else "no"
        case CodeIn(_, codes, wanted):
            return ("one of " if wanted else "none of ") + ", ".join(code.code for code in codes)
        case DayWithin(_, before, after):
            sides = [
                f"at most {before} days before the request" if before is not None else "",
                f"at most {after} days after the request" if after is not None else "",
            ]
            return " and ".join(filter(None, sides)) or "given"


def amount_text(amount: Quantity) -> str:
    """``6 week``, ``12`` (a plain number)."""
    return f"{amount.value} {amount.unit}" if amount.unit else str(amount.value)


_OPPOSITE = {_MET: _NOT_MET, _NOT_MET: _MET, _UNKNOWN: _UNKNOWN}


def _not(part: Condition, facts: Facts) -> Evaluation:
    """The opposite. Inside, `all` becomes `any` (De Morgan), so that what is missing is what the opposite lacks."""
    if isinstance(part, Not):
        return evaluate(part.part, facts)
    if isinstance(part, All):
        return _any([_not(each, facts) for each in part.parts])
    if isinstance(part, AnyOf):
        return _all([_not(each, facts) for each in part.parts])
    found = _compared(part, facts)
    return Evaluation(_OPPOSITE[found.result], found.findings, found.missing)


def _all(parts: list[Evaluation]) -> Evaluation:
    results = [part.result for part in parts]
    findings = tuple([finding for part in parts for finding in part.findings])
    if _NOT_MET in results:
        return Evaluation(_NOT_MET, findings)
    if _UNKNOWN not in results:
        return Evaluation(_MET, findings)
    ways: list[tuple[str, ...]] = [()]
    for part in parts:
        if part.result is _UNKNOWN:
            ways = [_joined(way, more) for way in ways for more in part.missing]
            ways = sorted(set(ways), key=lambda way: (len(way), way))[:MISSING_SETS]
    return Evaluation(_UNKNOWN, findings, tuple(ways))


def _any(parts: list[Evaluation]) -> Evaluation:
    results = [part.result for part in parts]
    findings = tuple([finding for part in parts for finding in part.findings])
    if _MET in results:
        return Evaluation(_MET, findings)
    if _UNKNOWN not in results:
        return Evaluation(_NOT_MET, findings)
    ways = {way for part in parts if part.result is _UNKNOWN for way in part.missing}
    return Evaluation(_UNKNOWN, findings, tuple(sorted(ways, key=lambda way: (len(way), way))[:MISSING_SETS]))


def _joined(way: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*way, *more)))


def _compared(comparison: Comparison, facts: Facts) -> Evaluation:
    known = facts.known.get(comparison.fact)
    if known is None:
        finding = Finding(comparison.fact, comparison.words, _UNKNOWN)
        return Evaluation(_UNKNOWN, (finding,), ((comparison.fact,),))
    held = _held(comparison, known, facts.on)
    result = _UNKNOWN if held is None else _MET if held else _NOT_MET
    finding = Finding(comparison.fact, comparison.words, result, text_of(known.value), known.origin)
    return Evaluation(result, (finding,), ((comparison.fact,),) if held is None else ())


def text_of(value: FactValue) -> str:
    """A fact's value as it stands in a trace."""
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, Quantity):
        return amount_text(value)
    if isinstance(value, tuple):
        return value[0].code if len(value) == 1 else ", ".join([code.code for code in value])
    return value if isinstance(value, str) else value.isoformat()


def _held(comparison: Comparison, known: Known, on: date) -> bool | None:
    """Whether the comparison holds; None where the value is of another type or unit and so says nothing.

    A document of the wrong day is a missing one: another can be sent.
    """
    value = known.value
    if isinstance(comparison, AmountIs):
        return _amount_held(comparison, value) if isinstance(value, Quantity) else None
    if isinstance(comparison, TruthIs):
        return value is comparison.wanted if isinstance(value, bool) else None
    if isinstance(comparison, CodeIn):
        return _code_held(comparison, value) if isinstance(value, tuple) else None
    if comparison.before is None and comparison.after is None:
        return True
    return _day_held(comparison, value, on) if isinstance(value, date) else None


def _code_held(comparison: CodeIn, given: tuple[Code, ...]) -> bool:
    for code in comparison.codes:
        for each in given:
            if _matches(code, each):
                return comparison.wanted
    return not comparison.wanted


def _day_held(comparison: DayWithin, day: date, on: date) -> bool | None:
    early = comparison.before is not None and day < on - timedelta(days=comparison.before)
    late = comparison.after is not None and day > on + timedelta(days=comparison.after)
    held = not early and not late
    return None if not held and comparison.fact.startswith(DOCUMENT) else held


def _amount_held(comparison: AmountIs, value: Quantity) -> bool | None:
    above = below = True
    low, high = comparison.low, comparison.high
    if low is not None:
        amount = converted(value, low.unit)
        if amount is None:
            return None
        above = amount >= low.value if comparison.inclusive else amount > low.value
    if high is not None:
        amount = converted(value, high.unit)
        if amount is None:
            return None
        below = amount <= high.value if comparison.inclusive else amount < high.value
    return above and below


def _matches(wanted: Code, given: Code) -> bool:
    if wanted.system != given.system:
        return False
    if wanted.code.endswith("*"):
        return given.code.startswith(wanted.code[:-1])
    return wanted.code == given.code
