"""The embedded store is shared, survives every kill with what it acknowledged, and leaves nothing behind."""

import contextlib
import errno
import fcntl
import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pymongo import MongoClient

from server.stores import embedded, keeper
from server.stores.embedded import EmbeddedStore, StoreUnavailable

ROOT = Path(__file__).parents[3]
USER = """
import sys
from pathlib import Path
from server.stores.embedded import EmbeddedStore
with EmbeddedStore.open(Path(sys.argv[1])) as store:
    print(store.uri, flush=True)
    sys.stdin.read()
"""


def eventually(fact: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether the fact holds within so many seconds."""
    deadline = time.monotonic() + seconds
    while not fact():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def facts(data: Path) -> dict[str, int]:
    return json.loads((data / "store.json").read_text())


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not yet collected by init does not."""
    if Path("/proc/self/stat").exists():
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].strip()
        except (FileNotFoundError, ProcessLookupError):
            state = ""
    else:
        asked = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
        state = asked.stdout.strip()
    return state != "" and not state.startswith("Z")


def kill(*pids: int) -> None:
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    assert eventually(lambda: not any(map(alive, pids)))


def file_numbers(uri: str, numbers: range) -> None:
    with MongoClient(uri, serverSelectionTimeoutMS=5000) as client:
        for number in numbers:
            client.placet.numbers.insert_one({"_id": number})


def numbers_in(uri: str) -> list[int]:
    with MongoClient(uri, serverSelectionTimeoutMS=5000) as client:
        return sorted(document["_id"] for document in client.placet.numbers.find())


