"""The score that a form calculates by FHIRPath is the score that the review counts with."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from fhirpathpy import compile as compiled
from fhirpathpy.models import models
from hypothesis import given, settings
from hypothesis import strategies as st

from questionnaires.content import DEMO
from questionnaires.files import read_files
from questionnaires.scores import expression_of
from server.authorization.scores import Formula, Score, scored


def summed(nodes: Iterable[Any]) -> list[Any]:
    """sum() as SDC has it; fhirpathpy 2.2 cannot add the elements of a resource."""
    return [sum((Decimal(getattr(node, "data", node)) for node in nodes), Decimal(0))]


def rounded(numbers: list[Any], places: int) -> list[Any]:
    """round() as FHIRPath has it: half up; fhirpathpy 2.2 rounds half to even."""
    return [number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP) for number in numbers]


FUNCTIONS = {"sum": {"fn": summed, "arity": {0: []}}, "round": {"fn": rounded, "arity": {1: ["Number"]}}}


def calculated(expression: str, given: dict[str, Decimal]) -> list[Any]:
    """What a form filler makes of the expression, for answers by linkId that stand in a section."""
    answered = [{"linkId": name, "answer": [{"valueDecimal": value}]} for name, value in given.items()]
    response = {"resourceType": "QuestionnaireResponse", "item": [{"linkId": "measure", "item": answered}]}
    evaluate = compiled(expression, models["r4"], {"userInvocationTable": FUNCTIONS})
    return evaluate(response, {"resource": response})


@st.composite
def measures(draw: st.DrawFn) -> tuple[Score, dict[str, Decimal]]:
    """A measure and answers to some of its sections."""
    names = [f"m-{number}" for number in range(1, draw(st.integers(1, 20)) + 1)]
    low, width = draw(st.integers(0, 2)), draw(st.integers(1, 10))
    formula, needed = draw(st.sampled_from(Formula)), draw(st.integers(1, len(names)))
    score = Score("score", tuple(names), Decimal(low), Decimal(low + width), formula, needed)
    values = st.integers(low, low + width).map(Decimal) | st.decimals(low, low + width, places=1)
    answers = draw(st.lists(st.none() | values, min_size=len(names), max_size=len(names)))
    return score, {name: value for name, value in zip(names, answers, strict=True) if value is not None}


@settings(deadline=None, max_examples=60)
@given(measures())
def test_the_form_calculates_the_score_that_counts(measure: tuple[Score, dict[str, Decimal]]) -> None:
    score, answers = measure
    expected = scored(score, answers)

    assert calculated(expression_of(score), answers) == ([] if expected is None else [expected])


def test_the_expression_names_the_sections_in_their_order() -> None:
    total = Score("score", ("a", "b"), Decimal(0), Decimal(4), Formula.SUM, 2)
    values = "%resource.descendants().where(linkId in ('a' | 'b')).answer.value"

    assert expression_of(total) == f"iif({values}.count() >= 2, {values}.sum(), {{}})"


def test_every_declared_score_is_calculated_by_its_form() -> None:
    """`placet lint` holds this too; here the expressions are run."""
    topics = read_files(DEMO, with_cases=False)[0].topics
    for topic in topics:
        for score in topic.values["scores"]:
            for fraction in (Decimal(0), Decimal("0.5"), Decimal(1)):
                answers = dict.fromkeys(score.items, score.low + (score.high - score.low) * fraction)
                assert calculated(topic.form.items[score.answer].calculated, answers) == [scored(score, answers)]
