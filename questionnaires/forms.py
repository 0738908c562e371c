"""The form of a topic: what its questionnaire.json asks, as a tree of items and as rules need to know it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from questionnaires.answer_values import Value
from questionnaires.form_valuesets import FormValueSets
from server.authorization.facts import Kind
from server.authorization.request import Code
from server.authorization.scores import Score

KINDS = {
    "boolean": Kind.TRUTH,
    "decimal": Kind.AMOUNT,
    "integer": Kind.AMOUNT,
    "quantity": Kind.AMOUNT,
    "date": Kind.DAY,
    "dateTime": Kind.DAY,
    "choice": Kind.CODES,
    "open-choice": Kind.CODES,
    "string": Kind.TEXT,
    "text": Kind.TEXT,
    "url": Kind.TEXT,
}
"""The types of items that a rule can look at, and the kind of fact each gives."""

OTHER_TYPES = ("group", "display", "time", "attachment", "reference")


@dataclass(frozen=True, slots=True)
class EnableWhen:
    """A condition for an item to be asked: the answer to another question, compared.

    operator  exists, =, !=, >, <, >= or <=;  answer  what it is compared with
    """

    question: str
    operator: str
    answer: Value


@dataclass(frozen=True, slots=True)
class Item:
    """One item of a form: a question, a group of items, or words.

    unit     the unit of the answer: of a decimal or integer the one in which it is given, since it is not sent along
    low, high  the range of answers;  options  the codes to choose from, none where any code will do
    calculated  FHIRPath by which the form calculates the answer, "" where it does not
    units       the units a quantity may be sent in, none for any
    texts       options that are no codes: texts, days, numbers
    value_set   canonical of the ValueSet that the options are from
    enabled     what has to hold for it to be asked: `all_enabled` says whether every one, or any
    initial     values that are filled in beforehand, as FHIR JSON: [{"valueInteger": 12}]
    signed      the answer has to be signed
    help        words that help with the question around them
    recommended  the plan's recommended amount is filled in beforehand (PF-14)
    items       the items in it;  resource  the item as it is in the file, its items included
    """

    link_id: str
    type: str
    text: str = ""
    unit: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    options: tuple[Code, ...] = ()
    repeats: bool = False
    read_only: bool = False
    calculated: str = ""
    required: bool = False
    hidden: bool = False
    units: tuple[Code, ...] = ()
    texts: tuple[Value, ...] = ()
    value_set: str = ""
    enabled: tuple[EnableWhen, ...] = ()
    all_enabled: bool = False
    initial: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    signed: bool = False
    help: bool = False
    recommended: bool = False
    items: tuple[Item, ...] = ()
    resource: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False, compare=False)

    @property
    def kind(self) -> Kind | None:
        """The kind of fact its answer is; None where rules cannot look at it."""
        return KINDS.get(self.type)

    @property
    def asks(self) -> bool:
        """True for a question: something that is answered."""
        return self.type not in ("group", "display")


@dataclass(frozen=True, slots=True)
class Form:
    """A DTR Questionnaire.

    items     every item at any depth by its linkId, in the order of the form;  tree  the outermost ones
    around    linkId -> linkId of the item it is in
    adaptive  the server hands its items out step by step
    signed    the whole response has to be signed
    first, last  the days it may be filled in (effectivePeriod)
    sets      the ValueSets it can name;  resource  the Questionnaire as it is in the file
    scores    measures that its topic calculates from the answers;  digest  hash of the file and of its ValueSets
    """

    url: str
    version: str
    title: str
    items: Mapping[str, Item] = field(hash=False)
    digest: str = ""
    tree: tuple[Item, ...] = field(default=(), hash=False, repr=False)
    around: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    adaptive: bool = False
    signed: bool = False
    first: date | None = None
    last: date | None = None
    scores: tuple[Score, ...] = ()
    sets: FormValueSets = field(default_factory=FormValueSets, hash=False, repr=False, compare=False)
    resource: Mapping[str, Any] = field(default_factory=dict, hash=False, repr=False, compare=False)

    @property
    def canonical(self) -> str:
        """url|version: how messages name it."""
        return f"{self.url}|{self.version}"

    def questions(self) -> Iterator[Item]:
        """The items that are answered, in the order of the form."""
        return (item for item in self.items.values() if item.asks)


class Forms:
    """The forms of a content, by url|version, and by url alone the newest one."""

    def __init__(self, oldest_first: Iterable[Form] = ()) -> None:
        forms = tuple(oldest_first)
        self._all = {form.canonical: form for form in forms}
        self._newest = {form.url: form for form in forms}

    def get(self, canonical: str) -> Form | None:
        """The form with this url|version, or the newest with this url; None for an unknown one."""
        return self._all.get(canonical) or self._newest.get(canonical)

    def __iter__(self) -> Iterator[Form]:
        return iter(self._all.values())

    def __len__(self) -> int:
        return len(self._all)
