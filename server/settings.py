"""The settings of one server, read once from the environment and the command line.

`Settings.from_environment` names every problem at once. `SETTINGS` is the whole list, also for people.
"""

from __future__ import annotations

import base64
import difflib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from server.outbound import NotAcceptable, Outbound
from server.payer import Caller, Staff

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ELIGIBILITY = ("everyone", "roster", "hook")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_ORG_ID = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_SHORTEST_TOKEN = 20
HOW_TO_MAKE_ONE = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'


class SettingsError(Exception):
    """The settings cannot be used; `problems` names all of them, each with what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token, known only by its SHA-256, and the caller who holds it."""

    digest: bytes = field(repr=False)
    caller: Caller


@dataclass(frozen=True, slots=True)
class StaffToken:
    """A bearer token for the payer's desk, known only by its SHA-256, and the person or program who holds it."""

    digest: bytes = field(repr=False)
    staff: Staff


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What one server is started with. Immutable; there is one, made at start and handed to `create_app`."""

    mongodb_uri: str | None = field(default=None, repr=False)  # may hold a password
    database: str = "placet"
    data: Path = Path(".placet")
    content: Path | None = None
    payer_name: str = "Placet demo payer"
    claims_to: str = ""
    payer_ids: tuple[str, ...] = ()
    clamav: str = ""
    host: str = "127.0.0.1"
    port: int = 8080
    sandbox: bool = False
    tokens: tuple[Token, ...] = ()
    staff_tokens: tuple[StaffToken, ...] = ()
    secret_keys: tuple[bytes, ...] = field(default=(), repr=False)
    clock: bool = False
    base_url: str | None = None
    base_url_r201: str | None = None
    trusted_hosts: tuple[str, ...] = ()
    resend_window: timedelta = timedelta(minutes=10)
    eligibility: str = "everyone"
    eligibility_url: str | None = None
    eligibility_token: str = field(default="", repr=False)
    outbound_hosts: tuple[str, ...] = ()
    npi_check: bool = False
    past_days: int | None = None
    future_days: int | None = None
    check_answers: float = 0.0
    lookup: bool = False
    workers: int = 2
    threads: int = 16

    @property
    def loopback(self) -> bool:
        """True when only this machine can reach the server."""
        return self.host in LOOPBACK

    @property
    def r201_base_url(self) -> str | None:
        """Public base of DTR 2.0.1: the one that is set, else the path this server gives it beside `base_url`."""
        if self.base_url_r201 or self.base_url is None:
            return self.base_url_r201
        return f"{self.base_url.removesuffix('/fhir')}/r201/fhir"

    def outbound(self) -> Outbound:
        """The way out under these settings."""
        return Outbound(frozenset(self.outbound_hosts), sandbox=self.sandbox)

    def on_store(self, uri: str) -> Settings:
        """These settings on the store at `uri`, once it runs."""
        return replace(self, mongodb_uri=uri)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], **overrides: object) -> Settings:
        """The settings that `environ` says, and the command line (`overrides`; None means not given) over it.

        Raises:
            SettingsError: a value cannot be read, a variable is misspelt, or two settings contradict.
        """
        problems = list(_misspelt(environ))
        values: dict[str, Any] = {}
        for setting, source, text in _given(environ, overrides):
            try:
                values[setting.name] = setting.read(text)
            except ValueError as error:
                problems.append(f"{source}: {error}")
        if values.get("sandbox"):
            values.setdefault("resend_window", timedelta(minutes=1))
        values["tokens"] = (*values.pop("tokens_file", ()), *values.pop("tokens_inline", ()))
        values["staff_tokens"] = (*values.pop("staff_tokens_file", ()), *values.pop("staff_tokens_inline", ()))
        settings = cls(**values)
        problems += [] if problems else _contradictions(settings)
        if problems:
            raise SettingsError(problems)
        return settings


class Setting(NamedTuple):
    """One setting: its field, its variable, how its text is read (ValueError: what to write instead), its meaning."""

    name: str
    variable: str
    read: Callable[[str], object]
    meaning: str


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty; leave it out or give it a value.")
    return text.strip()


def _directory(text: str) -> Path:
    path = Path(_text(text))
    if not path.is_dir():
        raise ValueError(f"{path} is not a directory.")
    return path


def _flag(text: str) -> bool:
    word = text.strip().lower()
    if word not in ("1", "true", "yes", "on", "0", "false", "no", "off", ""):
        raise ValueError("write true or false.")
    return word in ("1", "true", "yes", "on")


def _whole(lowest: int, highest: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.strip().isascii() or not text.strip().isdigit() or not lowest <= int(text) <= highest:
            raise ValueError(f"write a whole number from {lowest} to {highest}.")
        return int(text)

    return read


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.strip().lower() not in words:
            raise ValueError(f"write one of: {', '.join(words)}.")
        return text.strip().lower()

    return read


def _share(text: str) -> float:
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise ValueError("write a share from 0 (none) to 1 (all), for example 0.01.")
    return share


def _seconds(text: str) -> timedelta:
    return timedelta(seconds=_whole(0, 7 * 24 * 3600)(text))


def _mongodb(text: str) -> str:
    if not text.strip().startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError("write a connection string: mongodb://host:27017")
    return text.strip()


def _database(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,37}", text):
        raise ValueError("use letters, digits, _ and -, at most 38, and begin with a letter.")
    return text


def _base_url(text: str) -> str:
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError("write the public base as https://pas.example.org/fhir")
    return text.strip().rstrip("/")


def _hosts(text: str) -> tuple[str, ...]:
    hosts = tuple(host.strip().lower() for host in text.split(",") if host.strip())
    if any("/" in host or " " in host for host in hosts):
        raise ValueError("write host names, separated by commas: pas.example.org,pas.example.com")
    return hosts


def _secret_keys(text: str) -> tuple[bytes, ...]:
    """Keys of 32 bytes, base64url with or without padding, commas between; the first seals, the others still open."""
    given = [each.strip().rstrip("=") for each in text.split(",")]
    if not all(re.fullmatch(r"[A-Za-z0-9_-]{43}", each) for each in given):
        raise ValueError(f"write 32 bytes in base64url, several keys with commas between; make one: {HOW_TO_MAKE_ONE}")
    return tuple(base64.urlsafe_b64decode(each + "=") for each in given)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _clamav(text: str) -> str:
    host, _, port = text.strip().rpartition(":")
    if not text.strip().startswith("/") and not (host and port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError("write host:port or the path of a UNIX socket: 127.0.0.1:3310, /run/clamav/clamd.ctl")
    return text.strip()


def _tokens_inline(text: str) -> tuple[Token, ...]:
    return _read_tokens(_listed_inline(text))


def _tokens_file(text: str) -> tuple[Token, ...]:
    return _read_tokens(_listed_in_file(text))


def _staff_tokens_inline(text: str) -> tuple[StaffToken, ...]:
    return _read_staff_tokens(_listed_inline(text))


def _staff_tokens_file(text: str) -> tuple[StaffToken, ...]:
    return _read_staff_tokens(_listed_in_file(text))


def _listed_inline(text: str) -> object:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"is not JSON (line {error.lineno}, column {error.colno}).") from None


def _listed_in_file(text: str) -> object:
    import yaml

    path = Path(_text(text))
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({type(error).__name__}).") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise ValueError(f"{path} is neither YAML nor JSON{where}.") from None


def _read_tokens(listed: object) -> tuple[Token, ...]:
    """Tokens from a list of {token or token_sha256, name, organization, npis, org_ids}; no message quotes a token.

    npis     optional: the providers that the caller speaks for in inquiries, with commas between
    org_ids  optional: sender codes and identifiers whose answers it may subscribe to besides, with commas between
    """
    tokens = tuple(
        Token(digest, _caller(entry))
        for digest, entry in _read_entries(listed, ("name", "organization"), ("npis", "org_ids"))
    )
    if len({token.digest for token in tokens}) < len(tokens):
        raise ValueError("the same token is given to two callers; give each its own.")
    return tokens


def _caller(entry: Mapping[str, str]) -> Caller:
    return Caller(
        entry["name"],
        entry["organization"],
        _joined(entry.get("npis", "")),
        _joined(entry.get("org_ids", "")),
    )


def _joined(text: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in text.split(",") if each.strip())


def _read_staff_tokens(listed: object) -> tuple[StaffToken, ...]:
    """Tokens of the payer's own people from a list of {token or token_sha256, name}."""
    tokens = tuple(StaffToken(digest, Staff(entry["name"])) for digest, entry in _read_entries(listed, ("name",)))
    if len({token.digest for token in tokens}) < len(tokens):
        raise ValueError("the same token is given to two people; give each their own.")
    return tokens


