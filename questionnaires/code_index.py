"""Which topics name a code: found by bisection, so that many topics cost no more than few."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator

from server.authorization.policy import Topic
from server.authorization.request import Code

_Key = tuple[str, str, int]
"""Plan, code system, length of the code: only codes of one length are in one range."""


class CodeIndex:
    """The positions of topics by plan and code.

    For every key the spans stand in the order of their first code. `reach` is the last code of the spans so far: going
    back from a code, nothing before a span that does not reach it can hold it.
    """

    def __init__(self, topics: Iterable[Topic]) -> None:
        self._spans: defaultdict[_Key, list[tuple[str, str, int]]] = defaultdict(list)
        for position, topic in enumerate(topics):
            for span in topic.codes:
                for plan in topic.plans:
                    self._spans[plan, span.system, len(span.first)].append((span.first, span.last, position))
        self._firsts: dict[_Key, list[str]] = {}
        self._reach: dict[_Key, list[str]] = {}
        for key, spans in self._spans.items():
            spans.sort()
            self._firsts[key] = [first for first, _last, _position in spans]
            reach = ""
            self._reach[key] = [reach := max(reach, last) for _first, last, _position in spans]

    def positions(self, plan: str, code: Code) -> Iterator[int]:
        """The positions of the plan's topics, of any period, that name the code."""
        text = code.code.upper()
        key = plan, code.system, len(text)
        firsts = self._firsts.get(key)
        if firsts is None:
            return
        spans, reach = self._spans[key], self._reach[key]
        number = bisect_right(firsts, text) - 1
        while number >= 0 and reach[number] >= text:
            if spans[number][1] >= text:
                yield spans[number][2]
            number -= 1
