"""Sealed secrets are opened by their key, for their place, and not otherwise."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from server.stores.sealing import KEY_BYTES, KEY_FILE, NotOpened, Seal, key_in

OLD, NEW = bytes([1]) * KEY_BYTES, bytes([2]) * KEY_BYTES


@pytest.mark.parametrize("secret", [b"", b"Bearer a-secret", bytes(range(256)) * 100])
def test_what_is_sealed_is_opened(secret: bytes) -> None:
    seal = Seal([NEW])
    sealed = seal.sealed(secret, "subscription|1|headers")
    assert seal.opened(sealed, "subscription|1|headers") == secret
    assert secret == b"" or secret not in sealed
    assert seal.sealed(secret, "subscription|1|headers") != sealed


def test_another_place_does_not_open_it() -> None:
    seal = Seal([NEW])
    with pytest.raises(NotOpened):
        seal.opened(seal.sealed(b"secret", "subscription|1|headers"), "subscription|2|headers")


@pytest.mark.parametrize("place", range(0, 42, 3))
def test_a_changed_byte_is_noticed(place: int) -> None:
    seal = Seal([NEW])
    sealed = bytearray(seal.sealed(b"secret", "here"))
    sealed[place] ^= 1
    with pytest.raises(NotOpened):
        seal.opened(bytes(sealed), "here")


def test_a_key_is_changed_by_putting_the_new_one_first() -> None:
    by_old = Seal([OLD]).sealed(b"secret", "here")
    both = Seal([NEW, OLD])
    assert both.opened(by_old, "here") == b"secret"
    assert Seal([NEW]).opened(both.sealed(b"secret", "here"), "here") == b"secret"
    with pytest.raises(NotOpened):
        Seal([NEW]).opened(by_old, "here")


@pytest.mark.parametrize("keys", [[], [b"short"], [NEW, b""]])
def test_a_seal_wants_whole_keys(keys: list[bytes]) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Seal(keys)


def test_a_sandbox_makes_one_key_for_all_its_processes(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(key_in, [directory] * 16))
    assert len(keys) == 1
    assert len(keys.pop()) == KEY_BYTES
    assert [each.name for each in directory.iterdir()] == [KEY_FILE]
    assert stat.S_IMODE((directory / KEY_FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