@contextlib.contextmanager
def other_user(data: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the store until its stdin is closed."""
    with subprocess.Popen(
        [sys.executable, "-c", USER, str(data)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A data directory that is not there yet, and in which no process may be left."""
    path = tmp_path / "placet"
    yield path
    if path.is_dir():
        for name in ("keeper.lock", "store.lock"):
            with embedded.opened_lock(path / name) as lock:
                assert embedded.take(lock, fcntl.LOCK_EX, 10.0), f"{name} is still held"


def test_it_is_up_in_two_seconds_for_this_account_only_and_goes_with_its_last_user(data):
    begun = time.monotonic()
    with EmbeddedStore.open(data) as store:
        assert time.monotonic() - begun < 2.0
        first = facts(data)
        for pid in (first["keeper_pid"], first["store_pid"]):
            assert os.getsid(pid) != os.getsid(0), "Ctrl-C would reach it"
        assert store.uri == f"mongodb://127.0.0.1:{first['port']}/?directConnection=true&retryWrites=false"
        for path in (data, *data.rglob("*")):
            assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path

        with other_user(data) as other:
            assert other.stdout.readline().strip() == store.uri
            assert facts(data) == first
            store.close()
            store.close()
            file_numbers(store.uri, range(1))
    assert eventually(lambda: not alive(first["store_pid"]) and not alive(first["keeper_pid"]))
    assert not (data / "store.json").exists()


def test_close_comes_back_when_the_store_is_down(data):
    store = EmbeddedStore.open(data)
    running = facts(data)
    store.close()
    assert not alive(running["store_pid"])
    assert not (data / "store.json").exists()


def test_a_killed_user_leaves_no_store_behind(data):
    with other_user(data) as user:
        assert user.stdout.readline()
        running = facts(data)
        user.kill()
    assert eventually(lambda: not alive(running["store_pid"]) and not alive(running["keeper_pid"]))
    assert not (data / "store.json").exists()


def test_a_killed_store_is_back_on_its_port_with_everything_acknowledged_until_it_dies_too_often(data, monkeypatch):
    only_once = "import server.stores.keeper as keeper; keeper.RESTARTS = 1; keeper.main()"
    monkeypatch.setattr(embedded, "keeper_command", lambda data: [sys.executable, "-c", only_once, str(data)])
    with EmbeddedStore.open(data) as store:
        file_numbers(store.uri, range(100))
        dead = facts(data)
        kill(dead["store_pid"])
        assert eventually(lambda: facts(data)["store_pid"] != dead["store_pid"])
        assert facts(data)["port"] == dead["port"]
        assert numbers_in(store.uri) == list(range(100))
        assert store.trouble() is None

        kill(facts(data)["store_pid"])
        assert eventually(lambda: store.trouble() is not None)
        assert store.trouble() == f"The embedded store in {data} ended (exit status -9): see {data / 'store.log'}."
        assert eventually(lambda: not embedded.kept(data))
        assert not (data / "store.json").exists()


def test_keeper_and_store_killed_the_next_user_gets_everything_acknowledged_on_the_port_others_know(data):
    with EmbeddedStore.open(data) as store:
        file_numbers(store.uri, range(100))
        dead = facts(data)
        kill(dead["keeper_pid"], dead["store_pid"])
        assert facts(data) == dead
        with EmbeddedStore.open(data) as again:
            assert again.uri == store.uri
            assert numbers_in(again.uri) == list(range(100))
            assert facts(data)["store_pid"] != dead["store_pid"]


def test_a_store_without_its_keeper_is_replaced_by_the_next_user_and_ended_by_the_last(data):
    with EmbeddedStore.open(data) as store:
        file_numbers(store.uri, range(10))
        first = facts(data)
        kill(first["keeper_pid"])
        assert numbers_in(store.uri) == list(range(10))
        with EmbeddedStore.open(data) as again:
            assert not alive(first["store_pid"])
            assert (again.uri, numbers_in(again.uri)) == (store.uri, list(range(10)))
        second = facts(data)
        kill(second["keeper_pid"])
        assert alive(second["store_pid"])
    assert not alive(second["store_pid"])


def test_a_keeper_told_to_end_stops_its_store_and_the_next_one_uses_the_same_port(data):
    with EmbeddedStore.open(data) as store:
        running = facts(data)
        os.kill(running["keeper_pid"], signal.SIGTERM)
        assert eventually(lambda: not embedded.kept(data))
        assert not alive(running["store_pid"])
        with EmbeddedStore.open(data) as again:
            assert again.uri == store.uri


def test_two_users_at_the_same_moment_get_one_keeper(data):
    with other_user(data) as one, other_user(data) as another:
        assert one.stdout.readline() == another.stdout.readline()
    assert (data / "store.log").read_text().count("listening on") == 1


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_cannot_close_its_parents_store_nor_keep_it(data):
    with EmbeddedStore.open(data) as store:
        child = os.fork()
        if child == 0:
            store.close()
            os._exit(0)
        assert os.waitpid(child, 0)[1] == 0
        time.sleep(2 * keeper.POLL)
        assert facts(data)["store_pid"]

        idle = os.fork()
        if idle == 0:
            time.sleep(30)
            os._exit(0)
        running = facts(data)
        store.close()
        assert not alive(running["store_pid"])
        kill_child(idle)


def kill_child(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def test_a_store_json_that_nobody_stands_behind_is_not_believed(data):
    embedded.prepare(data)
    with socket.create_server(("127.0.0.1", 0)) as stranger:
        port = stranger.getsockname()[1]
        (data / "store.json").write_text(json.dumps({"port": port, "store_pid": os.getpid(), "keeper_pid": 1}))
        (data / "store.lock").write_text(f"{os.getpid()} {port}\n")
        with EmbeddedStore.open(data):
            assert facts(data)["port"] != port


def test_a_deleted_data_directory_ends_the_store(data):
    with EmbeddedStore.open(data):
        running = facts(data)
        data.rename(data.with_name("gone"))
        assert eventually(lambda: not alive(running["store_pid"]) and not alive(running["keeper_pid"]))
        data.with_name("gone").rename(data)


def test_a_directory_used_for_something_else_keeps_its_mode(tmp_path):
    (tmp_path / "letter.txt").write_text("")
    tmp_path.chmod(0o755)
    embedded.prepare(tmp_path)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "store").stat().st_mode) == 0o700


