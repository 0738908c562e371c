"""Scores of outcome measures, calculated from the answers to their sections (PF-23). Pure arithmetic on decimals."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum


class Formula(StrEnum):
    """How a score is made of the answers.

    PERCENT  how far their mean is on the way from the lowest to the highest answer, in percent, to one place
    SUM      their sum
    """

    PERCENT = "percent"
    SUM = "sum"


@dataclass(frozen=True, slots=True)
class Score:
    """A measure whose score is calculated.

    answer     linkId of the item that holds the score;  items  linkIds of the sections
    low, high  the lowest and highest answer to a section
    needed     how many sections have to be answered for a score
    """

    answer: str
    items: tuple[str, ...]
    low: Decimal
    high: Decimal
    formula: Formula
    needed: int


def scored(score: Score, given: Mapping[str, Decimal]) -> Decimal | None:
    """The score by the sections that are answered, `given` by linkId; None where too few are.

    Percent is rounded half up, as FHIRPath's round() does.
    """
    values = [given[item] for item in score.items if item in given]
    if len(values) < score.needed:
        return None
    total = sum(values, Decimal(0))
    if score.formula is Formula.SUM:
        return total
    percent = (total / len(values) - score.low) / (score.high - score.low) * 100
    return percent.quantize(Decimal("0.1"), ROUND_HALF_UP)


def sections_to_ask(scores: Iterable[Score], link_ids: Iterable[str], given: Iterable[str]) -> tuple[str, ...]:
    """The linkIds with every calculated one replaced by its sections that are not among `given`.

    A score is never asked for: its item is calculated. Each linkId once, in order.
    """
    calculated = {score.answer: score.items for score in scores}
    answered = set(given)
    asked: dict[str, None] = {}
    for link_id in link_ids:
        sections = [item for item in calculated.get(link_id, ()) if item not in answered]
        asked.update(dict.fromkeys(sections or [link_id]))
    return tuple(asked)