def _read_entries(
    listed: object, names: tuple[str, ...], optional: tuple[str, ...] = ()
) -> list[tuple[bytes, dict[str, str]]]:
    if not isinstance(listed, list) or not listed:
        raise ValueError(f"write a list of {{token, {', '.join(names)}}}, at least one.")
    return [_read_entry(entry, number, names, optional) for number, entry in enumerate(listed, 1)]


def _read_entry(
    entry: object, number: int, names: tuple[str, ...], optional: tuple[str, ...]
) -> tuple[bytes, dict[str, str]]:
    """The digest of a token and what is said of its holder."""
    if not isinstance(entry, dict) or not entry.keys() <= {"token", "token_sha256", *names, *optional}:
        raise ValueError(f"entry {number}: write token (or token_sha256), {' and '.join(names)}, nothing else.")
    if not all(isinstance(value, str) and value for value in entry.values()):
        raise ValueError(f"entry {number}: every value is a text; put numbers in quotes.")
    if not all(map(str.isdigit, _joined(entry.get("npis", "")))):
        raise ValueError(f"entry {number}: npis are numbers of ten digits, with commas between.")
    if not all(map(_ORG_ID.fullmatch, _joined(entry.get("org_ids", "")))):
        raise ValueError(f"entry {number}: org_ids are words of letters, digits and . _ : -, with commas between.")
    if not entry.keys() >= set(names) or ("token" in entry) == ("token_sha256" in entry):
        needed = f"{', '.join(names)} and exactly one of token and token_sha256 are needed."
        raise ValueError(f"entry {number}: {needed}")
    if len(entry.get("token", "x" * _SHORTEST_TOKEN)) < _SHORTEST_TOKEN:
        raise ValueError(
            f"entry {number}: a token has at least {_SHORTEST_TOKEN} characters; make one: {HOW_TO_MAKE_ONE}"
        )
    digest = entry.get("token_sha256") or sha256(entry["token"].encode()).hexdigest()
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"entry {number}: token_sha256 is 64 hexadecimal digits in lower case.")
    return bytes.fromhex(digest), entry


