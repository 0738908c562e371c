"""The message that attaches: every row of the guide's table, every problem at once, its limits (CDex 2.1)."""

from __future__ import annotations

import base64
import json
import random
import time
import zlib
from typing import Any

import pytest
from pymongo.database import Database

from tests.journeys.attachments.attaching import (
    MEMBER,
    NPI,
    SUBMIT_ATTACHMENT,
    Edit,
    Json,
    attached,
    changed,
    control_number,
    films,
    observation,
    parameters,
    record,
    statuses,
    with_data,
    with_more,
    without_films,
)
from tests.journeys.conftest import Journey


def without(name: str) -> Edit:
    def take_away(sent: Json) -> None:
        sent["parameter"] = [each for each in sent["parameter"] if each["name"] != name]

    return take_away


def part(name: str, **value: Any) -> Edit:
    """Give the attachment another part."""
    return lambda sent: sent["parameter"][4]["part"].append({"name": name, **value})


def of_type(kind: str) -> Edit:
    def change(sent: Json) -> None:
        sent["parameter"][4]["part"][-1]["resource"] = {"resourceType": kind, "active": True}

    return change


WRONG: dict[str, tuple[Edit, int, str]] = {
    "no TrackingId": (without("TrackingId"), 400, "TrackingId is missing"),
    "no AttachTo": (without("AttachTo"), 400, "AttachTo is missing"),
    "no MemberId": (without("MemberId"), 400, "MemberId is missing"),
    "no sender": (without("OrganizationId"), 400, "Neither OrganizationId nor ProviderId"),
    "no Attachment": (without("Attachment"), 400, "Attachment is missing"),
    "an unknown parameter": (with_more({"name": "Colour", "valueString": "red"}), 400, "not known"),
    "an unknown part": (part("Colour", valueString="red"), 400, "not known"),
    "two members": (with_more({"name": "MemberId", "valueIdentifier": {"value": "x"}}), 400, "more than once"),
    "a tracking string": (
        lambda sent: sent["parameter"].__setitem__(0, {"name": "TrackingId", "valueString": "x"}),
        400,
        "has no valueIdentifier",
    ),
    "an empty identifier": (changed("TrackingId", {"system": "urn:x"}), 400, "TrackingId has no value"),
    "a wrong NPI": (changed("OrganizationId", {"system": NPI, "value": "1999999977"}), 400, "is no NPI"),
    "attached to something else": (changed("AttachTo", "invoice"), 400, "neither claim nor preauthorization"),
    "attached to a claim": (
        lambda sent: (
            changed("AttachTo", "claim")(sent),
            with_more({"name": "ServiceDate", "valueDateTime": "2026-11-20"})(sent),
        ),
        422,
        "claims for payment are not taken",
    ),
    "attached to a claim without its day": (changed("AttachTo", "claim"), 400, "ServiceDate is needed"),
    "a line that is a word": (part("LineItem", valueString="one"), 400, "LineItem is no line number"),
    "two contents": (part("Content", resource=observation()), 400, "more than once"),
    "a Patient": (of_type("Patient"), 422, "not taken as an attachment"),
    "a text of data": (
        lambda sent: sent["parameter"][4]["part"][-1]["resource"]["content"][0]["attachment"].update(data="no base64!"),
        400,
        "base64",
    ),
    "a wrong resource": (
        lambda sent: sent["parameter"][4]["part"][-1]["resource"].update(status="odd"),
        400,
        "status",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_every_row_of_the_guides_table_is_checked(journey: Journey, database: Database[Json], name: str) -> None:
    edit, status, words = WRONG[name]
    sent = parameters({"value": "x"}, films())
    edit(sent)
    assert words in attached(journey, sent, status=status)
    assert database["attachment"].count_documents({}) == 0


def test_every_problem_is_told_at_once(journey: Journey) -> None:
    sent = parameters({"value": "x"}, films())
    for name in ("a line that is a word", "an unknown parameter", "no MemberId", "no AttachTo"):
        WRONG[name][0](sent)
    said = attached(journey, sent, status=400)
    assert all(word in said for word in ("MemberId is missing", "AttachTo is missing", "not known", "no line number"))


def test_who_names_a_payer_names_this_one(journey: Journey) -> None:
    object.__setattr__(journey.payer, "payer_ids", ("789312",))
    for named, status in (("60054", 422), ("789312", 200)):
        sent = parameters({"value": "x"}, films())
        with_more({"name": "PayerId", "valueIdentifier": {"value": named}})(sent)
        attached(journey, sent, status=status)


@pytest.mark.parametrize("body", [{"resourceType": "Bundle", "type": "collection"}, {"resourceType": "Parameters"}])
def test_what_is_no_parameters_is_refused(journey: Journey, body: Json) -> None:
    assert attached(journey, body, status=400)


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch"])
@pytest.mark.parametrize("path", [SUBMIT_ATTACHMENT, "/fhir/Claim/$submit-attachment"])
def test_it_is_asked_by_post_only(journey: Journey, method: str, path: str) -> None:
    reply = getattr(journey.client, method)(path, headers={"Authorization": "Bearer north-token-0123456789"})
    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST")


def test_it_goes_by_the_name_of_claim_too(journey: Journey) -> None:
    answer = journey.submit(without_films())
    status, _ = journey.post("/fhir/Claim/$submit-attachment", parameters(control_number(answer), films()))
    assert (status, statuses(journey, answer)) == (200, ("approved",))


def test_the_limits_stand_in_the_capability_statement(journey: Journey) -> None:
    _, statement = journey.get("/fhir/metadata")
    [found] = [each for each in statement["rest"][0]["operation"] if each["name"] == "submit-attachment"]
    assert all(word in found["documentation"] for word in ("64 MiB", "25 MiB", "413", "Final"))


def a_pdf(size: int) -> bytes:
    """A PDF with one page and a picture that does not compress."""
    noise = zlib.compress(random.Random(3).randbytes(size), 0)
    head = (
        b"%PDF-1.7\n1 0 obj <</Type /Catalog /Pages 2 0 R>> endobj\n2 0 obj <</Type /Pages /Kids [] /Count 0>> endobj\n"
    )
    stream = b"3 0 obj <</Filter /FlateDecode /Length %d>> stream\n%b\nendstream endobj\n" % (len(noise), noise)
    return head + stream + b"trailer <</Root 1 0 R>>\n%%EOF\n"


def test_a_pdf_of_20_megabytes_is_taken_in_seconds(journey: Journey) -> None:
    answer, pdf = journey.submit(without_films()), a_pdf(20_000_000)
    document = films()
    document["content"][0]["attachment"] |= {"contentType": "application/pdf", "data": base64.b64encode(pdf).decode()}
    sent = json.dumps(parameters(control_number(answer), document)).encode()
    started = time.process_time()  # what others do on the machine is not counted
    status, _ = journey.post(SUBMIT_ATTACHMENT, sent)
    assert time.process_time() - started < 5
    assert (status, statuses(journey, answer)) == (200, ("approved",))
    [kept] = journey.payer.attachments.of(record(journey, answer).id)  # type: ignore[union-attr]
    assert (kept.media_type, kept.size) == ("application/pdf", len(pdf))
    assert journey.payer.attachments.content(kept) == pdf  # type: ignore[union-attr]


def test_an_attachment_that_is_too_large_is_refused_with_advice(journey: Journey) -> None:
    document = with_data(b"%PDF-1.7\n" + bytes(25 * 1024 * 1024))
    said = attached(journey, parameters({"value": "x"}, document), status=413)
    assert "26214400 bytes" in said and "Final=false" in said


def test_a_body_that_is_too_large_is_refused_with_advice(journey: Journey) -> None:
    status, outcome = journey.post(SUBMIT_ATTACHMENT, b" " * (64 * 1024 * 1024 + 1))
    assert (status, outcome["issue"][0]["code"]) == (413, "too-long")
    assert "Final=false" in outcome["issue"][0]["diagnostics"]


def test_nothing_that_was_sent_is_logged(journey: Journey, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    answer = journey.submit(without_films())
    attached(journey, parameters(control_number(answer), films()))
    attached(journey, parameters({"value": "SECRET-TRACKING"}, films(words="SECRET words")))
    attached(journey, parameters({"value": "SECRET-TRACKING"}, with_data(b"MZ SECRET")), status=422)
    logged = " ".join(f"{each.getMessage()} {each.__dict__.get('facts')}" for each in caplog.records)
    assert "submit-attachment" in logged
    assert not any(word in logged for word in ("SECRET", MEMBER, "1999999976", control_number(answer)["value"]))
