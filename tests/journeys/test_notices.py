"""Pend, subscribe, handshake, active, decide: the subscriber hears of it and reads the decision (PAS spec-51 to 62)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from pymongo.database import Database

from conformance.answers import answered_lines
from conformance.samples import fresh_sample
from mappers.pas.notification import NOTIFICATION
from profiles import issues_in
from server.authorization.casework import InformationRequest
from server.authorization.decision import Decision, Verdict
from server.authorization.documentation import DocumentationRequirement
from server.authorization.record import Authorization
from server.authorization.request import Code
from server.authorization.systems import DECISION_REASONS, LOINC
from server.cli.received import Inbox
from server.notifications.means import Means
from server.notifications.worker import Worker
from server.operations.line_decision import ask_for_information, decide_lines, extend_clock, find
from server.outbound import Outbound
from server.payer import Staff
from server.settings import Settings
from server.stores.notices import MongoNotices
from tests.journeys.conftest import Journey, response_of
from tests.journeys.test_submit import an_update, withdraw
from tests.mappers.subscriptions import filtered
from tests.server.notifications.receiver import Got, Receiver, receiving

Json = dict[str, Any]
BASE = "http://localhost/fhir"
NURSE = Staff("nurse")


class Hearing:
    """An installation with one subscriber, and a worker on the installation's clock."""

    def __init__(self, journey: Journey, database: Database[Json], receiver: Receiver) -> None:
        self.journey, self.receiver, self.inbox = journey, receiver, Inbox()
        payer, outbound = journey.payer, Outbound(sandbox=True)
        self.means = Means(
            MongoNotices(database), payer.subscriptions, outbound, BASE, now=journey.clock, lot=lambda: 1
        )

    def subscribe(self, name: str) -> str:
        """A subscription by its id; its handshake is not sent yet."""
        status, answer = self.journey.post(
            "/fhir/Subscription", filtered(f"org-identifier={name}", channel_endpoint=self.receiver.url)
        )
        assert (status, answer["status"]) == (201, "requested"), answer
        return str(answer["id"])

    def state(self, subscription_id: str) -> str:
        return str(self.journey.get(f"/fhir/Subscription/{subscription_id}")[1]["status"])

    def later(self, **time: float) -> list[Got]:
        """What the subscriber got in that time; each is as it should be."""
        before = len(self.receiver.got)
        self.journey.clock.move(**time)
        Worker(self.means).run_once()
        got = self.receiver.got[before:]
        for each in got:
            assert [issue for issue in issues_in(each.body, NOTIFICATION) if issue.refuses] == []
            assert self.inbox.take(each.body, each.headers["Content-Type"]).problems == ()
        return got

    def pended(self, name: str) -> tuple[Json, Authorization]:
        """A sample request that is pended, and its record."""
        answer = self.journey.submit(fresh_sample(name))
        assert "pended" in {each.status for each in answered_lines(answer)}
        return answer, self.record(answer)

    def record(self, answer: Json) -> Authorization:
        return find(self.journey.payer, NURSE, response_of(answer)["id"])[0]


@pytest.fixture
def hearing(new_journey: Callable[..., Journey], database: Database[Json]) -> Iterator[Hearing]:
    """A sandbox with a subscriber on this machine."""
    with receiving() as receiver:
        yield Hearing(new_journey(Settings(sandbox=True)), database, receiver)


def approve(words: str = "") -> Decision:
    return Decision(Verdict.APPROVE, "nurse", words=words)


def read_by_the_submitter(hearing: Hearing, got: Got) -> Json:
    """The ClaimResponse that the focus names, read at the door; it is the one in the notification."""
    told = got.focus["entry"][0]
    status, read = hearing.journey.get("/fhir/ClaimResponse/" + told["resource"]["id"])
    assert status == 200
    return read


@pytest.mark.parametrize("sample", ["pended-wheelchair", "pended-facility-stay"])
def test_a_subscriber_hears_of_the_decision_and_reads_it(hearing: Hearing, sample: str) -> None:
    answer, record = hearing.pended(sample)
    provider = record.request.provider.identifiers[0].value
    subscription = hearing.subscribe(provider)
    [handshake] = hearing.later(seconds=2.1)
    assert (handshake.kind, handshake.said["status"]) == ("handshake", "requested")
    assert hearing.state(subscription) == "active"

    decide_lines(hearing.journey.payer, NURSE, record, None, approve())
    [told] = hearing.later(seconds=2.1)

    assert (told.kind, told.number) == ("event-notification", 1)
    assert {each.status for each in answered_lines(told.focus)} == {"approved"}
    assert told.focus["identifier"] == answer["identifier"]
    assert read_by_the_submitter(hearing, told) == told.focus["entry"][0]["resource"]
    assert hearing.later(days=1) == []


def test_the_sender_code_is_heard_by_too(hearing: Hearing) -> None:
    _, record = hearing.pended("pended-facility-stay")
    for name in (*record.request.senders, "SND-NOBODY"):
        hearing.subscribe(name)
    hearing.later(seconds=2.1)
    decide_lines(hearing.journey.payer, NURSE, record, None, approve())
    assert len(hearing.later(seconds=2.1)) == len(record.request.senders) > 0


