"""The roster: found by identifier, loaded in batches, the same after the same file."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from pymongo.database import Database
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from server.authorization.eligibility import UNCONFIRMED, UNKNOWN, Eligibility, Enrollment, Standing
from server.authorization.request import Identifier, Member, Period
from server.errors import Unavailable
from server.stores.authorizations import connect
from server.stores.members import COLLECTION, Loaded, MemberDocument, Roster, RosterMember
from tests.builders import a_request
from tests.databases import fresh_database

Store = Database[dict[str, Any]]
ON = date(2026, 3, 2)
SYSTEM = "http://example.org/members"
GOLD = Enrollment("gold", Period(date(2026, 1, 1), date(2026, 12, 31)))
SILVER = Enrollment("silver", Period(None, date(2025, 12, 31)))


def a_member(value: str = "M-1", *enrollments: Enrollment, system: str = SYSTEM, **more: Any) -> RosterMember:
    return RosterMember(Identifier(system, value), enrollments or (GOLD,), **more)


def asked(*identifiers: Identifier, subscriber: str = "") -> Any:
    return a_request(member=Member(identifiers, subscriber))


@pytest.fixture
def roster(database: Store) -> Roster:
    """Nobody on it yet; the payer's plans are gold and silver."""
    return Roster(database, plans=lambda: {"gold", "silver"})


def test_who_is_loaded_is_known_with_plans_and_days(roster: Roster) -> None:
    born = date(1950, 5, 17)
    assert roster.load([a_member("M-1", GOLD, SILVER, birth_date=born)], "file") == Loaded(added=1)
    known = Eligibility(Standing.KNOWN, (SILVER, GOLD), born)
    assert roster.eligibility(asked(Identifier(SYSTEM, "M-1")), ON) == known
    assert roster.get(Identifier(SYSTEM, "M-1")) == a_member("M-1", SILVER, GOLD, birth_date=born)


@pytest.mark.parametrize(
    ("identifiers", "subscriber", "known"),
    [
        ((Identifier(SYSTEM, "M-1"),), "", True),
        ((Identifier("urn:oid:1.2", "x"), Identifier(SYSTEM, "M-1")), "", True),
        ((), "S-1", True),
        ((Identifier("", "S-1"),), "", True),
        ((Identifier(SYSTEM, "M-2"),), "S-1", False),
        ((Identifier(SYSTEM, "m-1"),), "", False),
        ((Identifier("http://example.org/other", "M-1"),), "", False),
        ((Identifier(SYSTEM, "M-1|"),), "", False),
        ((), "", False),
        ((), "M-1", False),
    ],
)
def test_who_is_known_by_what(
    roster: Roster, identifiers: tuple[Identifier, ...], subscriber: str, known: bool
) -> None:
    roster.load([a_member("M-1"), a_member("S-1", system="")], "file")
    found = roster.eligibility(asked(*identifiers, subscriber=subscriber), ON)
    assert found == (Eligibility(Standing.KNOWN, (GOLD,)) if known else UNKNOWN)


def test_the_first_identifier_that_is_known_counts(roster: Roster) -> None:
    roster.load([a_member("M-1", GOLD), a_member("M-2", SILVER)], "file")
    found = roster.eligibility(asked(Identifier(SYSTEM, "M-2"), Identifier(SYSTEM, "M-1")), ON)
    assert found.enrollments == (SILVER,)


def test_a_plan_that_the_payer_has_no_more_is_for_a_person(roster: Roster, database: Store) -> None:
    roster.load([a_member()], "file")
    assert Roster(database, plans=lambda: {"silver"}).eligibility(asked(Identifier(SYSTEM, "M-1")), ON) == UNCONFIRMED


def documents(database: Store) -> list[dict[str, Any]]:
    return sorted(database[COLLECTION].find({}), key=lambda each: each["_id"])


