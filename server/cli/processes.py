"""The processes that answer: gunicorn, started from here, with threads that slow clients cannot exhaust."""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter

from server.cli.beside import Beside
from server.settings import Settings
from server.web.worker import DoorWorker, QuietLogger

WORKER_SECONDS = 30
GRACE_SECONDS = 10
KEEP_ALIVE_SECONDS = 20


class Processes(BaseApplication):  # type: ignore[misc]
    """One master that holds the socket, and the workers it forks; each makes its own `application`.

    `started` is called in the master when the socket listens. On SIGHUP the master calls `renew`; when that says True,
    it hands the signal on and every worker calls what stands under `RENEW` in its application. `beside` is a process
    that lives as long as the master.
    """

    def __init__(
        self,
        settings: Settings,
        listener: socket.socket,
        *,
        application: Callable[[], Flask],
        started: Callable[[], None],
        renew: Callable[[], bool] = lambda: False,
        beside: Beside | None = None,
    ) -> None:
        self.application = application
        self.renew = renew
        self.beside = beside
        self.options = {
            "bind": f"fd://{listener.detach()}",  # gunicorn takes the socket over and closes it
            "workers": settings.workers,
            "threads": settings.threads,
            "worker_class": DoorWorker,
            "logger_class": QuietLogger,
            "worker_tmp_dir": "/dev/shm" if Path("/dev/shm").is_dir() else None,  # noqa: S108 - heartbeats, no data
            "timeout": WORKER_SECONDS,
            "graceful_timeout": GRACE_SECONDS,
            "keepalive": KEEP_ALIVE_SECONDS,
            "limit_request_line": 8190,
            "limit_request_fields": 64,
            "limit_request_field_size": 8190,
            "control_socket_disable": True,
            "when_ready": lambda _arbiter: started(),
        }
        super().__init__()

    def load_config(self) -> None:
        """Our options and nothing from files or the environment of gunicorn."""
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        """The application of one worker, made after the fork: its database connections are its own."""
        return self.application()

    def run(self) -> NoReturn:
        """Answer until a signal; leaves by SystemExit, in the master and in every worker."""
        Master(self).run()
        raise SystemExit(0)


class Master(Arbiter):  # type: ignore[misc]
    """Ctrl-C stops as SIGTERM does: after the answers under way. A second Ctrl-C does not wait."""

    def manage_workers(self) -> None:
        """Called about once a second: the process beside the workers is kept too."""
        super().manage_workers()
        if self.app.beside is not None:
            self.app.beside.keep(self.LISTENERS)

    def stop(self, graceful: bool = True) -> None:
        """Everybody is told to stop before anybody is waited for."""
        if self.app.beside is None:
            return super().stop(graceful)
        self.app.beside.tell_to_stop()
        super().stop(graceful)
        return self.app.beside.stop()

    def handle_int(self) -> Any:
        """SIGINT."""
        return self.handle_term()

    def handle_hup(self) -> None:
        """SIGHUP: the content is loaded again, in the processes that run; gunicorn would start new ones."""
        if self.app.renew():
            self.kill_workers(signal.SIGHUP)
