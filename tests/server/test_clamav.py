"""clamd is asked over its own protocol; when it cannot say, nobody takes the bytes for clean."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

import pytest

from server.attachments import NO_SCANNER, ScannerDown
from server.clamav import PIECE, ClamAV

EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + b"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


class Clamd:
    """A clamd as far as INSTREAM goes: finds the EICAR test file, takes `most` bytes."""

    def __init__(self, listener: socket.socket, most: int) -> None:
        self.listener, self.most, self.heard = listener, most, b""

    def serve(self) -> None:
        connection, _ = self.listener.accept()
        with connection, connection.makefile("rb") as stream:
            assert stream.read(10) == b"zINSTREAM\0"
            while length := struct.unpack("!I", stream.read(4))[0]:
                assert length <= PIECE
                self.heard += stream.read(length)
                if len(self.heard) > self.most:
                    connection.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                    return
            found = b"Win.Test.EICAR_HDB-1 FOUND" if EICAR in self.heard else b"OK"
            connection.sendall(b"stream: " + found + b"\0")


@contextmanager
def clamd(path: Path | None = None, most: int = 10**9) -> Iterator[tuple[ClamAV, Clamd]]:
    """A clamd on a port, or on a socket at the path, for one question."""
    with socket.socket(socket.AF_UNIX if path else socket.AF_INET) as listener:
        listener.bind(str(path) if path else ("127.0.0.1", 0))
        listener.listen(1)
        server = Clamd(listener, most)
        thread = Thread(target=server.serve)
        thread.start()
        address = str(path) if path else f"127.0.0.1:{listener.getsockname()[1]}"
        yield ClamAV(address, patience=5), server
        thread.join()


@pytest.mark.parametrize("on_a_path", [False, True], ids=["port", "socket"])
@pytest.mark.parametrize(("content", "clean"), [(b"note", True), (EICAR, False), (bytes(3 * PIECE + 7), True)])
def test_what_clamd_finds_is_harmful(tmp_path: Path, on_a_path: bool, content: bytes, clean: bool) -> None:
    with clamd(tmp_path / "clamd" if on_a_path else None) as (scanner, server):
        assert scanner.is_clean(lambda: [content[:2], content[2:]]) is clean
    assert server.heard == content


def test_more_than_clamd_takes_is_not_clean() -> None:
    with clamd(most=PIECE) as (scanner, _), pytest.raises(ScannerDown):
        scanner.is_clean(lambda: [bytes(64 * PIECE)])


def test_a_clamd_that_does_not_answer_is_down(tmp_path: Path) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        for address in (f"127.0.0.1:{nobody.getsockname()[1]}", str(tmp_path / "nobody")):
            with pytest.raises(ScannerDown):
                ClamAV(address, patience=0.5).is_clean(lambda: [b"note"])


def test_a_clamd_that_hangs_is_down() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        with pytest.raises(ScannerDown):
            ClamAV(f"127.0.0.1:{silent.getsockname()[1]}", patience=0.2).is_clean(lambda: [b"note"])


def test_without_a_scanner_everything_is_clean() -> None:
    assert NO_SCANNER.is_clean(lambda: [EICAR]) is True