def test_every_kind_of_change_is_told(hearing: Hearing) -> None:
    payer = hearing.journey.payer
    _, record = hearing.pended("pended-facility-stay")
    hearing.subscribe(record.request.provider.identifiers[0].value)
    hearing.later(seconds=2.1)

    wanted = InformationRequest("nurse", (DocumentationRequirement(Code(LOINC, "18842-5"), "The discharge summary."),))
    record = ask_for_information(payer, NURSE, record, None, wanted)
    [asked] = hearing.later(seconds=2.1)
    assert "CommunicationRequest" in {each["resource"]["resourceType"] for each in asked.focus["entry"]}

    record = extend_clock(payer, NURSE, record, "The documents are on their way.")
    [extended] = hearing.later(seconds=2.1)
    assert (extended.number, extended.focus["id"]) == (2, f"{record.id}.3")

    refusal = Decision(Verdict.DENY, "nurse", code=Code(DECISION_REASONS, "0F"), words="It was not needed.")
    decide_lines(payer, NURSE, record, 1, refusal)
    [denied] = hearing.later(seconds=2.1)
    assert answered_lines(denied.focus)[0].status == "denied"
    assert "It was not needed." in answered_lines(denied.focus)[0].reason


def test_what_the_payer_cancels_is_told_as_cancelled_with_the_reason(hearing: Hearing) -> None:
    _, record = hearing.pended("pended-wheelchair")
    hearing.subscribe(record.request.provider.identifiers[0].value)
    hearing.later(seconds=2.1)

    withdrawn = Decision(Verdict.CANCEL, "nurse", words="Your office withdrew it by phone.")
    decide_lines(hearing.journey.payer, NURSE, record, 1, withdrawn)
    [told] = hearing.later(seconds=2.1)
    assert answered_lines(told.focus)[0].status == "cancelled"
    assert "withdrew it by phone" in json.dumps(told.focus)


def test_lines_decided_one_by_one_are_told_one_by_one(hearing: Hearing) -> None:
    bundle = fresh_sample("pended-wheelchair")
    item = bundle["entry"][0]["resource"]["item"][0]
    bundle["entry"][0]["resource"]["item"] = [item | {"sequence": 1}, item | {"sequence": 2}]
    answer = hearing.journey.submit(bundle)
    record = hearing.record(answer)
    pended = [each.sequence for each in answered_lines(answer) if each.status == "pended"]
    assert pended == [1, 2]
    hearing.subscribe(record.request.provider.identifiers[0].value)
    hearing.later(seconds=2.1)
    statuses = []
    for line in pended:
        record = decide_lines(hearing.journey.payer, NURSE, record, line, approve())
        [told] = hearing.later(seconds=2.1)
        statuses.append([each.status for each in answered_lines(told.focus)])
    assert statuses == [["approved", "pended"], ["approved", "approved"]]


def test_an_update_while_it_is_pended_is_told_with_the_answer_to_the_update(hearing: Hearing) -> None:
    first = fresh_sample("pended-wheelchair")
    record = hearing.record(hearing.journey.submit(first))
    hearing.subscribe(record.request.provider.identifiers[0].value)
    hearing.later(seconds=2.1)
    second = an_update(first, "second")
    withdraw(second["entry"][0]["resource"]["item"][0])
    answer = hearing.journey.submit(second)
    [told] = hearing.later(seconds=2.1)
    assert told.focus == answer
    assert {each.status for each in answered_lines(told.focus)} == {"cancelled"}


def test_what_was_decided_at_once_makes_no_notice(hearing: Hearing) -> None:
    record = hearing.record(hearing.journey.submit(fresh_sample("approved-consultation")))
    hearing.subscribe(record.request.provider.identifiers[0].value)
    assert [each.kind for each in hearing.later(seconds=2.1)] == ["handshake"]
    hearing.journey.submit(fresh_sample("pended-wheelchair"))
    assert hearing.later(minutes=1) == []


def test_notices_say_nothing_of_people_in_the_log(hearing: Hearing, caplog: pytest.LogCaptureFixture) -> None:
    from server.web.journal import JsonLines

    _, record = hearing.pended("pended-wheelchair")
    hearing.subscribe(record.request.provider.identifiers[0].value)
    caplog.set_level("INFO", "placet")
    hearing.later(seconds=2.1)
    decide_lines(hearing.journey.payer, NURSE, record, None, approve())
    hearing.receiver.answers = lambda number: 500 if number == 2 else 200
    hearing.later(seconds=2.1)
    hearing.later(seconds=6)
    lines = [JsonLines().format(each) for each in caplog.records if each.name == "placet"]
    events = [json.loads(line)["event"] for line in lines]
    assert events.count("notice") == 2 and "handshake" in events
    secrets = [hearing.receiver.url, "s3cret", record.id, *(each.value for each in record.request.member.identifiers)]
    assert not [each for each in secrets for line in lines if each in line]
