"""What only shows on a real socket: chunked bodies, slow clients, what is not HTTP. Real gunicorn, real processes."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).parent
REQUEST_SECONDS = 2.0


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """A served door; it is told to stop as Ctrl-C does and ends cleanly."""
    told = tmp_path_factory.mktemp("served") / "port"
    process = subprocess.Popen(
        [sys.executable, HERE / "serving.py", told, str(REQUEST_SECONDS)],
        stderr=subprocess.PIPE,
        cwd=HERE.parents[2],
        env={"PYTHONPATH": str(HERE.parents[2])},
    )
    deadline = time.monotonic() + 20
    while not told.exists() or not told.read_text():
        assert process.poll() is None and time.monotonic() < deadline, "the server does not start"
        time.sleep(0.02)
    yield int(told.read_text())
    process.send_signal(signal.SIGINT)
    _, log = process.communicate(timeout=15)

    assert process.returncode == 0
    assert b"Traceback" not in log and b"SMITH" not in log


def exchange(port: int, *pieces: bytes) -> bytes:
    """Send the pieces, and read one answer as long as its head says."""
    with socket.create_connection(("127.0.0.1", port), timeout=8) as client:
        for piece in pieces:
            client.sendall(piece)
        answer = b""
        while not whole(answer) and (block := client.recv(65536)):
            answer += block
        return answer


def whole(answer: bytes) -> bool:
    """Whether the body is there as long as the head says."""
    head, _, body = answer.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: (\d+)", head)
    return length is not None and len(body) >= int(length[1])


def post(*headers: str) -> bytes:
    lines = ("POST /fhir/Basic/$echo HTTP/1.1", "Host: localhost", "Content-Type: application/json", *headers)
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def outcome(answer: bytes, status: int) -> list[dict[str, object]]:
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.split(b" ")[1] == str(status).encode()
    assert b"application/fhir+json" in head
    found = json.loads(body)
    assert found["resourceType"] == "OperationOutcome"
    issues: list[dict[str, object]] = found["issue"]
    return issues


def test_a_chunked_body_is_read_whole(port: int) -> None:
    body = b'{"resourceType":"Basic","x":1.10}'
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in (body[:5], body[5:]))

    answer = exchange(port, post("Transfer-Encoding: chunked"), chunks + b"0\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200") and answer.endswith(body)


def test_a_chunked_body_over_the_limit_is_refused_not_cut(port: int) -> None:
    chunk = b"%x\r\n%s\r\n" % (3000, b" " * 3000)

    issues = outcome(exchange(port, post("Transfer-Encoding: chunked"), chunk + b"0\r\n\r\n"), 413)

    assert issues[0]["code"] == "too-long"


def test_a_declared_length_over_the_limit_is_refused_before_the_body_comes(port: int) -> None:
    outcome(exchange(port, post("Content-Length: 5000")), 413)


@pytest.mark.parametrize("framing", ["zz\r\n", "5\r\nab", "5\r\nabcdefgh\r\n0\r\n\r\n"])
def test_broken_chunks_are_refused(port: int, framing: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(post("Transfer-Encoding: chunked") + framing.encode())
        client.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: client.recv(65536), b""))

    assert outcome(answer, 400)[0]["code"] == "incomplete"


def test_a_client_that_stalls_in_the_body_is_read_no_further(port: int) -> None:
    started = time.monotonic()

    issues = outcome(exchange(port, post("Content-Length: 100"), b'{"resourceType"'), 400)

    assert issues[0]["code"] == "incomplete"
    assert time.monotonic() - started < REQUEST_SECONDS + 3


def test_a_client_that_drips_is_read_no_further(port: int) -> None:
    started = time.monotonic()

    with pytest.raises(OSError), socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(b"GET /health HTTP/1.1\r\nX-Slow: ")
        while time.monotonic() - started < 10:
            client.sendall(b"a")  # fails when the server has closed
            time.sleep(0.1)

    assert time.monotonic() - started < REQUEST_SECONDS + 4


def test_slow_clients_do_not_keep_others_waiting(port: int) -> None:
    slow = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(12)]
    for client in slow:
        client.sendall(post("Content-Length: 100") + b"{")
    started = time.monotonic()

    answer = exchange(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200")
    assert time.monotonic() - started < 1
    for client in slow:
        client.close()


def test_clients_that_do_not_go_after_a_refusal_keep_nobody_waiting(port: int) -> None:
    lingering = [socket.create_connection(("127.0.0.1", port), timeout=10) for _ in range(10)]
    for client in lingering:
        client.sendall(b"GARBAGE\r\n\r\n")
    time.sleep(0.1)
    started = time.monotonic()

    answer = exchange(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")

    assert answer.startswith(b"HTTP/1.1 200")
    assert time.monotonic() - started < 1
    for client in lingering:
        client.close()


@pytest.mark.parametrize(
    "request_line",
    [
        b"GARBAGE\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"GET /health HTTP/1.1\r\nBad Header: x\r\n\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n",
        b"GET /health HTTP/1.1\r\n" + b"".join(b"X-%d: a\r\n" % number for number in range(100)) + b"\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
    ids=["no HTTP", "version", "header name", "long line", "many headers", "two lengths"],
)
def test_what_is_not_http_is_refused_in_json(port: int, request_line: bytes) -> None:
    outcome(exchange(port, request_line), 400)


@pytest.mark.parametrize("host", ["a b", "a/b", "evil.example", "localhost:port", "x" * 300, "[::1"])
def test_a_strange_host_is_refused(port: int, host: str) -> None:
    outcome(exchange(port, f"GET /fhir/metadata HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()), 400)


def test_the_server_header_tells_no_version(port: int) -> None:
    head = exchange(port, b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").lower()

    assert b"server: gunicorn\r\n" in head
