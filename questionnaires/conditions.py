"""Conditions as they are written: what may be said, before it is known what the words mean for a topic.

A condition is one of

    all: [condition, ...]      any: [condition, ...]      not: condition
    {answer: linkId, OPERATOR} {fact: name, OPERATOR}     {document: loinc 11506-3, OPERATOR}

where OPERATOR is exactly one of OPERATORS. There is no code in it, and nothing is ever evaluated as code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from marshmallow import ValidationError, fields, validates_schema

from questionnaires.notation import SOME, Bound, Count, Notation, Text, code_from
from questionnaires.written import Place
from server.authorization.facts import Kind
from server.authorization.request import Code

GROUPS = ("all", "any", "not")
SUBJECTS = ("answer", "fact", "document")
RECOMMENDED = "recommended"
"""In place of a bound: the topic's recommended quantity, which differs by plan."""

GIVEN = "given"
"""What `is:` may say of every kind of fact: that somebody said it."""


@dataclass(frozen=True, slots=True)
class Group:
    """`all` or `any` of some conditions, or `not` of one."""

    word: str
    parts: tuple[Said, ...]

    def placed(self, place: Place) -> Iterator[tuple[Said, Place]]:
        """The parts with the place of each, where the group stands at `place`."""
        for number, part in enumerate(self.parts):
            yield part, (*place, self.word) if self.word == "not" else (*place, self.word, number)


@dataclass(frozen=True, slots=True)
class Compared:
    """One comparison as written. `name` is a linkId, the name of a fact, or the code of a document."""

    subject: str
    name: str | Code
    operator: str
    value: Any


Said = Group | Compared


def comparisons(said: Said, place: Place) -> Iterator[tuple[Compared, Place]]:
    """Every comparison of a condition with its place."""
    if isinstance(said, Compared):
        yield said, place
        return
    for part, where in said.placed(place):
        yield from comparisons(part, where)


def groups(said: Said, place: Place) -> Iterator[tuple[Group, Place]]:
    """Every group of a condition with its place."""
    if isinstance(said, Group):
        yield said, place
        for part, where in said.placed(place):
            yield from groups(part, where)


class CodeOrName(fields.Field[Code | str]):
    """A code with its system, or a name: of a value set, or of an option of the question."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Code | str:
        if isinstance(value, str) and value and " " not in value.strip():
            return value.strip()
        return code_from(value)


class WithinSchema(Notation):
    """How far a day may be from the day of the request."""

    before = Count(data_key="days before", load_default=None)
    after = Count(data_key="days after", load_default=None)

    @validates_schema
    def some_limit(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse a period without an end."""
        if data.get("before") is None and data.get("after") is None:
            raise ValidationError("any day is within this - write days before, days after, or both")


class _BoundOrRecommended(Bound):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        return value if value == RECOMMENDED else super()._deserialize(value)


class _Between(fields.Field[Any]):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if not isinstance(value, list) or len(value) != 2:
            raise ValidationError("two amounts are expected here - write between: [1 week, 6 weeks]")
        low, high = (Bound()._deserialize(each) for each in value)
        if low.unit != high.unit:
            raise ValidationError("the two amounts have different units - write both in one unit")
        if low.value > high.value:
            raise ValidationError("the first amount is above the second - swap them")
        return low, high


class _Is(fields.Field[Any]):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if value not in ("yes", "no", GIVEN):
            raise ValidationError(f"{value!r} is no choice here - write one of: yes, no, {GIVEN}")
        return value if value == GIVEN else value == "yes"


OPERATORS: Mapping[str, tuple[Kind, fields.Field[Any]]] = {
    "at least": (Kind.AMOUNT, _BoundOrRecommended()),
    "at most": (Kind.AMOUNT, _BoundOrRecommended()),
    "more than": (Kind.AMOUNT, _BoundOrRecommended()),
    "less than": (Kind.AMOUNT, _BoundOrRecommended()),
    "between": (Kind.AMOUNT, _Between()),
    "is": (Kind.TRUTH, _Is()),
    "one of": (Kind.CODES, fields.List(CodeOrName(), validate=SOME)),
    "none of": (Kind.CODES, fields.List(CodeOrName(), validate=SOME)),
    "within": (Kind.DAY, fields.Nested(WithinSchema)),
}
"""Every operator: the kind of fact it compares, and how its value is written. `is: given` holds for every kind."""


class ConditionField(fields.Field[Said]):
    """A condition, at any depth."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Said:
        if not isinstance(value, Mapping):
            raise ValidationError("a condition is expected here - write all:, any:, not:, or {answer: x, is: yes}")
        group = [word for word in GROUPS if word in value]
        if group:
            return _group(group[0], value)
        return _compared(value)


def _group(word: str, value: Mapping[str, Any]) -> Group:
    if len(value) > 1:
        others = ", ".join(name for name in value if name != word)
        raise ValidationError(f"beside '{word}' stands {others} - put one condition inside the other")
    inner = value[word]
    if word == "not":
        return Group(word, (_inside({word: inner}, {})[word],))
    if not isinstance(inner, list) or not inner:
        raise ValidationError({word: [f"'{word}' is a list of conditions - begin every one with a dash"]})
    read = _inside(dict(enumerate(inner)), {"in": word})
    return Group(word, tuple(read.values()))


def _inside(parts: Mapping[Any, Any], where: Mapping[str, str]) -> dict[Any, Said]:
    """The parts read; what is wrong with any of them is raised together, by its place."""
    read, wrong = {}, {}
    for key, part in parts.items():
        try:
            read[key] = ConditionField()._deserialize(part)
        except ValidationError as error:
            wrong[key] = error.messages
    if wrong:
        raise ValidationError({where["in"]: wrong} if where else wrong)
    return read


def _compared(value: Mapping[str, Any]) -> Compared:
    subject = _one_of(value, SUBJECTS, "what is compared", "answer: linkId, fact: name, or document: loinc 11506-3")
    operator = _one_of(value, tuple(OPERATORS), "how it is compared", f"one of {', '.join(OPERATORS)}")
    others = [name for name in value if name not in (subject, operator)]
    if others:
        raise ValidationError({others[0]: [f"unknown field '{others[0]}' in a comparison - delete it"]})
    return Compared(
        subject,
        _read(subject, _name_field(subject), value[subject]),
        operator,
        _read(operator, OPERATORS[operator][1], value[operator]),
    )


def _one_of(value: Mapping[str, Any], names: tuple[str, ...], what: str, mend: str) -> str:
    found = [name for name in names if name in value]
    if len(found) != 1:
        said = f"both {found[0]} and {found[1]}" if found else f"nothing says {what}"
        raise ValidationError(f"{said} - write {'only ' if found else ''}{mend}")
    return found[0]


def _name_field(subject: str) -> fields.Field[Any]:
    return _DocumentCode() if subject == "document" else Text()


class _DocumentCode(fields.Field[Code]):
    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Code:
        return code_from(value)


def _read(name: str, field: fields.Field[Any], value: Any) -> Any:
    if value is None:
        raise ValidationError({name: [f"'{name}' is empty - give it a value"]})
    try:
        return field.deserialize(value)
    except ValidationError as error:
        raise ValidationError({name: error.messages}) from None
