"""Requests for members, strangers, and people whose coverage ended, through the door of a real installation."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from pymongo.database import Database

from conformance.answers import answered_lines
from conformance.samples import fresh_sample
from profiles import issues_in
from server.app import create_app, open_payer
from server.authorization.eligibility import UNCONFIRMED_WORDS
from server.cli.members import members
from server.operations.authorization_replay import replay
from server.payer import Staff
from server.settings import Settings
from server.stores.domain import unpacked
from tests.journeys.conftest import response_of
from tests.other_server import answering, serving, sleeping

Json = dict[str, Any]
HEADER = "system,value,plan,start,end,birth_date\n"
MEMBER = "https://plan.example.org/members,PLX0001"
CONSULTATION, SEVERAL = "approved-consultation", "several-lines"


@pytest.fixture
def opened(database: Database[Json], store_uri: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., FlaskClient]:
    """Opens the door of a sandbox with these settings, on the connection of the test, which is closed after it."""

    def make(**settings: Any) -> FlaskClient:
        chosen = Settings(mongodb_uri=store_uri, database=database.name, sandbox=True, **settings)
        with monkeypatch.context() as patched:
            patched.setattr("server.app.connect", lambda _uri, _name: database)
            return create_app(chosen).test_client()

    return make


@pytest.fixture
def load(database: Database[Json], store_uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Loads rows onto the roster as people do."""

    def make(*rows: str) -> None:
        monkeypatch.setenv("PLACET_DATABASE", database.name)
        file = tmp_path / "roster.csv"
        file.write_text(HEADER + "".join(f"{row}\n" for row in rows))
        result = CliRunner().invoke(members, ["load", str(file), "--mongodb", store_uri])
        assert result.exit_code == 0, result.output

    return make


def submitted(client: FlaskClient, bundle: Json, query: str = "") -> Json:
    """The response Bundle to a request; it conforms to the guide."""
    reply = client.post(f"/fhir/Claim/$submit{query}", json=bundle, content_type="application/fhir+json")
    assert reply.status_code == 200, reply.data
    answer: Json = json.loads(reply.data)
    assert not [each for each in issues_in(answer, answer["meta"]["profile"][0]) if each.severity == "error"]
    return answer


def errors_in(answer: Json) -> list[tuple[str, str, str]]:
    """Of every business error: X12 901 code, X12 889 action, path."""
    found = []
    for error in response_of(answer).get("error", ()):
        about = {each["url"].rpartition("-")[2]: each for each in error["extension"]}
        action = about["errorFollowupAction"]["valueCodeableConcept"]["coding"][0]["code"]
        found.append((error["code"]["coding"][0]["code"], action, about["errorPath"]["valueString"]))
    return found


def statuses(answer: Json) -> list[str]:
    return [line.status for line in answered_lines(answer)]


def at_path(bundle: Json, path: str) -> Any:
    """What a path of the form Bundle.entry[3].resource.name names."""
    found: Any = bundle
    for step in path.split(".")[1:]:
        name, _, place = step.rstrip("]").partition("[")
        found = found[name][int(place)] if place else found[name]
    return found


def test_in_a_sandbox_everyone_is_a_member(opened: Any) -> None:
    assert statuses(submitted(opened(), fresh_sample(CONSULTATION))) == ["approved"]


def test_who_is_on_the_roster_is_answered_and_a_stranger_is_not(opened: Any, load: Any) -> None:
    client, bundle = opened(eligibility="roster"), fresh_sample(CONSULTATION)
    [(code, action, path)] = errors_in(submitted(client, bundle))
    assert (code, action) == ("67", "C")
    patient = next(each["resource"] for each in bundle["entry"] if "/Patient/" in each["fullUrl"])
    assert at_path(bundle, path) == patient["identifier"]
    load(f"{MEMBER},commercial,2020-01-01,,1961-04-12")
    assert statuses(submitted(client, fresh_sample(CONSULTATION))) == ["approved"]


def test_a_rejected_request_has_no_lines_and_says_what_to_do(opened: Any) -> None:
    response = response_of(submitted(opened(eligibility="roster"), fresh_sample(CONSULTATION)))
    assert (response["outcome"], response["disposition"], "item" in response) == ("error", "not reviewed", False)
    assert "PLX0001" not in json.dumps(response["error"])


def test_another_birth_date_is_rejected(opened: Any, load: Any) -> None:
    load(f"{MEMBER},commercial,,,1970-01-02")
    bundle = fresh_sample(CONSULTATION)
    [(code, _, path)] = errors_in(submitted(opened(eligibility="roster"), bundle))
    assert (code, at_path(bundle, path)) == ("71", "1961-04-12")


def test_the_roster_says_which_plan_decides(opened: Any, load: Any, database: Database[Json]) -> None:
    load(f"{MEMBER},medicare-advantage,2020-01-01,,")
    submitted(opened(eligibility="roster"), fresh_sample(CONSULTATION))
    submitted(opened(), fresh_sample(CONSULTATION))
    assert plans_on_record(database) == ["commercial", "medicare-advantage"]


def plans_on_record(database: Database[Json]) -> list[str]:
    """The plans that decided, in alphabetical order."""
    return sorted(unpacked(each).plan for each in database["authorization"].find({}))


