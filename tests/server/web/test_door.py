"""What holds on every path: statuses, outcomes in JSON, headers, formats, hosts, one log line that tells nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
from fhir.resources.R4B.capabilitystatement import CapabilityStatement
from fhir.resources.R4B.operationoutcome import OperationOutcome
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mappers.operation_outcome import operation_outcome
from profiles.issue import Issue
from server import errors
from server.web.journal import JsonLines, Readable
from server.web.outcome import STATUS, status_of

Door = Callable[..., Flask]
BASIC = b'{"resourceType":"Basic","x":1.10}'
FHIR = {"Content-Type": "application/fhir+json"}


def issues_of(response: TestResponse, status: int) -> list[dict[str, Any]]:
    """The issues of the OperationOutcome that this answer is."""
    assert response.status_code == status
    assert response.content_type == "application/fhir+json; charset=utf-8"
    issues: list[dict[str, Any]] = json.loads(response.data)["issue"]
    OperationOutcome.model_validate_json(response.data)
    return issues


# ---- answers ---------------------------------------------------------------------------------------------------------


def test_a_resource_is_written_with_its_decimals(client: FlaskClient) -> None:
    response = client.post("/fhir/Basic/$echo", data=BASIC, headers=FHIR)

    assert (response.status_code, response.data) == (200, BASIC)
    assert response.content_type == "application/fhir+json; charset=utf-8"


def test_bytes_go_out_as_they_are(client: FlaskClient) -> None:
    raw = b' {"resourceType" : "Basic", "x":1.0e2}\n'

    assert client.post("/fhir/Basic/$echo?as=bytes", data=raw, headers=FHIR).data == raw


def test_every_operation_has_its_own_handler(client: FlaskClient) -> None:
    assert client.post("/fhir/$whole", data=BASIC, headers=FHIR).data == BASIC
    assert json.loads(client.get("/fhir/Basic/a-1.b").data)["id"] == "a-1.b"


def test_the_base_is_what_the_caller_used_unless_a_public_one_is_set(door: Door) -> None:
    own = door(sandbox=True).test_client().get("/fhir/Basic/a", headers={"Host": "localhost:8080"})
    public = door(sandbox=True, base_url="https://pas.example.org/fhir").test_client()
    proxied = public.get("/fhir/Basic/a", headers={"Host": "pas.example.org"})

    assert own.json and own.json["implicitRules"] == "http://localhost:8080/fhir"
    assert proxied.json and proxied.json["implicitRules"] == "https://pas.example.org/fhir"


def test_the_front_page_is_for_people(client: FlaskClient) -> None:
    response = client.get("/")

    assert response.mimetype == "text/html" and b"/fhir/metadata" in response.data


# ---- refusals --------------------------------------------------------------------------------------------------------

REFUSED: tuple[tuple[str, str, dict[str, Any], int, str], ...] = (
    ("GET", "/nowhere", {}, 404, "not-found"),
    ("GET", "/fhir", {}, 404, "not-found"),
    ("GET", "/fhir/", {}, 404, "not-found"),
    ("GET", "/fhir/Patient/1", {}, 404, "not-found"),
    ("GET", "/fhir//metadata", {}, 404, "not-found"),
    ("GET", "/fhir/metadata/", {}, 404, "not-found"),
    ("GET", "/fhir/../metadata", {}, 404, "not-found"),
    ("GET", "/fhir/Basic/a%00b", {}, 404, "not-found"),
    ("GET", "/fhir/Basic/a%0d%0ab", {}, 404, "not-found"),
    ("GET", "/fhir/Basic/a%2fb", {}, 404, "not-found"),
    ("GET", "/fhir/Basic/" + "a" * 65, {}, 404, "not-found"),
    ("GET", "/fhir/Basic/$echo", {}, 405, "not-supported"),
    ("GET", "/fhir/Basic/missing", {}, 404, "not-found"),
    ("POST", "/fhir/Basic/$other", {}, 404, "not-found"),
    ("POST", "/fhir/Basic/a1", {}, 405, "not-supported"),
    ("PUT", "/fhir/Basic/a1", {}, 405, "not-supported"),
    ("DELETE", "/fhir/Basic/$echo", {}, 405, "not-supported"),
    ("OPTIONS", "/fhir/Basic/$echo", {}, 405, "not-supported"),
    ("OPTIONS", "/fhir/metadata", {}, 405, "not-supported"),
    ("BREW", "/fhir/metadata", {}, 405, "not-supported"),
    ("POST", "/health", {}, 405, "not-supported"),
    ("GET", "/fhir/metadata", {"Accept": "application/fhir+xml"}, 406, "not-supported"),
    ("GET", "/fhir/metadata", {"Accept": "text/html, application/xml;q=0.9"}, 406, "not-supported"),
    ("GET", "/fhir/metadata", {"Accept": "application/json;q=0"}, 406, "not-supported"),
    ("GET", "/fhir/metadata", {"Accept": "application/fhir+json; fhirVersion=5.0"}, 406, "not-supported"),
    ("GET", "/fhir/metadata?_format=xml", {}, 406, "not-supported"),
    ("GET", "/fhir/Basic/a1?_format=text/turtle", {}, 406, "not-supported"),
    ("POST", "/fhir/Basic/$echo", {}, 415, "not-supported"),
    ("POST", "/fhir/Basic/$echo", {"Content-Type": "application/xml"}, 415, "not-supported"),
    ("POST", "/fhir/Basic/$echo", {"Content-Type": "text/json"}, 415, "not-supported"),
    ("POST", "/fhir/Basic/$echo", {"Content-Type": "application/json; charset=utf-16"}, 415, "not-supported"),
    ("POST", "/fhir/Basic/$echo", {"Content-Type": "application/fhir+json; fhirVersion=3.0"}, 415, "not-supported"),
    ("POST", "/fhir/Basic/$echo", {**FHIR, "Content-Encoding": "gzip"}, 415, "not-supported"),
    ("POST", "/fhir/Basic/$echo", {**FHIR, "Content-Length": "0"}, 400, "structure"),
)


@pytest.mark.parametrize(("method", "path", "headers", "status", "code"), REFUSED)
def test_a_refusal_is_one_outcome_with_the_right_status(
    client: FlaskClient, method: str, path: str, headers: dict[str, str], status: int, code: str
) -> None:
    issue, *others = issues_of(client.open(path, method=method, headers=headers), status)

    assert (issue["severity"], issue["code"], others) == ("error", code, [])
    assert len(issue["diagnostics"]) > len(issue["details"]["text"])


@pytest.mark.parametrize(
    ("method", "path", "allowed"), [("HEAD", "/fhir/metadata", "GET"), ("PATCH", "/fhir/Basic/$echo", "POST")]
)
def test_a_wrong_method_is_told_the_right_one(client: FlaskClient, method: str, path: str, allowed: str) -> None:
    response = client.open(path, method=method)

    assert (response.status_code, response.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/json", "application/fhir+json;fhirVersion=4.0", "text/html,*/*;q=0.1"]
)
def test_whoever_reads_json_is_answered(client: FlaskClient, accept: str) -> None:
    assert client.get("/fhir/metadata", headers={"Accept": accept}).status_code == 200


@pytest.mark.parametrize("wanted", ["json", "application/fhir+json", "application%2Ffhir%2Bjson", "application/json"])
def test_the_format_parameter_comes_before_accept(client: FlaskClient, wanted: str) -> None:
    path = f"/fhir/metadata?_format={wanted}"

    assert client.get(path, headers={"Accept": "application/xml"}).status_code == 200


def test_a_body_over_the_limit_of_its_operation_is_too_large(client: FlaskClient) -> None:
    small, large = (b'{"resourceType":"Basic","x":"%s"}' % (b"a" * size) for size in (1900, 2000))

    assert client.post("/fhir/Basic/$echo", data=small, headers=FHIR).status_code == 200
    assert issues_of(client.post("/fhir/Basic/$echo", data=large, headers=FHIR), 413)[0]["code"] == "too-long"


def test_all_problems_of_a_body_are_in_one_outcome(client: FlaskClient) -> None:
    response = client.post("/fhir/Basic/$echo", data=b'{"resourceType":"Basic","a":{},"b":null}', headers=FHIR)

    assert [issue["expression"] for issue in issues_of(response, 400)] == [["Basic.b"], ["Basic.a"]]


# ---- outcomes --------------------------------------------------------------------------------------------------------


def kinds(of: type[errors.Refusal] = errors.Refusal) -> list[type[errors.Refusal]]:
    return [kind for each in of.__subclasses__() for kind in (each, *kinds(each))]


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_refusal_has_a_status(kind: type[errors.Refusal]) -> None:
    assert status_of(kind([])) in {*STATUS.values()}


def test_an_issue_says_what_where_by_which_rule_and_how_to_mend_it() -> None:
    issue = Issue("warning", "required", "Bundle.entry[0]", "Nothing there.", "PAS spec-12", "Add it.", "guide-defect")

    assert operation_outcome([issue])["issue"] == [
        {
            "severity": "warning",
            "code": "required",
            "details": {
                "coding": [
                    {"system": "urn:placet:rule", "code": "PAS spec-12"},
                    {"system": "urn:placet:verdict", "code": "guide-defect"},
                ],
                "text": "Nothing there.",
            },
            "diagnostics": "Nothing there. Add it.",
            "expression": ["Bundle.entry[0]"],
        }
    ]


# ---- bugs and stores -------------------------------------------------------------------------------------------------


def test_a_bug_is_a_reference_that_is_also_in_the_log(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "placet"):
        response = client.post("/fhir/Basic/$echo?break=bug", data=BASIC, headers=FHIR)
    bug, answered = (JsonLines().format(record) for record in caplog.records)

    assert (response.status_code, response.json) == (500, {"reference": response.headers["X-Request-Id"]})
    assert json.loads(bug)["request_id"] == json.loads(answered)["request_id"] == response.headers["X-Request-Id"]
    assert json.loads(bug)["exception"] == ["builtins.ValueError"]
    assert any("conftest.py" in frame and frame.endswith("echo") for frame in json.loads(bug)["frames"])
    assert "SMITH" not in bug + response.text


def test_a_store_that_is_away_is_worth_another_try(client: FlaskClient) -> None:
    response = client.post("/fhir/Basic/$echo?break=store", data=BASIC, headers=FHIR)

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert response.json == {"reference": response.headers["X-Request-Id"]}


def broken() -> bool:
    raise OSError("mongodb://user:password@host")


@pytest.mark.parametrize(("ready", "status"), [(lambda: True, 200), (lambda: False, 503), (broken, 503)])
def test_health_is_that_of_the_store(door: Door, ready: Any, status: int) -> None:
    response = door(ready).test_client().get("/health")

    assert response.status_code == status
    assert b"password" not in response.data


# ---- callers ---------------------------------------------------------------------------------------------------------


def test_the_holder_of_a_token_is_the_caller(signed_in: FlaskClient, token: str) -> None:
    response = signed_in.get("/fhir/Basic/a", headers={"Authorization": f"bearer {token}"})

    assert response.json and response.json["language"] == "north-clinic"


@pytest.mark.parametrize(
    ("header", "code", "challenge"),
    [
        (None, "login", 'Bearer realm="placet"'),
        ("Bearer a-token-of-nobody", "unknown", 'Bearer realm="placet", error="invalid_token"'),
        ("Bearer  two tokens", "unknown", 'Bearer realm="placet", error="invalid_token"'),
        ("Basic bm9ydGg6bm9ydGg=", "unknown", 'Bearer realm="placet", error="invalid_token"'),
        ("Bearer", "unknown", 'Bearer realm="placet", error="invalid_token"'),
        ("Bearer é", "unknown", 'Bearer realm="placet", error="invalid_token"'),
        ("Bearer " + "a" * 5000, "unknown", 'Bearer realm="placet", error="invalid_token"'),
    ],
)
def test_who_is_not_known_is_challenged_before_the_body_is_read(
    signed_in: FlaskClient, header: str | None, code: str, challenge: str
) -> None:
    headers = {"Authorization": header} if header else {}
    response = signed_in.post("/fhir/Basic/$echo", data=b"not JSON, not even FHIR", headers=headers)

    assert issues_of(response, 401)[0]["code"] == code
    assert response.headers["WWW-Authenticate"] == challenge


def test_a_token_in_the_url_is_none(signed_in: FlaskClient, token: str) -> None:
    assert signed_in.get(f"/fhir/Basic/a?access_token={token}").status_code == 401


def test_without_any_token_nobody_is_known(door: Door) -> None:
    assert door().test_client().get("/fhir/Basic/a", headers={"Authorization": "Bearer "}).status_code == 401


@pytest.mark.parametrize("path", ["/fhir/metadata", "/health", "/"])
def test_what_the_server_is_is_told_to_everybody(signed_in: FlaskClient, path: str) -> None:
    assert signed_in.get(path).status_code == 200


# ---- hosts, headers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "host", "status"),
    [
        ({"sandbox": True}, "127.0.0.1:8080", 200),
        ({"sandbox": True}, "[::1]:8080", 200),
        ({"sandbox": True}, "rebound.example", 400),
        ({"sandbox": True, "base_url": "https://pas.example.org/fhir"}, "pas.example.org", 200),
        ({}, "any.example", 200),
        ({}, "a b", 400),
        ({}, "a@b", 400),
        ({"trusted_hosts": ("pas.example.org",)}, "PAS.example.org:443", 200),
        ({"trusted_hosts": ("pas.example.org",)}, "pas.example.org.evil.example", 400),
        ({"trusted_hosts": ("pas.example.org",), "base_url": "https://proxy.example/fhir"}, "proxy.example", 200),
    ],
)
def test_only_the_servers_own_names_are_answered(door: Door, settings: dict[str, Any], host: str, status: int) -> None:
    assert door(**settings).test_client().get("/fhir/metadata", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("path", ["/fhir/metadata", "/nowhere", "/", "/health", "/fhir/Basic/a"])
def test_every_answer_has_the_security_headers(client: FlaskClient, path: str) -> None:
    headers = client.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == ("public, max-age=60" if path == "/fhir/metadata" else "no-store")
    assert "Access-Control-Allow-Origin" not in headers
    assert "Strict-Transport-Security" not in headers


def test_over_https_the_browser_is_told_to_stay_there(client: FlaskClient) -> None:
    assert "max-age" in client.get("/health", base_url="https://localhost").headers["Strict-Transport-Security"]


@pytest.mark.parametrize("given", ["abc-1.2_3", "a" * 64])
def test_a_request_id_comes_back(client: FlaskClient, given: str) -> None:
    assert client.get("/health", headers={"X-Request-Id": given}).headers["X-Request-Id"] == given


@pytest.mark.parametrize("given", [None, "", "a b", "a" * 65, "é"])
def test_without_a_proper_request_id_one_is_made(client: FlaskClient, given: str | None) -> None:
    made = client.get("/health", headers={"X-Request-Id": given} if given is not None else {}).headers["X-Request-Id"]

    assert len(made) == 32 and made != given


# ---- the log ---------------------------------------------------------------------------------------------------------


def logged(caplog: pytest.LogCaptureFixture) -> list[dict[str, Any]]:
    return [json.loads(JsonLines().format(record)) for record in caplog.records if record.name == "placet"]


def test_a_line_per_answer_names_the_route_never_the_record(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "placet"):
        client.get("/fhir/Basic/1234567893?member=SMITH", headers={"X-Request-Id": "r-1"})
        client.post("/fhir/Basic/$echo", data=b'{"SMITH-":"SMITH"}', headers={**FHIR, "Authorization": "Bearer SMITH"})
        client.open("/SMITH", method="SMITH")
    read, echoed, lost = logged(caplog)

    assert {name: read[name] for name in ("level", "event", "request_id", "method", "route", "status", "caller")} == {
        "level": "info",
        "event": "answered",
        "request_id": "r-1",
        "method": "GET",
        "route": "/fhir/Basic/[id]",
        "status": 200,
        "caller": "sandbox",
    }
    assert read["bytes_out"] > 0 and read["ms"] >= 0
    assert (echoed["route"], echoed["issues"], echoed["bytes_in"]) == ("/fhir/Basic/$echo", ["structure"], 18)
    assert (lost["route"], lost["method"], lost["status"]) == ("unknown", "other", 404)
    assert "SMITH" not in json.dumps([read, echoed, lost]) and "1234567893" not in json.dumps(read)


def test_people_read_a_shorter_line(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "placet"):
        client.post("/fhir/Basic/$echo", data=b"{", headers=FHIR)

    assert Readable().format(caplog.records[-1]).startswith("POST /fhir/Basic/$echo  400  ")


@pytest.mark.parametrize(
    "secret", ["123-45-6789", "1234567893", "eyJhbGciOiJub25l.eyJzdWIiOiJhIn0.c2ln", "QUJD" * 60], ids=str.__len__
)
def test_what_looks_like_a_secret_is_taken_out_of_any_line(secret: str) -> None:
    record = logging.LogRecord("library", logging.WARNING, "", 0, f"it was {secret} there", None, None)

    for formatter in (JsonLines(), Readable()):
        assert secret not in formatter.format(record) and "[removed]" in formatter.format(record)


def test_a_librarys_words_are_not_filled_in() -> None:
    record = logging.LogRecord("library", logging.WARNING, "", 0, "got %s", ("SMITH",), None)

    assert json.loads(JsonLines().format(record))["message"] == "got %s"


# ---- the CapabilityStatement -----------------------------------------------------------------------------------------


def test_the_capability_statement_is_valid_and_says_what_the_routes_do(client: FlaskClient) -> None:
    raw = client.get("/fhir/metadata").data
    statement = json.loads(raw)
    CapabilityStatement.model_validate_json(raw)
    rest = statement["rest"][0]

    assert (statement["fhirVersion"], statement["kind"], statement["format"]) == ("4.0.1", "instance", ["json"])
    assert statement["implementation"]["url"] == "http://localhost/fhir"
    assert "instantiates" not in statement
    assert rest["resource"] == [
        {
            "type": "Basic",
            "supportedProfile": ["http://example.org/StructureDefinition/basic"],
            "interaction": [{"code": "read", "documentation": "Reads one back."}],
            "operation": [
                {
                    "name": "echo",
                    "definition": "http://example.org/OperationDefinition/echo",
                    "documentation": "Answers what was sent.",
                }
            ],
        }
    ]
    assert [operation["name"] for operation in rest["operation"]] == ["whole"]


def test_the_capability_statement_tells_how_to_sign_in(client: FlaskClient, signed_in: FlaskClient) -> None:
    words = [
        json.loads(each.get("/fhir/metadata").data)["rest"][0]["security"]["description"]
        for each in (client, signed_in)
    ]

    assert "nobody signs in" in words[0] and "Bearer token" in words[1]
