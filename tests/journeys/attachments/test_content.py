"""What an attachment holds: kept once, whole or not at all, and harmless before it counts."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo.database import Database

from server.authorization.attachment import State, Way
from server.stores.attachments import MongoAttachments
from tests.journeys.attachments.attaching import (
    SUBMIT_ATTACHMENT,
    Json,
    attached,
    control_number,
    films,
    parameters,
    record,
    statuses,
    with_data,
    without_films,
)
from tests.journeys.conftest import Journey
from tests.journeys.plan_functions.asking import (
    KNEE,
    a_request,
    resource,
)


def test_the_same_again_changes_nothing(journey: Journey, database: Database[Json]) -> None:
    answer = journey.submit(without_films())
    sent = parameters(control_number(answer), films())
    said = [attached(journey, sent) for _ in range(3)]
    assert len(set(said)) == 1
    assert record(journey, answer).version == 2
    assert database["attachment"].count_documents({}) == database["attachment_part"].count_documents({}) == 1


def test_documents_of_a_request_are_kept_too(journey: Journey) -> None:
    answer = journey.submit(a_request(KNEE))
    [kept] = journey.payer.attachments.of(record(journey, answer).id)  # type: ignore[union-attr]
    assert (kept.way, kept.settled, kept.media_type, kept.size) == (Way.WITH_REQUEST, True, "text/plain", 6)
    assert journey.payer.attachments.content(kept) == b"Sample"  # type: ignore[union-attr]


def test_a_request_with_a_program_among_its_documents_is_refused_whole(
    journey: Journey, database: Database[Json]
) -> None:
    request = a_request(KNEE)
    resource(request, "DocumentReference")["content"][0]["attachment"]["data"] = base64.b64encode(b"MZ\x90\0").decode()
    status, outcome = journey.post("/fhir/Claim/$submit", request)
    assert (status, outcome["issue"][0]["code"]) == (422, "not-supported")
    assert outcome["issue"][0]["expression"][0].endswith(".resource.content[0].attachment")
    assert database["authorization"].count_documents({}) == database["attachment"].count_documents({}) == 0


def with_attachment(**attachment: Any) -> Json:
    document = films()
    del document["meta"]
    document["content"][0]["attachment"] = attachment
    return document


NOT_TAKEN = {
    "a program labelled PDF": (with_data(b"MZ\x90\0" + bytes(60)), "The content is a program"),
    "HTML labelled text": (with_data(b"<html><script>x()</script></html>", "text/plain"), "The content is HTML"),
    "an SVG": (with_data(b'<svg xmlns="http://www.w3.org/2000/svg"/>', "image/png"), "an SVG drawing"),
    "a PDF labelled JPEG": (with_data(b"%PDF-1.7", "image/jpeg"), "contradict each other"),
    "another size": (with_attachment(contentType="text/plain", data="U2FtcGxl", size=7), "the data are 6 bytes"),
    "another hash": (with_attachment(contentType="text/plain", data="U2FtcGxl", hash="AAAA"), "not the SHA-1"),
    "a url": (with_attachment(contentType="application/pdf", url="https://ehr.example/doc.pdf"), "fetches nothing"),
}


@pytest.mark.parametrize("name", NOT_TAKEN)
def test_a_content_that_is_not_taken_is_refused_in_words(journey: Journey, database: Database[Json], name: str) -> None:
    document, words = NOT_TAKEN[name]
    answer = journey.submit(without_films())
    assert words in attached(journey, parameters(control_number(answer), films(), document), status=422)
    assert statuses(journey, answer) == ("pended",)
    assert database["attachment"].count_documents({}) == 0


class Killed(Exception):
    """The end of a process."""


@pytest.mark.parametrize("step", ["mean", "settle"])
def test_what_a_crash_interrupted_is_completed_when_it_is_sent_again(
    journey: Journey, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    answer = journey.submit(without_films())
    sent = parameters(control_number(answer), films())

    def killed(*_: Any) -> None:
        raise Killed

    with monkeypatch.context() as until_then:
        until_then.setattr(MongoAttachments, step, killed)
        assert journey.post(SUBMIT_ATTACHMENT, sent)[0] == 500
    assert statuses(journey, answer) == (("pended",) if step == "mean" else ("approved",))

    attached(journey, sent)

    now = record(journey, answer)
    assert (now.statuses, now.version, len(now.received)) == (("approved",), 2, 1)
    [kept] = journey.payer.attachments.of(now.id)  # type: ignore[union-attr]
    assert kept.settled


class Fake:
    """A scanner that says what it is told to say."""

    def __init__(self, *said: bool | Exception) -> None:
        self.said = list(said)

    def is_clean(self, blocks: Any) -> bool:
        assert b"".join(blocks())
        said = self.said.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


def scanned_by(journey: Journey, scanner: Fake) -> None:
    object.__setattr__(journey.payer, "scanner", scanner)


def test_what_a_scanner_finds_harmful_is_refused_and_counts_for_nothing(
    journey: Journey, database: Database[Json]
) -> None:
    answer = journey.submit(without_films())
    scanned_by(journey, Fake(False))
    sent = parameters(control_number(answer), films())
    for _ in range(2):  # sent again it is the same one
        assert "harmful" in attached(journey, sent, status=422)
    assert statuses(journey, answer) == ("pended",)
    [kept] = MongoAttachments(database).held(
        "north-clinic", [control_number(answer)["value"]], datetime.min.replace(tzinfo=UTC)
    )
    assert kept.state is State.REFUSED
    assert database["attachment"].count_documents({}) == 1


def test_while_the_scanner_is_down_an_attachment_is_in_quarantine_until_it_is_sent_again(journey: Journey) -> None:
    from server.attachments import ScannerDown

    answer = journey.submit(without_films())
    scanned_by(journey, Fake(ScannerDown(), True))
    sent = parameters(control_number(answer), films())
    status, body = journey.post(SUBMIT_ATTACHMENT, sent)
    assert (status, set(body)) == (503, {"reference"})
    assert statuses(journey, answer) == ("pended",)
    attached(journey, sent)
    assert statuses(journey, answer) == ("approved",)


def test_a_request_whose_documents_nobody_can_scan_is_not_filed(journey: Journey, database: Database[Json]) -> None:
    from server.attachments import ScannerDown

    scanned_by(journey, Fake(ScannerDown()))
    status, _ = journey.post("/fhir/Claim/$submit", a_request(KNEE))
    assert (status, database["authorization"].count_documents({})) == (503, 0)
    now = datetime.now(UTC) + timedelta(days=365)
    assert MongoAttachments(database).sweep(now, now) == 2