def test_lines_after_the_coverage_ended_are_denied_with_words_for_the_member(opened: Any, load: Any) -> None:
    bundle = fresh_sample(SEVERAL)
    items = bundle["entry"][0]["resource"]["item"]
    first, *later = items
    first["servicedDate"], ends = date(2026, 11, 16).isoformat(), "2026-11-30"
    for item in later:
        item.pop("servicedPeriod", None)
        item["servicedDate"] = "2026-12-16"
    load(f"{MEMBER},commercial,2020-01-01,{ends},")
    answer = submitted(opened(eligibility="roster"), bundle)
    lines = answered_lines(answer)
    assert lines[0].status != "denied"
    assert {line.status for line in lines[1:]} == {"denied"}
    assert all("coverage does not pay" in line.reason for line in lines[1:])
    assert errors_in(answer) == []


def test_the_dry_run_says_the_same_about_members(opened: Any, database: Database[Json]) -> None:
    client = opened(eligibility="roster")
    [(code, *_)] = errors_in(submitted(client, fresh_sample(CONSULTATION), "?dry-run=true"))
    assert code == "67"
    assert database["authorization"].count_documents({}) == 0


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ({"covered": True, "plan": "commercial"}, ["approved"]),
        ({"covered": False}, ["denied"]),
        ({"covered": True, "period": {"end": "2026-11-01"}}, ["denied"]),
        ({"known": False}, []),
        ({"covered": True, "plan": "no-such-plan"}, ["pended"]),
    ],
)
def test_the_payers_own_service_is_asked(opened: Any, said: Json, status: list[str]) -> None:
    with serving(answering(200, json.dumps(said).encode())) as url:
        answer = submitted(opened(eligibility="hook", eligibility_url=url), fresh_sample(CONSULTATION))
    assert statuses(answer) == status
    assert [code for code, *_ in errors_in(answer)] == ([] if status else ["67"])


@pytest.mark.parametrize("name", [CONSULTATION, "denied-fertility", "modified-test-strips", "pended-wheelchair"])
def test_a_service_that_does_not_answer_pends_every_line_for_a_person(opened: Any, name: str) -> None:
    with serving(sleeping) as url:
        answer = submitted(opened(eligibility="hook", eligibility_url=url), fresh_sample(name))
    assert set(statuses(answer)) == {"pended"}
    notes = [note["text"] for note in response_of(answer)["processNote"]]
    assert UNCONFIRMED_WORDS in notes
    assert errors_in(answer) == []


def test_malformed_npis_are_rejected_only_where_that_is_asked_for(opened: Any) -> None:
    bundle = fresh_sample(CONSULTATION)
    physician = next(each["resource"] for each in bundle["entry"] if "/PractitionerRole/" in each["fullUrl"])
    physician["identifier"] = [{"system": "http://hl7.org/fhir/sid/us-npi", "value": "1999999970"}]
    assert statuses(submitted(opened(), bundle)) == ["approved"]
    bundle["identifier"]["value"] = "again"
    [(code, action, path)] = errors_in(submitted(opened(npi_check=True), bundle))
    assert (code, action) == ("43", "C")
    assert at_path(bundle, path) == {"reference": "PractitionerRole/physician"}
    assert statuses(submitted(opened(npi_check=True), fresh_sample(CONSULTATION))) == ["approved"]


@pytest.mark.parametrize(
    ("day", "codes"),
    [("1926-11-16", ["62"]), ("2126-11-16", ["63"]), ("2026-11-16", [])],
    ids=["past", "ahead", "near"],
)
def test_days_of_service_have_limits_where_the_payer_sets_them(opened: Any, day: str, codes: list[str]) -> None:
    bundle = fresh_sample(CONSULTATION)
    bundle["entry"][0]["resource"]["item"][0]["servicedDate"] = day
    answer = submitted(opened(past_days=3_650, future_days=3_650), bundle)
    assert [code for code, *_ in errors_in(answer)] == codes
    assert [path for *_, path in errors_in(answer)] == ["Bundle.entry[0].resource.item[0].serviced"] * len(codes)


@pytest.mark.parametrize("kept", ["commercial,2020-01-01,,", "medicare-advantage,2020-01-01,2026-11-01,"])
def test_a_decision_is_made_again_from_what_was_known_of_the_member_then(
    opened: Any, load: Any, database: Database[Json], store_uri: str, kept: str
) -> None:
    load(f"{MEMBER},{kept}")
    answer = response_of(submitted(opened(eligibility="roster"), fresh_sample(SEVERAL)))
    load(f"{MEMBER},commercial,1999-01-01,1999-12-31,")
    assert replayed(answer["id"], database, store_uri) == []


def test_a_decision_without_an_answer_of_the_service_is_made_again_too(
    opened: Any, database: Database[Json], store_uri: str
) -> None:
    with serving(answering(503, b"")) as url:
        answer = response_of(submitted(opened(eligibility="hook", eligibility_url=url), fresh_sample(SEVERAL)))
    assert replayed(answer["id"], database, store_uri) == []


def replayed(authorization_id: str, database: Database[Json], store_uri: str) -> list[str]:
    """How the decision on record differs from the one made again, where nobody is asked about members."""
    staff = Staff("auditor")
    with open_payer(Settings(mongodb_uri=store_uri, database=database.name)) as payer:
        record = payer.authorizations.get(staff, authorization_id)
        assert record is not None
        again = replay(payer, staff, record)
    assert len(again) >= len(record.lines) > 0
    return [difference for each in again for difference in each.differences]
