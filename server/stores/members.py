"""The roster: who is a member, under which plan, on which days (`server.payer.Members`).

One document for each identifier of a member, found by its `_id` only. A load carries the hash of its file as its mark:
rows of one file about one member add up, whatever else lies between them, and a new file replaces what an older one
said about the members in it. So loading a file again changes nothing. Members that a file does not name stay.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar

from mongoengine import DictField, Document, ListField, StringField
from pymongo import UpdateOne
from pymongo.database import Database
from pymongo.errors import BulkWriteError

from server.authorization.eligibility import UNCONFIRMED, UNKNOWN, Eligibility, Enrollment, Standing
from server.authorization.request import AuthorizationRequest, Identifier, Member, Period
from server.stores.connection import DUPLICATE, once_more, store_answers
from server.stores.documents import Row
from server.stores.filters import by_id, by_ids, lit

COLLECTION = "member"

_TOGETHER = 20
"""`_id`s in one query: the embedded store takes time with the square of their number (500: a second)."""


class MemberDocument(Document):
    """One identifier of a member. `_id` is ``TENANT|SYSTEM|VALUE``; the system is "" where there is none."""

    id = StringField(primary_key=True)
    tenant = StringField(required=True)
    load = StringField(required=True)
    """Hash of the file that said so last."""
    enrollments = ListField(DictField(), required=True)
    """{plan, start, end}: the id of a plan and two days, YYYY-MM-DD, or "" for an open side."""
    birth_date = StringField(regex=r"(\d{4}-\d\d-\d\d)?")

    meta: ClassVar = {"collection": COLLECTION, "auto_create_index": False, "strict": False}


@dataclass(frozen=True, slots=True)
class RosterMember:
    """What the roster says about the holder of an identifier."""

    identifier: Identifier
    enrollments: tuple[Enrollment, ...]
    birth_date: date | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """How many members of a batch were new, said something else now, or stayed as they were."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0

    def __add__(self, other: Loaded) -> Loaded:
        return Loaded(self.added + other.added, self.changed + other.changed, self.unchanged + other.unchanged)


class Roster:
    """The members of one tenant.

    plans  the ids of the payer's plans now: a member of any other is for a person to look at
    """

    def __init__(self, database: Database[Row], *, plans: Callable[[], Collection[str]], tenant: str = "payer") -> None:
        self.plans, self._members, self._tenant = plans, database[COLLECTION], lit(tenant)

    @store_answers()
    def eligibility(self, request: AuthorizationRequest, day: date) -> Eligibility:  # noqa: ARG002 - as it is called
        """What the roster says about the person of the request, by the first of their identifiers that it has.

        A patient without an identifier is looked up by the subscriber id of the coverage.

        Raises:
            Unavailable: the store does not answer.
        """
        wanted = [self._key(each) for each in _identifiers(request.member)]
        rows = self._found(wanted)
        found = next((rows[each] for each in wanted if each in rows), None)
        if found is None:
            return UNKNOWN
        enrollments, plans = tuple(map(_enrollment, found["enrollments"])), self.plans()
        if not all(each.plan in plans for each in enrollments):
            return UNCONFIRMED
        return Eligibility(Standing.KNOWN, enrollments, _day(found["birth_date"]))

    @store_answers()
    def get(self, identifier: Identifier) -> RosterMember | None:
        """The member with this identifier, or None.

        Raises:
            Unavailable: the store does not answer.
        """
        row = self._members.find_one(by_id(self._tenant, self._key(identifier)))
        if row is None:
            return None
        return RosterMember(identifier, tuple(map(_enrollment, row["enrollments"])), _day(row["birth_date"]))

    @store_answers()
    def load(self, members: Sequence[RosterMember], load: str) -> Loaded:
        """Put a batch of the file `load` (its hash) on the roster. Some thousand at a time; again does no harm.

        Raises:
            Unavailable: the store does not answer.
        """
        said = self._rows(members, load)
        there = self._found(self._taken(list(said.values())))
        updates, changed = [], 0
        for _id, before in there.items():
            fields = _with(before, said[_id])
            if any(fields[name] != before[name] for name in fields):
                updates.append(UpdateOne(by_id(self._tenant, _id), {"$set": fields}))
                changed += any(fields[name] != before[name] for name in ("enrollments", "birth_date"))
        if updates:
            once_more(lambda: self._members.bulk_write(updates, ordered=False))
        return Loaded(len(said) - len(there), changed, len(there) - changed)

    def _taken(self, rows: Sequence[Row]) -> list[str]:
        """Insert the rows; the `_id`s of those that could not be, because the member is on the roster already."""
        try:
            if rows:
                once_more(lambda: self._members.insert_many(rows, ordered=False))
        except BulkWriteError as error:
            failed = error.details["writeErrors"]
            if any(each["code"] != DUPLICATE for each in failed):
                raise
            return [rows[each["index"]]["_id"] for each in failed]
        return []

    def _found(self, ids: Sequence[str]) -> dict[str, Row]:
        parts = (ids[start : start + _TOGETHER] for start in range(0, len(ids), _TOGETHER))
        return {row["_id"]: row for part in parts for row in self._members.find(by_ids(self._tenant, part))}

    def _rows(self, members: Iterable[RosterMember], load: str) -> dict[str, Row]:
        """The documents that a batch makes, one for each identifier."""
        rows: dict[str, Row] = {}
        for member in members:
            _id, birth_date = self._key(member.identifier), member.birth_date
            row = {
                "_id": _id,
                "tenant": self._tenant,
                "load": lit(load),
                "enrollments": _written(member.enrollments),
                "birth_date": birth_date.isoformat() if birth_date else "",
            }
            rows[_id] = {**row, **_with(rows[_id], row)} if _id in rows else row
        return rows

    def _key(self, identifier: Identifier) -> str:
        return f"{self._tenant}|{lit(identifier.system)}|{lit(identifier.value)}"


def _with(there: Row, said: Row) -> Row:
    """The fields of a member after a file said something: it adds to what the same file said before."""
    enrollments = list(said["enrollments"])
    if there["load"] == said["load"]:
        enrollments = _sorted([*there["enrollments"], *enrollments])
    birth_date = said["birth_date"] or (there["birth_date"] if there["load"] == said["load"] else "")
    return {"load": said["load"], "enrollments": enrollments, "birth_date": birth_date}


def _identifiers(member: Member) -> tuple[Identifier, ...]:
    if member.identifiers or not member.subscriber_id:
        return member.identifiers
    return (Identifier("", member.subscriber_id),)


def _written(enrollments: Iterable[Enrollment]) -> list[dict[str, str]]:
    return _sorted(
        {
            "plan": each.plan,
            "start": each.period.start.isoformat() if each.period.start else "",
            "end": each.period.end.isoformat() if each.period.end else "",
        }
        for each in enrollments
    )


def _sorted(enrollments: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """Each once, in one order: what is said twice is said once."""
    every = {(each["start"], each["end"], each["plan"]) for each in enrollments}
    return [{"plan": plan, "start": start, "end": end} for start, end, plan in sorted(every)]


def _enrollment(row: dict[str, Any]) -> Enrollment:
    return Enrollment(row["plan"], Period(_day(row["start"]), _day(row["end"])))


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None
