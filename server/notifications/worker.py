"""The worker: looks for what is due, again and again, and has it done in threads, so that nobody waits for the slow."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from threading import Event, Lock

from server.authorization.delivery import KEPT, Channel
from server.errors import Unavailable
from server.notifications.attend import attend
from server.notifications.events import deliver
from server.notifications.means import JOURNAL, Means, real_time
from server.notifications.relay import relay

THREADS = 16
TICK = timedelta(milliseconds=1)
"""What is due now is due; the store counts in these."""
LOOK = 0.5
"""Seconds between two looks when there was nothing to do."""
STORE_DOWN = 2.0
"""Seconds until the next look when the store does not answer."""
SWEEP = 3600.0
MOST_ROUNDS = 10_000

Task = Callable[[Means], bool]
"""Something that is due; says whether it did anything."""


class Worker:
    """One process that delivers. Any number of them may run on one store."""

    def __init__(self, means: Means, *, threads: int = THREADS) -> None:
        self._means, self._threads = means, threads
        self._told_to_stop = False
        self._news, self._lock = Event(), Lock()
        self._at_work: set[str] = set()
        self._sweep_after = 0.0
        self._store_is_down = False

    def stop(self) -> None:
        """End after the attempts under way. For signal handlers: nothing is locked, the next look sees it."""
        self._told_to_stop = True

    def run(self) -> None:
        """Work until told to stop."""
        with self._threads_at_work() as pool:
            while not self._told_to_stop:
                self._news.clear()
                self._look(pool)
                self._news.wait(STORE_DOWN if self._store_is_down else LOOK)

    def run_once(self) -> None:
        """Do everything that is due now, and what becomes due at once by that; then end."""
        with self._threads_at_work() as pool:
            for _ in range(MOST_ROUNDS):
                done = [each.result() for each in self._look(pool)]
                if self._told_to_stop or self._store_is_down or not any(done):
                    return

    @contextmanager
    def _threads_at_work(self) -> Iterator[ThreadPoolExecutor]:
        """The threads; in the end attempts under way are finished, what has not begun is left to others."""
        pool = ThreadPoolExecutor(self._threads, thread_name_prefix="deliver")
        try:
            yield pool
        finally:
            pool.shutdown(cancel_futures=True)

    def _look(self, pool: ThreadPoolExecutor) -> list[Future[bool]]:
        """Begin everything that is due and not under way here."""
        due: dict[str, Task] = {"relay": relay}
        try:
            now = self._means.now() + TICK
            for each in self._means.subscriptions.due(now):
                due[f"subscription {each.id}"] = partial(attend, each)
            for channel in filter(self._is_free, self._means.notices.busy(now)):
                due[f"channel {channel.subscription}"] = partial(
                    deliver, channel, told_to_stop=lambda: self._told_to_stop
                )
            self._sweep()
        except Unavailable:
            self._note_store(down=True)
            return []
        self._note_store(down=False)
        return [self._begin(pool, key, task) for key, task in due.items() if key not in self._at_work]

    def _is_free(self, channel: Channel) -> bool:
        """No other worker is at it: looking at it all the same would be no rest at all while that one is slow."""
        return channel.lease in ("", self._means.worker) or real_time() >= channel.leased_until

    def _begin(self, pool: ThreadPoolExecutor, key: str, task: Task) -> Future[bool]:
        with self._lock:
            self._at_work.add(key)
        return pool.submit(self._do, key, task)

    def _do(self, key: str, task: Task) -> bool:
        """Whether it did anything: then there may be more to do."""
        did = False
        try:
            did = task(self._means)
        except Unavailable:
            self._note_store(down=True)
        except Exception as error:  # one subscription's trouble is not the others'
            JOURNAL.error("bug", exc_info=error)
        finally:
            with self._lock:
                self._at_work.discard(key)
            if did:
                self._news.set()
        return did

    def _sweep(self) -> None:
        if time.monotonic() >= self._sweep_after:
            more = self._means.notices.sweep(self._means.now() - KEPT) > 0
            self._sweep_after = time.monotonic() + (0.0 if more else SWEEP)

    def _note_store(self, *, down: bool) -> None:
        if down is not self._store_is_down:
            self._store_is_down = down
            JOURNAL.warning("store", extra={"facts": {"answers": not down}})
