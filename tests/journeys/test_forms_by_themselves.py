"""Forms, libraries and value sets by themselves: expanded, read, searched; and what clients report about them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from profiles import issues_in
from server.payer import FormError
from tests.journeys.conftest import NORTH_TOKEN, Journey
from tests.journeys.test_questionnaire_package import BASES, content

Json = dict[str, Any]

OXYGEN = "urn:placet:form:home-oxygen"
DIAGNOSES = "urn:placet:valueset:oxygen-diagnoses"
KINDS = ("Questionnaire", "Library", "ValueSet")


def got(journey: Journey, path: str, **headers: str) -> tuple[int, Json]:
    """Get with headers of one's own."""
    reply = journey.client.get(path, headers={"Authorization": f"Bearer {NORTH_TOKEN}", **headers})
    return reply.status_code, json.loads(reply.data)


def parameters(**values: Any) -> Json:
    """Parameters with texts, numbers and truths."""
    kinds = {str: "valueString", int: "valueInteger", bool: "valueBoolean"}
    given = [{"name": name, kinds[type(value)]: value} for name, value in values.items()]
    return {"resourceType": "Parameters", "parameter": given}


def codes(value_set: Json) -> list[str]:
    """The codes of an expansion."""
    return [each["code"] for each in value_set["expansion"].get("contains", [])]


# ---- $expand ----


@pytest.mark.parametrize("base", list(BASES.values()))
def test_a_value_set_is_expanded_as_of_now_with_active_codes_only(journey: Journey, base: str) -> None:
    """Codes that the set calls deprecated are left out (DTR oper-5)."""
    [whole] = [each for form in content().forms for each in form.sets if each.url == DIAGNOSES][:1]
    status, expanded = journey.get(f"{base}/ValueSet/$expand?url={DIAGNOSES}")
    assert status == 200
    expansion = expanded["expansion"]
    assert expansion["timestamp"] == "2026-11-23T15:00:00.000Z"
    assert {"name": "activeOnly", "valueBoolean": True} in expansion["parameter"]
    assert expansion["total"] == len(codes(expanded)) == len(set(codes(expanded)))
    deprecated = {
        concept["code"]
        for part in whole.resource["compose"]["include"]
        for concept in part["concept"]
        if any(each.get("valueBoolean") for each in concept.get("extension", ()))
    }
    assert deprecated
    assert not deprecated & set(codes(expanded))
    assert [issue for issue in issues_in(expanded) if issue.refuses] == []


@pytest.mark.parametrize("version", ["|{0}", "&valueSetVersion={0}"])
def test_a_version_is_part_of_the_url_or_a_parameter(journey: Journey, version: str) -> None:
    """Every reference in a package is versioned, so this is how a client asks."""
    [known] = {each.version for form in content().forms for each in form.sets if each.url == DIAGNOSES}
    status, expanded = journey.get(f"/fhir/ValueSet/$expand?url={DIAGNOSES}{version.format(known)}")
    assert (status, expanded["version"]) == (200, known)
    assert journey.get(f"/fhir/ValueSet/$expand?url={DIAGNOSES}{version.format('0.0.1')}")[0] == 404


def test_a_filter_finds_words_and_codes_in_any_case(journey: Journey) -> None:
    """All words of the filter are in the display or the code."""
    status, found = journey.post("/fhir/ValueSet/$expand", parameters(url=DIAGNOSES, filter="NEOPLASM lung"))
    assert status == 200
    shown = [each["display"].lower() for each in found["expansion"]["contains"]]
    assert shown
    assert all("neoplasm" in each and "lung" in each for each in shown)
    by_code = journey.get(f"/fhir/ValueSet/$expand?url={DIAGNOSES}&filter=c33")[1]
    assert codes(by_code) == ["C33"]
    nothing = journey.get(f"/fhir/ValueSet/$expand?url={DIAGNOSES}&filter=nosuchword")[1]
    assert (nothing["expansion"]["total"], codes(nothing)) == (0, [])


def test_pages_together_are_the_whole(journey: Journey) -> None:
    """count and offset give a part; the total stays."""
    whole = journey.get(f"/fhir/ValueSet/$expand?url={DIAGNOSES}")[1]
    total, found = whole["expansion"]["total"], []
    for offset in range(0, total, 25):
        page = journey.get(f"/fhir/ValueSet/$expand?url={DIAGNOSES}&count=25&offset={offset}")[1]
        assert (page["expansion"]["total"], page["expansion"]["offset"]) == (total, offset)
        assert {"name": "count", "valueInteger": 25} in page["expansion"]["parameter"]
        found += codes(page)
    assert found == codes(whole)
    assert codes(journey.get(f"/fhir/ValueSet/$expand?url={DIAGNOSES}&count=0")[1]) == []


