"""The settings: read from the environment, the command line over it, every problem named at once."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from server.settings import SETTINGS, Settings, SettingsError

SECRET = "a-token-that-nobody-guesses"
NORTH = {"token": SECRET, "name": "north", "organization": "north-clinic"}


def problems(environ: dict[str, str], **overrides: object) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(environ, **overrides)
    return caught.value.problems


def test_nothing_set_is_a_server_for_this_machine_with_the_embedded_store() -> None:
    assert Settings.from_environment({}) == Settings(
        mongodb_uri=None,
        database="placet",
        data=Path(".placet"),
        content=None,
        host="127.0.0.1",
        port=8080,
        sandbox=False,
        tokens=(),
        resend_window=timedelta(minutes=10),
    )


def test_every_setting_is_read_from_its_variable(tmp_path: Path) -> None:
    tokens = tmp_path / "tokens.yaml"
    tokens.write_text("- {token: a-token-that-nobody-guesses, name: north, organization: north-clinic}\n")
    staff = tmp_path / "staff.yaml"
    staff.write_text("- {token: a-token-that-nobody-guesses-3, name: nurse}\n")
    given = {
        "MONGODB_URI": ("mongodb://db:27017", "mongodb://db:27017"),
        "PLACET_DATABASE": ("pas", "pas"),
        "PLACET_DATA": (str(tmp_path), tmp_path),
        "PLACET_CONTENT": (str(tmp_path), tmp_path),
        "PLACET_PAYER": (" Our plan ", "Our plan"),
        "PLACET_CLAIMS_TO": (" Claims Inc. ", "Claims Inc."),
        "PLACET_HOST": ("0.0.0.0", "0.0.0.0"),
        "PLACET_PORT": ("0", 0),
        "PLACET_SANDBOX": ("off", False),
        "PLACET_BASE_URL": ("https://pas.example.org/fhir/", "https://pas.example.org/fhir"),
        "PLACET_TRUSTED_HOSTS": ("PAS.example.org, b.example", ("pas.example.org", "b.example")),
        "PLACET_RESEND_WINDOW": ("30", timedelta(seconds=30)),
        "PLACET_WORKERS": ("3", 3),
        "PLACET_CHECK_ANSWERS": ("0.25", 0.25),
        "PLACET_LOOKUP": ("yes", True),
        "PLACET_THREADS": ("32", 32),
        "PLACET_ELIGIBILITY": ("Hook", "hook"),
        "PLACET_ELIGIBILITY_URL": ("https://members.example:8443/ask", "https://members.example:8443/ask"),
        "PLACET_ELIGIBILITY_TOKEN": ("a-secret", "a-secret"),
        "PLACET_OUTBOUND_HOSTS": ("Members.example", ("members.example",)),
        "PLACET_NPI_CHECK": ("yes", True),
        "PLACET_PAYER_IDS": ("60054, 789312", ("60054", "789312")),
        "PLACET_CLAMAV": ("127.0.0.1:3310", "127.0.0.1:3310"),
        "PLACET_PAST_DAYS": ("730", 730),
        "PLACET_FUTURE_DAYS": ("0", 0),
        "PLACET_TOKENS_FILE": (str(tokens), None),
        "PLACET_CLOCK": ("off", False),
        "PLACET_BASE_URL_R201": ("https://pas.example/r201/fhir/", "https://pas.example/r201/fhir"),
        "PLACET_SECRET_KEY": ("A" * 43 + "= , " + "_" * 42 + "8", (bytes(32), bytes([255] * 32))),
        "PLACET_STAFF_TOKENS_FILE": (str(staff), None),
        "PLACET_STAFF_TOKENS": (json.dumps([{"token": SECRET + "4", "name": "doctor"}]), None),
        "PLACET_TOKENS": (json.dumps([{**NORTH, "token": SECRET + "2", "name": "south"}]), None),
    }
    settings = Settings.from_environment({name: text for name, (text, _) in given.items()})

    assert set(given) == {setting.variable for setting in SETTINGS}
    for setting in SETTINGS:
        if not setting.name.startswith(("tokens_", "staff_tokens_")):
            assert getattr(settings, setting.name) == given[setting.variable][1]
    assert [token.caller.name for token in settings.tokens] == ["north", "south"]
    assert [token.staff.name for token in settings.staff_tokens] == ["nurse", "doctor"]


def test_every_field_has_a_variable_and_a_meaning() -> None:
    named = {setting.name.removesuffix("_file").removesuffix("_inline") for setting in SETTINGS}

    assert named == {known.name for known in fields(Settings)}
    assert all(setting.meaning for setting in SETTINGS)


def test_the_command_line_comes_before_the_environment() -> None:
    settings = Settings.from_environment({"PLACET_PORT": "9000", "PLACET_WORKERS": "4"}, port=0, workers=None)

    assert (settings.port, settings.workers) == (0, 4)


@pytest.mark.parametrize(("environ", "seconds"), [({}, 60), ({"PLACET_RESEND_WINDOW": "5"}, 5)])
def test_the_sandbox_forgets_lost_answers_sooner(environ: dict[str, str], seconds: int) -> None:
    assert Settings.from_environment(environ, sandbox=True).resend_window == timedelta(seconds=seconds)


def test_a_running_store_is_one_more_setting() -> None:
    settings = Settings.from_environment({}, port=1).on_store("mongodb://127.0.0.1:1")

    assert (settings.mongodb_uri, settings.port) == ("mongodb://127.0.0.1:1", 1)


@pytest.mark.parametrize(
    ("variable", "text", "words"),
    [
        ("MONGODB_URI", "http://db", "mongodb://host:27017"),
        ("PLACET_SECRET_KEY", "too short", "32 bytes"),
        ("PLACET_SECRET_KEY", "A" * 43 + ",", "32 bytes"),
        ("PLACET_DATABASE", "a.b", "letters, digits"),
        ("PLACET_DATA", "", "is empty"),
        ("PLACET_CONTENT", "/no/such/directory", "is not a directory"),
        ("PLACET_HOST", " ", "is empty"),
        ("PLACET_PORT", "65536", "from 0 to 65535"),
        ("PLACET_PORT", "http", "from 0 to 65535"),
        ("PLACET_PORT", "²", "from 0 to 65535"),
        ("PLACET_SANDBOX", "maybe", "true or false"),
        ("PLACET_BASE_URL", "pas.example.org", "https://"),
        ("PLACET_BASE_URL", "https://pas.example.org/fhir?x=1", "https://"),
        ("PLACET_TRUSTED_HOSTS", "https://pas.example.org", "host names"),
        ("PLACET_RESEND_WINDOW", "-1", "whole number"),
        ("PLACET_WORKERS", "0", "from 1 to 64"),
        ("PLACET_CHECK_ANSWERS", "2", "from 0 (none) to 1 (all)"),
        ("PLACET_CHECK_ANSWERS", "some", "from 0 (none) to 1 (all)"),
        ("PLACET_CHECK_ANSWERS", "nan", "from 0 (none) to 1 (all)"),
        ("PLACET_THREADS", "15", "from 16 to 256"),
        ("PLACET_TOKENS", "[{", "line 1, column 3"),
        ("PLACET_TOKENS", "[]", "at least one"),
        ("PLACET_TOKENS_FILE", "/no/such/file", "cannot be read (FileNotFoundError)"),
        ("PLACET_TOKNES", "[]", "PLACET_TOKENS is meant?"),
        ("PLACET_TRUSTED_HOST", "a", "PLACET_TRUSTED_HOSTS is meant?"),
    ],
)
def test_a_value_that_cannot_be_read_is_named_with_what_to_write(variable: str, text: str, words: str) -> None:
    (problem,) = problems({variable: text})

    assert problem.startswith(f"{variable}: ") and words in problem


def test_an_option_is_named_as_it_was_typed() -> None:
    assert problems({}, mongodb_uri="localhost")[0].startswith("--mongodb: ")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("a-token-that-nobody-guesses", "entry 1: write token"),
        ({**NORTH, "organisation": "x"}, "nothing else"),
        ({"token": SECRET, "name": "north"}, "organization"),
        ({**NORTH, "token_sha256": "0" * 64}, "exactly one"),
        ({"name": "north", "organization": "x"}, "exactly one"),
        ({**NORTH, "token": 12345678901234567890}, "in quotes"),
        ({**NORTH, "name": ""}, "every value is a text"),
        ({**NORTH, "token": "short"}, "at least 20 characters"),
        ({"token_sha256": "abc", "name": "a", "organization": "b"}, "64 hexadecimal"),
    ],
)
def test_a_wrong_token_entry_is_named_and_never_quoted(entry: Any, words: str) -> None:
    (problem,) = problems({"PLACET_TOKENS": json.dumps([entry])})

    assert words in problem and "nobody" not in problem


@pytest.mark.parametrize("name", ["PLACET_TOKENS", "both"])
def test_one_token_has_one_caller(name: str, tmp_path: Path) -> None:
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps([NORTH]))
    twice = json.dumps([NORTH, {**NORTH, "name": "south"}])
    environ = {"PLACET_TOKENS": json.dumps([NORTH]), "PLACET_TOKENS_FILE": str(file)}

    assert "the same token" in problems({"PLACET_TOKENS": twice} if name == "PLACET_TOKENS" else environ)[0]


def test_staff_tokens_are_read_as_strictly_and_are_nobody_elses() -> None:
    nurse = {"token": SECRET, "name": "nurse"}
    wrong = problems({"PLACET_STAFF_TOKENS": json.dumps([{**nurse, "organization": "x"}])})
    twice = problems({"PLACET_STAFF_TOKENS": json.dumps([nurse, {**nurse, "name": "doctor"}])})
    shared = problems({"PLACET_STAFF_TOKENS": json.dumps([nurse]), "PLACET_TOKENS": json.dumps([NORTH])})

    assert "entry 1: write token (or token_sha256), name, nothing else" in wrong[0]
    assert "the same token is given to two people" in twice[0]
    assert shared == ["PLACET_TOKENS, PLACET_STAFF_TOKENS: a caller's token is no staff token; give each its own."]


def test_a_token_file_that_is_not_yaml_is_named_with_its_line_and_never_quoted(tmp_path: Path) -> None:
    file = tmp_path / "tokens.yaml"
    file.write_text("- token: a-token-that-nobody-guesses\n  name: [")
    (problem,) = problems({"PLACET_TOKENS_FILE": str(file)})

    assert "neither YAML nor JSON (line 2" in problem and "nobody" not in problem


def test_tokens_are_kept_as_digests_and_nothing_secret_is_shown() -> None:
    digest = sha256(SECRET.encode())
    hashed = {"token_sha256": digest.hexdigest(), "name": "north", "organization": "north-clinic"}
    settings = [
        Settings.from_environment({"PLACET_TOKENS": json.dumps([entry]), "MONGODB_URI": "mongodb://u:pass-word@db"})
        for entry in (NORTH, hashed)
    ]

    assert settings[0].tokens == settings[1].tokens
    assert settings[0].tokens[0].digest == digest.digest()
    assert not any(secret in repr(settings[0]) for secret in (SECRET, "pass-word", digest.hexdigest()))


def test_all_problems_are_named_at_once() -> None:
    found = problems({"PLACET_PORT": "x", "PLACET_TOKNES": "x"}, workers=0)

    assert [problem.partition(":")[0] for problem in found] == ["PLACET_TOKNES", "PLACET_PORT", "--workers"]
    with pytest.raises(SettingsError, match=r"PLACET_PORT: .*\n--workers: "):
        Settings.from_environment({"PLACET_PORT": "x"}, workers=0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"host": "0.0.0.0"}, "Without tokens the server listens on 127.0.0.1 only"),
        ({"host": "0.0.0.0", "sandbox": True}, "The sandbox asks for no token and listens on 127.0.0.1 only"),
        ({"host": "pas.example.org", "sandbox": True}, "leave --host out"),
    ],
)
def test_whoever_asks_for_no_token_listens_on_this_machine_only(settings: dict[str, Any], words: str) -> None:
    assert words in problems({}, **settings)[0]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_this_machine_has_three_names(host: str) -> None:
    assert Settings.from_environment({}, host=host, sandbox=True).loopback


def test_with_tokens_others_may_reach_it() -> None:
    settings = Settings.from_environment({"PLACET_TOKENS": json.dumps([NORTH])}, host="0.0.0.0")

    assert not settings.loopback


HOOK = {"PLACET_ELIGIBILITY": "hook"}


@pytest.mark.parametrize(
    ("environ", "named"),
    [
        ({"PLACET_ELIGIBILITY": "nobody"}, "PLACET_ELIGIBILITY: write one of: everyone, roster, hook."),
        (HOOK, "PLACET_ELIGIBILITY=hook and PLACET_ELIGIBILITY_URL belong together"),
        ({"PLACET_ELIGIBILITY_URL": "https://members.example/"}, "belong together"),
        ({**HOOK, "PLACET_ELIGIBILITY_URL": "http://members.example/"}, "write an https URL"),
        ({**HOOK, "PLACET_ELIGIBILITY_URL": "https://members.example:8443/"}, "PLACET_OUTBOUND_HOSTS"),
        ({**HOOK, "PLACET_ELIGIBILITY_URL": "https://a:b@members.example/"}, "without user"),
    ],
)
def test_an_eligibility_service_that_cannot_be_asked_is_known_at_start(environ: dict[str, str], named: str) -> None:
    [problem] = problems(environ)
    assert named in problem
    assert "a:b" not in problem


def test_the_sandbox_may_ask_a_service_on_this_machine() -> None:
    environ = {**HOOK, "PLACET_ELIGIBILITY_URL": "http://127.0.0.1:9000/ask", "PLACET_ELIGIBILITY_TOKEN": "a-secret"}
    settings = Settings.from_environment(environ, sandbox=True)
    assert settings.eligibility == "hook"
    assert "a-secret" not in repr(settings)


def test_a_token_may_name_the_providers_that_its_holder_speaks_for() -> None:
    [token] = Settings.from_environment(
        {"PLACET_TOKENS": json.dumps([{**NORTH, "token": SECRET, "npis": "1234567893, 1999999976"}])}
    ).tokens
    assert token.caller.npis == ("1234567893", "1999999976")
    with pytest.raises(SettingsError, match="ten digits"):
        Settings.from_environment({"PLACET_TOKENS": json.dumps([{**NORTH, "token": SECRET, "npis": "Dr. North"}])})


def test_a_token_may_name_the_organizations_whose_answers_its_holder_hears_of() -> None:
    [token] = Settings.from_environment(
        {"PLACET_TOKENS": json.dumps([{**NORTH, "token": SECRET, "org_ids": "SND-0001, 1999999976"}])}
    ).tokens
    assert token.caller.org_ids == ("SND-0001", "1999999976")
    with pytest.raises(SettingsError, match="org_ids are words"):
        Settings.from_environment({"PLACET_TOKENS": json.dumps([{**NORTH, "token": SECRET, "org_ids": "SND 0001"}])})
