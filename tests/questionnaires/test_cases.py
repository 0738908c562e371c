"""Every case of the topics that come with the server holds; and a case that does not hold says what differs."""

from __future__ import annotations

import pytest

from questionnaires.cases import Case, cases_in, run_case
from questionnaires.content import DEMO, content_of
from questionnaires.files import read_files

FILES, PROBLEMS = read_files(DEMO)
CONTENT = content_of(FILES)


def name_of(case: Case) -> str:
    """Topic, plan and sentence."""
    return f"{case.topic}, {case.plan}: {case.sentence}"


@pytest.mark.parametrize("case", list(cases_in(FILES)), ids=name_of)
def test_a_case_holds(case: Case) -> None:
    assert [str(difference) for difference in run_case(case, CONTENT, FILES).differences] == []


def test_every_case_of_every_topic_is_run() -> None:
    assert PROBLEMS == []
    assert {case.topic for case in cases_in(FILES)} == set(FILES.topic_names)
    assert sum(len(file.values) for file in FILES.cases) == len(list(cases_in(FILES)))


@pytest.mark.parametrize(
    ("old", "new", "differences"),
    [
        ("status: approved", "status: denied", ["line 1: status expected denied, got approved"]),
        (
            "approved, quantity: 10 visits",
            "approved, quantity: 9 visits",
            ["line 1: quantity expected 9 visit, got 10 visit"],
        ),
        ("approved, quantity: 10 visits", "approved, reason: review", ["line 1: reason expected review, got none"]),
        (
            "{status: approved, quantity: 10 visits}",
            "{status: approved, missing: [loinc 1-1], waits_for: clinical review}",
            [
                "line 1: missing expected loinc 1-1, got nothing",
                "line 1: waits_for expected clinical review, got nothing",
            ],
        ),
        ("hcpcs G0151", "hcpcs Z0000", ["status", "topic", "quantity"]),
        ("plan: gold", "plan: gold\n  on: 2025-05-01", ["status", "quantity"]),
    ],
)
def test_a_case_that_does_not_hold_says_what_was_expected_and_what_came(write, files, old, new, differences) -> None:
    first = files["visits/cases.yaml"].split("\n\n")[0]
    got = [str(each) for each in differing(write({"visits/cases.yaml": first.replace(old, new, 1)}))]

    assert len(got) == len(differences)
    assert all(any(wanted in each for each in got) for wanted in differences)


def differing(directory):
    """The differences of the visits cases of a directory."""
    files, problems = read_files(directory)
    assert problems == []
    content = content_of(files)
    for case in cases_in(files):
        if case.topic == "visits":
            yield from run_case(case, content, files).differences
