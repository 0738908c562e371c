"""Which request an attachment is for: any of three keys, the same member and provider, and nothing told otherwise."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from server.authorization.attachment import Way
from tests.journeys.attachments.attaching import (
    MEMBER,
    NPI,
    PAS,
    Edit,
    Json,
    attached,
    changed,
    control_number,
    films,
    happened,
    parameters,
    record,
    replayed,
    statuses,
    without_films,
)
from tests.journeys.conftest import SOUTH_TOKEN, Journey, response_of, settings_with_two_callers
from tests.journeys.plan_functions.asking import (
    a_document,
    for_member,
    supported,
)
from tests.journeys.test_submit import an_update

TRACKED = {
    "the control number": control_number,
    "the control number without its system": lambda answer: {"value": control_number(answer)["value"]},
    "the identifier of the ClaimResponse": lambda answer: response_of(answer)["identifier"][0],
    "its value": lambda answer: {"value": response_of(answer)["identifier"][0]["value"]},
    "the trace number": lambda answer: trace(answer),  # noqa: PLW0108 - defined below
    "the value of the trace number": lambda answer: {"value": trace(answer)["value"]},
}


def trace(answer: Json) -> Json:
    """The trace number of the first item."""
    url = PAS + "extension-itemTraceNumber"
    [found] = [each["valueIdentifier"] for each in response_of(answer)["item"][0]["extension"] if each["url"] == url]
    given: Json = found
    return given


@pytest.mark.parametrize("key", TRACKED)
def test_any_of_three_keys_is_a_tracking_id(journey: Journey, key: str) -> None:
    answer = journey.submit(without_films())
    attached(journey, parameters(TRACKED[key](answer), films()))
    assert statuses(journey, answer) == ("approved",)


MISMATCHES: dict[str, Edit] = {
    "another member": changed("MemberId", {"value": "PLX9999"}),
    "the same id of another system": changed("MemberId", {"system": "https://other.example/ids", "value": MEMBER}),
    "another provider": changed("OrganizationId", {"system": NPI, "value": "1234567893"}),
    "another reference number": lambda sent: sent["parameter"].append(
        {"name": "AdminRefNumber", "valueIdentifier": {"value": "BBBB-BBBB-BBBB-B"}}
    ),
    "a line that is not asked for": lambda sent: sent["parameter"][4]["part"].append(
        {"name": "LineItem", "valueString": "2"}
    ),
    "a tracking number of nobody": changed("TrackingId", {"value": "nobody"}),
    "the tracking number of another system": changed("TrackingId", {"system": "urn:x", "value": "filled below"}),
}


def held_words(journey: Journey) -> str:
    """What is said when nothing is known of a tracking number."""
    return attached(journey, parameters({"value": "never heard of"}, films(words="unheard")))


@pytest.mark.parametrize("mismatch", MISMATCHES)
def test_what_does_not_fit_is_held_and_nothing_tells_why(journey: Journey, mismatch: str) -> None:
    answer = journey.submit(without_films())
    sent = parameters(control_number(answer), films())
    MISMATCHES[mismatch](sent)
    if "filled below" in json.dumps(sent):
        sent["parameter"][0]["valueIdentifier"]["value"] = control_number(answer)["value"]

    assert attached(journey, sent) == held_words(journey)
    assert (statuses(journey, answer), record(journey, answer).version) == (("pended",), 1)


def test_the_tracking_number_of_another_organization_looks_like_one_of_nobody(journey: Journey) -> None:
    answer = journey.submit(without_films())
    said = attached(journey, parameters(control_number(answer), films()), token=SOUTH_TOKEN)
    assert said == held_words(journey)
    assert statuses(journey, answer) == ("pended",)


def test_a_caller_attaches_for_providers_it_speaks_for(new_journey: Callable[..., Journey]) -> None:
    tokens = [{"token": "t" * 20, "name": "n", "organization": "north-clinic", "npis": "1234567893"}]
    settings = replace(
        settings_with_two_callers(), tokens=settings_with_two_callers(tokens_inline=json.dumps(tokens)).tokens
    )
    journey = new_journey(settings)
    answer = journey.submit(without_films(), token="t" * 20)
    said = attached(journey, parameters(control_number(answer), films()), token="t" * 20)
    assert said.startswith("Received and held")
    assert statuses(journey, answer) == ("pended",)


def test_a_number_without_a_system_that_two_requests_have_means_neither(journey: Journey) -> None:
    one, two = without_films(), without_films()
    two["entry"][0]["resource"]["identifier"] = one["entry"][0]["resource"]["identifier"]
    first, second = journey.submit(one), journey.submit(two)
    both = response_of(first)["identifier"][0]

    assert attached(journey, parameters({"value": both["value"]}, films())).startswith("Received and held")
    assert statuses(journey, first) == statuses(journey, second) == ("pended",)
    attached(journey, parameters(both, films()))
    assert sorted([*statuses(journey, first), *statuses(journey, second)]) == ["approved", "pended"]


def test_what_is_held_is_joined_when_its_request_comes(journey: Journey) -> None:
    request = without_films()
    tracking = request["entry"][0]["resource"]["identifier"][0]
    assert attached(journey, parameters(tracking, films())).startswith("Received and held")
    journey.clock.move(days=29)

    answer = journey.submit(request)

    assert statuses(journey, answer) == ("approved",)
    assert happened(journey, answer) == ["filed", "document received"]
    assert replayed(journey, answer) == []
    [kept] = journey.payer.attachments.of(record(journey, answer).id)  # type: ignore[union-attr]
    assert (kept.settled, kept.way) == (True, Way.APART)


def test_a_claim_announces_the_control_number_of_what_comes_apart(journey: Journey) -> None:
    request = supported(without_films(), a_document("11506-3", "2026-11-20"))
    info = request["entry"][0]["resource"]["supportingInfo"][-1]
    info["extension"][0]["extension"].append({"url": "controlNumber", "valueString": "PWK-4711"})
    sent = parameters({"system": "https://ehr.example.org/pwk", "value": "PWK-4711"}, films())
    before, after = copy.deepcopy(request), for_member("PLX0002", copy.deepcopy(request))
    attached(journey, sent)
    assert statuses(journey, journey.submit(before)) == ("approved",)

    answer = journey.submit(after)
    assert statuses(journey, answer) == ("pended",)
    changed("MemberId", {"value": "PLX0002"})(sent)
    attached(journey, sent)
    assert statuses(journey, answer) == ("approved",)


@pytest.mark.parametrize("days", [29, 31])
def test_what_is_held_is_held_for_30_days(journey: Journey, days: int) -> None:
    request = without_films()
    attached(journey, parameters(request["entry"][0]["resource"]["identifier"][0], films()))
    journey.clock.move(days=days)
    assert statuses(journey, journey.submit(request)) == (("approved",) if days < 30 else ("pended",))


def test_an_update_joins_what_is_held_and_is_reviewed_with_all_that_came(journey: Journey) -> None:
    request = without_films()
    answer = journey.submit(request)
    update = an_update(request, "update-1")
    update["entry"][0]["resource"]["identifier"] = [{"system": "https://ehr.example.org/requests", "value": "U-1"}]
    attached(journey, parameters({"system": "https://ehr.example.org/requests", "value": "U-1"}, films()))
    assert statuses(journey, answer) == ("pended",)

    journey.submit(update)

    assert statuses(journey, answer) == ("approved",)
    assert replayed(journey, answer) == []