SETTINGS: tuple[Setting, ...] = (
    Setting("mongodb_uri", "MONGODB_URI", _mongodb, "your own MongoDB; without it the embedded store is started"),
    Setting("database", "PLACET_DATABASE", _database, "name of the database"),
    Setting("data", "PLACET_DATA", lambda text: Path(_text(text)), "directory of the embedded store"),
    Setting("content", "PLACET_CONTENT", _directory, "your own questionnaires/ directory: plans and topics"),
    Setting("claims_to", "PLACET_CLAIMS_TO", _text, "who takes claims for payment, said to who sends one here"),
    Setting("payer_name", "PLACET_PAYER", _text, "name of the payer, as it stands in answers"),
    Setting("payer_ids", "PLACET_PAYER_IDS", _words, "identifiers that attachments may name the payer by"),
    Setting("clamav", "PLACET_CLAMAV", _clamav, "clamd that scans attachments: host:port, or path of its socket"),
    Setting("host", "PLACET_HOST", _text, "address to listen on"),
    Setting("port", "PLACET_PORT", _whole(0, 65535), "port to listen on; 0 takes a free one"),
    Setting("sandbox", "PLACET_SANDBOX", _flag, "no tokens, one fixed caller, synthetic data, loopback only"),
    Setting(
        "tokens_file", "PLACET_TOKENS_FILE", _tokens_file, "YAML list of {token, name, organization, npis, org_ids}"
    ),
    Setting("tokens_inline", "PLACET_TOKENS", _tokens_inline, "the same list as JSON in the variable itself"),
    Setting("staff_tokens_file", "PLACET_STAFF_TOKENS_FILE", _staff_tokens_file, "YAML or JSON list of {token, name}"),
    Setting(
        "staff_tokens_inline", "PLACET_STAFF_TOKENS", _staff_tokens_inline, "the same list as JSON in the variable"
    ),
    Setting("secret_keys", "PLACET_SECRET_KEY", _secret_keys, "key that subscribers' header values are sealed with"),
    Setting("clock", "PLACET_CLOCK", _flag, "placet clock moves the sandbox's time"),
    Setting("base_url", "PLACET_BASE_URL", _base_url, "public base of the API when a proxy stands before it"),
    Setting("base_url_r201", "PLACET_BASE_URL_R201", _base_url, "the same of DTR 2.0.1; else /r201/fhir beside it"),
    Setting("trusted_hosts", "PLACET_TRUSTED_HOSTS", _hosts, "host names that are answered, with commas between"),
    Setting("resend_window", "PLACET_RESEND_WINDOW", _seconds, "seconds in which the same bytes are a lost answer"),
    Setting("eligibility", "PLACET_ELIGIBILITY", _one_of(*ELIGIBILITY), "who is a member: everyone, roster, hook"),
    Setting("eligibility_url", "PLACET_ELIGIBILITY_URL", _text, "the service that the hook asks"),
    Setting("eligibility_token", "PLACET_ELIGIBILITY_TOKEN", _text, "bearer token for that service"),
    Setting("outbound_hosts", "PLACET_OUTBOUND_HOSTS", _hosts, "hosts of your own network that may be called"),
    Setting("npi_check", "PLACET_NPI_CHECK", _flag, "requests with malformed NPIs are rejected"),
    Setting("past_days", "PLACET_PAST_DAYS", _whole(0, 36_500), "how far back a first day of service may lie"),
    Setting("future_days", "PLACET_FUTURE_DAYS", _whole(0, 36_500), "how far ahead a first day of service may lie"),
    Setting("check_answers", "PLACET_CHECK_ANSWERS", _share, "share of our own answers, 0 to 1, held to the profiles"),
    Setting("lookup", "PLACET_LOOKUP", _flag, "everybody may look up at /lookup what needs an authorization"),
    Setting("workers", "PLACET_WORKERS", _whole(1, 64), "processes that answer"),
    Setting("threads", "PLACET_THREADS", _whole(16, 256), "threads of each; slow clients hold one each"),
)


