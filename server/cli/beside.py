"""A process beside those that answer, forked from the same master: it ends with the master, and is started again."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from socket import socket
from threading import Thread
from typing import NoReturn

JOURNAL = logging.getLogger("placet")

PAUSES = (0.0, 1.0, 5.0, 30.0)
"""Seconds before it is started again, the more often it ended the longer; one that lived long begins anew."""
LONG_LIFE = 300.0
GRACE_SECONDS = 5.0
PARENT_LOOK = 1.0

Stoppable = Callable[[Callable[[Callable[[], None]], None]], None]
"""Works until the function ends that it hands over: called with what stops it, before the work begins."""


class Beside:
    """One process that does `task`. All methods are called in the master's main thread."""

    def __init__(self, task: Stoppable) -> None:
        self._task = task
        self._pid = 0
        self._started = self._not_before = 0.0
        self._ended = 0

    def keep(self, listeners: Iterable[socket]) -> None:
        """Start it when it does not run; the listening sockets are not its own."""
        if self._runs():
            return
        now = time.monotonic()
        if self._pid:
            self._ended = 0 if now - self._started > LONG_LIFE else self._ended + 1
            self._pid = 0
            self._not_before = now + PAUSES[min(self._ended, len(PAUSES)) - 1] if self._ended else now
        if now < self._not_before:
            return
        self._started = now
        self._pid = os.fork()
        if self._pid == 0:
            self._live(listeners)

    def tell_to_stop(self) -> None:
        """Ask it to end."""
        if self._pid:
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGTERM)

    def stop(self) -> None:
        """Wait for its end, not for ever; what it has not written down is done again by the next."""
        self.tell_to_stop()
        until = time.monotonic() + GRACE_SECONDS
        while self._runs():
            if time.monotonic() > until:
                os.kill(self._pid, signal.SIGKILL)
            time.sleep(0.02)
        self._pid = 0

    def _runs(self) -> bool:
        """Whether it lives; gunicorn may have reaped it already."""
        if not self._pid:
            return False
        try:
            return os.waitpid(self._pid, os.WNOHANG) == (0, 0)
        except ChildProcessError:
            return False

    def _live(self, listeners: Iterable[socket]) -> NoReturn:
        """The whole life of the forked process; nothing of the master's ends with it."""
        status = 1
        try:
            for each in (signal.SIGCHLD, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2, signal.SIGWINCH):
                signal.signal(each, signal.SIG_DFL)
            for each in (signal.SIGINT, signal.SIGHUP, signal.SIGTTIN, signal.SIGTTOU):
                signal.signal(each, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the master decides
            for listener in listeners:
                os.close(listener.fileno())
            self._task(_stopped_by_the_master)
            status = 0
        except Exception as error:  # the master starts it again
            JOURNAL.error("ended", exc_info=error)
        finally:
            os._exit(status)


def _stopped_by_the_master(stop: Callable[[], None]) -> None:
    """On SIGTERM, and when there is no master any more, however it ended."""
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop())
    master = os.getppid()

    def watch() -> None:
        while os.getppid() == master:
            time.sleep(PARENT_LOOK)
        stop()

    Thread(target=watch, daemon=True).start()
