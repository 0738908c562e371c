"""Code systems: one spelling for rules, a short name for people."""

from __future__ import annotations

import pytest

from server.authorization import systems
from server.authorization.systems import HCPCS, SHORT_NAMES, normal_system, short_name, system_named


@pytest.mark.parametrize(
    "spelling",
    [
        HCPCS,
        "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
        "HTTP://www.cms.gov/medicare/coding/hcpcsreleasecodesets/",
        "urn:oid:2.16.840.1.113883.6.285",
        "http://terminology.hl7.org/CodeSystem/HCPCS",
    ],
)
def test_every_spelling_of_a_system_is_the_same_system(spelling: str) -> None:
    assert normal_system(spelling) == HCPCS


@pytest.mark.parametrize("uri", ["urn:our-codes", "http://example.org/Codes/", ""])
def test_a_system_that_is_not_known_stays_as_it_is(uri: str) -> None:
    assert normal_system(uri) == uri


@pytest.mark.parametrize(("name", "uri"), SHORT_NAMES.items())
def test_a_short_name_and_its_uri_stand_for_each_other(name: str, uri: str) -> None:
    assert system_named(name.upper()) == uri
    assert system_named(uri) == uri
    assert short_name(uri) == name


def test_a_name_that_is_neither_known_nor_a_uri_is_no_system() -> None:
    assert system_named("hcpc") is None
    assert system_named("urn:our-codes") == "urn:our-codes"


def test_every_system_named_in_the_module_is_one_that_spellings_lead_to() -> None:
    uris = {value for name, value in vars(systems).items() if name.isupper() and isinstance(value, str)}

    assert {normal_system(uri.upper()) for uri in uris} == uris