_OPTIONS = {"mongodb_uri": "--mongodb"}


def _given(environ: Mapping[str, str], overrides: Mapping[str, object]) -> Iterator[tuple[Setting, str, str]]:
    for setting in SETTINGS:
        override = overrides.get(setting.name)
        if override is not None:
            yield setting, _OPTIONS.get(setting.name, f"--{setting.name}"), str(override)
        elif setting.variable in environ:
            yield setting, setting.variable, environ[setting.variable]


def _misspelt(environ: Mapping[str, str]) -> Iterator[str]:
    """Variables that are nearly a setting: a server without the trusted hosts somebody meant to set is not started."""
    variables = [setting.variable for setting in SETTINGS]
    for name in sorted(environ):
        near = difflib.get_close_matches(name, variables, 1, cutoff=0.88) if name.startswith("PLACET_") else []
        if near and name not in variables:
            yield f"{name}: there is no such setting; {near[0]} is meant?"


def _unasked(settings: Settings) -> Iterator[str]:
    """What is wrong with the eligibility service of the settings."""
    asked = settings.eligibility == "hook"
    if asked != (settings.eligibility_url is not None):
        yield "PLACET_ELIGIBILITY=hook and PLACET_ELIGIBILITY_URL belong together: give both, or neither."
    if settings.eligibility_url is not None:
        try:
            settings.outbound().check(settings.eligibility_url)
        except NotAcceptable:
            yield (
                "PLACET_ELIGIBILITY_URL: write an https URL without user and fragment; "
                "a port of its own is for hosts that PLACET_OUTBOUND_HOSTS names."
            )


def _contradictions(settings: Settings) -> Iterator[str]:
    if len({token.digest for token in settings.tokens}) < len(settings.tokens):
        yield "PLACET_TOKENS, PLACET_TOKENS_FILE: the same token is in both; give each caller its own."
    if len({token.digest for token in settings.staff_tokens}) < len(settings.staff_tokens):
        yield "PLACET_STAFF_TOKENS, PLACET_STAFF_TOKENS_FILE: the same token is in both; give each person their own."
    if {token.digest for token in settings.tokens} & {token.digest for token in settings.staff_tokens}:
        yield "PLACET_TOKENS, PLACET_STAFF_TOKENS: a caller's token is no staff token; give each its own."
    if settings.clock and not settings.sandbox:
        yield "--clock, PLACET_CLOCK: time moves in the sandbox only; add --sandbox, or leave it out."
    yield from _unasked(settings)
    if settings.loopback:
        return
    if settings.sandbox:
        yield f"The sandbox asks for no token and listens on {LOOPBACK[0]} only, not {settings.host}: leave --host out."
    elif not settings.tokens:
        yield (
            f"Without tokens the server listens on {LOOPBACK[0]} only, not {settings.host}: "
            "leave --host out, or list the callers' tokens in the file that PLACET_TOKENS_FILE names."
        )
