"""A record comes back exactly as it was put there."""

from __future__ import annotations

import zlib
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from server.authorization.determination import ReviewAction
from server.authorization.record import Authorization
from server.stores.domain import packed, tallied, tally, unpacked
from tests.builders import NOW, a_line, a_request, an_authorization

DECIMALS = ["1", "1.0", "1.10", "1.500", "0.00", "-2.50", "123456789012345678", "0.000000000000000001", "1E+3", "1e-7"]


def back(authorization: Authorization) -> Authorization:
    return unpacked(packed(authorization))


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(some.from_type(Authorization))
def test_every_record_comes_back_to_the_letter(authorization: Authorization) -> None:
    assert repr(back(authorization)) == repr(authorization)


@pytest.mark.parametrize("written", DECIMALS)
def test_decimals_keep_their_digits(written: str) -> None:
    found = back(an_authorization(request=a_request(a_line(quantity=written))))
    quantity = found.request.lines[0].quantity
    assert quantity is not None
    assert str(quantity.value) == str(Decimal(written))


def test_moments_keep_their_microseconds_and_offset() -> None:
    at = datetime(2026, 3, 2, 23, 59, 59, 999999, timezone(timedelta(hours=-7)))
    created = back(an_authorization(at=at)).created
    assert (created, created.utcoffset()) == (at, at.utcoffset())


def test_fields_of_a_newer_version_are_passed_over() -> None:
    authorization = an_authorization()
    record: dict[str, Any] = msgspec.to_builtins(authorization)
    record["mood"] = "new"
    record["request"]["member"]["star_sign"] = {"system": "new"}
    record["lines"][0]["determination"]["confidence"] = 0.5
    newer = zlib.compress(msgspec.json.encode(record))
    assert unpacked({"record": newer}) == authorization


def test_fields_that_an_older_version_did_not_know_have_their_defaults() -> None:
    authorization = an_authorization()
    record: dict[str, Any] = msgspec.to_builtins(authorization)
    del record["history"], record["request"]["senders"], record["lines"][0]["determination"]["human"]
    found = unpacked({"record": zlib.compress(msgspec.json.encode(record))})
    assert (found.history, found.request.senders, found.lines[0].determination.human) == ((), (), False)


@pytest.mark.parametrize(
    ("actions", "text"),
    [
        (("A1",), "exchange:1 approved:1"),
        (("A4", "A1", "A4"), "exchange:1 approved:1 pended:2"),
        (("A4", "A4", "A1"), "exchange:1 approved:1 pended:2"),
        (("C", "A6", "A3"), "exchange:1 cancelled:1 denied:1 modified:1"),
    ],
)
def test_a_tally_says_what_a_record_adds_to_the_counts(actions: tuple[str, ...], text: str) -> None:
    authorization = an_authorization(*map(ReviewAction, actions), at=NOW)
    assert tally(authorization.statuses) == text
    assert sum(tallied(text).values()) == 1 + len(actions)
