"""A QuestionnaireResponse laid over its form: which item answers which question, and what is asked by these answers.

Linear in the size of the response: what the form does not know is told and not looked into.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from questionnaires.answer_problem import AnswerProblem
from questionnaires.answer_values import Value, compared, same, value_in
from questionnaires.forms import EnableWhen, Form, Item
from questionnaires.problem import Severity

Json = Mapping[str, Any]


@dataclass(slots=True)
class Scope:
    """Where answers are looked for: one instance of a repeating group, inside the whole response."""

    outer: Scope | None = None
    found: dict[str, list[Filled]] = field(default_factory=dict)

    def nearest(self, link_id: str) -> Scope:
        """The nearest scope that has items with this linkId (R4 Questionnaire.item.enableWhen.question)."""
        scope = self
        while link_id not in scope.found and scope.outer is not None:
            scope = scope.outer
        return scope


@dataclass(slots=True)
class Filled:
    """One item of a response.

    item      the item of the form;  node  as it was sent;  where  the FHIRPath that it is reached by
    scope     where answers to other questions are looked for;  inner  the same for the items in it
    misplaced it stands in another group than in the form
    answers   the answers that were sent;  typed  the type and value of each, None for one that is not well formed
    values    the answers that are
    """

    item: Item
    node: Json
    where: str
    scope: Scope
    inner: Scope
    misplaced: bool = False
    answers: list[Json] = field(init=False)
    typed: list[tuple[str, Value] | None] = field(init=False)
    values: list[Value] = field(init=False)

    def __post_init__(self) -> None:
        self.answers = _objects(self.node, "answer")
        self.typed = [value_in(each) for each in self.answers]
        self.values = [each[1] for each in self.typed if each is not None]


@dataclass(slots=True)
class FilledForm:
    """A response laid over its form: `items` in the order of the response, `unknown` the linkIds with their places."""

    form: Form
    whole: Scope = field(default_factory=Scope)
    items: list[Filled] = field(default_factory=list)
    unknown: list[tuple[str, str]] = field(default_factory=list)
    _enabled: dict[tuple[int, str], bool] = field(default_factory=dict)
    _met: dict[tuple[int, EnableWhen], bool] = field(default_factory=dict)
    _options: dict[str, frozenset[tuple[str, str]]] = field(default_factory=dict)

    def is_enabled(self, item: Item, scope: Scope) -> bool:
        """Whether the item is asked by the answers in the scope; never inside one that is not.

        An item whose own answer decides about it is not asked: its form has a circle.
        """
        key = (id(scope), item.link_id)
        if key not in self._enabled:
            self._enabled[key] = False
            around = self.form.around.get(item.link_id)
            within = around is None or self.is_enabled(self.form.items[around], scope)
            self._enabled[key] = within and self._holds(item, scope)
        return self._enabled[key]

    def options_of(self, item: Item) -> frozenset[tuple[str, str]]:
        """System and code of everything the item offers."""
        if item.link_id not in self._options:
            self._options[item.link_id] = frozenset((code.system, code.code) for code in item.options)
        return self._options[item.link_id]

    def _holds(self, item: Item, scope: Scope) -> bool:
        if not item.enabled:
            return True
        met = (self._is_met(each, scope.nearest(each.question)) for each in item.enabled)
        return all(met) if item.all_enabled else any(met)

    def _is_met(self, condition: EnableWhen, scope: Scope) -> bool:
        key = (id(scope), condition)
        if key not in self._met:
            self._met[key] = is_met(condition, self.values(condition.question, scope))
        return self._met[key]

    def values(self, link_id: str, scope: Scope | None = None) -> list[Value]:
        """The answers to a question; of one that is not asked there are none (R4 enableWhen)."""
        near = (scope or self.whole).nearest(link_id)
        found = near.found.get(link_id, ())
        if not found or not self.is_enabled(self.form.items[link_id], near):
            return []
        return [value for each in found for value in each.values]


def is_met(condition: EnableWhen, values: list[Value]) -> bool:
    """An unanswered question meets only `exists` no; `!=` is met where no answer is the one named."""
    if condition.operator == "exists":
        return bool(values) is condition.answer
    if condition.operator == "!=":
        return bool(values) and not any(same(each, condition.answer) for each in values)
    return any(_compares(each, condition) for each in values)


def _compares(value: Value, condition: EnableWhen) -> bool:
    if condition.operator == "=":
        return same(value, condition.answer)
    order = compared(value, condition.answer)
    if order is None:
        return False
    return {">": order > 0, "<": order < 0, ">=": order >= 0, "<=": order <= 0}[condition.operator]


def laid_over(form: Form, response: Json) -> FilledForm:
    """The response laid over the form."""
    filled = FilledForm(form)
    _lay(filled, form.tree, response, "QuestionnaireResponse", filled.whole)
    return filled


def _lay(filled: FilledForm, expected: tuple[Item, ...], node: Json, where: str, scope: Scope) -> None:
    here = {item.link_id: item for item in expected}
    for number, given in enumerate(_objects(node, "item")):
        link_id, place = given.get("linkId"), f"{where}.item[{number}]"
        item = here.get(link_id) if isinstance(link_id, str) else None
        known = item or (filled.form.items.get(link_id) if isinstance(link_id, str) else None)
        if known is None:
            filled.unknown.append((link_id if isinstance(link_id, str) else "", place))
            continue
        inner = Scope(scope) if known.type == "group" and known.repeats else scope
        filled.items.append(Filled(known, given, place, scope, inner, misplaced=item is None))
        scope.found.setdefault(known.link_id, []).append(filled.items[-1])
        if item is not None:
            _lay(filled, item.items, given, place, inner)
            for position, answer in enumerate(_objects(given, "answer")):
                _lay(filled, item.items, answer, f"{place}.answer[{position}]", inner)


def _objects(node: Json, name: str) -> list[Json]:
    found = node.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def problem_of(
    filled: Filled,
    rule: str,
    what: str,
    mend: str,
    *,
    answer: int | None = None,
    dropped: bool = False,
    severity: Severity = Severity.ERROR,
) -> AnswerProblem:
    """A problem of an item of the response, or of its answer with this number."""
    where = filled.where if answer is None else f"{filled.where}.answer[{answer}]"
    words = f"item '{filled.item.link_id}' {what}"
    return AnswerProblem(severity, filled.item.link_id, where, rule, words, mend, dropped)


def instances(filled: FilledForm) -> Iterator[tuple[Item, Scope]]:
    """Every item that may have to be answered, once for each group that it is in as often as that is there.

    Of a repeating group that is not there, and of items inside a question that is not answered, nothing has to be.
    """
    yield from _instances(filled, filled.form.tree, filled.whole)


def _instances(filled: FilledForm, items: tuple[Item, ...], scope: Scope) -> Iterator[tuple[Item, Scope]]:
    for item in items:
        yield item, scope
        there = scope.found.get(item.link_id, [])
        if item.type == "group" and not item.repeats:
            yield from _instances(filled, item.items, scope)
        elif item.items:
            for each in there:
                if item.type == "group" or each.values:
                    yield from _instances(filled, item.items, each.inner)
