"""Domain objects for tests: sensible where a test says nothing, and exactly what it says where it does."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from secrets import token_hex
from typing import Any

from server.authorization.attachment import Attachment, Meant, Way
from server.authorization.determination import (
    Authorized,
    Determination,
    LineDetermination,
    Reason,
    ReviewAction,
    WaitsFor,
)
from server.authorization.numbers import new_number
from server.authorization.record import Authorization, open_authorization
from server.authorization.request import (
    AuthorizationRequest,
    Code,
    Coverage,
    Document,
    Identifier,
    Member,
    Party,
    Period,
    Quantity,
    ServiceLine,
)
from server.authorization.subscription import Subscription, accepted
from server.authorization.systems import HCPCS, LOINC
from server.payer import Caller, Exchange

NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
NORTH = Caller("north-portal", "north-clinic")
SOUTH = Caller("south-portal", "south-clinic")

A_REASON = Reason(Code("https://codesystem.x12.org/external/886", "0V"), "The record does not show the need yet.")


def a_line(sequence: int = 1, code: str = "E0424", quantity: str | None = "1", **more: Any) -> ServiceLine:
    """A line for oxygen equipment."""
    asked = None if quantity is None else Quantity(Decimal(quantity), "UN")
    return ServiceLine(sequence, (Code(HCPCS, code),), quantity=asked, **more)


def a_request(*lines: ServiceLine, **more: Any) -> AuthorizationRequest:
    """A request for these lines (one when none is given)."""
    parts: dict[str, Any] = {
        "claim_url": f"urn:uuid:{token_hex(8)}",
        "member": Member((Identifier("http://example.org/members", "M-1"),), "S-1", date(1950, 5, 17)),
        "provider": Party((Identifier("http://hl7.org/fhir/sid/us-npi", "1234567893"),), "North Clinic"),
        "insurer": Party(name="Example Health Plan"),
        "coverage": Coverage((("plan", "gold"),)),
    }
    return AuthorizationRequest(lines=lines or (a_line(),), **{**parts, **more})


def a_line_determination(sequence: int, action: ReviewAction) -> LineDetermination:
    """A determination with what its action needs: a reason, a period, what it waits for."""
    certified = action in (ReviewAction.CERTIFIED, ReviewAction.MODIFIED)
    return LineDetermination(
        sequence,
        action,
        () if action is ReviewAction.CERTIFIED else (A_REASON,),
        Authorized(Quantity(Decimal(1), "UN"), Period(date(2026, 3, 2), date(2026, 5, 30))) if certified else None,
        WaitsFor.CLINICAL_REVIEW if action is ReviewAction.PENDED else None,
        topic="home-oxygen@1",
    )


def a_determination(*actions: ReviewAction) -> Determination:
    """These actions for lines 1, 2, ..."""
    return Determination("gold", tuple(a_line_determination(place, action) for place, action in enumerate(actions, 1)))


def an_authorization(
    *actions: ReviewAction,
    id: str | None = None,
    request: AuthorizationRequest | None = None,
    numbers: list[str] | None = None,
    at: datetime = NOW,
) -> Authorization:
    """An authorization on record with one line per action (one pended line when none is given)."""
    actions = actions or (ReviewAction.PENDED,)
    issue = new_number if numbers is None else iter(numbers).__next__
    return open_authorization(
        request or a_request(*(a_line(place) for place in range(1, len(actions) + 1))),
        a_determination(*actions),
        authorization_id=id or token_hex(16),
        new_number=issue,
        by=NORTH.name,
        at=at,
    )


def an_exchange(text: str | None = None) -> Exchange:
    """A request that differs from every other, or says `text`, and an answer to it."""
    said = text if text is not None else token_hex(16)
    return Exchange(f'{{"request": "{said}"}}'.encode(), f'{{"answer": "{said}"}}'.encode())


def a_subscription(*names: str, who: Caller = NORTH, at: datetime = NOW, **more: Any) -> Subscription:
    """A subscription as it goes on record, for these names (SND-0001 when none is given), with a header."""
    parts: dict[str, Any] = {
        "id": token_hex(16),
        "filters": (frozenset(names or ("SND-0001",)),),
        "endpoint": "https://hooks.example.org/pas",
        "payload": "application/fhir+json",
        "headers": ("Authorization: Bearer a-secret",),
        "end": at + timedelta(days=30),
    }
    given = {"organization": who.organization, "caller": who.name, **parts, **more}
    return accepted(Subscription(created=at, changed=at, due=at, **given), at)


def an_attachment(content: bytes, number: str = "1", **more: Any) -> Attachment:
    """A progress note that North sent under a tracking number, held for its request."""
    parts: dict[str, Any] = {
        "id": sha256(content + number.encode()).hexdigest()[:26],
        "organization": NORTH.organization,
        "received": NOW,
        "way": Way.APART,
        "media_type": "text/plain",
        "size": len(content),
        "sha256": sha256(content).hexdigest(),
        "meant": Meant(Identifier("", number), Identifier("", "M-1"), (Identifier("", "1234567893"),)),
        "document": Document((Code(LOINC, "11506-3"),), created=NOW.date()),
    }
    return Attachment(**{**parts, **more})
