"""Which forms are handed out, and for whom: those that are named, else those of the context and of the orders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TypeVar

from mappers.dtr import package_outcome as outcome
from mappers.dtr.draft import CONTEXTS
from mappers.dtr.package_request import OrderGiven, PackageRequest
from mappers.fhir import Json
from profiles import Issue
from questionnaires.artifacts import Artifact
from questionnaires.content import Content
from questionnaires.selection import Fit, fit, topic_of_form
from server.authorization.policy import Topic
from server.operations.covered_member import Covered, covered_by
from server.operations.form_launch import Launch, launch_by
from server.payer import Call, Payer

Each = TypeVar("Each")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A form to hand out: its topic (None where the plan has none for it), the coverages and the orders it is for.

    besides  id of the authorization that it was asked for by, "" for none
    """

    artifact: Artifact
    topic: Topic | None
    covered: tuple[Covered, ...]
    contexts: tuple[Json, ...] = ()
    context_id: str = ""
    besides: str = ""


@dataclass(slots=True)
class Choice:
    """What was chosen so far, each form once, and what is to be said about it."""

    wanted: dict[str, Wanted] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)

    def add(self, wanted: Wanted) -> None:
        """Hand the form out, also for these coverages and orders."""
        known = self.wanted.get(wanted.artifact.canonical, wanted)
        self.wanted[wanted.artifact.canonical] = replace(
            known,
            topic=known.topic or wanted.topic,
            covered=_each_once((*known.covered, *wanted.covered)),
            contexts=_each_once((*known.contexts, *wanted.contexts)),
            context_id=known.context_id or wanted.context_id,
            besides=known.besides or wanted.besides,
        )


def choose_forms(asked: PackageRequest, call: Call, payer: Payer, content: Content, on: date) -> Choice:
    """The forms by name where any is named, else those of the context and of the orders together.

    Raises:
        NotFound: no member of the payer has this coverage, or no request of the caller has this context (DTR spec-130).
        NotSupported: the request with this context does not wait for answers to a form (DTR spec-110).
    """
    choice = Choice()
    launch = launch_by(asked.context, call, payer) if asked.context else None
    covered = tuple(covered_by(each, payer, content, on, choice.issues) for each in asked.coverages)
    if launch is not None and not covered:
        covered = (launch.covered(content, on),)
    covering = Covering(covered, content, on)
    if asked.questionnaires:
        _by_name(asked, launch, covering, choice)
    else:
        if launch is not None:
            _by_context(launch, covering, choice)
        _by_order(asked.orders, covering, choice)
    choice.issues += _not_named(asked.orders)
    return choice


@dataclass(frozen=True, slots=True)
class Covering:
    """The members that forms are for, and the content from which they are chosen on a day."""

    covered: tuple[Covered, ...]
    content: Content
    on: date

    def newest(self, canonical: str) -> Artifact | None:
        """The form that a canonical names; without version the newest that holds."""
        return self.content.artifacts.find("Questionnaire", canonical, self.on)

    def fits(self, order: OrderGiven) -> list[tuple[Covered, Fit]]:
        """The topic of the order under each coverage."""
        return [(each, fit(self.content, each.plan, order.codes, each.age, self.on)) for each in self.covered]

    def topic(self, artifact: Artifact) -> Topic | None:
        """The topic that has the form, of the first plan that has one."""
        topics = (topic_of_form(self.content, each.plan, artifact.url, self.on) for each in self.covered)
        return next(filter(None, topics), None)

    def is_for(self, order: OrderGiven, artifact: Artifact) -> bool:
        """Whether the form is the one of the order's topic."""
        topics = (found.topic for _covered, found in self.fits(order))
        return any(topic is not None and topic.form.partition("|")[0] == artifact.url for topic in topics)


def _by_name(asked: PackageRequest, launch: Launch | None, covering: Covering, choice: Choice) -> None:
    """Exactly the forms that are named; they are for the orders whose codes they belong to, else for all of them."""
    for canonical in asked.questionnaires:
        artifact = covering.newest(canonical)
        if artifact is None or artifact.status == "retired":
            choice.issues.append(outcome.unknown_form(canonical))
            continue
        if not artifact.holds(covering.on):
            choice.issues.append(outcome.expired_form(canonical))
        belonging = [order for order in asked.orders if covering.is_for(order, artifact)]
        contexts = _contexts(belonging or asked.orders) + (launch.said.contexts if launch else ())
        choice.add(
            Wanted(
                artifact,
                covering.topic(artifact),
                covering.covered,
                contexts,
                launch.context_id if launch else "",
                launch.authorization.id if launch else "",
            )
        )


def _by_context(launch: Launch, covering: Covering, choice: Choice) -> None:
    """The forms that the answer asked for, in the version that holds now."""
    for line in launch.lines:
        promised = line.determination.form
        artifact = covering.newest(promised)
        if artifact is None or not artifact.holds(covering.on):
            artifact = covering.newest(promised.partition("|")[0])
            choice.issues.append(outcome.newer_form(artifact.canonical) if artifact else outcome.no_form_any_more())
        if artifact is not None:
            covered, contexts = covering.covered, launch.said.contexts
            id = launch.authorization.id
            choice.add(Wanted(artifact, covering.topic(artifact), covered, contexts, launch.context_id, id))


def _by_order(orders: tuple[OrderGiven, ...], covering: Covering, choice: Choice) -> None:
    """The form of the topic that each order belongs to under each coverage; never one that is over (DTR spec-124)."""
    for order in orders:
        if not order.codes:
            choice.issues.append(outcome.order_without_code(order.path))
            continue
        for covered, found in covering.fits(order):
            topic = found.topic
            artifact = covering.newest(topic.form) if topic and topic.form else None
            if artifact is None or not artifact.holds(covering.on):
                choice.issues.append(outcome.no_form_for(order.path, topic.title if topic else ""))
                continue
            if found.by_age:
                choice.issues.append(outcome.chosen_without_age(order.path))
            choice.add(Wanted(artifact, topic, (covered,), _contexts([order])))


def _contexts(orders: Sequence[OrderGiven]) -> tuple[Json, ...]:
    return tuple(each.reference for each in orders if each.reference and each.type in CONTEXTS)


def _not_named(orders: Sequence[OrderGiven]) -> Iterator[Issue]:
    for each in orders:
        if each.type not in CONTEXTS:
            yield outcome.order_not_named(each.path, each.type)
        elif not each.reference:
            yield outcome.order_not_named(each.path, "")


def _each_once(several: tuple[Each, ...]) -> tuple[Each, ...]:
    return tuple(each for place, each in enumerate(several) if each not in several[:place])