def test_a_value_set_is_expanded_by_its_id(journey: Journey) -> None:
    """The id that a package gives it."""
    found = journey.get(f"/fhir/ValueSet?url={DIAGNOSES}")[1]["entry"][0]["resource"]
    status, expanded = journey.get(f"/fhir/ValueSet/{found['id']}/$expand?filter=c33")
    assert (status, codes(expanded)) == (200, ["C33"])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 400),
        ("?filter=x", 400),
        ("?url=urn:nothing", 404),
        (f"?url={DIAGNOSES}&count=many", 400),
        (f"?url={DIAGNOSES}&offset=-1", 400),
        (f"?url={DIAGNOSES}&count=99999999999999999999", 400),
    ],
)
def test_what_cannot_be_expanded_is_refused(journey: Journey, query: str, status: int) -> None:
    """No url, an unknown one, numbers that are none."""
    answered, outcome = journey.get(f"/fhir/ValueSet/$expand{query}")
    assert (answered, outcome["resourceType"]) == (status, "OperationOutcome")


def test_a_value_set_that_is_sent_along_is_not_expanded(journey: Journey) -> None:
    """Only those of this server are."""
    body = parameters(url=DIAGNOSES)
    body["parameter"].append({"name": "valueSet", "resource": {"resourceType": "ValueSet", "status": "active"}})
    assert journey.post("/fhir/ValueSet/$expand", body)[0] == 422


# ---- read and search ----


@pytest.mark.parametrize("base", list(BASES.values()))
@pytest.mark.parametrize("kind", KINDS)
def test_everything_can_be_searched_page_by_page_and_read_by_its_id(journey: Journey, base: str, kind: str) -> None:
    """The links lead through all of them, each once; each is found again under its fullUrl."""
    version = "2.2.0" if base == "/fhir" else "2.0.1"
    url: str | None = f"{base}/{kind}?_count=7"
    seen: list[str] = []
    while url:
        status, page = journey.get(url)
        assert (status, page["type"]) == (200, "searchset")
        assert [issue for issue in issues_in(page, version=version) if issue.refuses] == []
        for entry in page["entry"]:
            path = urlsplit(entry["fullUrl"]).path
            assert path == f"{base}/{kind}/{entry['resource']['id']}"
            seen.append(path)
        following = [each["url"] for each in page["link"] if each["relation"] == "next"]
        url = following[0].removeprefix("http://localhost") if following else None
    assert len(seen) == len(set(seen)) == page["total"] == len(content().artifacts.of_kind(kind))
    for path in seen[:3]:
        status, resource = journey.get(path)
        assert (status, resource["resourceType"]) == (200, kind)
        assert [issue for issue in issues_in(resource, version=version) if issue.refuses] == []


def test_the_previous_page_is_linked(journey: Journey) -> None:
    """Back as well as on."""
    page = journey.get("/fhir/Questionnaire?_count=3&_offset=3")[1]
    links = {each["relation"]: each["url"] for each in page["link"]}
    assert set(links) == {"self", "previous", "next"}
    assert links["previous"] == "http://localhost/fhir/Questionnaire?_count=3"


@pytest.mark.parametrize(
    ("query", "names"),
    [
        (f"url={OXYGEN}", {"HomeOxygen"}),
        (f"url={OXYGEN},urn:placet:form:pap-device", {"HomeOxygen", "PapDevice"}),
        ("name=homeox", {"HomeOxygen"}),
        ("name:exact=homeoxygen", set()),
        ("name:contains=oxy", {"HomeOxygen"}),
        ("title:contains=OXYGEN", {"HomeOxygen"}),
        ("name=home&title:contains=oxygen", {"HomeOxygen"}),
        (f"url={OXYGEN}&status=active", {"HomeOxygen"}),
        (f"url={OXYGEN}&status=retired", set()),
        (f"url={OXYGEN}&version=0.0.1", set()),
    ],
)
def test_parameters_narrow_a_search(journey: Journey, query: str, names: set[str]) -> None:
    """Commas are alternatives, several parameters hold together."""
    status, page = journey.get(f"/fhir/Questionnaire?{query}")
    assert status == 200
    assert {entry["resource"]["name"] for entry in page.get("entry", [])} == names


def test_a_canonical_with_version_is_found_by_url(journey: Journey) -> None:
    """As messages name it."""
    form = content().forms.get(OXYGEN)
    [entry] = journey.get(f"/fhir/Questionnaire?url={form.canonical}")[1]["entry"]
    assert entry["resource"]["version"] == form.version
    assert entry["search"] == {"mode": "match"}


def test_unknown_parameters_are_ignored_unless_handling_is_strict(journey: Journey) -> None:
    """The self link shows what was understood."""
    path = f"/fhir/Questionnaire?url={OXYGEN}&color=green"
    status, page = got(journey, path)
    assert (status, page["total"]) == (200, 1)
    assert "color" not in page["link"][0]["url"]
    status, outcome = got(journey, path, Prefer="return=minimal; handling=strict")
    assert (status, outcome["issue"][0]["code"]) == (400, "not-supported")


