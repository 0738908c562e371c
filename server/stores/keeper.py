"""The keeper of one embedded store: starts it, restarts it when it dies, stops it when nobody uses it.

Run as ``python -m server.stores.keeper DATA_DIR`` by `server.stores.embedded`, which also says what lies in the
directory. The standard library only, so that it is up in a moment. It tells its starter one line, ``ready`` or
``unavailable: SENTENCE``, and is alone from then on.
"""

import contextlib
import fcntl
import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from server.stores.embedded import (
    HOST,
    STOP_SECONDS,
    StoreUnavailable,
    answers,
    end_orphan,
    explained,
    last_run,
    open_lock,
    take,
)

POLL = 0.2  # seconds between two looks at the users
START_SECONDS = 60.0  # recovering a 1.4 GB log took 0.8 s
NUDGE = 0.1  # seconds between two connections to a store that is to end; more of them keep it busy
RESTARTS, RESTARTS_WITHIN = 5, 60.0
LOG_BYTES = 1_000_000

READY = re.compile(rb"secantus listening on [\d.]+:(\d+)\s")
EXCEPTION = re.compile(r"^[\w.]*(?:Error|Exception)\b.*$", re.MULTILINE)


def store_command(data: Path, port: int) -> list[str]:
    """How the store is started; `-P` so that nothing is imported from the data directory."""
    return [
        *(sys.executable, "-P", "-m", "secantus"),
        *("--config", str(data / "secantus.toml"), "--storage-path", str(data / "store")),
        *("--host", HOST, "--port", str(port)),
        "--sync-on-commit",  # without it acknowledged writes were lost in 19 of 20 kill -9 rounds
        *("--cache-size", "256M", "--oplog-max-entries", "20000"),
    ]


