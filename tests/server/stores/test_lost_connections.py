"""A connection that is lost in the middle loses nothing and files nothing twice, whichever command it hits."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database

from server.authorization.decision import Decision, Verdict, decide
from server.payer import Exchange, Filed, Staff
from server.stores.authorizations import MongoAuthorizations
from tests.builders import NORTH, NOW, an_authorization, an_exchange
from tests.databases import connected
from tests.server.stores.cut_line import CutLine, Moment

Store = Database[dict[str, Any]]
STAFF = Staff("nurse")

# The commands of a filing: key, bytes, numbers, document. Of a change: read, announcement, bytes, update, end.
cut_anywhere = pytest.mark.parametrize("moment", ["before it arrives", "before it is answered"])


@pytest.fixture
def over_the_line(line: CutLine, database: Store) -> Iterator[MongoAuthorizations]:
    with connected(line.uri, database.name) as same:
        yield MongoAuthorizations(same)


@cut_anywhere
@pytest.mark.parametrize("command", [1, 2, 3, 4])
def test_a_filing_survives_a_lost_connection(
    line: CutLine,
    over_the_line: MongoAuthorizations,
    authorizations: MongoAuthorizations,
    database: Store,
    command: int,
    moment: Moment,
) -> None:
    authorization, exchange = an_authorization(), an_exchange()
    line.cut(command, moment)
    assert over_the_line.file(NORTH, authorization, exchange, NOW) == Filed(authorization, exchange.answer)
    assert line.was_cut
    assert authorizations.exchange(NORTH, authorization.id) == exchange
    assert authorizations.by_number(NORTH, authorization.numbers[0]) == authorization
    assert authorizations.counts().authorizations == 1
    assert database["fhir_raw"].count_documents({}) == 2


@cut_anywhere
@pytest.mark.parametrize("command", [1, 2, 3, 4, 5])
def test_a_change_survives_a_lost_connection(
    line: CutLine,
    over_the_line: MongoAuthorizations,
    authorizations: MongoAuthorizations,
    database: Store,
    command: int,
    moment: Moment,
) -> None:
    authorization, exchange = an_authorization(), an_exchange()
    authorizations.file(NORTH, authorization, exchange, NOW)
    changed = decide(authorization, Decision(Verdict.APPROVE, by="nurse"), line=None, at=NOW)
    line.cut(command, moment)
    over_the_line.change(STAFF, changed, b"approved")
    assert line.was_cut
    assert authorizations.get(NORTH, authorization.id) == changed
    assert authorizations.exchange(NORTH, authorization.id) == Exchange(exchange.request, b"approved")
    assert database["fhir_raw"].count_documents({}) == 3


def test_the_key_of_an_older_message_is_taken_once(
    line: CutLine, over_the_line: MongoAuthorizations, authorizations: MongoAuthorizations, database: Store
) -> None:
    """The takeover is an update; its lost answer is not mistaken for somebody else's takeover."""
    exchange = an_exchange()
    authorizations.file(NORTH, an_authorization(), exchange, NOW)
    authorization, later = an_authorization(), NOW.replace(year=NOW.year + 1)
    line.cut(4, "before it is answered")  # insert, read the key, read its owner, update
    assert over_the_line.file(NORTH, authorization, exchange, later) == Filed(authorization, exchange.answer)
    assert line.was_cut
    assert authorizations.answer_to_resend(NORTH, exchange.request, later) is not None
    assert database["authorization"].count_documents({}) == 2
