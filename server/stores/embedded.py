"""The embedded store of a data directory, for everybody who uses it; `server.stores.keeper` starts and stops it.

The store is SecantusDB, a program of its own under the GPL: started and spoken to, never imported. Everything is
decided by locks (flock), which the kernel drops when a process dies however it dies; process ids are only trusted
while a lock proves them. In the data directory, every file 0600, every directory 0700:

    users.lock      every user holds it shared; the keeper stops the store only while it holds it exclusively
    start.lock      held by the one user who starts a keeper
    keeper.lock     held by the keeper while it lives
    store.lock      inherited by the store, so held while the store lives; "PID PORT" of its last run
    store.json      host, port, store_pid, keeper_pid, started; there while the store is to be used
    store.error     one sentence: why the keeper gave up
    store.log       what the store wrote to stderr (may name patient data), one older file `store.log.1`
    secantus.toml   empty; naming it keeps the store from finding anybody else's settings
    store/          the data itself
"""

import contextlib
import fcntl
import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

HOST = "127.0.0.1"
STOP_SECONDS = 4.0  # a clean stop with idle connections takes up to 2 s; being killed loses nothing acknowledged

# What the store or the operating system says -> what a person can do about it.
TROUBLES = (
    (
        r"No module named '?secantus\b",
        "The embedded store is not installed: pip install 'placet[embedded]' or set MONGODB_URI.",
    ),
    (
        r"[Rr]esource busy",
        "{data} is in use by a store that placet did not start: end that process or choose another data directory.",
    ),
    (
        r"Address already in use",
        "Port {port} of the embedded store is in use by another process: end that process, then start placet again.",
    ),
    (
        r"No space left on device|[Qq]uota exceeded",
        "The disk of {data} is full: make room or choose another data directory.",
    ),
    (
        r"Permission denied|Operation not permitted|Read-only file system",
        "{data} is not writable: give this account write permission or choose another data directory.",
    ),
    (
        r"Not a directory|File exists",
        "{data} is not a directory: choose another data directory.",
    ),
    (
        r"No locks available|Operation not supported|Function not implemented",
        "The file system of {data} has no file locks: choose a data directory on a local disk.",
    ),
)


class StoreUnavailable(Exception):
    """The embedded store does not run; the message is one sentence that says why and what to do."""


def explained(text: str, data: Path, port: int = 0) -> str | None:
    """The sentence for the trouble that `text` names, None when it is not a known one."""
    for pattern, sentence in TROUBLES:
        if re.search(pattern, text):
            return sentence.format(data=data, port=port)
    return None


def open_lock(path: Path) -> int:
    """A descriptor of a lock file, made when missing; programs started later do not inherit it."""
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def take(lock: int, how: int, within: float = 0.0) -> bool:
    """Whether the lock was taken (`fcntl.LOCK_SH` or `LOCK_EX`) within so many seconds."""
    deadline = time.monotonic() + within
    while True:
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.01)
        else:
            return True


@contextlib.contextmanager
def opened_lock(path: Path) -> Iterator[int]:
    """A lock that is given back at the end of the block."""
    lock = open_lock(path)
    try:
        yield lock
    finally:
        os.close(lock)


def last_run(store_lock: int) -> tuple[int, int]:
    """(process id, port) of the store's last run; 0 where unknown."""
    words = os.pread(store_lock, 64, 0).split()
    return (int(words[0]), int(words[1])) if len(words) == 2 and all(word.isdigit() for word in words) else (0, 0)


def end_orphan(store_lock: int, data: Path) -> None:
    """Take the store's lock, ending a store whose keeper was killed; StoreUnavailable when it cannot be ended.

    Only the store inherits this lock: while it is held, the process id in it is the store's and nobody else's.
    """
    if take(store_lock, fcntl.LOCK_EX):
        return
    pid, port = last_run(store_lock)
    for ending, patience in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, 2.0)) if pid > 1 else ():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, ending)
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            if take(store_lock, fcntl.LOCK_EX, within=0.02):
                return
            answers(port)  # wakes its listening thread, which it otherwise waits 2 s for
    raise StoreUnavailable(explained("Resource busy", data))


def kept(data: Path) -> bool:
    """Whether a keeper lives."""
    with opened_lock(data / "keeper.lock") as lock:
        return not take(lock, fcntl.LOCK_SH)


def published_port(data: Path) -> int | None:
    """The port in `store.json`, None while there is no store to be used."""
    try:
        return int(json.loads((data / "store.json").read_bytes())["port"])
    except FileNotFoundError:
        return None


def answers(port: int) -> bool:
    """Whether somebody listens there. (A loopback connection to a free port can reach itself; that is nobody.)"""
    try:
        with socket.create_connection((HOST, port), timeout=1.0) as line:
            return bool(line.getsockname() != line.getpeername())
    except OSError:
        return False


