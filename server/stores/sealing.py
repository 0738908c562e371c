"""Secrets of others at rest: sealed with AES-256-GCM, and bound to the place they were sealed for."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
KEY_FILE = "secret.key"
_ID, _NONCE = 8, 12


class NotOpened(Exception):
    """What is sealed was sealed with another key, or for another place."""


class Seal:
    """The keys: the first one seals, every one opens what it has sealed.

    So a key is changed by putting the new one before the old one.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        """Raises ValueError: there is no key, or one that is not of 32 bytes."""
        if not keys or any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a seal wants keys of {KEY_BYTES} bytes, at least one")
        self._keys = {_id(key): AESGCM(key) for key in reversed(keys)}
        self._newest = _id(keys[0])

    def sealed(self, secret: bytes, place: str) -> bytes:
        """The secret, readable with the key and for this place only: id of the key, nonce, what AES-GCM gives."""
        nonce = secrets.token_bytes(_NONCE)
        return self._newest + nonce + self._keys[self._newest].encrypt(nonce, secret, place.encode())

    def opened(self, sealed: bytes, place: str) -> bytes:
        """The secret that was sealed for this place.

        Raises:
            NotOpened: by none of the keys, or for another place.
        """
        key = self._keys.get(sealed[:_ID])
        if key is None:
            raise NotOpened
        try:
            return key.decrypt(sealed[_ID : _ID + _NONCE], sealed[_ID + _NONCE :], place.encode())
        except InvalidTag:
            raise NotOpened from None


def key_in(directory: Path) -> bytes:
    """The key of a sandbox, made when there is none: a file for its owner's eyes only, the same for all processes."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path, new = directory / KEY_FILE, directory / f"{KEY_FILE}.{secrets.token_hex(8)}"
    if not path.exists():
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "wb") as opened:
            opened.write(secrets.token_bytes(KEY_BYTES))
        with suppress(FileExistsError):  # another process was first: its key holds
            os.link(new, path)
        new.unlink()
    return path.read_bytes()


def _id(key: bytes) -> bytes:
    return sha256(b"placet key id" + key).digest()[:_ID]
