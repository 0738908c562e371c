"""Proposals to the submitter: made, accepted or declined (PF-14 to PF-16)."""

from __future__ import annotations

from dataclasses import dataclass

from server.authorization.criteria import Result, evaluate
from server.authorization.determination import Nudged, Response
from server.authorization.facts import ANSWER, Facts
from server.authorization.policy import Nudge, Topic
from server.authorization.request import Code


@dataclass(frozen=True, slots=True)
class Proposals:
    """The proposals that a line meets and what became of them.

    settled   every one was accepted, or declined for a good reason
    as_asked  a proposal of fewer units was declined for a good reason;  fewer  one was accepted
    place     the place of service that was accepted
    words     the proposals that stand, for the provider
    """

    nudges: tuple[Nudged, ...] = ()
    settled: bool = True
    as_asked: bool = False
    fewer: bool = False
    place: Code | None = None
    words: tuple[str, ...] = ()


NONE_MADE = Proposals()


def proposals(topic: Topic, facts: Facts) -> Proposals:
    """What the topic proposes for a line with these facts, and how the submitter responded."""
    met = [nudge for nudge in topic.nudges if evaluate(nudge.when, facts).result is Result.MET]
    if not met:
        return NONE_MADE
    made = [(nudge, _responded(nudge, topic, facts)) for nudge in met]
    accepted = [nudge for nudge, done in made if done.response is Response.ACCEPTED]
    passed = [nudge for nudge, done in made if done.response is Response.DECLINED and done.reason in nudge.good]
    standing = [nudge for nudge, _ in made if nudge not in accepted and nudge not in passed]
    return Proposals(
        nudges=tuple(done for _, done in made),
        settled=not standing,
        as_asked=any(nudge.place is None for nudge in passed),
        fewer=any(nudge.place is None for nudge in accepted),
        place=next((nudge.place for nudge in accepted if nudge.place is not None), None),
        words=tuple(nudge.words for nudge in standing),
    )


def _responded(nudge: Nudge, topic: Topic, facts: Facts) -> Nudged:
    answer = facts.get(ANSWER + nudge.answer) if nudge.answer else None
    if answer is None or not isinstance(answer.value, bool):
        return Nudged(nudge.id, topic.reference, Response.OFFERED)
    if answer.value:
        return Nudged(nudge.id, topic.reference, Response.ACCEPTED)
    return Nudged(nudge.id, topic.reference, Response.DECLINED, _decline_reason(nudge, facts))


def _decline_reason(nudge: Nudge, facts: Facts) -> str:
    known = facts.get(ANSWER + nudge.decline) if nudge.decline else None
    codes = known.value if known and isinstance(known.value, tuple) else ()
    return codes[0].code if codes else ""
