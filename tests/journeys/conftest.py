"""Journeys go through the door: the whole application on an empty database of the real store."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pymongo.database import Database

from questionnaires.content import load_content
from server.operations.catalogue import catalogue
from server.payer import Payer
from server.settings import Settings
from server.stores.artifacts import FirstSeen
from server.stores.attachments import MongoAttachments
from server.stores.authorizations import MongoAuthorizations
from server.stores.form_errors import MongoFormErrors
from server.stores.notices import MongoNotices
from server.stores.sealing import Seal
from server.stores.subscriptions import MongoSubscriptions
from server.web.access import access_for
from server.web.fhir import web_application

Json = dict[str, Any]

IG = Path(__file__).parents[3] / "shared" / "ig"
"""The official packages, where they are there."""

NORTH_TOKEN, SOUTH_TOKEN = "north-token-0123456789", "south-token-0123456789"


@dataclass
class Clock:
    """The payer's clock, moved by hand."""

    now: datetime = field(default_factory=lambda: datetime(2026, 11, 23, 15, 0, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        """Let time pass."""
        self.now += timedelta(**by)


@dataclass
class Journey:
    """One installation: its door, its payer, its clock."""

    payer: Payer
    clock: Clock
    client: FlaskClient

    def post(self, path: str, body: Json | bytes, token: str = NORTH_TOKEN, **headers: str) -> tuple[int, Json]:
        """Post as the holder of a token; the status and the JSON of the answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/fhir+json", "Authorization": f"Bearer {token}", **headers}
        reply = self.client.post(path, data=data, headers=sent)
        return reply.status_code, json.loads(reply.data)

    def submit(self, bundle: Json | bytes, token: str = NORTH_TOKEN) -> Json:
        """Submit a request Bundle that is answered 200; the response Bundle."""
        status, answer = self.post("/fhir/Claim/$submit", bundle, token)
        assert status == 200, answer
        return answer

    def get(self, path: str, token: str = NORTH_TOKEN) -> tuple[int, Json]:
        """Get as the holder of a token."""
        reply = self.client.get(path, headers={"Authorization": f"Bearer {token}"})
        return reply.status_code, json.loads(reply.data)


def settings_with_two_callers(**more: Any) -> Settings:
    """Two organizations, each with a token."""
    tokens = [
        {"token": NORTH_TOKEN, "name": "north-portal", "organization": "north-clinic"},
        {"token": SOUTH_TOKEN, "name": "south-portal", "organization": "south-clinic"},
    ]
    return Settings.from_environment({"PLACET_TOKENS": json.dumps(tokens)}, **more)


@pytest.fixture
def new_journey(authorizations: MongoAuthorizations, database: Database[Json]) -> Callable[..., Journey]:
    """Makes installations on the same store."""

    def make(settings: Settings | None = None) -> Journey:
        settings = settings or settings_with_two_callers()
        clock = Clock()
        content = load_content()
        payer = Payer(
            authorizations=authorizations,
            attachments=MongoAttachments(database),
            rules_for=content.rules_for,
            now=clock,
            content=lambda: content,
            forms_kept=lambda _fingerprint: content.forms,
            first_seen=FirstSeen(database, clock),
            form_errors=MongoFormErrors(database),
            subscriptions=MongoSubscriptions(database, lambda: Seal([bytes(32)])),
            notices=MongoNotices(database),
            org_id_binding=not settings.sandbox,
            endpoint_allowed=settings.outbound().accepts,
        )
        app = web_application(settings, catalogue(), payer, access_for(settings), ready=payer.authorizations.ping)
        return Journey(payer, clock, app.test_client())

    return make


@pytest.fixture
def journey(new_journey: Callable[..., Journey]) -> Journey:
    """An installation with two callers."""
    return new_journey()


def response_of(answer: Json) -> Json:
    """The ClaimResponse of a response Bundle."""
    first: Json = answer["entry"][0]["resource"]
    assert first["resourceType"] == "ClaimResponse"
    return first
