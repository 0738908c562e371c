"""What the settings make of subscribers: what they may hear of, and what their secrets are sealed with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from server.app import entitled, seal_for
from server.settings import Settings
from server.stores.sealing import KEY_FILE, Seal
from tests.builders import NORTH, a_subscription

NPI = "1999999976"


def settings(org_ids: str = "SND-0001", npis: str = NPI, organization: str = NORTH.organization) -> Settings:
    """One caller who may hear of these."""
    token = {"token": "north-token-0123456789", "name": NORTH.name, "organization": organization}
    return Settings.from_environment({"PLACET_TOKENS": json.dumps([{**token, "org_ids": org_ids, "npis": npis}])})


@pytest.mark.parametrize(
    ("now", "names", "hears"),
    [
        (settings(), ("SND-0001",), True),
        (settings(), ("SND-0001", NPI), True),
        (settings(), ("SND-0001", "SND-0002"), False),
        (settings(org_ids="SND-0002"), ("SND-0001",), False),
        (settings(organization="another"), ("SND-0001",), False),
        (Settings.from_environment({}), ("SND-0001",), False),
    ],
)
def test_a_caller_hears_of_what_is_still_registered_for_it(now: Settings, names: tuple[str, ...], hears: bool) -> None:
    assert entitled(a_subscription(*names), now) is hears


def test_in_the_sandbox_its_caller_hears_of_everybody() -> None:
    sandbox = Settings.from_environment({}, sandbox=True)
    assert entitled(a_subscription("anybody", organization="sandbox", caller="sandbox"), sandbox)
    assert not entitled(a_subscription("anybody"), sandbox)


def test_secrets_are_sealed_with_the_key_of_the_settings(tmp_path: Path) -> None:
    environ = {"PLACET_SECRET_KEY": "A" * 43, "PLACET_DATA": str(tmp_path)}
    seal = seal_for(Settings.from_environment(environ, sandbox=True))
    assert seal is not None
    assert Seal([bytes(32)]).opened(seal.sealed(b"secret", "here"), "here") == b"secret"
    assert not (tmp_path / KEY_FILE).exists()


def test_only_a_sandbox_makes_a_key_of_its_own(tmp_path: Path) -> None:
    environ = {"PLACET_DATA": str(tmp_path)}
    assert seal_for(Settings.from_environment(environ)) is None
    assert not (tmp_path / KEY_FILE).exists()
    first, again = (seal_for(Settings.from_environment(environ, sandbox=True)) for _ in range(2))
    assert first is not None
    assert again is not None
    assert again.opened(first.sealed(b"secret", "here"), "here") == b"secret"


def test_keys_are_no_part_of_what_settings_look_like() -> None:
    assert "secret_keys" not in repr(Settings.from_environment({"PLACET_SECRET_KEY": "A" * 43}))
