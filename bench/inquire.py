"""Claim/$inquire, by how much is on record: the answer for one member takes as long however many others there are."""

from __future__ import annotations

import math
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice, takewhile
from pathlib import Path
from statistics import quantiles
from typing import Any

from rich.console import Console
from rich.table import Table

from conformance.samples import fresh_sample
from mappers.wire import to_bytes
from server.app import open_payer
from server.authorization.inquiry import Inquiry
from server.authorization.request import Identifier, Member, Party
from server.cli.seed import SHARE, file_apart
from server.cli.synthetic import MEMBERS, people
from server.operations.claim_inquire import inquire_claim
from server.payer import Call, Payer
from server.settings import Settings
from server.stores.embedded import EmbeddedStore
from server.web.access import SANDBOX

Json = dict[str, Any]

SMALLEST = 1_000
SIZES = (10_000, 20_000, 50_000)
"""On record in the large store; `make bench ARGS="inquire 10000 100000"` names others, however long they take."""

EACH = 5
"""Authorizations of one member: as many in the small store as in the large one."""

INQUIRIES = 300
SECONDS = 130
"""How long the large store is filled in all: of `SIZES`, those that this does not reach are not measured."""

ALLOWED = 1.5
BASE = "http://127.0.0.1:8080/fhir"
PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"


def main(console: Console, sizes: Sequence[int] = ()) -> None:
    """Fill a small and a large store on the same kind of database, and ask both in turn: what disturbs is shared."""
    table = Table(title=f"Claim/$inquire, {EACH} authorizations a member, {INQUIRIES} inquiries", title_justify="left")
    for column in ("on record", "lookup p50 ms", "p99 ms", "$inquire p50 ms", "p99 ms", "p99 ratio to 1,000"):
        table.add_column(column, justify="right")
    with tempfile.TemporaryDirectory() as data, EmbeddedStore.open(Path(data) / "db") as store:
        settings_of = partial(_settings, store.uri)
        with open_payer(settings_of("small")) as small, open_payer(settings_of("large")) as large:
            _fill(settings_of("small"), SMALLEST, math.inf, 0)
            reached, deadline, rates = 0, math.inf if sizes else time.monotonic() + SECONDS, []
            for size in sorted(sizes or SIZES):
                started, before = time.monotonic(), reached
                reached += _fill(settings_of("large"), size - reached, deadline, reached // EACH)
                if reached == before:
                    break
                rates.append((reached - before) / (time.monotonic() - started))
                _measure(table, small, large, reached)
    console.print(table)
    console.print(f"filled with {min(rates):.0f} to {max(rates):.0f} authorizations a second; allowed ratio {ALLOWED}")


def _settings(uri: str, database: str) -> Settings:
    return Settings(mongodb_uri=uri, sandbox=True, database=database)


def _fill(settings: Settings, number: int, deadline: float, first: int) -> int:
    """File up to so many authorizations, for members from number `first` on; how many there was time for."""
    members = iter([first + each // EACH for each in range(number)])
    shares = iter(lambda: list(islice(members, SHARE)), [])
    return sum(file_apart(settings, BASE, takewhile(lambda _: time.monotonic() < deadline, shares)))


def _measure(table: Table, small: Payer, large: Payer, size: int) -> None:
    """Ask both stores in turn, and write one row for the small one first and one for the large one."""
    stores = {SMALLEST: small, size: large}
    figures: dict[tuple[int, str], list[float]] = {}
    for what, ask in {"lookup": _look_up, "inquire": _inquire}.items():
        asked = {on_record: _members(on_record) for on_record in stores}
        for number in range(INQUIRIES + 20):
            for on_record, payer in stores.items():
                took = ask(payer, asked[on_record][number])
                if number >= 20:
                    figures.setdefault((on_record, what), []).append(took)
    for on_record in stores if not table.rows else (size,):
        cells = [cut for what in ("lookup", "inquire") for cut in _cuts(figures[on_record, what])]
        ratio = _cuts(figures[on_record, "inquire"])[1] / _cuts(figures[SMALLEST, "inquire"])[1]
        table.add_row(f"{on_record:,}", *(f"{cell:.2f}" for cell in cells), f"{ratio:.2f}")


def _members(on_record: int) -> list[int]:
    draw = random.Random(on_record)
    return [draw.randrange(on_record // EACH) for _ in range(INQUIRIES + 20)]


def _cuts(milliseconds: list[float]) -> tuple[float, float]:
    cuts = quantiles(milliseconds, n=100)
    return cuts[49], cuts[98]


def _timed(asked: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    answer = asked()
    return (time.perf_counter() - started) * 1000, answer


def _look_up(payer: Payer, member: int) -> float:
    person = people(member)
    known = Member((Identifier(MEMBERS, person["@MEMBER@"]),))
    inquiry = Inquiry(known, frozenset({person["@PRACTICE@"]}), Party())
    took, found = _timed(lambda: payer.authorizations.inquire(SANDBOX, inquiry))
    assert len(found) == EACH
    return took


def _inquire(payer: Payer, member: int) -> float:
    bundle = inquiry_about(member)
    call = Call(SANDBOX, BASE, to_bytes(bundle), bundle)
    took, answer = _timed(lambda: to_bytes(inquire_claim(call, payer)))
    assert answer.count(b'"return"') == EACH
    return took


def inquiry_about(member: int) -> Json:
    """An inquiry by the practice of a synthetic member: everything that is on record for the member."""
    person, bundle = people(member), fresh_sample("several-lines")
    there = {each["resource"]["resourceType"]: each for each in bundle["entry"] if "/insurer" not in each["fullUrl"]}
    insurer = next(each for each in bundle["entry"] if each["fullUrl"].endswith("/insurer"))
    claim = there["Claim"]["resource"]
    names = ("resourceType", "id", "status", "type", "use", "patient", "created", "insurer", "provider", "priority")
    claim = {name: claim[name] for name in (*names, "insurance")}
    claim |= {"meta": {"profile": [PAS + "profile-claim-inquiry"]}}
    claim |= {"identifier": [{"system": "https://ehr.example.org/inquiries", "value": "bench"}]}
    patient, practice = there["Patient"]["resource"], there["Organization"]["resource"]
    patient["identifier"][0]["value"], patient["birthDate"] = person["@MEMBER@"], person["@BORN@"]
    there["Coverage"]["resource"]["subscriberId"] = person["@MEMBER@"]
    there["Coverage"]["resource"]["identifier"][0]["value"] = person["@MEMBER@"]
    practice["identifier"][0]["value"] = person["@PRACTICE@"]
    entries = [{"fullUrl": there["Claim"]["fullUrl"], "resource": claim}, there["Organization"], insurer]
    bundle["meta"] = {"profile": [PAS + "profile-pas-inquiry-request-bundle"]}
    return {**bundle, "entry": [*entries, there["Coverage"], there["Patient"]]}
