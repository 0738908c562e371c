"""Inquiries see what other organizations filed, where the member and an NPI match; nothing else does."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from server.authorization.inquiry import Inquiry
from server.authorization.request import Identifier, Member, Party
from server.payer import Caller
from server.stores.authorizations import MongoAuthorizations
from tests.builders import NORTH, NOW, SOUTH, a_request, an_authorization, an_exchange

NPI = "1234567893"
MEMBER = Member((Identifier("http://example.org/members", "M-1"),), "S-1", date(1950, 5, 17))
ASKED = Inquiry(MEMBER, frozenset({NPI}), Party())


@pytest.fixture
def filed(authorizations: MongoAuthorizations) -> MongoAuthorizations:
    """One authorization of the north."""
    authorizations.file(NORTH, an_authorization(id="one"), an_exchange("asked"), NOW)
    return authorizations


@pytest.mark.parametrize(("caller", "own"), [(NORTH, True), (SOUTH, False)])
def test_who_names_member_and_npi_finds_it_whoever_filed_it(
    filed: MongoAuthorizations, caller: Caller, own: bool
) -> None:
    [found] = filed.inquire(caller, ASKED)
    assert (found.authorization.id, found.own) == ("one", own)
    assert filed.inquired_request(found) == an_exchange("asked").request


NOT_FOUND = {
    "another member": replace(ASKED, member=Member((Identifier("http://example.org/members", "M-2"),))),
    "another npi": replace(ASKED, npis=frozenset({"1999999992"})),
    "no npi": replace(ASKED, npis=frozenset()),
    "no member": replace(ASKED, member=Member()),
    "another subscriber": replace(ASKED, member=Member((), "S-2", MEMBER.birth_date)),
    "a relative": replace(ASKED, member=Member((), "S-1", date(1990, 1, 1))),
}


@pytest.mark.parametrize("name", NOT_FOUND)
@pytest.mark.parametrize("caller", [NORTH, SOUTH])
def test_without_both_nothing_is_found(filed: MongoAuthorizations, name: str, caller: Caller) -> None:
    assert filed.inquire(caller, NOT_FOUND[name]) == []


def test_the_subscriber_id_finds_it_too(filed: MongoAuthorizations) -> None:
    by_subscriber = replace(ASKED, member=Member((), "S-1", MEMBER.birth_date))
    assert [each.authorization.id for each in filed.inquire(SOUTH, by_subscriber)] == ["one"]


def test_another_tenant_has_other_records(filed: MongoAuthorizations, database: Database[dict[str, Any]]) -> None:
    assert MongoAuthorizations(database, tenant="other").inquire(NORTH, ASKED) == []


def test_the_latest_request_is_told(filed: MongoAuthorizations) -> None:
    changed = replace(an_authorization(id="one"), version=2)
    filed.update(NORTH, changed, an_exchange("asked again"), NOW)
    [found] = filed.inquire(SOUTH, ASKED)
    assert found.authorization.version == 2
    assert filed.inquired_request(found) == an_exchange("asked again").request


def test_the_time_does_not_depend_on_how_many_others_there_are(authorizations: MongoAuthorizations) -> None:
    """Within a factor that a busy machine leaves standing: 200 others do not matter."""
    authorizations.file(NORTH, an_authorization(id="one"), an_exchange(), NOW)

    def best() -> float:
        times = []
        for _ in range(15):
            begun = time.perf_counter()
            assert len(authorizations.inquire(SOUTH, ASKED)) == 1
            times.append(time.perf_counter() - begun)
        return min(times)

    alone = best()
    for place in range(200):
        member = Member((Identifier("http://example.org/members", f"other-{place}"),), f"other-{place}")
        other = an_authorization(request=a_request(member=member), at=NOW + timedelta(seconds=place))
        authorizations.file(NORTH, other, an_exchange(), NOW)
    assert best() < 3 * alone + 0.005
