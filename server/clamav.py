"""ClamAV over its own protocol: bytes are streamed to clamd (INSTREAM), which says what it found."""

from __future__ import annotations

import socket
import struct
from contextlib import suppress
from dataclasses import dataclass

from server.attachments import Blocks, ScannerDown

PIECE = 256 * 1024
"""Bytes in one chunk of the protocol."""


@dataclass(frozen=True, slots=True)
class ClamAV:
    """A clamd at ``host:port`` or at the path of a UNIX socket; `patience` in seconds, for each step.

    clamd takes no more than its StreamMaxLength (100 MB, in old versions 25 MB) and then cannot say: ScannerDown.
    """

    address: str
    patience: float = 10.0

    def is_clean(self, blocks: Blocks) -> bool:
        """False when clamd found something.

        Raises:
            ScannerDown: it does not answer, or answers something else.
        """
        try:
            with self._connected() as connection:
                reply = _asked(connection, blocks)
        except OSError as error:
            raise ScannerDown from error
        if reply.endswith(b"FOUND"):
            return False
        if reply.endswith(b": OK"):
            return True
        raise ScannerDown

    def _connected(self) -> socket.socket:
        host, _, port = self.address.rpartition(":")
        if not port.isdigit():
            connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            connection.settimeout(self.patience)
            try:
                connection.connect(self.address)
            except OSError:
                connection.close()
                raise
            return connection
        return socket.create_connection((host.strip("[]"), int(port)), timeout=self.patience)


def _asked(connection: socket.socket, blocks: Blocks) -> bytes:
    """What clamd says about the bytes: ``stream: OK``, ``stream: NAME FOUND``, ``... ERROR``."""
    with suppress(BrokenPipeError, ConnectionResetError):  # it may have heard enough and says why
        connection.sendall(b"zINSTREAM\0")
        for block in blocks():
            for start in range(0, len(block), PIECE):
                piece = memoryview(block)[start : start + PIECE]
                connection.sendall(struct.pack("!I", len(piece)))
                connection.sendall(piece)
        connection.sendall(struct.pack("!I", 0))
    reply = b""
    while not reply.endswith(b"\0") and (more := connection.recv(4096)):
        reply += more
    return reply.rstrip(b"\0\n")
