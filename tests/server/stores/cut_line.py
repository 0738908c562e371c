"""A line to the store that can be cut: the wire protocol is passed on, and one command's connection is closed."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

import bson

COUNTED = {"find", "insert", "update", "delete", "aggregate"}
OP_MSG = 2013
Moment = Literal["before it arrives", "before it is answered"]


class CutLine:
    """Passes everything on to the store; cuts the connection at the n-th command after `cut`, once."""

    def __init__(self, store_uri: str) -> None:
        address = urlsplit(store_uri)
        self._store = (address.hostname, address.port)
        self._door = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._left = 0
        self._moment: Moment = "before it arrives"
        self.was_cut = False
        options = {"directConnection": "true", "serverMonitoringMode": "poll"}  # one answer to one question
        query = urlencode({**options, **dict(parse_qsl(address.query))})
        self.uri = address._replace(netloc=f"127.0.0.1:{self._door.getsockname()[1]}", query=query).geturl()
        threading.Thread(target=self._serve, daemon=True).start()

    def cut(self, n: int, moment: Moment) -> None:
        """Cut the connection at the n-th command from now (0 = never)."""
        with self._lock:
            self._left, self._moment, self.was_cut = n, moment, False

    def close(self) -> None:
        self._door.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._door.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._store) as store, contextlib.suppress(OSError):
            while message := _message(client):
                moment = self._cuts_at(message)
                if moment == "before it arrives":
                    return
                store.sendall(message)
                answer = _message(store)
                if moment == "before it is answered" or answer is None:
                    return
                client.sendall(answer)

    def _cuts_at(self, message: bytes) -> Moment | None:
        if _command(message) not in COUNTED:
            return None
        with self._lock:
            self._left -= 1
            if self._left != 0:
                return None
            self.was_cut = True
            return self._moment


def _message(line: socket.socket) -> bytes | None:
    head = _exactly(line, 4)
    return None if head is None else head + (_exactly(line, struct.unpack("<i", head)[0] - 4) or b"")


def _exactly(line: socket.socket, size: int) -> bytes | None:
    received = b""
    while len(received) < size:
        piece = line.recv(size - len(received))
        if not piece:
            return None
        received += piece
    return received


def _command(message: bytes) -> str:
    """The name of the command, the first key of the body document of an OP_MSG."""
    if struct.unpack_from("<i", message, 12)[0] != OP_MSG:
        return ""
    size = struct.unpack_from("<i", message, 21)[0]
    return next(iter(bson.decode(message[21 : 21 + size])))


@contextlib.contextmanager
def line_to(store_uri: str) -> Iterator[CutLine]:
    line = CutLine(store_uri)
    try:
        yield line
    finally:
        line.close()
