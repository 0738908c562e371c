"""The index finds what a scan of all topics finds."""

from __future__ import annotations

from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from questionnaires.code_index import CodeIndex
from server.authorization.determination import Reason
from server.authorization.policy import CodeSpan, ReviewPath, Source, Topic
from server.authorization.request import Code, Period

REASON = Reason(Code("x", "0F"), "because")
CODES = st.text("AB01", min_size=1, max_size=3)
SYSTEMS = st.sampled_from(["one", "two"])
ENDS = st.integers(1, 3).flatmap(lambda length: st.tuples(*[st.text("AB01", min_size=length, max_size=length)] * 2))
SPANS = st.builds(lambda system, ends: CodeSpan(system, min(ends), max(ends)), SYSTEMS, ENDS)


def a_topic(number: int, spans: list[CodeSpan], plans: frozenset[str]) -> Topic:
    """A topic with these spans for these plans."""
    return Topic(
        f"t{number}", "1", "T", tuple(spans), plans, Period(date(2026, 1, 1)), Source("s"), ReviewPath.CERTIFY, REASON
    )


TOPICS = st.lists(
    st.tuples(st.lists(SPANS, max_size=4), st.sampled_from([frozenset({"gold"}), frozenset({"gold", "silver"})])),
    max_size=6,
).map(lambda made: [a_topic(number, spans, plans) for number, (spans, plans) in enumerate(made)])


@given(TOPICS, SYSTEMS, CODES, st.sampled_from(["gold", "silver"]))
def test_the_positions_are_those_of_the_topics_that_name_the_code(
    topics: list[Topic], system: str, text: str, plan: str
) -> None:
    code = Code(system, text.lower())

    found = set(CodeIndex(topics).positions(plan, code))

    assert found == {place for place, topic in enumerate(topics) if plan in topic.plans and topic.covers(code)}
