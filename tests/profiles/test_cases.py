"""Every case of the mutation suite: each root cause is one error at its place, and nothing else refuses."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.profiles.mutation_suite import (
    all_cases,
    base,
    base_names,
    case_files,
    issues_of,
    meets,
    persons_words,
    refuses,
    resource_of,
)

CASES = [pytest.param(case, id=f"{kind}: {case['description']}") for kind, case in all_cases()]


@pytest.mark.parametrize("case", CASES)
def test_case(case: dict[str, Any]) -> None:
    issues = issues_of(case)
    errors = [issue for issue in issues if issue.refuses]

    for expected in case["expected"]:
        met = next((issue for issue in (errors if refuses(expected) else issues) if meets(issue, expected)), None)
        assert met is not None, f"missing {expected}\nfound {_listed(issues)}"
        if met in errors:
            errors.remove(met)
    assert case.get("at_least") or not errors, f"not expected: {_listed(errors)}"


@pytest.mark.parametrize("case", CASES)
def test_every_issue_of_a_case_says_where_and_why_without_naming_a_person(case: dict[str, Any]) -> None:
    resource = resource_of(case)
    root = resource.get("resourceType") if isinstance(resource, dict) else None
    secrets = persons_words(resource) if "nest" not in str(case.get("patch")) else set()

    for issue in issues_of(case):
        assert issue.message and issue.rule and issue.code, issue
        assert not isinstance(root, str) or issue.expression.split(".")[0] in {root, "Resource"}, issue
        told = issue.message + issue.repair
        assert not [word for word in secrets if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", told)], issue


def test_every_error_says_how_to_mend_it() -> None:
    bare = {
        f"{issue.code} {re.sub(r'[0-9]+', 'n', issue.message)} ({kind}: {case['description']})"
        for kind, case in all_cases()
        for issue in issues_of(case)
        if issue.refuses and not issue.repair
    }

    assert not bare, "without repair:\n" + "\n".join(sorted(bare))


def _listed(issues: list[Any]) -> str:
    return "\n".join(f"  {i.severity} {i.code} {i.verdict} {i.expression}: {i.message} [{i.rule}]" for i in issues)


# ---------------------------------------------------------------------------------------------- the suite itself

KEYS = {"description", "base", "data", "profile", "version", "patch", "expected", "source", "at_least"}
EXPECTED_KEYS = {"severity", "verdict", "code", "expression", "rule", "rule_contains"}
ISSUE_CODES = {
    "business-rule",
    "code-invalid",
    "duplicate",
    "extension",
    "invalid",
    "invariant",
    "not-found",
    "required",
    "structure",
    "too-costly",
    "value",
}


def test_a_case_has_the_shape_of_a_case() -> None:
    for kind, case in all_cases():
        where = f"{kind}: {case.get('description')}"
        assert set(case) <= KEYS and {"description", "profile", "expected", "source"} <= set(case), where
        assert ("base" in case) != ("data" in case), where
        assert case.get("base") in [*base_names(), None], where
        assert case["source"] and isinstance(case["expected"], list), where
        for expected in case["expected"]:
            assert set(expected) <= EXPECTED_KEYS, where
            assert expected["severity"] in {"error", "warning", "information"}, where
            assert expected.get("code", "value") in ISSUE_CODES, where


def test_a_description_states_a_fact() -> None:
    for kind, case in all_cases():
        words = case["description"].lower()
        assert not re.search(r"\bshould\b|\btests? that\b|\bmust not fail\b", words), f"{kind}: {words}"
        assert not words.endswith("."), f"{kind}: {words}"


def test_descriptions_are_unique() -> None:
    seen = [case["description"] for _, case in all_cases()]

    assert sorted(set(seen)) == sorted(seen)


def test_the_suite_is_large_and_a_quarter_of_it_is_valid() -> None:
    cases = [case for _, case in all_cases()]
    valid = [case for case in cases if not any(refuses(expected) for expected in case["expected"])]

    assert len(cases) >= 280
    assert len(valid) >= 80
    assert len(valid) >= len(cases) / 4
    assert len(case_files()) >= 25


def test_a_patch_changes_its_base() -> None:
    for kind, case in all_cases():
        if case.get("patch") and not any(op["op"] == "nest" for op in case["patch"]):
            changed, before = (json.dumps(each, default=str) for each in (resource_of(case), base(case["base"])))
            assert changed != before, f"{kind}: {case['description']}"


def test_every_base_is_used() -> None:
    assert {case["base"] for _, case in all_cases() if "base" in case} == set(base_names())
