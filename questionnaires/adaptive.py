"""The next step of an adaptive form: what is asked now, by what was answered so far (DTR next-question). Pure.

Nothing is kept between steps: the same answers to the same items always lead to the same step. As many items as
possible are asked at once (DTR spec-36). An item is asked when the answers it depends on are known, and never when
no rule can need it any more; the administrative part follows when the clinical one is asked (DTR spec-22, spec-39).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from questionnaires.filled import FilledForm, is_met
from questionnaires.forms import EnableWhen, Form, Item
from questionnaires.response_check import number_in
from questionnaires.undecided import undecided
from server.authorization.policy import Topic
from server.authorization.scores import scored

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Step:
    """What an adaptive response is answered with.

    items     of the form, with the items in them, as far as they are asked by now
    new       linkIds of questions that were not asked before;  enabled  those that are surely asked
    scores    linkId -> score that is calculated from the answers, None while too few are given
    complete  everything is asked and what is required is answered
    """

    items: tuple[Json, ...]
    new: tuple[str, ...]
    enabled: frozenset[str]
    scores: Mapping[str, Decimal | None]
    complete: bool


@dataclass(slots=True)
class Session:
    """A session of an adaptive form as it stands.

    asked        linkIds that were asked before;  kept  those of them that are answered, and what they are in
    conditional  an item may be asked together with the question that it depends on (enableWhen; not in DTR 2.0.1)
    """

    filled: FilledForm
    asked: frozenset[str]
    needless: frozenset[str]
    conditional: bool
    kept: frozenset[str] = frozenset()
    _enabled: dict[str, bool | None] = field(default_factory=dict)

    @property
    def form(self) -> Form:
        """The whole form."""
        return self.filled.form

    def answered(self, link_id: str) -> bool:
        """True when the question has an answer."""
        return any(each.values for each in self.filled.whole.found.get(link_id, ()))

    def is_enabled(self, item: Item) -> bool | None:
        """Whether the item is asked by the answers so far; None while that depends on open questions."""
        if item.link_id not in self._enabled:
            self._enabled[item.link_id] = False
            around = self.form.around.get(item.link_id)
            within = True if around is None else self.is_enabled(self.form.items[around])
            own = self._holds(item)
            self._enabled[item.link_id] = False if within is False or own is False else own and within
        return self._enabled[item.link_id]

    def _holds(self, item: Item) -> bool | None:
        if not item.enabled:
            return True
        met = [self._is_met(each) for each in item.enabled]
        decided = not item.all_enabled
        if decided in met:
            return decided
        return None if None in met else not decided

    def _is_met(self, condition: EnableWhen) -> bool | None:
        values = self.filled.values(condition.question)
        if not values and not self._settled(condition.question):
            return None
        return is_met(condition, values)

    def _settled(self, link_id: str) -> bool:
        """True for a question that will have no answer: it is not asked, or it was left open and may be."""
        item = self.form.items[link_id]
        if self.is_enabled(item) is False or link_id in self.needless:
            return True
        return link_id in self.asked and not item.required


def next_step(
    filled: FilledForm, asked: Iterable[str], topics: Iterable[Topic], on: date, *, conditional: bool
) -> Step:
    """The step that follows a response, laid over its form, whose items `asked` were asked so far.

    `topics` are those decided by the form; what none of them can need any more is not asked.
    """
    form = filled.form
    needless = _needless(form, filled, tuple(topics), on)
    before = frozenset(asked) & form.items.keys()
    session = Session(filled, before, needless, conditional, _kept(form, filled, before))
    chosen, waits = _chosen(session, whole=False)
    if not _new(session, chosen) and waits and not _required(session, chosen):
        chosen, _ = _chosen(session, whole=True)
    new = _new(session, chosen)
    enabled = frozenset(name for name in chosen if session.is_enabled(form.items[name]))
    complete = not new and not _required(session, chosen)
    if complete and conditional:
        chosen |= before
    return Step(tuple(_written(form.tree, chosen)), new, enabled, _scores(session, enabled), complete)


def _kept(form: Form, filled: FilledForm, asked: frozenset[str]) -> frozenset[str]:
    """What was asked and answered, with the items around it: it stays in the form whatever follows."""
    kept: set[str] = set()
    for link_id, there in filled.whole.found.items():
        name: str | None = link_id if link_id in asked and any(each.values for each in there) else None
        while name is not None and name not in kept:
            kept.add(name)
            name = form.around.get(name)
    return frozenset(kept)


def _new(session: Session, chosen: set[str]) -> tuple[str, ...]:
    """The questions that were not asked before, in the order of the form."""
    return tuple(item.link_id for item in session.form.questions() if item.link_id in chosen - session.asked)


def _required(session: Session, chosen: set[str]) -> list[str]:
    """The required questions that were asked and not answered."""
    items = (session.form.items[name] for name in chosen)
    return [
        item.link_id
        for item in items
        if item.asks and item.required and not item.read_only
        if session.is_enabled(item) and not session.answered(item.link_id)
    ]


def _chosen(session: Session, *, whole: bool) -> tuple[set[str], bool]:
    """The linkIds to ask, and whether something waits for answers.

    Until nothing clinical waits, what follows the words that end the clinical part is held back, unless `whole`.
    """
    chosen: set[str] = set()
    waits = False
    for item in session.form.tree:
        if item.type == "display" and waits and not whole:
            break
        waits = _choose(session, item, chosen) or waits
    return chosen, waits


def _choose(session: Session, item: Item, chosen: set[str]) -> bool:
    """Add the item, and those in it, as far as they are to be asked; whether some wait for answers."""
    enabled = session.is_enabled(item)
    kept = item.link_id in session.kept
    if (enabled is False or item.link_id in session.needless) and not kept:
        return False
    if enabled is None and not kept and not _is_asked_with(session, item, chosen):
        return True
    waits = [_choose(session, each, chosen) for each in item.items]
    inner = [each for each in item.items if each.link_id in chosen]
    if item.type == "group" and item.items and not any(each.type != "display" for each in inner):
        chosen.difference_update(each.link_id for each in inner)
    else:
        chosen.add(item.link_id)
    return any(waits)


def _is_asked_with(session: Session, item: Item, chosen: set[str]) -> bool:
    """True for an item inside a section that may be sent with its condition: all it depends on is in the form."""
    inside = item.link_id in session.form.around
    return session.conditional and inside and all(each.question in chosen for each in item.enabled)


def _written(items: Iterable[Item], chosen: set[str]) -> Iterator[Json]:
    """The chosen items as in the form; a condition whose question is not among them is left out: it is not met."""
    for item in items:
        if item.link_id not in chosen:
            continue
        written = {name: value for name, value in item.resource.items() if name != "item"}
        if item.enabled:
            kept = [each for each in written["enableWhen"] if each["question"] in chosen]
            written |= {"enableWhen": kept}
            dropped = {"enableWhen", "enableBehavior"} if not kept else {"enableBehavior"} if len(kept) == 1 else set()
            written = {name: value for name, value in written.items() if name not in dropped}
        inner = list(_written(item.items, chosen))
        yield written | ({"item": inner} if inner else {})


def _scores(session: Session, enabled: frozenset[str]) -> dict[str, Decimal | None]:
    found: dict[str, Decimal | None] = {}
    for score in session.form.scores:
        values = {name: value for name in score.items if (value := number_in(session.filled, name)) is not None}
        if score.answer in enabled:
            found[score.answer] = scored(score, values)
    return found


def _always(item: Item) -> bool:
    """What is required, and a score that people are shown."""
    return item.required or item.read_only


def _needless(form: Form, filled: FilledForm, topics: tuple[Topic, ...], on: date) -> frozenset[str]:
    """The questions that only criteria look at, and that none of these can need by the answers so far.

    What is required is always asked, and so is what decides whether something else is.
    """
    if not topics:
        return frozenset()
    looked_at, open_ = undecided(form, filled, topics, on)
    needless = {name for name in looked_at - open_ if name in form.items and not _always(form.items[name])}
    deciding = {each.question for item in form.items.values() for each in item.enabled if item.link_id not in needless}
    return frozenset(needless - deciding)
