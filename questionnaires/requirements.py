"""What a plan requires for a code, before anybody asks for the service (PF-12). Pure: no clock, no files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any

from questionnaires.content import Content
from server.authorization.documentation import DocumentationRequirement
from server.authorization.policy import Above, Plan, ReviewPath, Source, Topic
from server.authorization.request import Code, Quantity
from server.authorization.systems import short_name, system_named
from server.authorization.units import counted


class Need(StrEnum):
    """Whether a service needs an authorization."""

    NEEDED = "needed"
    NOT_A_BENEFIT = "not a benefit"
    NO_RULE = "no rule"
    """No topic of the plan names the code; a request for it is looked at by a person."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """What one topic of a plan requires for a code; without topic only that no rule names the code.

    ages        youngest and oldest age the topic is for
    decided     how its lines are decided, in words of `review:`
    form        canonical with version of the form to fill, "" for none
    criteria    what has to be met, by title;  fresh_days  how old a document may be
    delegate    who reviews it for the plan, "" for the plan itself
    """

    plan: str
    code: Code
    need: Need
    topic: str = ""
    title: str = ""
    ages: tuple[int | None, int | None] = (None, None)
    decided: str = ""
    source: Source | None = None
    form: str = ""
    documentation: tuple[DocumentationRequirement, ...] = ()
    fresh_days: int | None = None
    criteria: tuple[str, ...] = ()
    recommended: Quantity | None = None
    above: str = ""
    approved_days: int | None = None
    delegate: str = ""
    words: str = ""

    def as_json(self) -> dict[str, Any]:
        """The same as JSON values; what is empty is left out."""
        ages = {name: age for name, age in zip(("from", "to"), self.ages, strict=True) if age is not None}
        values: dict[str, Any] = {
            "plan": self.plan,
            "system": self.code.system,
            "code": self.code.code,
            "authorization": self.need.value,
            "topic": self.topic,
            "title": self.title,
            "ages": ages,
            "review": self.decided,
            "form": self.form,
            "documents": [_document(each) for each in self.documentation],
            "freshDays": self.fresh_days,
            "criteria": list(self.criteria),
            "recommended": counted(self.recommended) if self.recommended else "",
            "aboveRecommended": self.above,
            "approvedDays": self.approved_days,
            "delegate": self.delegate,
            "words": self.words,
        }
        if self.source:
            values["guideline"] = {
                name: text
                for name, text in (
                    ("document", self.source.document),
                    ("page", self.source.page),
                    ("url", self.source.url),
                )
                if text
            }
        return {name: value for name, value in values.items() if value not in ("", None, [], {})}


def requirements(content: Content, plan: Plan, text: str, on: date) -> tuple[Requirement, ...]:
    """What the plan requires on a day for a code: one requirement per topic that names it, at least one.

    `text` is a code, with or without its system: ``E1390``, ``hcpcs:E1390``, ``hcpcs E1390``, ``uri|E1390``.
    """
    found: dict[str, Requirement] = {}
    code, systems = _read(text, content)
    for system in systems:
        meant = Code(system, code)
        for topic in content.topics_naming(plan, meant, on):
            found.setdefault(topic.reference, _of_topic(plan, meant, topic))
    unnamed = Requirement(plan.id, Code(systems[0] if len(systems) == 1 else "", code), Need.NO_RULE)
    return tuple(found.values()) or (unnamed,)


def _read(text: str, content: Content) -> tuple[str, list[str]]:
    """The code, and the systems it may be of: the one that is written, else every one that topics name codes of."""
    plain = text.strip()
    for mark in ("|", " ", ":"):
        name, found, code = plain.rpartition(mark)
        system = system_named(name) if found else None
        if system:
            return code.upper(), [system]
    used = dict.fromkeys(span.system for topic in content.topics for span in topic.codes)
    return plain.upper(), list(used)


def _of_topic(plan: Plan, code: Code, topic: Topic) -> Requirement:
    refused = topic.path is ReviewPath.NOT_COVERED
    return Requirement(
        plan=plan.id,
        code=code,
        need=Need.NOT_A_BENEFIT if refused else Need.NEEDED,
        topic=topic.reference,
        title=topic.title,
        ages=topic.ages,
        decided=topic.path.value,
        source=topic.source,
        form=topic.form,
        documentation=topic.documentation,
        fresh_days=topic.fresh_days,
        criteria=tuple(criterion.title for criterion in topic.criteria),
        recommended=topic.recommended,
        above=_ABOVE[topic.above] if topic.recommended else "",
        approved_days=None if refused else topic.approved_days,
        delegate=topic.delegate,
        words=topic.provider_words,
    )


_ABOVE = {Above.PEND: "reviewed by a clinician", Above.REDUCE: "certified up to the recommended quantity"}


def _document(wanted: DocumentationRequirement) -> dict[str, Any]:
    codes = [f"{short_name(code.system)} {code.code}" for code in (wanted.code, *wanted.others)]
    return {"anyOf": codes, "words": wanted.words}
