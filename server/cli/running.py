"""Servers that run, as the other commands see them: a file in the data directory, locked while its server lives.

The first line of ``serve-PID.run`` says what the server is; every reload adds one line for each process.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from server.settings import Settings
from server.stores.embedded import open_lock, opened_lock, take


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server of a data directory: its first process, the content directory it reads (None: the demo's)."""

    file: Path
    pid: int
    workers: int
    content: Path | None

    def tell(self, **told: Any) -> None:
        """Add what a process of the server did."""
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"process": os.getpid(), **told}) + "\n")

    def told(self) -> list[dict[str, Any]]:
        """What its processes did so far."""
        return [json.loads(line) for line in self.file.read_text("utf-8").splitlines()[1:]]


@contextmanager
def announced(settings: Settings) -> Iterator[RunningServer]:
    """This process as a running server, until the end of the block."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = settings.data / f"serve-{os.getpid()}.run"
    content = settings.content.absolute() if settings.content else None
    server = RunningServer(file, os.getpid(), settings.workers, content)
    lock = open_lock(file)
    fcntl.flock(lock, fcntl.LOCK_EX)
    os.truncate(lock, 0)
    first = {"pid": server.pid, "workers": server.workers, "content": str(content) if content else None}
    os.write(lock, (json.dumps(first) + "\n").encode())
    try:
        yield server
    finally:
        if os.getpid() == server.pid:  # workers leave through here too
            file.unlink(missing_ok=True)
        os.close(lock)


def running_servers(data: Path) -> list[RunningServer]:
    """Every server that runs on the data directory; what a killed one left is taken away."""
    return [server for file in sorted(data.glob("serve-*.run")) if (server := _running(file)) is not None]


def _running(file: Path) -> RunningServer | None:
    with opened_lock(file) as lock:
        if take(lock, fcntl.LOCK_SH):
            file.unlink(missing_ok=True)
            return None
    first = json.loads(file.read_text("utf-8").partition("\n")[0])
    return RunningServer(file, first["pid"], first["workers"], Path(first["content"]) if first["content"] else None)
