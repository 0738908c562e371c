"""The guides' own examples are right by their profiles, except where the guides are known to be wrong."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from profiles import issues_in

PACKAGES = Path(__file__).parents[2].parent / "shared" / "ig"
GUIDES = {
    "davinci_pas_2.2.1.tgz": "2.2.1",
    "davinci_pas_2.0.1.tgz": "2.0.1",
    "davinci_dtr_2.0.1.tgz": "2.0.1",
    "davinci-crd-2.0.1.tgz": "2.0.1",
}
NO_UNIT = "a quantity without unit or code, which PAS 2.2.1 asks for in prose only (prof-2)"
NO_REQUESTOR = "the requestor of the response is not among the entries of the example"
NO_PROVIDER = "the provider of a service line of the response is not among the entries of the example"

# (package, example) -> {(rule, element): why the guide is wrong there}
WRONG: dict[tuple[str, str], dict[tuple[str, str], str]] = {
    ("davinci_pas_2.2.1.tgz", "Bundle-PASSubscriptionNotification"): {
        ("PAS spec-13", "Bundle.entry[1].resource.entry[0].resource.requestor.reference"): NO_REQUESTOR,
        ("PAS prof-2", "Bundle.entry[1].resource.entry[0].resource.item[0].extension[4].extension[2].value"): NO_UNIT,
    },
    ("davinci_pas_2.2.1.tgz", "Bundle-ReferralAuthorizationResponseBundleExample"): {
        ("PAS spec-13", "Bundle.entry[0].resource.requestor.reference"): NO_REQUESTOR,
        ("PAS prof-2", "Bundle.entry[0].resource.item[0].extension[4].extension[2].value"): NO_UNIT,
    },
    ("davinci_pas_2.2.1.tgz", "Bundle-ReferralPendingAuthorizationResponseBundleExample"): {
        ("PAS spec-13", "Bundle.entry[0].resource.requestor.reference"): NO_REQUESTOR,
    },
    ("davinci_pas_2.2.1.tgz", "ClaimResponse-PractitionerRequestorAdditionalContentResponseExample"): {
        ("PAS prof-2", "ClaimResponse.item[0].extension[4].extension[2].value"): NO_UNIT,
        ("PAS prof-2", "ClaimResponse.addItem[0].quantity"): NO_UNIT,
    },
    ("davinci_pas_2.2.1.tgz", "ClaimResponse-PractitionerRequestorResponseExample"): {
        ("PAS prof-2", "ClaimResponse.item[0].extension[4].extension[2].value"): NO_UNIT,
    },
    ("davinci_pas_2.0.1.tgz", "Bundle-ErrorResponseBundleExample"): {
        ("PAS spec-13", "Bundle.entry[0].resource.item[0].extension[3].extension[0].value.reference"): NO_PROVIDER,
    },
    ("davinci_pas_2.0.1.tgz", "Bundle-ReferralAuthorizationResponseBundleExample"): {
        ("PAS spec-13", "Bundle.entry[0].resource.item[0].extension[3].extension[0].value.reference"): NO_PROVIDER,
    },
}


@cache
def examples(package: str) -> dict[str, Any]:
    """Name -> example, decimals kept."""
    found = {}
    with tarfile.open(PACKAGES / package) as archive:
        for member in archive:
            directory, _, name = member.name.rpartition("/")
            stream = archive.extractfile(member) if directory == "package/example" else None
            if stream is not None and name.endswith(".json"):
                content = json.load(stream, parse_float=Decimal)
                if "resourceType" in content:
                    found[name.removesuffix(".json")] = content
    return found


def every_example() -> Iterator[Any]:
    for package in GUIDES:
        if not (PACKAGES / package).exists():
            reason = f"{package} is not beside the repository"
            yield pytest.param(package, "", marks=pytest.mark.skip(reason), id=package)
            continue
        for name in examples(package):
            yield pytest.param(package, name, id=f"{package.removesuffix('.tgz')}: {name}")


@pytest.mark.parametrize(("package", "name"), list(every_example()))
def test_an_example_has_no_error_but_the_known_ones(package: str, name: str) -> None:
    issues = issues_in(examples(package)[name], version=GUIDES[package])

    errors = {(issue.rule, issue.expression) for issue in issues if issue.refuses}

    assert errors == set(WRONG.get((package, name), {}))


@pytest.mark.parametrize(("package", "least"), [("davinci_pas_2.2.1.tgz", 47), ("davinci_pas_2.0.1.tgz", 39)])
def test_all_examples_of_a_package_are_looked_at(package: str, least: int) -> None:
    if not (PACKAGES / package).exists():
        pytest.skip(f"{package} is not beside the repository")

    assert len(examples(package)) == least
