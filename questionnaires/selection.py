"""Which topic, and so which form, an order is documented by (DTR $questionnaire-package). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from questionnaires.content import Content
from server.authorization.policy import Plan, Rules, Topic
from server.authorization.request import Code, ServiceLine


@dataclass(frozen=True, slots=True)
class Fit:
    """The topic that an order's codes belong to; None where none names them.

    by_age  another topic has another form for members of another age, and nobody said the age
    """

    topic: Topic | None
    by_age: bool = False


def fit(content: Content, plan: Plan, codes: tuple[Code, ...], age: int | None, on: date) -> Fit:
    """The topic by which a line with these codes would be decided for a member of this age on the day."""
    named = {topic.reference: topic for code in codes for topic in content.topics_naming(plan, code, on)}
    meant = tuple(topic for topic in named.values() if topic.is_for(age))
    topic = Rules(plan, meant).topic_for(ServiceLine(1, services=codes))
    others = {each.form for each in meant if topic is not None and each.ages != topic.ages}
    return Fit(topic, age is None and topic is not None and bool(others - {topic.form}))


def topic_of_form(content: Content, plan: Plan, url: str, on: date) -> Topic | None:
    """The topic of the plan that has a form, in any version, as it is in force on the day."""
    return next((topic for topic in content.topics_of(plan, on) if topic.form.partition("|")[0] == url), None)
