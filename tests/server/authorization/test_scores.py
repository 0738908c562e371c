"""A score is what the sections say; it is never asked for itself."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from server.authorization.criteria import AmountIs
from server.authorization.determination import Reason
from server.authorization.history import NOTHING_ON_RECORD
from server.authorization.known import facts_for
from server.authorization.policy import CodeSpan, Criterion, Plan, ReviewPath, Rules, Source, Topic
from server.authorization.request import Answer, Answers, Code, Period, Quantity
from server.authorization.review import review_line
from server.authorization.scores import Formula, Score, scored, sections_to_ask
from server.authorization.systems import HCPCS
from tests.builders import A_REASON, a_request

FORM = "urn:test:form|1"
ODI = Score("odi", tuple(f"odi-{number}" for number in range(1, 11)), Decimal(0), Decimal(5), Formula.PERCENT, 8)
LEFS = Score("lefs", tuple(f"lefs-{number}" for number in range(1, 21)), Decimal(0), Decimal(4), Formula.SUM, 20)
QUICKDASH = Score("dash", tuple(f"dash-{n}" for n in range(1, 12)), Decimal(1), Decimal(5), Formula.PERCENT, 10)


@pytest.mark.parametrize(
    ("score", "points", "expected"),
    [
        (ODI, [2] * 10, "40.0"),
        (ODI, [5] * 10, "100.0"),
        (ODI, [0] * 10, "0.0"),
        (ODI, [3] * 8, "60.0"),
        (ODI, [3] * 7, None),
        (ODI, [1] * 8 + [2], "22.2"),
        (LEFS, [4] * 20, "80"),
        (LEFS, [4] * 19, None),
        (QUICKDASH, [1] * 11, "0.0"),
        (QUICKDASH, [5] * 10, "100.0"),
        (QUICKDASH, [2] * 10 + [3], "27.3"),
    ],
)
def test_a_score_is_calculated_from_its_sections(score: Score, points: list[int], expected: str | None) -> None:
    given = dict(zip(score.items, map(Decimal, points), strict=False))

    assert scored(score, given) == (None if expected is None else Decimal(expected))


def test_percent_is_rounded_half_up() -> None:
    halves = Score("half", ("a", "b"), Decimal(0), Decimal(100), Formula.PERCENT, 2)

    assert scored(halves, {"a": Decimal("0.1"), "b": Decimal("0.4")}) == Decimal("0.3")


def test_for_a_score_its_open_sections_are_asked() -> None:
    given = ODI.items[:8]

    assert sections_to_ask([ODI], ["weeks", "odi"], given) == ("weeks", "odi-9", "odi-10")
    assert sections_to_ask([ODI], ["odi", "odi-9"], given) == ("odi-9", "odi-10")
    assert sections_to_ask([], ["weeks"], ()) == ("weeks",)


def facts(*given: Answer) -> dict[str, str]:
    """The answers known of a line whose form is filled like this, as text."""
    request = a_request(answers=(Answers(FORM, "completed", given),))
    known = facts_for(request.lines[0], request, topic(), NOTHING_ON_RECORD, date(2026, 3, 2)).known
    return {name: str(each.value.value) for name, each in known.items() if name == "answer:odi"}


def topic() -> Topic:
    """A topic that certifies from a score of 20 on."""
    return Topic(
        name="back",
        version="1",
        title="Back",
        codes=(CodeSpan(HCPCS, "E0424", "E0424"),),
        plans=frozenset({"gold"}),
        in_force=Period(),
        source=Source("Guideline"),
        path=ReviewPath.CRITERIA,
        reason=A_REASON,
        form=FORM,
        criteria=(Criterion("odi", "ODI", AmountIs("answer:odi", Quantity(Decimal(20)))),),
        scores=(ODI,),
    )


def points(*values: int) -> tuple[Answer, ...]:
    """The sections with these points, the others open."""
    return tuple(Answer(name, amount=Quantity(Decimal(value))) for name, value in zip(ODI.items, values, strict=False))


def sent(score: str) -> Answer:
    """The score as it is sent."""
    return Answer("odi", amount=Quantity(Decimal(score)))


def test_the_calculated_score_counts_also_where_another_is_sent() -> None:
    assert facts(*points(*[2] * 10)) == {"answer:odi": "40.0"}
    assert facts(*points(*[2] * 10), sent("88")) == {"answer:odi": "40.0"}


def test_a_score_that_is_sent_counts_where_its_sections_are_not_answered() -> None:
    assert facts(sent("88")) == {"answer:odi": "88"}
    assert facts(*points(1, 2), sent("88")) == {"answer:odi": "88"}
    assert facts(*points(1, 2)) == {}


def test_a_line_waits_for_the_open_sections_of_a_measure() -> None:
    request = a_request(answers=(Answers(FORM, "completed", points(*[2] * 7)),))
    plan = Plan("gold", "Gold", Reason(Code("urn:test", "1"), "A person looks at it."), frozenset(), True)

    found = review_line(request.lines[0], request, Rules(plan, (topic(),)), date(2026, 3, 2))

    assert found.unanswered == ("odi-8", "odi-9", "odi-10")