def test_the_same_file_again_changes_nothing(roster: Roster, database: Store) -> None:
    members = [a_member(f"M-{number}", birth_date=date(1950, 5, 17)) for number in range(50)]
    assert roster.load(members, "file") == Loaded(added=50)
    before = documents(database)
    assert roster.load(members, "file") == Loaded(unchanged=50)
    assert documents(database) == before


def test_rows_of_one_file_add_up_in_one_batch_and_over_batches(roster: Roster) -> None:
    assert roster.load([a_member("M-1", GOLD), a_member("M-1", SILVER), a_member("M-2", GOLD)], "file").added == 2
    assert roster.load([a_member("M-2", SILVER, birth_date=date(1950, 5, 17))], "file") == Loaded(changed=1)
    assert [roster.get(Identifier(SYSTEM, name)) for name in ("M-1", "M-2")] == [
        a_member("M-1", SILVER, GOLD),
        a_member("M-2", SILVER, GOLD, birth_date=date(1950, 5, 17)),
    ]


def test_a_new_file_replaces_what_an_older_one_said(roster: Roster) -> None:
    roster.load([a_member("M-1", GOLD), a_member("M-2", GOLD), a_member("M-3", GOLD)], "january")
    assert roster.load([a_member("M-1", SILVER)], "february") == Loaded(changed=1)
    assert roster.load([a_member("M-2", GOLD)], "february") == Loaded(unchanged=1)
    assert roster.load([a_member("M-2", SILVER)], "february") == Loaded(changed=1)
    kept = [roster.get(Identifier(SYSTEM, name)) for name in ("M-1", "M-2", "M-3")]
    assert kept == [a_member("M-1", SILVER), a_member("M-2", SILVER, GOLD), a_member("M-3", GOLD)]


def test_another_tenant_knows_nobody(roster: Roster, database: Store) -> None:
    roster.load([a_member()], "file")
    other = Roster(database, plans=lambda: {"gold"}, tenant="other-payer")
    assert other.eligibility(asked(Identifier(SYSTEM, "M-1")), ON) == UNKNOWN


def test_what_is_written_is_what_is_declared(roster: Roster, database: Store) -> None:
    roster.load([a_member(birth_date=date(1950, 5, 17)), a_member("M-2")], "file")
    for row in documents(database):
        document = MemberDocument._from_son(row)
        document.validate()
        assert set(document.to_mongo()) == set(row)


class Recorder(CommandListener):
    """Keeps the filters that are sent."""

    def __init__(self) -> None:
        self.filters: list[dict[str, Any]] = []

    def started(self, event: CommandStartedEvent) -> None:
        command = event.command
        self.filters += [command["filter"]] if event.command_name == "find" else []
        self.filters += [part["q"] for part in command.get("updates", ())]

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Not of interest."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Not of interest."""


def test_members_are_asked_for_by_their_ids_only_and_few_together(store_uri: str) -> None:
    recorder, members = Recorder(), [a_member(f"M-{number}") for number in range(60)]
    with fresh_database(store_uri, [recorder]) as database:
        roster = Roster(database, plans=lambda: {"gold"})
        roster.load(members, "january")
        roster.load(members, "february")
        roster.eligibility(asked(Identifier(SYSTEM, "M-1")), ON)
        roster.get(Identifier(SYSTEM, "M-1"))
    assert len(recorder.filters) == 3 + 60 + 2
    for wanted in recorder.filters:
        assert list(wanted) == ["_id", "tenant"]
        together = wanted["_id"]["$in"] if isinstance(wanted["_id"], dict) else [wanted["_id"]]
        assert len(together) <= 20
        assert all(type(each) is str for each in together)


def test_a_store_that_is_gone_is_no_stranger() -> None:
    database = connect("mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=50", "placet")
    with database.client, pytest.raises(Unavailable):
        Roster(database, plans=set).eligibility(asked(Identifier(SYSTEM, "M-1")), ON)
