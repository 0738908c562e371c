"""The desk's door: what is read strictly, who is let in, and that the description is what is there."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from mappers.wire import to_bytes
from server.payer import Caller, Staff
from server.settings import StaffToken, Token
from server.web.desk import ROUTES, described

Json = dict[str, Any]
LINE = "/api/authorizations/N/lines/1/determination"
EXTENSION = "/api/authorizations/N/extension"
DENIAL = {"decision": "deny", "version": 1, "reason": "0F", "criterion": "c", "words": "No."}


def posted(client: FlaskClient, body: Any, path: str = LINE, **headers: str) -> tuple[int, Json]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    reply = client.post(path, data=data, headers={"Content-Type": "application/json", **headers})
    assert reply.content_type == "application/json; charset=utf-8"
    return reply.status_code, json.loads(reply.data)


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, ["decision"]),
        ({"decision": "approve"}, ["decision"]),
        ({"decision": ["deny"]}, ["decision"]),
        ({"decision": {"$ne": ""}}, ["decision"]),
        ({"decision": "deny"}, ["reason", "criterion", "words"]),
        ({**DENIAL, "words": "  "}, ["words"]),
        ({**DENIAL, "words": "a\u0000b"}, ["words"]),
        ({**DENIAL, "words": "x" * 4001}, ["words"]),
        ({**DENIAL, "reason": {"$gt": ""}}, ["reason"]),
        ({**DENIAL, "mood": "good"}, ["mood"]),
        ({**DENIAL, "version": True}, ["version"]),
        ({**DENIAL, "version": "1"}, ["version"]),
        ({**DENIAL, "version": 0}, ["version"]),
        ({**DENIAL, "version": 1.5}, ["version"]),
        ({**DENIAL, "decision": "modify"}, ["units"]),
        ({**DENIAL, "decision": "modify", "units": 0}, ["units"]),
        ({**DENIAL, "decision": "modify", "units": True}, ["units"]),
        ({**DENIAL, "decision": "modify", "units": "NaN"}, ["units"]),
        ({**DENIAL, "decision": "modify", "start": "tomorrow"}, ["start"]),
        ({**DENIAL, "decision": "modify", "start": "2026-02-30"}, ["start"]),
        ({**DENIAL, "decision": "modify", "start": "2026-03-02", "end": "2026-03-01"}, ["end"]),
        ({"decision": "ask", "version": 1}, ["documents"]),
        ({"decision": "ask", "version": 1, "documents": [{"code": "1"}]}, ["documents.0.words"]),
        ({"decision": "ask", "version": 1, "questions": [""]}, ["questions.0"]),
        ({"decision": "assign", "version": 1}, ["to"]),
        ({"decision": "note", "version": 1}, ["words"]),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(client: FlaskClient, body: Json, places: list[str]) -> None:
    status, refused = posted(client, body)

    assert status == 400
    assert [issue["expression"] for issue in refused["issue"]] == [[place] for place in places]
    assert "SMITH" not in json.dumps(refused)


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"[]", {}, 400),
        (b"", {}, 400),
        (b'{"decision": "deny", "decision": "certify"}', {}, 400),
        (b'{"version": NaN}', {}, 400),
        (b"[" * 5000, {}, 400),
        (b'{"words": "' + b"x" * 300_000 + b'"}', {}, 413),
        (b"decision=certify", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Encoding": "gzip"}, 415),
    ],
    ids=["list", "nothing", "twice", "NaN", "deep", "large", "form", "text", "compressed"],
)
def test_what_is_not_one_json_object_is_refused(
    client: FlaskClient, body: bytes, headers: dict[str, str], status: int
) -> None:
    assert [posted(client, body, path, **headers)[0] for path in (LINE, EXTENSION)] == [status, status]


def test_the_sandbox_asks_nobody_and_others_ask_for_a_staff_token(door: Callable[..., Flask]) -> None:
    tokens = {"nurse": "a-token-of-the-nurse-1234", "north": "a-token-of-north-clinic-1"}
    digests = {name: sha256(token.encode()).digest() for name, token in tokens.items()}
    client = door(
        tokens=(Token(digests["north"], Caller("north", "north")),),
        staff_tokens=(StaffToken(digests["nurse"], Staff("nurse")),),
    ).test_client()

    def status(**headers: str) -> int:
        return posted(client, {}, **headers)[0]

    assert status() == 401
    assert status(Authorization="Basic bnVyc2U6") == 401
    assert status(Authorization="Bearer unknown-unknown-unknown") == 401
    assert status(Authorization=f"Bearer {tokens['north']}") == 403
    assert status(Authorization=f"Bearer {tokens['nurse']}") == 400  # let in, and told that {} is no decision
    assert posted(door(sandbox=True).test_client(), {})[0] == 400


def test_another_machine_name_is_not_let_in_where_nobody_signs_in(client: FlaskClient) -> None:
    assert client.get("/api/worklist", headers={"Host": "evil.example"}).status_code == 400


@pytest.mark.parametrize(
    "query", ["status=approved", "due-before=soon", "due-before=0001-01-01T00:00%2B14:00", "waits-for=godot", "page=2"]
)
def test_a_worklist_that_does_not_exist_is_refused(client: FlaskClient, query: str) -> None:
    reply = client.get(f"/api/worklist?{query}")
    assert (reply.status_code, reply.json["issue"][0]["expression"]) == (400, [query.partition("=")[0]])


def test_the_description_names_every_route_and_no_other(client: FlaskClient) -> None:
    document = client.get("/api/openapi.json").json
    told = {(method.upper(), f"/api{path}") for path, methods in document["paths"].items() for method in methods}
    rules = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in client.application.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint.startswith("desk.") and rule.endpoint not in ("desk.openapi", "desk.docs")
    }
    assert document["openapi"] == "3.1.0"
    assert told == rules
    assert len(told) == len(ROUTES)


def test_every_reference_of_the_description_is_there() -> None:
    document = described()
    names = set(re.findall(r'"#/components/schemas/(\w+)"', to_bytes(document).decode()))
    assert names
    assert names <= document["components"]["schemas"].keys()
    denial = document["components"]["schemas"]["Deny"]
    assert set(denial["required"]) == {"reason", "criterion", "words"}


def test_the_page_shows_all_of_it_and_takes_nothing_from_elsewhere(client: FlaskClient) -> None:
    reply = client.get("/api/docs")
    page = reply.get_data(as_text=True)
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)

    assert reply.content_type.startswith("text/html")
    assert style is not None
    digest = b64encode(sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in reply.headers["Content-Security-Policy"]
    assert "default-src 'none'" in reply.headers["Content-Security-Policy"]
    assert not re.search(r"https?://[^<\s]*\.(?:js|css)|<script|<link|<img|style=", page)
    for operation in (each for path in described()["paths"].values() for each in path.values()):
        assert f'id="{operation["operationId"]}"' in page
    for name in described()["components"]["schemas"]:
        assert f'id="{name}"' in page
    anchors = set(re.findall(r'href="#(\w+)"', page))
    assert anchors <= set(re.findall(r'id="(\w+)"', page))