def prepare(data: Path) -> None:
    """Make the directory, for this account only. One that was already used for something else keeps its mode."""
    ours = not data.exists() or (data / "users.lock").exists() or not any(data.iterdir())
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    if ours and data.stat().st_uid == os.geteuid():
        data.chmod(0o700)
    (data / "store").mkdir(mode=0o700, exist_ok=True)


def keeper_command(data: Path) -> list[str]:
    """How the keeper is started; `-P` so that nothing is imported from where placet happens to be started."""
    return [sys.executable, "-P", "-m", "server.stores.keeper", str(data)]


def start_keeper(data: Path, deadline: float) -> None:
    """Start a keeper and wait for its word: ready, or StoreUnavailable; says nothing when another keeper was faster."""
    here = str(Path(__file__).parents[2])
    search_path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH"))))
    said = b""
    with subprocess.Popen(  # noqa: S603 - our own command
        keeper_command(data),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"PYTHONPATH": search_path},
        start_new_session=True,  # Ctrl-C is for the command, which closes the store last
    ) as starting:
        assert starting.stdout is not None
        while select.select([starting.stdout], [], [], max(0.0, deadline - time.monotonic()))[0]:
            words = os.read(starting.stdout.fileno(), 4096)
            if not words:
                break
            said += words
    verdict = (said.decode("utf-8", "replace").strip().splitlines() or [""])[-1]
    if verdict not in ("", "ready"):
        raise StoreUnavailable(verdict.removeprefix("unavailable: "))


def port_of_running_store(data: Path, deadline: float) -> int:
    """The port of the store that answers, started when nobody keeps it; StoreUnavailable after the deadline."""
    while time.monotonic() < deadline:
        if not kept(data):
            start_keeper(data, deadline)
        port = published_port(data)
        if port and answers(port):
            return port
        time.sleep(0.02)
    raise StoreUnavailable(f"The embedded store in {data} did not answer in time: see {data / 'store.log'}.")


class EmbeddedStore:
    """The embedded store of one data directory, started when nobody has it running, shared with every other placet
    process, stopped when its last user leaves.

    `uri` is for MongoClient. A forked child (a gunicorn worker) uses the store under its parent's lock: it may use
    `uri`, its `close` only drops its own descriptor. The parent's `close` gives the lock up for its children too, so it
    comes after they ended; when the parent is killed, the store stays until the last such child has ended.
    """

    def __init__(self, data: Path, users: int, port: int) -> None:
        self.data = data
        self.uri = f"mongodb://{HOST}:{port}/?directConnection=true&retryWrites=false"
        self._users: int | None = users
        self._opened_by = os.getpid()

    @classmethod
    def open(cls, data: Path, *, wait: float = 20.0) -> Self:
        """Use the store, started or already running, as soon as it answers; StoreUnavailable after `wait` seconds."""
        data, deadline = data.absolute(), time.monotonic() + wait
        try:
            prepare(data)
            users = open_lock(data / "users.lock")
            try:
                with opened_lock(data / "start.lock") as start:
                    # The keeper of a store that is just being stopped holds users.lock until it has gone.
                    for lock, how in ((start, fcntl.LOCK_EX), (users, fcntl.LOCK_SH)):
                        if not take(lock, how, deadline - time.monotonic()):
                            raise StoreUnavailable(
                                f"The embedded store in {data} is still being started or stopped by another process: "
                                "try again in a moment."
                            )
                    return cls(data, users, port_of_running_store(data, deadline))
            except BaseException:
                os.close(users)
                raise
        except OSError as error:
            raise StoreUnavailable(
                explained(str(error), data) or f"The embedded store in {data} cannot be started: {error}."
            ) from error

    def trouble(self) -> str | None:
        """Why the keeper gave the store up, in one sentence; None while it keeps it."""
        try:
            return (self.data / "store.error").read_text().strip()
        except FileNotFoundError:
            return None

    def close(self) -> None:
        """Leave; when nobody else uses the store, come back when it is down (bounded). A second time does nothing."""
        users, self._users = self._users, None
        if users is None:
            return
        try:
            if os.getpid() == self._opened_by:
                fcntl.flock(users, fcntl.LOCK_UN)  # also for forked children, who share the lock
                self._wait_until_down(users)
        finally:
            os.close(users)

    def _wait_until_down(self, users: int) -> None:
        deadline = time.monotonic() + STOP_SECONDS + 5.0
        while kept(self.data):
            if used_by_others(users) or time.monotonic() > deadline:
                return
            time.sleep(0.02)
        # Its keeper was killed; as the keeper does, stop the store while nobody can come in.
        if take(users, fcntl.LOCK_EX):
            with opened_lock(self.data / "store.lock") as lock, contextlib.suppress(StoreUnavailable):
                end_orphan(lock, self.data)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def used_by_others(users: int) -> bool:
    """Whether somebody shares `users.lock` (and not: the keeper has it for itself, to stop the store)."""
    for how, used in ((fcntl.LOCK_EX, False), (fcntl.LOCK_SH, True)):
        if take(users, how):
            fcntl.flock(users, fcntl.LOCK_UN)
            return used
    return False
