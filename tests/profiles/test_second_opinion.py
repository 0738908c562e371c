"""Base R4 errors that other libraries find on the mutation suite are found here too, or the difference has a reason.

`fhir.resources` (R4B) reads every case. `fhirkit` (true R4) is asked as well where it is installed. An error is
found here when an issue that refuses stands at the same element, above it or below it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from fhir.resources.R4B import get_fhir_model_class
from pydantic import ValidationError

from profiles import issues_in
from tests.profiles.mutation_suite import all_cases, place, resource_of

# Depth and size are about this validator alone; a lone surrogate cannot be handed to libraries written in Rust.
OWN_MATTER = re.compile(r"nested (two|three) thousand|lone surrogate|1,048,57|base64 data has no limit")
CASES = [
    pytest.param(case, id=f"{kind}: {case['description']}")
    for kind, case in all_cases()
    if not OWN_MATTER.search(case["description"])
]

# What the others say although R4 4.0.1 does not: (description, place) -> reason.
NOT_R4 = {
    (
        "An extension value may be any type the choice offers",
        "Bundle.entry[0].resource.extension[5].valueMeta",
    ): "R4B dropped valueMeta from Extension; R4 4.0.1 has it",
}
NOT_R4_FOR_FHIRKIT: dict[tuple[str, str], str] = {}


def r4b_errors(resource: Any) -> Iterator[str]:
    """FHIRPath of everything fhir.resources refuses; the whole where it gives no place."""
    root = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(root, str):
        yield "Resource"
        return
    try:
        get_fhir_model_class(root).model_validate(resource)
    except ValidationError as problems:
        for problem in problems.errors():
            yield _fhirpath(root, problem["loc"])
    except (AttributeError, LookupError, TypeError, ValueError):
        yield root


def _fhirpath(root: str, loc: tuple[int | str, ...]) -> str:
    path = root
    for step in loc:
        path += f"[{step}]" if isinstance(step, int) else f".{step.removesuffix('__ext').lstrip('_')}"
    return path


def missed(
    theirs: Iterator[str], resource: Any, case: dict[str, Any], reasons: dict[tuple[str, str], str]
) -> list[str]:
    ours = {place(issue.expression) for issue in _issues(resource, case) if issue.refuses}
    return [
        error
        for error in sorted(set(theirs))
        if not any(_related(place(error), mine) for mine in ours) and (case["description"], error) not in reasons
    ]


def _issues(resource: Any, case: dict[str, Any]) -> list[Any]:
    return issues_in(resource, case["profile"], version=case.get("version", "2.2.1"))


def _related(theirs: str, mine: str) -> bool:
    """The same element, one below theirs, or one above it that is not the whole resource."""
    root = theirs.partition(".")[0]
    direct = theirs.count(".") <= 1
    return theirs == root or _above(theirs, mine) or (_above(mine, theirs) and (mine != root or direct))


def _above(whole: str, part: str) -> bool:
    return part == whole or part.startswith((whole + ".", whole + "["))


@pytest.mark.parametrize("case", CASES)
def test_what_fhir_resources_refuses_is_refused_here(case: dict[str, Any]) -> None:
    resource = resource_of(case)

    assert missed(r4b_errors(resource), resource, case, NOT_R4) == []


@pytest.mark.parametrize("case", CASES)
def test_what_fhirkit_refuses_is_refused_here(case: dict[str, Any]) -> None:
    fhirkit = pytest.importorskip("fhirkit", reason="third opinion: pip install fhirkit-rs==0.1.0")
    resource = resource_of(case)
    issues = fhirkit.validate(json.dumps(resource, default=_number))
    errors = (issue.path for issue in issues if issue.severity == "error")

    assert missed(errors, resource, case, NOT_R4_FOR_FHIRKIT) == []


def _number(value: Decimal) -> float:
    return float(value)


def test_reasons_belong_to_cases() -> None:
    known = {case["description"] for _, case in all_cases()}

    assert {description for description, _ in [*NOT_R4, *NOT_R4_FOR_FHIRKIT]} <= known