def test_the_stores_own_variables_are_not_inherited(monkeypatch):
    monkeypatch.setenv("SECANTUS_TEST_FAST_STORAGE", "1")
    monkeypatch.setenv("WIREDTIGER_CONFIG", "transaction_sync=(enabled=false)")
    environment = keeper.store_environment()
    assert [name for name in environment if name.startswith(("SECANTUS", "WIREDTIGER"))] == [
        "SECANTUS_CHECKPOINT_SECONDS"
    ]
    assert environment["PATH"] == os.environ["PATH"]


def test_without_the_extra_the_error_says_what_to_install(data, monkeypatch):
    without = (
        "import sys, server.stores.keeper as keeper;"
        "keeper.store_command = lambda data, port: [sys.executable, '-S', '-m', 'secantus'];"
        "keeper.main()"
    )
    monkeypatch.setattr(embedded, "keeper_command", lambda data: [sys.executable, "-c", without, str(data)])
    with pytest.raises(StoreUnavailable) as refused:
        EmbeddedStore.open(data)
    hint = "The embedded store is not installed: pip install 'placet[embedded]' or set MONGODB_URI."
    assert str(refused.value) == hint
    assert (data / "store.error").read_text() == f"{hint}\n"


def test_a_store_started_by_somebody_else_is_left_alone(data):
    embedded.prepare(data)
    (data / "secantus.toml").touch()
    with subprocess.Popen(keeper.store_command(data, 0), stderr=subprocess.PIPE) as foreign:
        assert any(keeper.READY.search(line) for line in foreign.stderr)
        with pytest.raises(StoreUnavailable, match="is in use by a store that placet did not start: end that process"):
            EmbeddedStore.open(data)
        assert foreign.poll() is None
        foreign.kill()


def test_a_port_in_use_is_named(data):
    embedded.prepare(data)
    with (
        socket.create_server(("127.0.0.1", 0)) as stranger,
        embedded.opened_lock(data / "users.lock") as mine,
        embedded.opened_lock(data / "store.lock") as store_lock,
    ):
        port = stranger.getsockname()[1]
        assert embedded.take(mine, fcntl.LOCK_SH)
        (data / "secantus.toml").touch()
        with pytest.raises(StoreUnavailable, match=f"Port {port} of the embedded store is in use by another process"):
            keeper.Keeper(data, store_lock).started(port)


def test_a_store_that_never_answers_is_given_up_and_ended(data, monkeypatch):
    silent = (
        "import sys, server.stores.keeper as keeper;"
        "keeper.store_command = lambda data, port: [sys.executable, '-S', '-c', 'import time; time.sleep(60)'];"
        "keeper.main()"
    )
    monkeypatch.setattr(embedded, "keeper_command", lambda data: [sys.executable, "-c", silent, str(data)])
    with pytest.raises(StoreUnavailable, match=r"did not answer in time: see .*/store\.log\.$"):
        EmbeddedStore.open(data, wait=0.5)


def test_a_file_is_no_data_directory(tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(StoreUnavailable, match="is not a directory: choose another data directory"):
            EmbeddedStore.open(path)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "is full"),
        (errno.EDQUOT, "is full"),
        (errno.EACCES, "is not writable"),
        (errno.EPERM, "is not writable"),
        (errno.EROFS, "is not writable"),
        (errno.ENOLCK, "has no file locks"),
        (errno.EBUSY, "that placet did not start"),
        (errno.EADDRINUSE, "Port 4711"),
    ],
)
def test_every_known_trouble_is_one_sentence_with_a_repair(code, words):
    sentence = embedded.explained(os.strerror(code), Path("/srv/placet"), 4711)
    assert words in sentence
    assert ": " in sentence
    assert sentence.count(".") == 1
