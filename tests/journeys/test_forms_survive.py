"""Whatever is sent to the operations of forms, it is answered rightly or refused: never a bug, never a wrong answer."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest

from profiles import issues_in
from tests.journeys.conftest import Journey
from tests.journeys.test_forms_by_themselves import DIAGNOSES, OXYGEN, a_report
from tests.journeys.test_questionnaire_package import BASES, CPT, ORDERS, a_coverage, an_order, asking

Json = dict[str, Any]
Path = tuple[str | int, ...]

ROUNDS = 150
JUNK: list[Any] = [0, -1, True, "", "x" * 300, "2026", "#p", "|", 1.5, [{}], {"a": 1}, {"coding": [{}]}]
MEMBER = {"resourceType": "Patient", "id": "p", "birthDate": "2019-01-01", "identifier": [{"value": "1"}]}
COVERAGE = a_coverage(contained=[MEMBER], beneficiary={"reference": "#p"})
SENT: list[tuple[str, Json]] = [
    *(
        ("Questionnaire/$questionnaire-package", asking(an_order(kind, CPT, "98940"), coverages=(COVERAGE,)))
        for kind in ORDERS
    ),
    ("Questionnaire/$questionnaire-package", asking(questionnaire=OXYGEN, changedsince="2026-01-01T00:00:00Z")),
    ("Questionnaire/$questionnaire-package", asking(context="unknown")),
    ("Questionnaire/$log-questionnaire-errors", a_report(OXYGEN)),
    (
        "ValueSet/$expand",
        {
            "resourceType": "Parameters",
            "parameter": [{"name": "url", "valueUri": DIAGNOSES}, {"name": "count", "valueInteger": 3}],
        },
    ),
]


def places(node: Any, before: Path = ()) -> Iterator[Path]:
    """Every place in a message."""
    if before:
        yield before
    for name, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from places(value, (*before, name))


def broken(body: Json, draw: random.Random) -> Json:
    """The message with something left out, repeated, or replaced by what does not belong there."""
    body = copy.deepcopy(body)
    *way, last = draw.choice(list(places(body)))
    node: Any = body
    for step in way:
        node = node[step]
    match draw.randrange(4):
        case 0:
            del node[last]
        case 1 if isinstance(node, list):
            node.append(copy.deepcopy(node[last]))
        case _:
            node[last] = copy.deepcopy(draw.choice(JUNK))
    return body


@pytest.mark.parametrize("dialect", list(BASES))
def test_broken_messages_are_answered_rightly_or_refused(journey: Journey, dialect: str) -> None:
    """200 with an answer that keeps its profiles, or 4xx with an OperationOutcome."""
    draw = random.Random(dialect)
    statuses = set()
    for _ in range(ROUNDS):
        path, body = draw.choice(SENT)
        body = broken(body, draw)
        status, answer = journey.post(f"{BASES[dialect]}/{path}", body)
        statuses.add(status)
        assert status in (200, 400, 404, 422), json.dumps(body)
        assert status == 200 or answer["resourceType"] == "OperationOutcome"
        assert [each for each in issues_in(answer, version=dialect) if each.refuses] == [], json.dumps(body)
    assert {200, 400} <= statuses
