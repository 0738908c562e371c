"""Scores that a topic declares, and the calculatedExpression by which its form calculates the same.

A form that calculates otherwise than the review shows people one score and is decided by another.
"""

from __future__ import annotations

from collections.abc import Iterator

from questionnaires.files import ContentFiles, TopicFile
from questionnaires.forms import Form
from questionnaires.problem import Problem
from questionnaires.written import Place
from server.authorization.scores import Formula, Score

Found = tuple[Place, str, str]
"""A place below the score, what is wrong there, how to mend it."""


def expression_of(score: Score) -> str:
    """The FHIRPath that calculates the score in the form: empty where too few sections are answered.

    sum() is not in FHIRPath itself; form fillers know it from SDC.
    """
    names = " | ".join(f"'{item}'" for item in score.items)
    values = f"%resource.descendants().where(linkId in ({names})).answer.value"
    total = f"{values}.sum()"
    if score.formula is Formula.PERCENT:
        mean = f"{total} / {values}.count()"
        total = f"(({mean} - {score.low}) / ({score.high} - {score.low}) * 100).round(1)"
    return f"iif({values}.count() >= {score.needed}, {total}, {{}})"


def scores_are_calculated(files: ContentFiles) -> Iterator[Problem]:
    """The form asks for every section in the range that the score counts with, and calculates the same score."""
    for topic in files.topics:
        for number, score in enumerate(topic.values["scores"]):
            for place, what, mend in _wrong(score, topic):
                yield topic.written.error(("scores", number, *place), what, mend)


def _wrong(score: Score, topic: TopicFile) -> Iterator[Found]:
    if topic.form is None:
        yield (), "there is no form to calculate the score", "write questionnaire.json beside topic.yaml"
        return
    for number, name in enumerate(score.items):
        yield from _wrong_section(score, topic.form, name, ("items", number))
    yield from _wrong_score(score, topic.form)


def _wrong_section(score: Score, form: Form, name: str, place: Place) -> Iterator[Found]:
    item = form.items.get(name)
    if item is None:
        yield place, f"there is no linkId '{name}' in the form", "add the item, or correct the name"
    elif item.type not in ("integer", "decimal"):
        yield place, f"item '{name}' is of type {item.type}", "write type integer, or decimal"
    elif (item.low, item.high) != (score.low, score.high):
        have = f"{_shown(item.low)} to {_shown(item.high)}"
        mend = f"write minValue {score.low} and maxValue {score.high}, or correct from and to"
        yield place, f"item '{name}' takes answers from {have}", mend


def _wrong_score(score: Score, form: Form) -> Iterator[Found]:
    item = form.items.get(score.answer)
    if item is None:
        yield ("answer",), f"there is no linkId '{score.answer}' in the form", "add a readOnly item of type decimal"
        return
    if item.type != "decimal" or not item.read_only:
        what = f"item '{score.answer}' is {'' if item.read_only else 'not readOnly, and '}of type {item.type}"
        yield ("answer",), what, 'write "type": "decimal", "readOnly": true'
    wanted = expression_of(score)
    if item.calculated != wanted:
        what = f"item '{score.answer}' does not calculate this score"
        yield ("answer",), what, f"write calculatedExpression, language text/fhirpath: {wanted}"


def _shown(bound: object) -> str:
    return "any number" if bound is None else str(bound)
