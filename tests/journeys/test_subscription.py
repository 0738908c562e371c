"""A sending system subscribes to changed answers, sees only its own, changes and ends it (PAS spec-51, 54 to 59)."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from profiles import issues_in
from server.authorization.subscription import LONGEST, MOST_LIVE, failed, gone, handshaken
from server.payer import Caller
from server.settings import Settings
from tests.journeys.conftest import NORTH_TOKEN, SOUTH_TOKEN, Journey
from tests.mappers.subscriptions import (
    BACKPORT,
    NPI,
    PROBLEMS,
    SECRET,
    TOPIC,
    a_subscription_resource,
    filtered,
    numbered,
    wrong,
)

Json = dict[str, Any]
Make = Callable[..., Journey]

PATH = "/fhir/Subscription"
PROFILE = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/profile-subscription"
STATUS_PROFILE = BACKPORT + "backport-subscription-status-r4"
SECOND_TOKEN = "second-system-token-0123456789"
NORTH = Caller("north-portal", "north-clinic", (NPI,), ("SND-0001",))


def callers() -> Settings:
    """Two systems of one organization, and one of another; each may hear of organizations of its own."""
    tokens = [
        {
            "token": NORTH_TOKEN,
            "name": "north-portal",
            "organization": "north-clinic",
            "npis": NPI,
            "org_ids": "SND-0001",
        },
        {"token": SECOND_TOKEN, "name": "north-billing", "organization": "north-clinic", "npis": NPI},
        {"token": SOUTH_TOKEN, "name": "south-portal", "organization": "south-clinic", "npis": NPI},
    ]
    return Settings.from_environment({"PLACET_TOKENS": json.dumps(tokens)})


@pytest.fixture
def installation(new_journey: Make) -> Journey:
    """An installation with these callers."""
    return new_journey(callers())


def sent(journey: Journey, method: str, path: str, body: Json | None = None, token: str = NORTH_TOKEN) -> Any:
    """Status, headers and JSON of what a request is answered; every resource in it is valid."""
    reply = journey.client.open(
        path,
        method=method,
        data=None if body is None else json.dumps(body),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/fhir+json"},
    )
    answer = json.loads(reply.data) if reply.data else None
    if answer is not None:
        valid(answer)
    return reply.status_code, reply.headers, answer


def valid(resource: Json) -> None:
    """Holds an answer to R4 and to the profile of what it is."""
    profiles = {"Subscription": PROFILE, "Parameters": STATUS_PROFILE}
    found = issues_in(resource, profiles.get(resource["resourceType"]))
    assert [issue for issue in found if issue.refuses] == []
    for entry in resource.get("entry", ()):
        valid(entry["resource"])


def created(journey: Journey, resource: Json | None = None, token: str = NORTH_TOKEN) -> Json:
    """A subscription that was taken, as it was answered."""
    status, _, answer = sent(journey, "POST", PATH, resource or a_subscription_resource(), token)
    assert status == 201, answer
    return dict(answer)


def test_a_subscription_is_kept_and_told(installation: Journey) -> None:
    status, headers, answer = sent(installation, "POST", PATH, a_subscription_resource())
    assert status == 201
    assert headers["Location"] == f"http://localhost{PATH}/{answer['id']}"
    assert headers["Cache-Control"] == "no-store"
    assert answer["status"] == "requested"
    assert answer["channel"]["header"] == [f"Authorization: {SECRET}"]
    assert (answer["criteria"], answer["_criteria"], answer["reason"]) == (
        TOPIC,
        a_subscription_resource()["_criteria"],
        "Hear of changed answers.",
    )
    assert answer["channel"]["_payload"] == a_subscription_resource()["channel"]["_payload"]
    assert answer["meta"]["profile"] == [PROFILE]


def test_later_nobody_reads_its_secrets(installation: Journey) -> None:
    made = created(installation)
    one = f"{PATH}/{made['id']}"
    for path in (one, PATH, f"{PATH}?_id={made['id']}", f"{one}/$status", f"{PATH}/$status"):
        reply = installation.client.get(path, headers={"Authorization": f"Bearer {NORTH_TOKEN}"})
        assert reply.status_code == 200
        assert b"s3cret" not in reply.data
    _, _, read = sent(installation, "GET", one)
    assert read == made | {"channel": made["channel"] | {"header": ["Authorization: ***"]}}


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        (a_subscription_resource(status="active"), {"status": "requested"}),
        (a_subscription_resource(criteria=f"{TOPIC}|2.2.1"), {"criteria": TOPIC}),
        (a_subscription_resource(error="an old one", id="mine"), {"error": None}),
        (
            a_subscription_resource(contact=[{"system": "phone", "value": "1"}]),
            {"contact": [{"system": "phone", "value": "1"}]},
        ),
        (a_subscription_resource(meta={"profile": [BACKPORT + "backport-subscription"]}), {}),
        (a_subscription_resource(channel_header=["X-One:1", "X-Two: a b"]), {"header": ["X-One: 1", "X-Two: a b"]}),
        (a_subscription_resource(channel_header=None), {"header": None}),
        (a_subscription_resource(channel_payload="application/json"), {"payload": "application/json"}),
        (
            a_subscription_resource(channel_payload="application/fhir+json; fhirVersion=4.0"),
            {"payload": "application/fhir+json; fhirVersion=4.0"},
        ),
        (filtered("orgIdentifier=SND-0001", f"org-identifier={NPI}"), {}),
    ],
)
def test_what_is_taken_and_how_it_is_kept(installation: Journey, wanted: Json, kept: Json) -> None:
    made = created(installation, wanted)
    for name, value in kept.items():
        assert (made["channel"] if name in ("header", "payload") else made).get(name) == value
    assert made["id"] != "mine"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"heartbeat_period": 1}, {"heartbeat_period": 60}),
        ({"heartbeat_period": 3600}, {"heartbeat_period": 3600}),
        ({"heartbeat_period": 10**6}, {"heartbeat_period": 86_400}),
        ({"heartbeat_period": 0}, {}),
        ({"timeout": 90}, {"timeout": 30}),
        ({"timeout": 5, "max_count": 51}, {"timeout": 5, "max_count": 50}),
    ],
)
def test_numbers_are_kept_within_bounds_and_told(installation: Journey, given: Json, kept: Json) -> None:
    made = created(installation, numbered(**given))
    assert made["channel"].get("extension", []) == numbered(**kept)["channel"]["extension"]


@pytest.mark.parametrize(("days", "kept"), [(-2000, LONGEST.days), (10, 10), (400, LONGEST.days)])
def test_the_end_is_ahead_within_a_year(installation: Journey, days: int, kept: int) -> None:
    now = installation.clock()
    made = created(installation, a_subscription_resource(end=(now + timedelta(days=days)).isoformat()))
    assert made["end"] == (now + timedelta(days=kept)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_what_is_not_taken_new_is_not_taken_as_a_change(installation: Journey) -> None:
    made = created(installation)
    for problem in PROBLEMS:
        status, _, outcome = sent(installation, "PUT", f"{PATH}/{made['id']}", wrong(problem) | {"id": made["id"]})
        off = problem.get("set") == {"status": "off"}
        assert status == (200 if off else problem.get("status", 422)), problem["fact"]
        assert off or outcome["resourceType"] == "OperationOutcome"
        if off:
            sent(installation, "PUT", f"{PATH}/{made['id']}", made)
    assert sent(installation, "GET", f"{PATH}/{made['id']}")[2]["status"] == "requested"


def test_everything_wrong_with_it_is_one_outcome(installation: Journey) -> None:
    problem = PROBLEMS[-1]
    status, _, outcome = sent(installation, "POST", PATH, wrong(problem))
    assert (status, outcome["resourceType"]) == (422, "OperationOutcome")
    assert [issue["expression"] for issue in outcome["issue"]] == [[place] for place, _ in problem["issues"]]
    assert sent(installation, "GET", PATH)[2]["total"] == 0


def test_something_else_is_no_subscription(installation: Journey) -> None:
    status, _, outcome = sent(installation, "POST", PATH, {"resourceType": "Patient"})
    assert status == 400
    assert outcome["issue"][0]["code"] == "structure"


def test_in_the_sandbox_every_organization_may_be_named(new_journey: Make) -> None:
    sandbox = new_journey(Settings.from_environment({}, sandbox=True))
    made = created(sandbox, filtered("org-identifier=8189991234", channel_endpoint="http://127.0.0.1:9/hook"))
    assert made["status"] == "requested"


@pytest.mark.parametrize("token", [SOUTH_TOKEN, SECOND_TOKEN], ids=["another organization", "another system"])
def test_anothers_subscription_does_not_exist(installation: Journey, token: str) -> None:
    made = created(installation)
    for method, tail, body in (
        ("GET", "", None),
        ("PUT", "", made),
        ("DELETE", "", None),
        ("GET", "/$status", None),
        ("POST", "/$status", {"resourceType": "Parameters"}),
    ):
        theirs = sent(installation, method, f"{PATH}/{made['id']}{tail}", body, token)
        nobodys = sent(installation, method, f"{PATH}/nobodys{tail}", body and body | {"id": "nobodys"}, token)
        assert theirs[0] == nobodys[0] == 404
        assert theirs[2] == nobodys[2]
    assert sent(installation, "GET", PATH, token=token)[2]["total"] == 0
    assert sent(installation, "GET", f"{PATH}/$status?id={made['id']}", token=token)[2]["total"] == 0
    assert sent(installation, "GET", f"{PATH}/{made['id']}")[0] == 200


def test_a_client_has_twenty_live_ones(installation: Journey) -> None:
    made = [created(installation) for _ in range(MOST_LIVE)]
    status, _, outcome = sent(installation, "POST", PATH, a_subscription_resource())
    assert (status, outcome["issue"][0]["code"]) == (422, "too-costly")
    created(installation, token=SECOND_TOKEN)
    assert sent(installation, "DELETE", f"{PATH}/{made[0]['id']}")[0] == 204
    created(installation)


def test_its_life_in_the_hands_of_its_owner(installation: Journey) -> None:
    made = created(installation)
    one, kept = f"{PATH}/{made['id']}", installation.payer.subscriptions
    now = installation.clock()

    kept.move(made["id"], 1, lambda subscription: handshaken(subscription, now))
    assert sent(installation, "GET", one)[2]["status"] == "active"

    kept.move(made["id"], 1, lambda subscription: failed(subscription, now))
    in_error = sent(installation, "GET", one)[2]
    assert (in_error["status"], in_error["error"]) == ("error", "no-response")

    installation.clock.move(hours=1)
    status, _, again = sent(installation, "PUT", one, made | {"reason": "Changed.", "status": "active"})
    assert (status, again["status"], again["reason"]) == (200, "requested", "Changed.")
    assert again["channel"]["header"] == [f"Authorization: {SECRET}"]
    assert "error" not in again

    assert kept.move(made["id"], 1, lambda subscription: handshaken(subscription, now)) is None
    kept.move(made["id"], 2, lambda subscription: handshaken(subscription, now))
    read = sent(installation, "GET", one)[2]
    assert read["status"] == "active"

    status, _, over = sent(installation, "PUT", one, read | {"status": "off"})
    assert (status, over["status"]) == (200, "off")
    assert kept.move(made["id"], 3, lambda subscription: handshaken(subscription, now)).state.value == "off"

    assert sent(installation, "DELETE", one)[0] == 204
    assert sent(installation, "DELETE", one)[0] == 404
    assert sent(installation, "GET", one)[0] == 404
    assert sent(installation, "PUT", one, made)[0] == 404


def test_an_update_names_its_own_id(installation: Journey) -> None:
    made = created(installation)
    status, _, outcome = sent(installation, "PUT", f"{PATH}/{made['id']}", made | {"id": "another"})
    assert (status, outcome["issue"][0]["expression"]) == (400, ["Subscription.id"])


def test_of_two_changes_at_once_one_is_told(installation: Journey, monkeypatch: pytest.MonkeyPatch) -> None:
    made = created(installation)
    kept, now = installation.payer.subscriptions, installation.clock()
    read = kept.get(NORTH, made["id"])
    kept.move(made["id"], 1, lambda subscription: handshaken(subscription, now))  # between reading and writing
    monkeypatch.setattr(type(kept), "get", lambda *_: read)
    status, _, outcome = sent(installation, "PUT", f"{PATH}/{made['id']}", made)
    assert (status, outcome["issue"][0]["code"]) == (409, "conflict")


def test_a_search_finds_ones_own(installation: Journey) -> None:
    first = created(installation, a_subscription_resource(channel_endpoint="https://one.example.org/a,b"))
    installation.clock.move(seconds=1)
    second = created(installation, a_subscription_resource(channel_endpoint="https://two.example.org/"))
    created(installation, token=SOUTH_TOKEN)
    kept, now = installation.payer.subscriptions, installation.clock()
    kept.move(second["id"], 1, lambda subscription: gone(subscription, now))

    def found(query: str) -> list[str]:
        status, _, bundle = sent(installation, "GET", f"{PATH}{query}")
        assert (status, bundle["type"]) == (200, "searchset")
        assert bundle["total"] == len(bundle.get("entry", ()))
        for entry in bundle.get("entry", ()):
            assert entry["fullUrl"] == f"http://localhost{PATH}/{entry['resource']['id']}"
        return [entry["resource"]["id"] for entry in bundle.get("entry", ())]

    one, two = first["id"], second["id"]
    assert found("") == found("?_format=json&_count=10") == [one, two]
    assert found("?status=requested") == found("?status=http://hl7.org/fhir/subscription-status|requested") == [one]
    assert found("?status=off,active") == [two]
    assert found("?status=off&status=requested") == []
    assert found(f"?_id={one},{two}") == [one, two]
    assert found(f"?_id={one}&status=off") == []
    assert found("?url=https://two.example.org/") == [two]
    assert found("?url=https://one.example.org/a%5C,b") == [one]
    assert found("?url=https://two.example.org") == []


@pytest.mark.parametrize("query", ["?criteria=x", "?status:not=off", "?_lastUpdated=gt2020"])
def test_what_is_not_searched_by_is_said(installation: Journey, query: str) -> None:
    status, _, outcome = sent(installation, "GET", PATH + query)
    assert (status, outcome["issue"][0]["code"]) == (400, "not-supported")
    assert "url" in outcome["issue"][0]["diagnostics"]


def statuses(bundle: Json) -> list[tuple[str, str, str]]:
    """Id, status and count of events of each."""
    told = []
    for entry in bundle.get("entry", ()):
        values = {
            each["name"]: next(v for k, v in each.items() if k != "name") for each in entry["resource"]["parameter"]
        }
        assert (values["type"], values["topic"]) == ("query-status", TOPIC)
        assert entry["search"] == {"mode": "match"}
        subscription = values["subscription"]["reference"]
        assert subscription.startswith(f"http://localhost{PATH}/")
        told.append((subscription.rpartition("/")[2], values["status"], values["events-since-subscription-start"]))
    return told


def test_how_one_stands(installation: Journey) -> None:
    made = created(installation)
    one, kept, now = made["id"], installation.payer.subscriptions, installation.clock()
    assert statuses(sent(installation, "GET", f"{PATH}/{one}/$status")[2]) == [(one, "requested", "0")]

    kept.next_event_number(one, "an event")
    kept.move(one, 1, lambda subscription: failed(subscription, now))
    for method, body in (("GET", None), ("POST", {"resourceType": "Parameters"})):
        status, _, bundle = sent(installation, method, f"{PATH}/{one}/$status", body)
        assert (status, bundle["type"], bundle["total"]) == (200, "searchset", 1)
        assert statuses(bundle) == [(one, "error", "1")]
        error = bundle["entry"][0]["resource"]["parameter"][-1]
        assert error["valueCodeableConcept"]["coding"][0]["code"] == "no-response"


def test_how_all_stand(installation: Journey) -> None:
    one = created(installation)["id"]
    installation.clock.move(seconds=1)
    two = created(installation)["id"]
    created(installation, token=SOUTH_TOKEN)
    kept, now = installation.payer.subscriptions, installation.clock()
    kept.move(two, 1, lambda subscription: handshaken(subscription, now))

    def asked(*pairs: tuple[str, str]) -> list[str]:
        query = "&".join(f"{name}={value}" for name, value in pairs)
        types = {"id": "valueId", "status": "valueCode"}
        body = {"resourceType": "Parameters", "parameter": [{"name": n, types[n]: v} for n, v in pairs]}
        body = body if pairs else {"resourceType": "Parameters"}
        got = statuses(sent(installation, "GET", f"{PATH}/$status?{query}")[2])
        assert got == statuses(sent(installation, "POST", f"{PATH}/$status", body)[2])
        return [each[0] for each in got]

    assert asked() == [one, two]
    assert asked(("id", one)) == [one]
    assert asked(("id", one), ("id", two), ("id", "nobodys")) == [one, two]
    assert asked(("status", "active"), ("status", "error")) == [two]
    assert asked(("id", one), ("status", "active")) == []


@pytest.mark.parametrize(
    ("query", "body"),
    [
        ("?ids=1", None),
        ("", {"resourceType": "Patient"}),
        ("", {"resourceType": "Parameters", "parameter": [{"name": "other", "valueId": "1"}]}),
        ("", {"resourceType": "Parameters", "parameter": [{"name": "id", "valueBoolean": True}]}),
    ],
)
def test_what_status_does_not_take_is_said(installation: Journey, query: str, body: Json | None) -> None:
    status, _, outcome = sent(installation, "GET" if body is None else "POST", f"{PATH}/$status{query}", body)
    assert status == 400
    assert outcome["issue"][0]["diagnostics"]


def test_the_capability_statement_says_it(installation: Journey) -> None:
    statement = json.loads(installation.client.get("/fhir/metadata").data)
    [told] = [each for each in statement["rest"][0]["resource"] if each["type"] == "Subscription"]
    assert {each["code"] for each in told["interaction"]} == {"create", "read", "update", "delete", "search-type"}
    assert {each["name"] for each in told["searchParam"]} == {"_id", "status", "url"}
    assert told["supportedProfile"] == [PROFILE, BACKPORT + "backport-subscription"]
    [topic] = [each for each in told["extension"] if each["url"].endswith("subscriptiontopic-canonical")]
    assert topic["valueCanonical"] == TOPIC
    backport = "http://hl7.org/fhir/uv/subscriptions-backport/"
    assert {each["definition"] for each in told["operation"] if each["name"] == "status"} == {
        f"{backport}OperationDefinition/backport-subscription-status"
    }
    assert statement["instantiates"] == [f"{backport}CapabilityStatement/backport-subscription-server-r4"]
    assert [issue for issue in issues_in(statement) if issue.refuses] == []