@pytest.mark.parametrize("query", ["name:sounds=x", "url:below=urn", "_count=all", "_offset=-1", "_id:not=x"])
def test_modifiers_and_numbers_that_are_not_known_are_refused(journey: Journey, query: str) -> None:
    """Ignoring a modifier would find something else than was asked for."""
    assert journey.get(f"/fhir/Library?{query}")[0] == 400


def test_an_unknown_id_is_not_found(journey: Journey) -> None:
    """404 with an OperationOutcome."""
    status, outcome = journey.get("/fhir/Questionnaire/nothing-000000000000")
    assert (status, outcome["resourceType"]) == (404, "OperationOutcome")


def test_an_adaptive_form_is_read_without_its_questions(journey: Journey) -> None:
    """They are asked for step by step."""
    [entry] = journey.get("/fhir/Questionnaire?url=urn:placet:form:pap-device")[1]["entry"]
    assert "item" not in entry["resource"]


@pytest.mark.parametrize("base", list(BASES.values()))
def test_the_statement_declares_what_is_offered(journey: Journey, base: str) -> None:
    """Operations, interactions and parameters of each type."""
    [rest] = journey.get(f"{base}/metadata")[1]["rest"]
    types = {each["type"]: each for each in rest["resource"]}
    for kind in KINDS:
        assert {each["code"] for each in types[kind]["interaction"]} == {"read", "search-type"}
        searched = {each["name"] for each in types[kind]["searchParam"]}
        assert searched == {"_id", "url", "version", "name", "title", "status"}
    operations = [each["name"] for each in types["Questionnaire"]["operation"]]
    assert {"questionnaire-package", "log-questionnaire-errors", "validate"} <= set(operations)
    assert len(operations) == len(set(operations))
    assert [each["name"] for each in types["ValueSet"]["operation"]].count("expand") == 1


# ---- $log-questionnaire-errors ----


def a_report(*forms: str, questionnaire: str = "questionnaire", outcome: str = "operationOutcome") -> Json:
    """A client that could not work with forms."""
    issues = [
        {"severity": "error", "code": "not-found", "details": {"text": "Mr. Private's record"}},
        {"severity": "error", "code": "not-found"},
        {"severity": "warning", "code": "made-up"},
    ]
    return {
        "resourceType": "Parameters",
        "parameter": [
            *({"name": questionnaire, "valueCanonical": form} for form in forms),
            {"name": outcome, "resource": {"resourceType": "OperationOutcome", "issue": issues}},
        ],
    }


@pytest.mark.parametrize("base", list(BASES.values()))
def test_what_clients_report_is_counted_and_never_repeated(journey: Journey, base: str) -> None:
    """By form version, severity and code; forms of others stand together."""
    path = f"{base}/Questionnaire/$log-questionnaire-errors"
    canonical = content().forms.get(OXYGEN).canonical
    status, outcome = journey.post(path, a_report(OXYGEN, "urn:others:form|1"))
    assert (status, outcome["issue"][0]["severity"]) == (200, "information")
    assert "Private" not in json.dumps(outcome)
    assert journey.post(path, a_report(canonical, questionnaire="Questionnaire", outcome="OperationOutcome"))[0] == 200
    assert journey.post(path, a_report(canonical, outcome="outcome"))[0] == 200
    assert journey.payer.form_errors is not None
    assert journey.payer.form_errors.counts() == [
        FormError(canonical, "error", "not-found", 6),
        FormError(canonical, "warning", "other", 3),
        FormError("other", "error", "not-found", 2),
        FormError("other", "warning", "other", 1),
    ]


@pytest.mark.parametrize(
    ("body", "problems"),
    [
        ({"resourceType": "Parameters"}, 2),
        ({"resourceType": "Patient"}, 2),
        (a_report(), 1),
        ({"resourceType": "Parameters", "parameter": [{"name": "questionnaire", "valueCanonical": OXYGEN}]}, 1),
        (
            {
                "resourceType": "Parameters",
                "parameter": [
                    {"name": "questionnaire", "valueBoolean": True},
                    {"name": "operationOutcome", "resource": {"resourceType": "Patient"}},
                ],
            },
            2,
        ),
    ],
)
def test_a_report_that_cannot_be_read_is_refused(journey: Journey, body: Json, problems: int) -> None:
    """400 with every problem."""
    status, outcome = journey.post("/fhir/Questionnaire/$log-questionnaire-errors", body)
    assert (status, len(outcome["issue"])) == (400, problems)


def test_a_report_has_an_end(journey: Journey) -> None:
    """256 KiB are read."""
    body = a_report(OXYGEN)
    body["parameter"][1]["resource"]["issue"][0]["diagnostics"] = "x" * 300_000
    assert journey.post("/fhir/Questionnaire/$log-questionnaire-errors", body)[0] == 413
