"""The payer's own eligibility service: what it says is known, and where it fails nobody is rejected."""

from __future__ import annotations

import json
from datetime import date
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from server.authorization.eligibility import UNCONFIRMED, UNKNOWN, Eligibility, Enrollment, Standing
from server.authorization.request import Coverage, Identifier, Member, Period
from server.eligibility_hook import EligibilityHook
from server.outbound import Outbound
from tests.builders import a_request
from tests.other_server import Answer, answering, serving, sleeping

ON = date(2026, 3, 2)


def hook(url: str, token: str = "") -> EligibilityHook:
    return EligibilityHook(url, Outbound(sandbox=True), lambda: {"gold", "silver"}, token, seconds=1)


def asked_about(**more: Any) -> Any:
    member = Member((Identifier("http://example.org/members", "M-1"),), "S-1")
    return a_request(member=member, coverage=Coverage((("plan", "gold"),)), **more)


def known(plan: str, start: date | None = None, end: date | None = None) -> Eligibility:
    return Eligibility(Standing.KNOWN, (Enrollment(plan, Period(start, end)),))


@pytest.mark.parametrize(
    ("answer", "eligibility"),
    [
        ({"covered": True, "plan": "silver"}, known("silver")),
        ({"covered": True}, known("")),
        (
            {"covered": True, "plan": "gold", "period": {"start": "2026-01-01", "end": "2026-12-31"}},
            known("gold", date(2026, 1, 1), date(2026, 12, 31)),
        ),
        ({"covered": True, "period": {"end": "2026-12-31"}}, known("", None, date(2026, 12, 31))),
        ({"covered": False}, Eligibility(Standing.KNOWN)),
        ({"known": False}, UNKNOWN),
        ({}, UNCONFIRMED),
        ([], UNCONFIRMED),
        ({"covered": "yes"}, UNCONFIRMED),
        ({"covered": True, "plan": "platinum"}, UNCONFIRMED),
        ({"covered": True, "plan": ["gold"]}, UNCONFIRMED),
        ({"covered": True, "period": "2026"}, UNCONFIRMED),
        ({"covered": True, "period": {"start": "yesterday"}}, UNCONFIRMED),
    ],
)
def test_what_the_service_says_is_what_is_known(answer: Any, eligibility: Eligibility) -> None:
    with serving(answering(200, json.dumps(answer).encode())) as url:
        assert hook(url).eligibility(asked_about(), ON) == eligibility


@pytest.mark.parametrize(
    "answer",
    [answering(500, b'{"covered": true}'), answering(302, b"", Location="/"), answering(200, b"<html>"), sleeping],
    ids=["status 500", "redirect", "no JSON", "nothing in time"],
)
def test_a_service_that_fails_rejects_and_denies_nobody(answer: Answer, caplog: pytest.LogCaptureFixture) -> None:
    with serving(answer) as url:
        assert hook(url).eligibility(asked_about(), ON) == UNCONFIRMED
    assert "M-1" not in caplog.text
    assert "pend for a person" in caplog.text


def test_the_service_is_told_who_under_which_plan_on_which_day() -> None:
    seen: list[tuple[Any, str]] = []

    def answer(handler: BaseHTTPRequestHandler) -> None:
        body = json.loads(handler.rfile.read(int(handler.headers["Content-Length"])))
        seen.append((body, handler.headers["Authorization"]))
        handler.send_response(204)
        handler.end_headers()

    with serving(answer) as url:
        hook(url, token="secret").eligibility(asked_about(), ON)
    question = {
        "member": [{"system": "http://example.org/members", "value": "M-1"}],
        "subscriber": "S-1",
        "plan": [{"type": "plan", "value": "gold"}],
        "date": "2026-03-02",
    }
    assert seen == [(question, "Bearer secret")]
