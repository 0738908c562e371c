"""How a channel steps forward, and how long the next attempt waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from server.authorization.delivery import (
    REFUSED_ATTEMPTS,
    RETRIES,
    Attempt,
    Channel,
    Reaction,
    delivered,
    leased,
    parked,
    put_off,
    released,
    replayed,
    resumed,
    wait_after,
    woken,
)
from tests.builders import NOW

LATER = NOW + timedelta(minutes=5)
QUIET = Channel("s1", due=NOW, leased_until=NOW, told=3, last=3)
BUSY = replace(QUIET, last=5, lease="w")


@pytest.mark.parametrize(
    ("status", "reaction"),
    [
        (200, Reaction.TAKEN),
        (204, Reaction.TAKEN),
        (302, Reaction.FAILED),
        (400, Reaction.REFUSED),
        (404, Reaction.REFUSED),
        (408, Reaction.FAILED),
        (410, Reaction.GONE),
        (425, Reaction.FAILED),
        (429, Reaction.FAILED),
        (500, Reaction.FAILED),
        (503, Reaction.FAILED),
        (0, Reaction.FAILED),
    ],
)
def test_an_answer_says_what_follows(status: int, reaction: Reaction) -> None:
    assert Attempt(NOW, status).reaction is reaction


def test_attempts_come_later_and_later_and_end_within_a_day() -> None:
    failure = Attempt(NOW, 503)
    waits = [wait_after(n, failure, timedelta(), 1.0) for n in range(1, len(RETRIES) + 1)]
    assert waits == [timedelta(seconds=each) for each in (5, 30, 120, 600, 3600, 21600)]
    assert wait_after(len(RETRIES) + 1, failure, timedelta(), 1.0) is None
    slowest = [wait_after(n, failure, timedelta(days=9), 1.0) or timedelta() for n in range(1, len(RETRIES) + 1)]
    assert sum(slowest, timedelta()) < timedelta(days=1)


def test_lots_are_drawn_over_the_whole_wait() -> None:
    assert wait_after(3, Attempt(NOW, 500), timedelta(), 0.25) == timedelta(seconds=30)


def test_a_subscriber_that_asks_for_time_gets_an_hour_at_most() -> None:
    asked = [wait_after(1, Attempt(NOW, 429), timedelta(minutes=minutes), 0.5) for minutes in (20, 90)]
    assert asked == [timedelta(minutes=20), timedelta(hours=1)]


def test_a_subscriber_that_refuses_is_asked_twice_and_one_that_is_gone_once() -> None:
    assert wait_after(1, Attempt(NOW, 403), timedelta(), 1.0) == RETRIES[0]
    assert wait_after(REFUSED_ATTEMPTS, Attempt(NOW, 403), timedelta(), 1.0) is None
    assert wait_after(1, Attempt(NOW, 410), timedelta(), 1.0) is None


def test_a_quiet_channel_is_woken_for_when_the_event_is_due() -> None:
    assert woken(QUIET, 4, LATER) == replace(QUIET, version=2, last=4, due=LATER)
    assert woken(QUIET, 3, LATER) == QUIET


def test_a_channel_that_waits_for_its_next_attempt_goes_on_waiting() -> None:
    waiting = replace(BUSY, due=LATER, attempts=2)
    assert woken(waiting, 6, NOW) == replace(waiting, version=2, last=6)


def test_a_channel_is_in_one_hand_until_its_lease_is_over() -> None:
    held = leased(QUIET, "one", NOW, LATER)
    assert held == replace(QUIET, version=2, lease="one", leased_until=LATER)
    assert leased(held, "two", NOW, LATER) is None
    taken_over = leased(held, "two", LATER, LATER + timedelta(minutes=1))
    assert taken_over is not None and taken_over.lease == "two"


def test_who_lost_its_lease_settles_nothing() -> None:
    assert delivered(BUSY, 4, "other", NOW, LATER) is None
    assert put_off(BUSY, "other", LATER, failed=True) is None
    assert parked(BUSY, "other") is None
    assert released(BUSY, "other") is None


def test_the_next_event_is_due_only_after_the_one_before() -> None:
    went_on = delivered(BUSY, 4, "w", NOW, LATER)
    assert went_on is not None and (went_on.told, went_on.is_busy, went_on.attempts) == (4, True, 0)
    done = delivered(went_on, 5, "w", NOW, LATER)
    assert done is not None and not done.is_busy


def test_a_failed_attempt_is_counted_and_a_wait_for_the_handshake_is_not() -> None:
    failed, waited = (put_off(BUSY, "w", LATER, failed=each) for each in (True, False))
    assert failed is not None and (failed.attempts, failed.due, failed.lease) == (1, LATER, "")
    assert waited is not None and waited.attempts == 0


def test_a_parked_channel_sends_nothing_until_it_is_resumed() -> None:
    still = parked(BUSY, "w")
    assert still is not None and not still.is_busy
    assert not woken(still, 9, NOW).is_busy
    again = resumed(still, LATER)
    assert (again.is_busy, again.told, again.due) == (True, 3, LATER)


def test_replaying_from_an_event_is_not_undone_by_who_delivers_a_later_one_just_now() -> None:
    from_two = replayed(BUSY, 2, NOW)
    assert from_two is not None and from_two.told == 1
    went_on = delivered(from_two, 4, "w", NOW, LATER)
    assert went_on is not None and went_on.told == 1
    assert [replayed(BUSY, number, NOW) for number in (0, 6)] == [None, None]
