"""What a subscription takes, how long it lives, and what each step makes of each state."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from server.authorization.subscription import (
    FIRST_HANDSHAKE,
    LONGEST,
    State,
    Subscription,
    end_of,
    ended,
    failed,
    gone,
    handshake_tried,
    handshaken,
    heard,
    names_in,
    replaced,
    withdrawn,
)
from tests.builders import NOW, a_subscription

LATER = NOW + timedelta(days=1)
END = NOW + timedelta(days=30)

Step = Callable[[Subscription, datetime], Subscription]


@pytest.mark.parametrize(
    ("filters", "names", "taken"),
    [
        ([{"A"}], {"A"}, True),
        ([{"A"}], {"B"}, False),
        ([{"A", "B"}], {"B", "C"}, True),
        ([{"A"}, {"B"}], {"A", "B"}, True),
        ([{"A"}, {"B"}], {"A"}, False),
        ([{"A"}], set(), False),
        ([{"A"}], {"a"}, False),
        ([], {"A"}, False),
    ],
)
def test_every_filter_has_to_take_one_of_the_names(filters: list[set[str]], names: set[str], taken: bool) -> None:
    wanted = replace(a_subscription(), filters=tuple(map(frozenset, filters)))
    assert wanted.matches(names) is taken


def test_the_names_of_all_filters() -> None:
    assert names_in([frozenset({"A", "B"}), frozenset({"B", "C"})]) == {"A", "B", "C"}


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        (None, NOW + LONGEST),
        (NOW - timedelta(days=2000), NOW + LONGEST),
        (NOW, NOW + LONGEST),
        (NOW + LONGEST, NOW + LONGEST),
        (NOW + LONGEST + timedelta(seconds=1), NOW + LONGEST),
        (LATER, LATER),
    ],
)
def test_the_end_is_within_a_year(wanted: datetime | None, given: datetime) -> None:
    assert end_of(wanted, NOW) == given


STEPS: dict[str, Step] = {
    "handshaken": handshaken,
    "failed": failed,
    "gone": gone,
    "withdrawn": withdrawn,
    "ended": ended,
    "heard": heard,
    "tried": handshake_tried,
}
R, A, E, O = State.REQUESTED, State.ACTIVE, State.ERROR, State.OFF  # noqa: E741 - the four, in a table
BECOMES: dict[str, tuple[State, State, State, State]] = {
    "handshaken": (A, A, E, O),
    "failed": (E, E, E, O),
    "gone": (O, O, O, O),
    "withdrawn": (O, O, O, O),
    "ended": (R, A, E, O),
    "heard": (R, A, E, O),
    "tried": (R, A, E, O),
}
"""What requested, active, in error and off become, a day before the end."""


@pytest.mark.parametrize("before", State, ids=lambda state: state.value)
@pytest.mark.parametrize("name", STEPS)
def test_a_step_makes_of_a_state(name: str, before: State) -> None:
    subscription = replace(a_subscription(), state=before)
    after = STEPS[name](subscription, LATER)
    assert after.state is BECOMES[name][list(State).index(before)]
    assert (after == subscription) is (after.version == subscription.version)
    assert after.version <= subscription.version + 1


@pytest.mark.parametrize("before", [R, A, E], ids=lambda state: state.value)
def test_the_end_ends_whatever_lives(before: State) -> None:
    subscription = replace(a_subscription(), state=before)
    assert ended(subscription, END - timedelta(seconds=1)) is subscription
    over = ended(subscription, END)
    assert (over.state, over.is_live, over.changed) == (O, False, END)


def test_a_new_one_is_due_for_its_handshake_soon() -> None:
    new = a_subscription()
    assert (new.state, new.due, new.generation, new.version, new.events) == (R, NOW + FIRST_HANDSHAKE, 1, 1, 0)


def test_a_replaced_one_begins_anew_and_counts_on() -> None:
    worn = replace(a_subscription(), state=E, error="no-response", events=7, handshakes=3, version=9, generation=2)
    wanted = replace(a_subscription("other", at=LATER), organization="another", caller="another")
    again = replaced(worn, wanted, LATER)

    assert (again.id, again.organization, again.caller, again.created) == (
        worn.id,
        worn.organization,
        worn.caller,
        worn.created,
    )
    assert (again.state, again.error, again.handshakes, again.due) == (R, "", 0, LATER + FIRST_HANDSHAKE)
    assert (again.version, again.generation, again.events, again.filters) == (10, 3, 7, wanted.filters)


@pytest.mark.parametrize("before", State, ids=lambda state: state.value)
def test_its_owner_stops_it_from_any_state(before: State) -> None:
    subscription = replace(a_subscription(), state=before)
    over = replaced(subscription, replace(a_subscription("B"), state=O), LATER)
    assert (over.state, over.generation, over.filters) == (O, subscription.generation + 1, (frozenset({"B"}),))
    assert over.due == over.end


@pytest.mark.parametrize(("heartbeat", "due"), [(None, END), (60, LATER + timedelta(seconds=60)), (10**9, END)])
def test_a_heartbeat_is_due_before_the_end(heartbeat: int | None, due: datetime) -> None:
    subscription = a_subscription(heartbeat=heartbeat)
    active = handshaken(subscription, LATER)
    assert active.due == due
    assert heard(replace(active, due=NOW), LATER).due == due


def test_tries_are_counted() -> None:
    tried = handshake_tried(a_subscription(), LATER)
    assert (tried.handshakes, tried.due, tried.state) == (1, LATER, R)


def test_headers_and_what_was_said_stay_out_of_its_repr() -> None:
    words = repr(a_subscription(said='{"reason": "secret-reason"}'))
    assert "a-secret" not in words
    assert "secret-reason" not in words
