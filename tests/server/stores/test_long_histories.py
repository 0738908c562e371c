"""A member with hundreds of authorizations: each was reviewed by the history of its day; none reads all of these."""

from __future__ import annotations

import zlib
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from pymongo.database import Database

from server.authorization.determination import ReviewAction
from server.authorization.history import History
from server.authorization.inquiry import Inquiry
from server.authorization.record import Authorization, Reviewed, prior_lines
from server.authorization.request import Party
from server.payer import Staff
from server.stores.authorizations import MongoAuthorizations
from server.stores.domain import packed, unpacked
from tests.builders import NORTH, NOW, an_authorization, an_exchange

Store = Database[dict[str, Any]]
LONG = History(prior_lines(an_authorization(ReviewAction.CERTIFIED)) * 500)


@pytest.fixture
def reviewed(authorizations: MongoAuthorizations) -> Authorization:
    """An authorization on record whose review looked at five hundred others."""
    made = Reviewed(1, NOW.date(), "content", LONG)
    authorization = replace(an_authorization(ReviewAction.CERTIFIED), reviews=(made,))
    authorizations.file(NORTH, authorization, an_exchange(), NOW)
    return authorization


def test_the_record_is_whole(authorizations: MongoAuthorizations, reviewed: Authorization) -> None:
    assert authorizations.get(NORTH, reviewed.id) == reviewed
    assert authorizations.by_number(Staff("nurse"), reviewed.numbers[0]) == reviewed
    assert authorizations.by_claim(NORTH, [reviewed.request.claim_url]) == reviewed


def test_a_changed_record_keeps_its_reviews(authorizations: MongoAuthorizations, reviewed: Authorization) -> None:
    changed = replace(reviewed, version=2, reviews=(*reviewed.reviews, replace(reviewed.reviews[0], version=2)))
    authorizations.change(Staff("nurse"), changed, None)
    assert authorizations.get(NORTH, reviewed.id) == changed


def test_what_is_read_for_the_member_leaves_the_reviews_out(
    authorizations: MongoAuthorizations, reviewed: Authorization
) -> None:
    request = reviewed.request
    assert authorizations.history(request.member).lines == prior_lines(reviewed)
    [found] = authorizations.inquire(NORTH, Inquiry(request.member, frozenset(request.provider.npis), Party()))
    assert found.authorization == replace(reviewed, reviews=())


def test_what_is_read_for_the_member_does_not_grow_with_the_reviews(reviewed: Authorization) -> None:
    short, long = packed(replace(reviewed, reviews=())), packed(reviewed)
    assert long["record"] == short["record"]
    assert len(zlib.decompress(long["reviews"])) > 50 * len(zlib.decompress(long["record"]))


def test_a_record_that_holds_its_reviews_itself_is_read_as_well(reviewed: Authorization) -> None:
    older = {"record": zlib.compress(msgspec.json.encode(reviewed))}
    assert unpacked(older) == reviewed
