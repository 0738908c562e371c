"""Wherever a worker is killed, between any two of its steps, the next one loses nothing and counts without gaps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from server.authorization.subscription import State
from server.errors import Unavailable
from server.notifications.worker import Worker
from tests.builders import NORTH
from tests.server.notifications.conftest import Office
from tests.server.notifications.receiver import Receiver


class Killed(BaseException):
    """The worker is no more."""


class Until:
    """Counts the calls of a worker to the store, and kills it before or after the n-th."""

    def __init__(self, n: int, *, after: bool) -> None:
        self.left, self.after = n, after

    def watched(self, store: Any) -> Any:
        """The store as the worker sees it."""
        until = self

        class Watched:
            def __getattr__(self, name: str) -> Callable[..., Any]:
                return lambda *args, **more: until.call(getattr(store, name), *args, **more)

        return Watched()

    def call(self, method: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """One call."""
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self.after):
            raise Killed
        result = method(*args, **more)
        if self.left == 0:
            raise Killed
        return result


def killed_at(office: Office, n: int, *, after: bool) -> bool:
    """Whether a worker that is killed there had anything left to do. Its leases are over at once."""
    until = Until(n, after=after)
    means = replace(
        office.means,
        notices=until.watched(office.notices),
        subscriptions=until.watched(office.subscriptions),
        lease=timedelta(),
        worker=f"killed at {n}",
    )
    try:
        Worker(means, threads=1).run_once()
    except Killed:
        return True
    return False


@pytest.mark.parametrize("after", [False, True], ids=["before a step", "after a step"])
def test_a_worker_killed_at_any_step_of_delivering_loses_nothing(
    office: Office, receiver: Receiver, after: bool
) -> None:
    office.subscribed(receiver)
    done, n, was_killed = 0, 0, True
    while was_killed:
        n += 1
        pended = office.pend(lines=2)
        once = office.decide(pended, 1)
        office.move(seconds=1)
        twice = office.decide(once, 2)
        office.move(seconds=3)
        was_killed = killed_at(office, n, after=after)
        office.work(seconds=1)
        got = [(each.number, each.focus["id"]) for each in receiver.got if each.number > done]
        firsts = list(dict.fromkeys(got))
        assert firsts == [(done + 1, f"{once.id}.2"), (done + 2, f"{twice.id}.3")], (n, got)
        assert office.notices.untold(10) == []
        done += 2
    assert n > 20


@pytest.mark.parametrize("after", [False, True], ids=["before a step", "after a step"])
def test_a_worker_killed_at_any_step_of_a_handshake_leaves_a_subscription_that_becomes_active(
    office: Office, receiver: Receiver, after: bool
) -> None:
    n, was_killed = 0, True
    while was_killed:
        n += 1
        subscription = office.subscribe(receiver)
        office.decide(office.pend())
        office.move(seconds=3)
        was_killed = killed_at(office, n, after=after)
        for seconds in (1, 2, 15, 75):
            office.work(seconds=seconds)
        assert office.state(subscription) is State.ACTIVE
        mine = [each for each in receiver.got if each.said["subscription"]["reference"].endswith(subscription.id)]
        assert {each.number for each in mine if each.number} >= {1}, n
        assert office.subscriptions.delete(NORTH, subscription.id)
    assert n > 10


def test_a_store_that_goes_away_in_between_only_delays(office: Office, receiver: Receiver) -> None:
    class Away:
        """Now and then a call is not answered."""

        def __init__(self, store: Any) -> None:
            self.store, self.calls = store, 0

        def __getattr__(self, name: str) -> Callable[..., Any]:
            def call(*args: Any, **more: Any) -> Any:
                self.calls += 1
                if self.calls % 17 == 0:
                    raise Unavailable([])
                return getattr(self.store, name)(*args, **more)

            return call

    office.subscribed(receiver)
    for _ in range(3):
        office.decide(office.pend())
    office.move(seconds=3)
    means = replace(office.means, notices=Away(office.notices), lease=timedelta())
    for _ in range(40):
        Worker(means, threads=1).run_once()
    assert list(dict.fromkeys(receiver.events())) == [1, 2, 3]