def store_environment() -> dict[str, str]:
    """Ours without the store's own variables: one of them switches durability off."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("SECANTUS_", "WIREDTIGER"))}
    return ours | {"SECANTUS_CHECKPOINT_SECONDS": "15"}


def note_run(store_lock: int, pid: int, port: int) -> None:
    """Write down which process the store is and where it listens, 0 while unknown."""
    os.ftruncate(store_lock, 0)
    os.pwrite(store_lock, f"{pid} {port}\n".encode(), 0)


def keep_in_log(data: Path, words: bytes) -> None:
    """Append to the log, 1 MB and one older file; a full disk must not end the keeper."""
    path = data / "store.log"
    with contextlib.suppress(OSError):
        if path.exists() and path.stat().st_size > LOG_BYTES:
            path.replace(data / "store.log.1")
        with path.open("ab") as log:
            log.write(words)


class Store:
    """One run of the store; `port` is 0 until it listens."""

    def __init__(self, data: Path, port: int, lock: int) -> None:
        self.data, self.asked_port, self.port, self.said = data, port, 0, b""
        note_run(lock, 0, port)
        self.process = subprocess.Popen(  # noqa: S603 - our own command
            store_command(data, port),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=store_environment(),
            cwd=data,
            pass_fds=(lock,),
        )
        note_run(lock, self.process.pid, port)
        assert self.process.stderr is not None
        self.stderr = self.process.stderr

    def listen(self, seconds: float) -> None:
        """Wait so long for the store to say something; keep it in the log and see whether it is ready."""
        if not select.select([self.stderr], [], [], seconds)[0]:
            return
        words = os.read(self.stderr.fileno(), 65536)
        if not words:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
            return
        keep_in_log(self.data, words)
        self.said = (self.said + words)[-8192:]
        if not self.port and (ready := READY.search(self.said)):
            self.port = int(ready[1])

    def ended(self) -> bool:
        return self.process.poll() is not None

    def stop(self) -> None:
        """End it cleanly, by force after STOP_SECONDS (which loses nothing that was acknowledged)."""
        self.process.terminate()
        deadline, nudge = time.monotonic() + STOP_SECONDS, 0.0
        while not self.ended():
            now = time.monotonic()
            if now > deadline:
                self.process.kill()
            if now > nudge:
                answers(self.port)  # wakes its listening thread, which it otherwise waits 2 s for
                nudge = now + NUDGE
            self.listen(0.02)
        self.stderr.close()

    def why_ended(self) -> str:
        """One sentence. What a store said after it was ready may name patient data and is not quoted."""
        text = self.said.decode("utf-8", "replace")
        if known := explained(text, self.data, self.asked_port):
            return known
        last = "" if self.port else ["", *EXCEPTION.findall(text)][-1][:200]
        status = last or f"exit status {self.process.returncode}"
        return f"The embedded store in {self.data} ended ({status}): see {self.data / 'store.log'}."


class Keeper:
    """Keeps the store of one data directory running while somebody shares `users.lock`."""

    def __init__(self, data: Path, store_lock: int) -> None:
        self.data, self.store_lock = data, store_lock
        self.users = open_lock(data / "users.lock")
        self.told_to_stop = False
        self.deaths: list[float] = []

    def done(self) -> bool:
        """Whether nobody uses the store any more. The lock that proves it is kept: nobody comes in while it stops."""
        try:
            here = os.path.samestat((self.data / "users.lock").stat(), os.fstat(self.users))
        except OSError:
            here = False  # the directory was deleted under the store
        return self.told_to_stop or not here or take(self.users, fcntl.LOCK_EX)

    def started(self, port: int) -> Store:
        """A store that listens on this port (0: any), without a port when nobody waits for it any more."""
        store = Store(self.data, port, self.store_lock)
        deadline = time.monotonic() + START_SECONDS
        while not store.port and not self.done():
            store.listen(POLL)
            if store.ended() or time.monotonic() > deadline:
                store.stop()
                raise StoreUnavailable(store.why_ended())
        if store.port:
            note_run(self.store_lock, store.process.pid, store.port)
            self.publish(store)
        return store

    def first(self) -> Store:
        """The first run, on the port that the users of an earlier run still know when that is free."""
        _, port = last_run(self.store_lock)
        if port:
            with contextlib.suppress(StoreUnavailable):
                return self.started(port)
        return self.started(0)

    def again(self, dead: Store) -> Store:
        """The next run on the same port, after ever longer pauses; StoreUnavailable after five in a minute."""
        dead.stop()
        why = dead.why_ended()
        while True:
            now = time.monotonic()
            self.deaths = [death for death in self.deaths if now - death < RESTARTS_WITHIN] + [now]
            if len(self.deaths) > RESTARTS:
                raise StoreUnavailable(why)
            time.sleep(0.2 * (len(self.deaths) - 1))
            try:
                return self.started(dead.port)
            except StoreUnavailable as failed:
                why = str(failed)

    def publish(self, store: Store) -> None:
        """Write `store.json` in one step, for those who come later."""
        facts = {
            "host": HOST,
            "port": store.port,
            "store_pid": store.process.pid,
            "keeper_pid": os.getpid(),
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        draft = self.data / "store.json.new"
        draft.write_text(json.dumps(facts) + "\n")
        draft.replace(self.data / "store.json")

    def keep(self) -> None:
        """The whole life of the store, from its first start until nobody uses it."""
        store = self.first()
        try:
            (self.data / "store.error").unlink(missing_ok=True)
            if store.port:
                tell("ready")
            while not self.done():
                store.listen(POLL)
                if store.ended():
                    store = self.again(store)
        finally:
            with contextlib.suppress(OSError):
                (self.data / "store.json").unlink(missing_ok=True)
            store.stop()
        if not self.told_to_stop:
            note_run(self.store_lock, 0, 0)  # nobody is left who knows the port


def tell(words: str) -> None:
    """Tell the starter, once; afterwards there is nobody to talk to."""
    with contextlib.suppress(OSError):
        os.write(1, f"{words}\n".encode())
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def keep(data: Path) -> None:
    """Keep the store of this directory, unless another keeper does."""
    if not take(open_lock(data / "keeper.lock"), fcntl.LOCK_EX, within=1.0):
        return
    (data / "store.json").unlink(missing_ok=True)
    (data / "secantus.toml").write_bytes(b"")
    store_lock = open_lock(data / "store.lock")
    end_orphan(store_lock, data)
    keeper = Keeper(data, store_lock)

    def stop(_signal: int, _frame: object) -> None:
        keeper.told_to_stop = True

    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(name, stop)
    keeper.keep()


def main() -> None:
    data = Path(sys.argv[1])
    os.umask(0o077)
    if os.fork():  # the starter waits for this process only and never has a zombie
        os._exit(0)
    try:
        keep(data)
    except Exception as error:  # whatever it is, the starter or `store.error` says so
        why = str(error) if isinstance(error, StoreUnavailable) else explained(str(error), data) or repr(error)
        with contextlib.suppress(OSError):
            (data / "store.error").write_text(f"{why}\n")
        tell(f"unavailable: {why}")


if __name__ == "__main__":
    main()
