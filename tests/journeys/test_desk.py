"""The payer's own people work on a request: they decide, ask, look at the trace; the submitter reads what they did."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from pymongo.database import Database

from conformance.samples import fresh_sample
from questionnaires.content import DEMO
from questionnaires.current import CurrentContent
from questionnaires.requirements import requirements
from server.cli import placet
from server.operations.authorization_replay import replay
from server.operations.catalogue import catalogue
from server.payer import Payer, Staff
from server.stores.authorizations import MongoAuthorizations
from server.stores.contents import Contents, RulesInUse
from server.stores.movable_clock import MovableClock
from server.web.access import access_for
from server.web.fhir import web_application
from tests.journeys.conftest import NORTH_TOKEN, response_of, settings_with_two_callers

Json = dict[str, Any]
NURSE_TOKEN, DOCTOR_TOKEN = "nurse-token-0123456789", "doctor-token-0123456789"
STAFF = Staff("auditor")
DENIAL = {
    "decision": "deny",
    "reason": "0F",
    "criterion": "mobility",
    "words": "A wheelchair that you move by hand is enough for now.",
}


@dataclass
class Installation:
    """A payer with a desk: its door, its store, its content directory and its clock."""

    payer: Payer
    rules: RulesInUse
    directory: Path
    clock: MovableClock
    database: Database[Json]
    client: FlaskClient

    def call(self, path: str, body: Json | None = None, token: str = NURSE_TOKEN, **headers: str) -> tuple[int, Json]:
        """Get, or post a body, as the holder of a token; status and JSON."""
        sent = {"Authorization": f"Bearer {token}", "Content-Type": "application/json", **headers}
        method = "GET" if body is None else "POST"
        reply = self.client.open(path, method=method, headers=sent, data=None if body is None else json.dumps(body))
        return reply.status_code, json.loads(reply.data)

    def submit(self, name: str = "pended-wheelchair") -> Json:
        """The record of a sample that was submitted, as the desk sees it."""
        status, answer = self.call("/fhir/Claim/$submit", fresh_sample(name), NORTH_TOKEN)
        assert status == 200, answer
        return self.record(response_of(answer)["id"])

    def record(self, number: str) -> Json:
        """The record as the desk sees it."""
        status, record = self.call(f"/api/authorizations/{number}")
        assert status == 200, record
        return record

    def decide(self, record: Json, body: Json, token: str = NURSE_TOKEN, line: int = 1) -> tuple[int, Json]:
        """Post a decision on what was seen."""
        path = f"/api/authorizations/{record['id']}/lines/{line}/determination"
        return self.call(path, {"version": record["version"], **body}, token)

    def answer(self, record: Json) -> Json:
        """The ClaimResponse, as the submitter reads it now."""
        return self.call(f"/fhir/ClaimResponse/{record['id']}", token=NORTH_TOKEN)[1]

    def notices(self, record: Json) -> list[Json]:
        """What the submitter was not told yet."""
        found = self.database["authorization"].find_one({"_id": f"payer:{record['id']}"})
        assert found is not None
        return list(found["events"])


@pytest.fixture
def desk(authorizations: MongoAuthorizations, database: Database[Json], tmp_path: Path) -> Installation:
    """A payer with a nurse and a doctor, whose content lies in a directory of its own."""
    staff = [{"token": NURSE_TOKEN, "name": "nurse"}, {"token": DOCTOR_TOKEN, "name": "doctor"}]
    settings = settings_with_two_callers(staff_tokens_inline=json.dumps(staff))
    directory = tmp_path / "content"
    shutil.copytree(DEMO, directory, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    current, clock = CurrentContent(directory), MovableClock(database)
    clock.let_move()
    rules = RulesInUse(lambda: current, directory, Contents(database))
    rules.keep(clock.now())
    payer = Payer(
        authorizations=authorizations,
        rules_for=rules.rules_for,
        rules_kept=rules.rules_kept,
        requirements=lambda plan, code, on: (
            requirements(current.content, found, code, on) if (found := current.content.plan(plan)) else None
        ),
        now=clock.now,
    )
    app = web_application(settings, catalogue(), payer, access_for(settings), ready=authorizations.ping)
    return Installation(payer, rules, directory, clock, database, app.test_client())


def test_a_denial_says_why_in_code_criterion_and_words_and_the_submitter_reads_it(desk: Installation) -> None:
    record = desk.submit()
    status, denied = desk.decide(record, DENIAL)

    assert status == 200
    line = denied["lines"][0]
    assert (line["status"], line["number"]) == ("denied", record["lines"][0]["number"])
    assert line["reasons"] == [
        {
            "code": {"system": "https://codesystem.x12.org/external/886", "code": "0F"},
            "criterion": "mobility",
            "words": DENIAL["words"],
        }
    ]
    assert denied["clock"]["state"] == "stopped"
    assert denied["history"][-1]["by"] == "nurse"
    assert DENIAL["words"] in json.dumps(desk.answer(record))
    assert [(each["kind"], each["line"], each["version"]) for each in desk.notices(record)] == [("decided", 1, 2)]


@pytest.mark.parametrize("left_out", ["reason", "criterion", "words"])
def test_a_denial_without_one_of_the_three_is_refused(desk: Installation, left_out: str) -> None:
    record = desk.submit()
    body = {name: value for name, value in DENIAL.items() if name != left_out}
    status, refused = desk.decide(record, body)

    assert (status, refused["resourceType"]) == (400, "OperationOutcome")
    assert [issue["expression"] for issue in refused["issue"]] == [[left_out]]
    assert desk.record(record["id"])["history"] == record["history"]


def test_a_modification_gives_less_and_says_why(desk: Installation) -> None:
    record = desk.submit("medicare-home-health")
    asked = record["lines"][0]["asked"]["quantity"]["value"]
    body = {**DENIAL, "decision": "modify", "units": asked - 1, "start": "2026-12-01", "end": "2026-12-31"}
    status, modified = desk.decide(record, body)

    assert status == 200
    line = modified["lines"][0]
    assert (line["status"], line["authorized"]["quantity"]["value"]) == ("modified", asked - 1)
    assert line["authorized"]["period"] == {"start": "2026-12-01", "end": "2026-12-31"}
    assert "2026-12-31" in json.dumps(desk.answer(record))


def test_of_two_reviewers_at_once_the_second_is_told(desk: Installation) -> None:
    record = desk.submit()
    certify = {"decision": "certify"}
    with ThreadPoolExecutor(2) as pool:
        done = list(pool.map(lambda token: desk.decide(record, certify, token), [NURSE_TOKEN, DOCTOR_TOKEN]))

    assert sorted(status for status, _ in done) == [200, 409]
    refused = next(answer for status, answer in done if status == 409)
    assert (refused["resourceType"], refused["issue"][0]["code"]) == ("OperationOutcome", "conflict")
    after = desk.record(record["id"])
    assert (after["version"], [event["what"] for event in after["history"]]) == (2, ["filed", "decided"])


@pytest.mark.parametrize("header", ['"1"', 'W/"1"', "1"])
def test_the_version_that_was_seen_may_come_as_if_match(desk: Installation, header: str) -> None:
    record = desk.submit()
    path = f"/api/authorizations/{record['id']}/lines/1/determination"
    assert desk.call(path, {"decision": "note", "words": "Called."}, **{"If-Match": header})[0] == 200
    assert desk.call(path, {"decision": "note", "words": "Called."}, **{"If-Match": header})[0] == 409
    assert desk.call(path, {"decision": "note", "words": "Called."})[0] == 400
    assert desk.call(path, {"decision": "note", "words": "Called.", "version": 3}, **{"If-Match": '"2"'})[0] == 400


def test_a_question_is_in_the_answer_and_pauses_nothing_that_the_plan_does_not_pause(desk: Installation) -> None:
    record = desk.submit()
    document = {"code": "11506-3", "words": "The progress note of the last visit"}
    status, asked = desk.decide(record, {"decision": "ask", "documents": [document], "words": "Please send it."})

    line = asked["lines"][0]
    assert (status, line["status"], line["waitsFor"]) == (200, "pended", "missing information")
    assert {"system": "http://loinc.org", "code": "11506-3"} in [each["code"] for each in line["missing"]]
    assert document["words"] in json.dumps(desk.answer(record))
    assert [each["kind"] for each in desk.notices(record)] == ["asked"]


def test_assigning_and_noting_leave_the_answer_as_it_is_and_nobody_is_told(desk: Installation) -> None:
    record = desk.submit()
    before = desk.answer(record)
    _, assigned = desk.decide(record, {"decision": "assign", "to": "doctor"})
    status, noted = desk.decide(assigned, {"decision": "note", "words": "The practice calls back."})

    assert (status, noted["version"], noted["lines"][0]["assigned"]) == (200, 3, "doctor")
    assert [event["what"] for event in noted["history"]] == ["filed", "assigned", "noted"]
    assert desk.answer(record) == before
    assert desk.notices(record) == []
    listed = {who: desk.call(f"/api/worklist?assigned={who}")[1]["waiting"] for who in ("doctor", "nurse")}
    assert [len(each) for each in listed.values()] == [1, 0]


@pytest.mark.parametrize("body", [{"decision": "certify"}, DENIAL])
def test_a_line_that_is_decided_stays_so(desk: Installation, body: Json) -> None:
    record = desk.submit("approved-consultation")
    status, refused = desk.decide(record, body)

    assert (status, refused["issue"][0]["code"]) == (409, "conflict")
    assert desk.decide(record, body, line=9)[0] == 404


def test_a_number_is_known_however_it_is_typed(desk: Installation) -> None:
    record = desk.submit()
    number = record["lines"][0]["number"]
    typed = [number, number.lower(), number.replace("-", ""), number.replace("-", "%20"), record["id"]]

    assert [desk.record(each)["id"] for each in typed] == [record["id"]] * len(typed)
    status, unknown = desk.call("/api/authorizations/2222-2222-2222-2")
    assert (status, unknown["issue"][0]["code"]) == (404, "not-found")


def test_the_trace_says_what_was_found_and_what_would_have_changed_it(desk: Installation) -> None:
    record = desk.submit("several-lines")
    status, trace = desk.call(f"/api/authorizations/{record['id']}/trace")

    assert status == 200
    criteria = [criterion for line in trace["lines"] for criterion in line["criteria"]]
    assert criteria
    for criterion in criteria:
        assert criterion["findings"]
        assert {"fact", "wanted", "result", "value", "origin"} <= criterion["findings"][0].keys()
        assert all(change["fact"] for way in criterion["turnedBy"] for change in way)
    assert any(criterion["turnedBy"] for criterion in criteria)


def test_a_replay_gives_the_same_answer_also_when_the_content_has_changed_since(desk: Installation) -> None:
    records = [desk.submit(name) for name in ("several-lines", "pended-wheelchair", "medicare-home-health")]
    for plan in (desk.directory / "plans").glob("*.yaml"):
        plan.write_text(plan.read_text().replace("title: ", "title: New ", 1))
    for topic in desk.directory.glob("*/topic.yaml"):
        topic.write_text(topic.read_text().replace("title: ", "title: New ", 1))
    assert desk.rules.reload()
    records.append(desk.submit("several-lines"))
    made = [replay(desk.payer, STAFF, found) for found in map(authorization_of(desk), records)]

    assert [each.differences for replayed in made for each in replayed if each.differences] == []
    assert sum(1 for replayed in made for each in replayed if not each.note) >= 14
    assert len({each.content for replayed in made for each in replayed}) == 2


def authorization_of(desk: Installation) -> Callable[[Json], Any]:
    return lambda record: desk.payer.authorizations.get(STAFF, record["id"])


def test_a_replay_names_what_is_not_the_same(desk: Installation) -> None:
    found = authorization_of(desk)(desk.submit())
    line = found.lines[0]
    forged = replace(found, lines=(replace(line, determination=replace(line.determination, days=3)),))
    differences = [difference for each in replay(desk.payer, STAFF, forged) for difference in each.differences]

    assert differences == [f"days: 3 on record, {line.determination.days} again"]


def test_a_replay_says_when_the_rules_are_not_kept(desk: Installation) -> None:
    found = authorization_of(desk)(desk.submit())
    lost = replace(found, reviews=(replace(found.reviews[0], content="f" * 64),))
    assert [each.differences for each in replay(desk.payer, STAFF, lost)] == [
        ("the content ffffffffffff of this review is not kept",)
    ]


def placet_on(desk: Installation, store_uri: str, *arguments: str) -> tuple[int, str]:
    """A command on the same store: exit status and output."""
    environment = {"MONGODB_URI": store_uri, "PLACET_DATABASE": desk.database.name, "COLUMNS": "200"}
    done = CliRunner().invoke(placet, arguments, env=environment)
    return done.exit_code, done.output


def test_the_commands_say_the_same(desk: Installation, store_uri: str) -> None:
    record = desk.submit("several-lines")
    status, trace = placet_on(desk, store_uri, "show", "--trace", record["id"])
    assert status == 0
    assert all(line["number"] in trace for line in record["lines"])
    assert "turned by" in trace
    status, replayed = placet_on(desk, store_uri, "replay", record["lines"][0]["number"])
    assert (status, "6 of 6 compared are the same" in replayed) == (0, True)

    status, extended = placet_on(desk, store_uri, "extend", record["id"], "--reason", "The report comes next week.")
    assert (status, extended.startswith("due ")) == (0, True)
    status, again = placet_on(desk, store_uri, "extend", record["id"], "--reason", "Once more.")
    assert (status, "extended once" in again) == (1, True)
    assert "clock     running, extended, 13 days" in placet_on(desk, store_uri, "show", record["id"])[1]

    deny = ["deny", "--line", "3", "--reason", "0F", "--note", "Not yet.", "--criterion", "low-oxygen"]
    assert placet_on(desk, store_uri, "decide", record["id"], *deny)[0] == 0
    assert desk.record(record["id"])["lines"][2]["reasons"][0]["criterion"] == "low-oxygen"


def test_a_command_that_replays_another_answer_says_so_and_fails(desk: Installation, store_uri: str) -> None:
    found = authorization_of(desk)(desk.submit())
    line = found.lines[0]
    forged = (replace(line, determination=replace(line.determination, days=3)),)
    desk.payer.authorizations.change(STAFF, replace(found, version=2, lines=forged), None)
    status, replayed = placet_on(desk, store_uri, "replay", found.id)

    assert status == 1
    assert f"days: 3 on record, {line.determination.days} again" in replayed


def test_what_a_person_decided_is_made_again_but_not_compared(desk: Installation) -> None:
    record = desk.submit()
    desk.decide(record, DENIAL)
    replayed = replay(desk.payer, STAFF, authorization_of(desk)(record))

    assert [(each.recorded, each.again, each.note) for each in replayed] == [
        ("denied", "pended", "a person has decided since")
    ]


def test_a_week_passes(desk: Installation) -> None:
    """Pended, due, extended by nobody, breached: seen in the record and in the worklist."""
    record = desk.submit()
    assert record["clock"]["state"] == "running"
    tomorrow = (desk.clock.now() + timedelta(days=1)).date().isoformat()
    assert desk.call(f"/api/worklist?due-before={tomorrow}")[1]["waiting"] == []

    desk.clock.move_to(timedelta(days=6, hours=23))
    at_last = desk.record(record["id"])["clock"]
    assert (at_last["state"], at_last["breached"]) == ("running", False)
    assert 0 < at_last["remaining"] <= 3600
    soon = (desk.clock.now() + timedelta(days=2)).date().isoformat()
    waiting = desk.call(f"/api/worklist?status=pended&due-before={soon}")[1]["waiting"]
    assert [each["id"] for each in waiting] == [record["id"]]

    desk.clock.move_to(timedelta(days=7, hours=1))
    late = desk.record(record["id"])["clock"]
    assert (late["state"], late["breached"]) == ("breached", True)
    assert late["remaining"] < 0
    assert desk.call(f"/api/authorizations/{record['id']}/extension", {"version": 1, "reason": "too late"})[0] == 409

    assert desk.decide(record, DENIAL)[0] == 200
    assert desk.record(record["id"])["clock"]["breached"]
    assert desk.call(f"/api/worklist?due-before={soon}")[1]["waiting"] == []


def test_more_time_is_taken_once_and_the_submitter_hears_of_it(desk: Installation) -> None:
    record = desk.submit()
    path = f"/api/authorizations/{record['id']}/extension"
    status, extended = desk.call(path, {"version": 1, "reason": "The imaging report comes next week."})

    assert status == 200
    assert extended["clock"]["extended"]
    days = timedelta(seconds=extended["clock"]["remaining"]).days
    assert days == 13
    assert [(each["kind"], each["line"]) for each in desk.notices(record)] == [("extended", None)]
    assert desk.call(path, {"version": 2, "reason": "Still not there."})[0] == 409


def test_what_a_code_requires_is_looked_up(desk: Installation) -> None:
    status, found = desk.call("/api/requirements?plan=commercial&code=E1390")

    assert status == 200
    assert found["requirements"][0]["authorization"] == "needed"
    assert found["requirements"][0]["topic"].startswith("home-oxygen@")
    assert desk.call("/api/requirements?plan=nobody&code=E1390")[0] == 404
    assert desk.call("/api/requirements?plan=commercial")[0] == 400


@pytest.mark.parametrize("token", [NORTH_TOKEN, "nobody-knows-this-token", ""])
def test_the_desk_is_for_staff(desk: Installation, token: str) -> None:
    record = desk.submit()
    expected = 403 if token == NORTH_TOKEN else 401
    for path, body in (
        (f"/api/authorizations/{record['id']}", None),
        (f"/api/authorizations/{record['id']}/trace", None),
        (f"/api/authorizations/{record['id']}/lines/1/determination", DENIAL),
        ("/api/worklist", None),
        ("/api/requirements?code=E1390", None),
    ):
        status, refused = desk.call(path, body, token)
        assert (status, refused["resourceType"]) == (expected, "OperationOutcome")
    assert desk.call("/fhir/ClaimResponse/1", token=NURSE_TOKEN)[0] == 401  # and staff is no caller
