"""The payer's people read what was attached: listed, saved, never shown in place."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from pymongo.database import Database

from server.authorization.attachment import State
from server.cli import placet
from tests.journeys.attachments.attaching import (
    FILMS,
    Json,
    attached,
    control_number,
    films,
    observation,
    parameters,
    record,
    without_films,
)
from tests.journeys.conftest import Journey, settings_with_two_callers
from tests.journeys.plan_functions.desk import NURSE_TOKEN


def at_the_desk(new_journey: Callable[..., Journey]) -> Journey:
    """An installation with a nurse."""
    staff = json.dumps([{"token": NURSE_TOKEN, "name": "nurse"}])
    return new_journey(settings_with_two_callers(staff_tokens_inline=staff))


def test_the_desk_lists_documents_and_gives_out_their_bytes(new_journey: Callable[..., Journey]) -> None:
    journey = at_the_desk(new_journey)
    answer = journey.submit(without_films())
    document = films()
    document["content"][0]["attachment"]["title"] = "../../etc/passwd <b>.exe"
    attached(journey, parameters(control_number(answer), document, lines=("1",)))
    attached(journey, parameters(control_number(answer), observation(), final=False))
    path = f"/api/authorizations/{record(journey, answer).numbers[0]}/documents"

    status, listed = journey.get(path, NURSE_TOKEN)

    first, second = listed["documents"]
    assert status == 200
    assert {name: first[name] for name in ("lines", "mediaType", "size", "how", "state", "counts", "final")} == {
        "lines": [1],
        "mediaType": "text/plain",
        "size": 17,
        "how": "submit-attachment",
        "state": "clean",
        "counts": "counts",
        "final": True,
    }
    assert (second["counts"], second["mediaType"]) == ("not yet", "application/fhir+json")
    reply = journey.client.get(f"{path}/{first['id']}", headers={"Authorization": f"Bearer {NURSE_TOKEN}"})
    assert (reply.status_code, reply.data, reply.content_type) == (
        200,
        b"Joint space gone.",
        "text/plain",
    )
    name = f"{first['id']}-etc-passwd-b-exe.txt"
    assert reply.headers["Content-Disposition"] == f"attachment; filename*=UTF-8''{name}"
    assert reply.headers["Content-Security-Policy"].startswith("sandbox;")
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_only_staff_read_documents_and_only_clean_ones(
    new_journey: Callable[..., Journey],
) -> None:
    journey = at_the_desk(new_journey)
    answer, other = journey.submit(without_films()), journey.submit(without_films())
    attached(journey, parameters(control_number(answer), films()))
    [kept] = journey.payer.attachments.of(record(journey, answer).id)  # type: ignore[union-attr]
    path = f"/api/authorizations/{record(journey, answer).id}/documents/{kept.id}"
    elsewhere = f"/api/authorizations/{record(journey, other).id}/documents/{kept.id}"

    assert journey.get(path)[0] == 403
    assert journey.get(elsewhere, NURSE_TOKEN)[0] == journey.get(f"{path}x", NURSE_TOKEN)[0] == 404
    journey.payer.attachments.judge(kept.id, State.QUARANTINED)  # type: ignore[union-attr]
    status, outcome = journey.get(path, NURSE_TOKEN)
    assert (status, outcome["issue"][0]["details"]["text"]) == (409, "The document is quarantined; nobody opens it.")


def test_placet_documents_lists_and_saves(
    journey: Journey, store_uri: str, database: Database[Json], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACET_DATABASE", database.name)
    answer = journey.submit(without_films())
    attached(journey, parameters(control_number(answer), films()))
    [kept] = journey.payer.attachments.of(record(journey, answer).id)  # type: ignore[union-attr]
    number, saved = record(journey, answer).numbers[0], tmp_path / "saved"
    command = ["documents", number, "--mongodb", store_uri]

    listed = CliRunner(env={"COLUMNS": "200"}).invoke(placet, [*command, "--save", str(saved)])

    assert listed.exit_code == 0, listed.output
    row = (kept.id, FILMS, "text/plain", "17", kept.sha256[:12], "submit-attachment", "counts")
    assert all(word in listed.output for word in row)
    [file] = saved.iterdir()
    assert (file.name, file.read_bytes()) == (f"{kept.id}.txt", b"Joint space gone.")
    assert (file.stat().st_mode & 0o777, saved.stat().st_mode & 0o777) == (0o600, 0o700)
    file.write_bytes(b"edited")
    again = CliRunner().invoke(placet, [*command, "--save", str(saved)])
    assert (again.exit_code, "is there already" in again.output, file.read_bytes()) == (0, True, b"edited")
    journey.payer.attachments.judge(kept.id, State.REFUSED)  # type: ignore[union-attr]
    refused = CliRunner().invoke(placet, [*command, "--save", str(tmp_path / "none")])
    assert "nobody opens it" in refused.output and not (tmp_path / "none").exists()
    shown = CliRunner(env={"COLUMNS": "200"}).invoke(placet, ["show", number, "--mongodb", store_uri])
    assert "document received" in shown.output
    assert CliRunner().invoke(placet, ["documents", "nothing", "--mongodb", store_uri]).exit_code == 1
