"""$questionnaire-package through the whole door, beside a bare Flask route that decodes as much and answers as much.

100 topics with forms of 60 questions, libraries and value sets are loaded first: how long that takes is told too.
"""

from __future__ import annotations

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

import jiter
from flask import Flask, Response, request
from flask.testing import FlaskClient
from rich.console import Console
from rich.table import Table

from questionnaires.content import DEMO, Content, load_content
from server.operations.catalogue import catalogue
from server.payer import Authorizations, Payer
from server.settings import Settings
from server.web.access import access_for
from server.web.fhir import web_application

Json = dict[str, Any]

TOPICS, ROUNDS, LOADS = 100, 400, 3
P99_TARGET_MS, LOAD_TARGET_S = 20.0, 1.0
CPT = "http://www.ama-assn.org/go/cpt"
PATHS = {"2.2.0": "/fhir", "2.0.1": "/r201/fhir"}
OPERATION = "/Questionnaire/$questionnaire-package"
MODEL = "home-oxygen"
"""The topic that the hundred are copies of: a form with a library, the shared one, and value sets."""


def main(console: Console) -> None:
    """Print the times, and whether they are under their targets."""
    with tempfile.TemporaryDirectory() as folder:
        _hundred_topics(Path(folder))
        loads = [_loaded(Path(folder)) for _ in range(LOADS)]
    content, took = min(loads, key=lambda each: each[1])
    console.print(
        f"{len(content.forms)} forms loaded in {took:.2f} s of CPU ({_verdict(took, LOAD_TARGET_S)} {LOAD_TARGET_S} s)"
    )
    table = Table(title=f"CPU of one package, {ROUNDS} requests, each for another of {TOPICS} topics")
    for name in ("base", "KB", "p50 ms", "p99 ms", "floor p50 ms", "floor p99 ms", "times the floor"):
        table.add_column(name, justify="left" if name == "base" else "right")
    for dialect, path in PATHS.items():
        client = _application(content).test_client()
        times, answers = _measured(client, path + OPERATION)
        floor, _same = _measured(_floor(answers).test_client(), path + OPERATION)
        p50, p99 = _at(times, 50), _at(times, 99)
        size = sum(map(len, answers)) / len(answers) / 1000
        told = f"{p99:.2f} ({_verdict(p99, P99_TARGET_MS)} {P99_TARGET_MS:.0f})"
        ratio = p50 / _at(floor, 50)
        floors = [f"{_at(floor, percent):.2f}" for percent in (50, 99)]
        table.add_row(f"{path} ({dialect})", f"{size:.0f}", f"{p50:.2f}", told, *floors, f"{ratio:.1f}")
    console.print(table)


def _loaded(folder: Path) -> tuple[Content, float]:
    """The content, and the seconds of CPU that it took to load it."""
    started = time.process_time()
    content = load_content(folder)
    return content, time.process_time() - started


def _verdict(measured: float, target: float) -> str:
    return "under" if measured < target else "OVER"


def _at(times: list[float], percent: int) -> float:
    return sorted(times)[len(times) * percent // 100]


def _hundred_topics(folder: Path) -> None:
    """A content directory with many copies of one topic, each with codes, form, library and sets of its own."""
    shutil.copytree(DEMO / "plans", folder / "plans")
    shutil.copytree(DEMO / "libraries", folder / "libraries")
    shutil.copy(DEMO / "valuesets.yaml", folder)
    for number in range(TOPICS):
        _copy(DEMO / MODEL, folder / f"topic-{number}", number)


def _copy(model: Path, to: Path, number: int) -> None:
    names = {"home-oxygen": f"topic-{number}", "HomeOxygen": f"Topic{number}", "oxygen-diagnoses": f"set-{number}"}
    to.mkdir()
    (to / "valuesets").mkdir()
    made_from = sha256((model / "prepopulation.cql").read_bytes()).hexdigest()
    cql = _renamed((model / "prepopulation.cql").read_text(), names)
    names |= {made_from: sha256(cql.encode()).hexdigest()}
    for path in [*model.glob("*.json"), *model.glob("*.cql"), *model.glob("valuesets/*.json")]:
        text = _renamed(path.read_text(), names)
        (to / path.relative_to(model)).write_text(text)
    topic = (model / "topic.yaml").read_text().replace("home-oxygen", f"topic-{number}")
    head, _, rest = topic.partition("codes:")
    _codes, _, after = rest.partition("\n\n")
    code = f'{{system: cpt, code: "{10000 + number}"}}'
    (to / "topic.yaml").write_text(f"{head}codes:\n  - {code}\n\n{after}")


def _renamed(text: str, names: dict[str, str]) -> str:
    for old, new in names.items():
        text = text.replace(old, new)
    return text


def _application(content: Content) -> Flask:
    """The whole door on a payer without a store: nobody asks before, and nothing is on record."""
    settings = Settings.from_environment({}, sandbox=True)
    payer = Payer(
        authorizations=cast(Authorizations, None),
        rules_for=content.rules_for,
        now=lambda: datetime.now(UTC),
        content=lambda: content,
    )
    return web_application(settings, catalogue(), payer, access_for(settings), ready=lambda: True)


def _floor(answers: list[bytes]) -> Flask:
    """One route, one decode, one answer that was there before."""
    app, given = Flask(__name__), iter(answers * 2)

    @app.post("/<path:_path>")
    def answer(_path: str) -> Response:
        jiter.from_json(request.get_data(), float_mode="decimal")
        return Response(next(given), mimetype="application/fhir+json")

    return app


def _measured(client: FlaskClient, path: str) -> tuple[list[float], list[bytes]]:
    """Milliseconds of CPU and bytes of every answer; the first round, which prepares, is not measured."""
    times, answers = [], []
    for number, body in enumerate(_bodies(ROUNDS + TOPICS)):
        started = time.thread_time()
        reply = client.post(path, data=body, content_type="application/fhir+json")
        took = (time.thread_time() - started) * 1000
        if reply.status_code != 200 or b"QuestionnaireResponse" not in reply.data:
            raise RuntimeError(f"a package of the bench was not handed out: {reply.data[:300]!r}")
        if number >= TOPICS:
            times.append(took)
        answers.append(reply.data)
    return times, answers


def _bodies(several: int) -> Iterator[bytes]:
    coverage = {
        "resourceType": "Coverage",
        "id": "c1",
        "status": "active",
        "beneficiary": {"reference": "Patient/p1"},
        "payor": [{"display": "Placet"}],
    }
    for number in range(several):
        order = {
            "resourceType": "ServiceRequest",
            "id": "o1",
            "status": "draft",
            "intent": "order",
            "subject": {"reference": "Patient/p1"},
            "code": {"coding": [{"system": CPT, "code": f"{10000 + number % TOPICS}"}]},
        }
        named: list[Json] = [{"name": "coverage", "resource": coverage}, {"name": "order", "resource": order}]
        yield json.dumps({"resourceType": "Parameters", "parameter": named}).encode()
