"""Proposals: made when their condition is met, accepted, declined for a good reason, or standing (PF-14 to PF-16)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from server.authorization.criteria import AmountIs, CodeIn
from server.authorization.determination import Nudged, Reason, Response
from server.authorization.facts import Facts, FactValue, Known
from server.authorization.nudges import proposals
from server.authorization.policy import CodeSpan, Nudge, ReviewPath, Source, Topic
from server.authorization.request import Code, Period, Quantity

WISH, SURGERY = Code("a", "wish"), Code("a", "surgery")
INPATIENT, OUTPATIENT = Code("pos", "21"), Code("pos", "22")
FEWER = Nudge(
    "fewer",
    AmountIs("line.quantity", low=Quantity(Decimal(6)), inclusive=False),
    "Six can be certified now.",
    answer="accept",
    decline="why",
    good=frozenset({"surgery"}),
)
PLACE = Nudge("place", CodeIn("line.place", (INPATIENT,)), "Outpatient.", answer="accept-place", place=OUTPATIENT)
TOPIC = Topic(
    "surgery",
    "1",
    "Surgery",
    (CodeSpan("cpt", "1", "1"),),
    frozenset({"gold"}),
    Period(date(2026, 1, 1)),
    Source("guideline"),
    ReviewPath.CERTIFY,
    Reason(Code("x", "0U"), "because"),
    nudges=(FEWER, PLACE),
)
SEVEN: dict[str, FactValue] = {"line.quantity": Quantity(Decimal(7))}


def proposed(**known: FactValue):
    """The proposals of the topic for a line with these facts."""
    return proposals(TOPIC, Facts(date(2026, 3, 2), {name: Known(value) for name, value in known.items()}))


@pytest.mark.parametrize(
    ("known", "response", "reason", "settled", "as_asked", "fewer"),
    [
        ({}, Response.OFFERED, "", False, False, False),
        ({"answer:accept": True}, Response.ACCEPTED, "", True, False, True),
        ({"answer:accept": False}, Response.DECLINED, "", False, False, False),
        ({"answer:accept": False, "answer:why": (WISH,)}, Response.DECLINED, "wish", False, False, False),
        (
            {"answer:accept": False, "answer:why": (Code("a", "surgery"),)},
            Response.DECLINED,
            "surgery",
            True,
            True,
            False,
        ),
        ({"answer:accept": "yes"}, Response.OFFERED, "", False, False, False),
    ],
)
def test_a_proposal_of_fewer_units(known, response, reason, settled, as_asked, fewer) -> None:
    found = proposed(**SEVEN, **known)

    assert found.nudges == (Nudged("fewer", "surgery@1", response, reason),)
    assert (found.settled, found.as_asked, found.fewer) == (settled, as_asked, fewer)
    assert found.words == (() if settled else ("Six can be certified now.",))
    assert found.place is None


@pytest.mark.parametrize("known", [{}, {"line.quantity": Quantity(Decimal(6))}, {"line.place": (OUTPATIENT,)}])
def test_without_its_condition_nothing_is_proposed(known) -> None:
    found = proposed(**known)

    assert (found.nudges, found.settled, found.as_asked) == ((), True, False)


def test_an_accepted_place_is_what_is_authorized() -> None:
    found = proposed(**{"line.place": (INPATIENT,), "answer:accept-place": True})

    assert (found.place, found.fewer, found.settled) == (OUTPATIENT, False, True)


def test_each_proposal_has_to_be_settled() -> None:
    found = proposed(**SEVEN, **{"line.place": (INPATIENT,), "answer:accept": True})

    assert [each.response for each in found.nudges] == [Response.ACCEPTED, Response.OFFERED]
    assert (found.settled, found.words) == (False, ("Outpatient.",))
