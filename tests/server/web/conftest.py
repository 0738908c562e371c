"""A door with two small operations behind it: what the door does is seen without a payer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import Any, cast

import pytest
from flask import Flask
from flask.testing import FlaskClient

from server.errors import NotFound, Unavailable, refusal
from server.operations.catalogue import Operation
from server.payer import Authorizations, Call, Caller, Payer
from server.settings import Settings, Token
from server.web.access import access_for
from server.web.fhir import web_application

TOKEN = "a-token-of-north-clinic-1234567890"
NORTH = Caller("north", "north-clinic")


def echo(call: Call, _payer: Payer) -> bytes | dict[str, Any]:
    """Answers what was sent, as it was read or byte for byte; breaks when told to."""
    if call.query.get("break") == "bug":
        raise ValueError("SMITH 12345678901")
    if call.query.get("break") == "store":
        raise refusal(Unavailable, "transient", "The store does not answer.", "store")
    return call.raw if call.query.get("as") == "bytes" else call.resource


def read(call: Call, _payer: Payer) -> dict[str, Any]:
    """Answers who reads what, where; knows no record named missing."""
    if call.id == "missing":
        raise refusal(NotFound, "not-found", "No such record.", "R4 http read", repair="Ask for another.")
    return {"resourceType": "Basic", "id": call.id, "language": call.caller.organization, "implicitRules": call.base}


CATALOGUE = (
    Operation(
        "$echo",
        "operation",
        "Basic",
        "http://example.org/OperationDefinition/echo",
        echo,
        "Answers what was sent.",
        body_limit=2000,
        profiles=("http://example.org/StructureDefinition/basic",),
    ),
    Operation("read", "read", "Basic", "", read, "Reads one back."),
    Operation("$whole", "operation", "", "http://example.org/OperationDefinition/whole", echo, "On the whole system."),
)
PAYER = Payer(
    authorizations=cast(Authorizations, None),  # the door never looks at it
    rules_for=lambda _request, _on=date.max: cast(Any, None),
    now=lambda: datetime.now(UTC),
    name="Payer of the tests",
)


def opened_door(ready: Callable[[], bool] = lambda: True, **settings: Any) -> Flask:
    """The application with the two operations, started with these settings."""
    chosen = Settings(**settings)
    return web_application(chosen, CATALOGUE, PAYER, access_for(chosen), ready=ready)


@pytest.fixture
def door() -> Callable[..., Flask]:
    """Opens a door with these settings."""
    return opened_door


@pytest.fixture
def token() -> str:
    """What the caller of `signed_in` could send."""
    return TOKEN


@pytest.fixture
def client() -> FlaskClient:
    """A caller of the sandbox."""
    return opened_door(sandbox=True).test_client()


@pytest.fixture
def signed_in() -> FlaskClient:
    """A caller of a server that knows one token."""
    return opened_door(tokens=(Token(sha256(TOKEN.encode()).digest(), NORTH),)).test_client()
