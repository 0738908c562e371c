"""Value sets, orders, recommended amounts and texts of forms, by themselves: every rule on small data."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from mappers.dtr import names
from mappers.dtr.dialects import V2_0_1, V2_2_0
from mappers.dtr.orders import ordered_codes
from mappers.dtr.questionnaire import Writing, initial_of, write_contained_form, write_form, write_items
from mappers.dtr.valueset import NotListed, concepts_of
from profiles import issues_in
from server.authorization.request import Code, Quantity
from server.authorization.systems import HCPCS, RXNORM

Json = dict[str, Any]

A, B = "urn:system:a", "urn:system:b"
DEPRECATED = {"url": "http://hl7.org/fhir/StructureDefinition/valueset-deprecated", "valueBoolean": True}
OTHERS: dict[str, Json] = {
    "urn:set:ab": {"compose": {"include": [{"system": A, "concept": [{"code": "1"}, {"code": "2"}]}]}},
    "urn:set:b": {"compose": {"include": [{"system": A, "concept": [{"code": "2"}, {"code": "3"}]}]}},
    "urn:set:round": {"compose": {"include": [{"valueSet": ["urn:set:round"]}]}},
}


def listed(system: str, *codes: Json | str) -> Json:
    """An include of codes."""
    return {"system": system, "concept": [{"code": each} if isinstance(each, str) else each for each in codes]}


@pytest.mark.parametrize(
    ("value_set", "codes"),
    [
        ({"compose": {"include": [listed(A, "1", "2")]}}, [(A, "1"), (A, "2")]),
        ({"compose": {"include": [listed(A, "1"), listed(B, "1"), listed(A, "1")]}}, [(A, "1"), (B, "1")]),
        ({"compose": {"include": [listed(A, "1", {"code": "2", "extension": [DEPRECATED]})]}}, [(A, "1")]),
        ({"compose": {"include": [listed(A, "1", "2")], "exclude": [listed(A, "1")]}}, [(A, "2")]),
        ({"compose": {"include": [{"valueSet": ["urn:set:ab"]}]}}, [(A, "1"), (A, "2")]),
        ({"compose": {"include": [{"valueSet": ["urn:set:ab", "urn:set:b"]}]}}, [(A, "2")]),
        ({"compose": {"include": [listed(A, "2", "9") | {"valueSet": ["urn:set:b"]}]}}, [(A, "2")]),
        (
            {
                "expansion": {
                    "contains": [
                        {"system": A, "code": "1", "contains": [{"system": A, "code": "2"}]},
                        {"system": A, "code": "3", "inactive": True},
                        {"system": A, "code": "4", "abstract": True},
                    ]
                }
            },
            [(A, "1"), (A, "2")],
        ),
    ],
)
def test_a_value_set_has_its_active_codes_each_once(value_set: Json, codes: list[tuple[str, str]]) -> None:
    """Includes add up, sets in one include have to agree, excludes take away."""
    assert [concept.key for concept in concepts_of(value_set, OTHERS.get)] == codes


@pytest.mark.parametrize(
    "include",
    [{"system": A}, {"system": A, "filter": [{}]}, {"valueSet": ["urn:set:gone"]}, {"valueSet": ["urn:set:round"]}],
)
def test_what_only_a_terminology_server_can_list_is_not_guessed(include: Json) -> None:
    """A whole system, a filter, a set that is not here, sets that include each other."""
    with pytest.raises(NotListed):
        concepts_of({"compose": {"include": [include]}}, OTHERS.get)


def coded(system: str, code: str) -> Json:
    """A concept."""
    return {"coding": [{"system": system, "code": code}]}


@pytest.mark.parametrize(
    ("order", "codes"),
    [
        ({"resourceType": "ServiceRequest", "code": coded(HCPCS, "E1390")}, ["E1390"]),
        ({"resourceType": "MedicationRequest", "medicationReference": {"reference": "#m"}}, ["m-code"]),
        ({"resourceType": "DeviceRequest", "codeReference": {"reference": "#gone"}}, []),
        (
            {
                "resourceType": "NutritionOrder",
                "oralDiet": {"type": [coded(HCPCS, "B1")]},
                "supplement": [{"type": coded(HCPCS, "B2")}, {"type": coded(HCPCS, "B1")}],
            },
            ["B1", "B2"],
        ),
        ({"resourceType": "ServiceRequest", "code": {"text": "words"}}, []),
        ({"resourceType": "Patient", "code": coded(HCPCS, "E1390")}, []),
    ],
)
def test_what_is_ordered_is_found_where_each_type_says_it(order: Json, codes: list[str]) -> None:
    """Each code once; what a reference points to counts where it was sent along."""
    there = {"#m": {"resourceType": "Medication", "code": coded(RXNORM, "m-code")}}
    found = ordered_codes(order, lambda reference: there.get(reference["reference"], {}))
    assert [code.code for code in found] == codes


def test_systems_of_orders_are_spelled_as_rules_spell_them() -> None:
    """A widely used sample has its own URI for HCPCS."""
    order = {"resourceType": "ServiceRequest", "code": coded("http://terminology.hl7.org/CodeSystem/HCPCS", "E1390")}
    assert ordered_codes(order, lambda _reference: {}) == (Code(HCPCS, "E1390"),)


MARK = {"url": names.RECOMMENDED, "valueBoolean": True}
VISITS = {"url": names.UNIT_OPTION, "valueCoding": {"system": "http://unitsofmeasure.org", "code": "{visit}"}}
TWELVE, HALF = Quantity(Decimal(12), "visit"), Quantity(Decimal("1.5"), "hour")


@pytest.mark.parametrize(
    ("item", "recommended", "initial"),
    [
        ({"type": "integer", "initial": [{"valueInteger": 3}]}, TWELVE, [{"valueInteger": 3}]),
        ({"type": "integer", "extension": [MARK]}, TWELVE, [{"valueInteger": 12}]),
        ({"type": "integer", "extension": [MARK]}, HALF, []),
        ({"type": "integer", "extension": [MARK]}, None, []),
        ({"type": "decimal", "extension": [MARK]}, HALF, [{"valueDecimal": Decimal("1.5")}]),
        ({"type": "quantity", "extension": [MARK]}, TWELVE, []),
        (
            {"type": "quantity", "extension": [MARK, VISITS]},
            TWELVE,
            [
                {
                    "valueQuantity": {
                        "value": 12,
                        "unit": "{visit}",
                        "system": "http://unitsofmeasure.org",
                        "code": "{visit}",
                    }
                }
            ],
        ),
    ],
)
def test_the_recommended_amount_is_written_in_the_type_of_the_item(
    item: Json, recommended: Quantity | None, initial: list[Json]
) -> None:
    """Nothing is filled in where it does not fit (PF-14)."""
    assert initial_of(item, recommended) == initial


FORM: Json = {
    "resourceType": "Questionnaire",
    "extension": [
        {
            "url": names.VERSION_ALGORITHM,
            "valueCoding": {"system": "http://hl7.org/fhir/version-algorithm", "code": "semver"},
        },
        {"url": names.AUDIENCE, "valueCode": "clinical"},
        {"url": names.CQF_LIBRARY, "valueCanonical": "urn:placet:library:X|1.0.0"},
    ],
    "url": "urn:placet:form:x",
    "version": "1.0.0",
    "name": "X",
    "title": 'Less < more & "other"',
    "status": "active",
    "subjectType": ["Patient"],
    "item": [
        {
            "linkId": "a",
            "type": "group",
            "text": "Section <1>",
            "item": [
                {
                    "linkId": "b",
                    "type": "boolean",
                    "text": "Question?",
                    "enableWhen": [{"question": "c", "operator": "exists", "answerBoolean": True}],
                    "enableBehavior": "all",
                    "extension": [{"url": names.SUPPORT_HYPERLINK, "valueUri": "https://payer.example.org/help"}, MARK],
                },
                {"linkId": "c", "type": "string", "text": "Other?"},
            ],
        }
    ],
}


def test_a_form_in_2_0_1_has_a_text_and_only_what_that_version_knows() -> None:
    """The text tells title and questions, escaped; extensions of 2.2.0 are left out or have their earlier names."""
    written = write_form(FORM, "x-1", Writing(V2_0_1))
    assert written["text"]["div"] == (
        '<div xmlns="http://www.w3.org/1999/xhtml"><p>Less &lt; more &amp; "other"</p>'
        "<ul><li>Section &lt;1&gt;<ul><li>Question?</li><li>Other?</li></ul></li></ul></div>"
    )
    assert written["extension"] == [{"url": names.CQF_LIBRARY, "valueCanonical": "urn:placet:library:X"}]
    asked = written["item"][0]["item"][0]
    assert asked["extension"] == [{"url": names.SUPPORT_LINK, "valueUri": "https://payer.example.org/help"}]
    assert [issue for issue in issues_in(written, version="2.0.1") if issue.refuses] == []


def test_a_form_in_2_2_0_is_as_the_content_has_it_but_for_our_own_marks() -> None:
    """Nothing of ours is on the wire."""
    written = write_form(FORM, "x-1", Writing(V2_2_0))
    assert "text" not in written
    assert written["extension"] == FORM["extension"]
    assert [each["url"] for each in written["item"][0]["item"][0]["extension"]] == [names.SUPPORT_HYPERLINK]
    assert [issue for issue in issues_in(written, version="2.2.0") if issue.refuses] == []


@pytest.mark.parametrize("dialect", [V2_2_0, V2_0_1])
def test_a_contained_form_is_derived_from_the_one_it_is_a_copy_of(dialect: Any) -> None:
    """It has no version; under 2.0.1 neither a url nor conditions."""
    written = write_contained_form(
        FORM, "form", "urn:uuid:1", Writing(dialect, "https://payer.example.org"), FORM["item"]
    )
    assert written["derivedFrom"] == ["urn:placet:form:x|1.0.0"]
    assert "version" not in written
    assert ("url" in written) is dialect.form_url
    assert ("enableWhen" in written["item"][0]["item"][0]) is dialect.conditions
    assert [issue for issue in issues_in(written, version=dialect.version) if issue.refuses] == []


def test_cql_that_names_a_define_brings_its_elm_and_other_expressions_stay() -> None:
    """FHIRPath has no ELM."""
    cql = {"language": "text/cql", "expression": '"X"."OnsetDate"'}
    path = {"language": "text/fhirpath", "expression": "today()"}
    items = [
        {"linkId": "a", "type": "date", "text": "When?", "extension": [{"url": "urn:x", "valueExpression": each}]}
        for each in (cql, path)
    ]
    first, second = write_items(items, Writing(V2_2_0))
    [elm] = first["extension"][0]["valueExpression"]["extension"]
    assert elm["url"] == names.ALTERNATIVE_EXPRESSION
    assert elm["valueExpression"]["expression"] == '{"type":"ExpressionRef","libraryName":"X","name":"OnsetDate"}'
    assert second["extension"][0]["valueExpression"] == path
