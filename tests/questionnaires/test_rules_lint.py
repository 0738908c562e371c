"""Every kind of problem of criteria, proposals, denials, forms and their cases is found, by file and line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from questionnaires.content import load_content
from questionnaires.lint import lint
from questionnaires.problem import ContentProblems, Severity

PLACE = "injections/topic.yaml"


@dataclass(frozen=True)
class Finding:
    """A row of rule_findings.yaml, which says what its columns mean; `at` is looked for below `after`."""

    id: str
    new: str
    at: str
    what: str
    old: str = ""
    file: str = PLACE
    place: str = ""
    after: str = ""
    loads: bool = False


ROWS = yaml.safe_load(Path(__file__).with_name("rule_findings.yaml").read_text("utf-8"))
FINDINGS = [Finding(**each) for each in ROWS]
ids = [finding.id for finding in FINDINGS]


def written(finding: Finding, write, rule_files) -> Path:
    """The content directory with the finding in it."""
    if not finding.old:
        return write({**rule_files, finding.file: finding.new})
    assert finding.old in rule_files[finding.file], finding.old
    return write({**rule_files, finding.file: rule_files[finding.file].replace(finding.old, finding.new, 1)})


def line_of(path: Path, finding: Finding) -> int:
    """The first line with `at` in it, below `after`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    start = next((number for number, line in enumerate(lines) if finding.after in line), 0) if finding.after else -1
    return next(number for number, line in enumerate(lines, 1) if number > start + 1 and finding.at in line)


@pytest.mark.parametrize("finding", FINDINGS, ids=ids)
def test_a_problem_names_file_and_line_and_how_to_mend_it(finding: Finding, write, rule_files) -> None:
    directory = written(finding, write, rule_files)

    problems = lint(directory)
    found = [each for each in problems if finding.what in f"{each.what} - {each.mend}"]

    path = directory / (finding.place or finding.file)
    assert found, [str(each) for each in problems]
    assert (str(path), line_of(path, finding)) in [(each.file, each.line) for each in found], [str(p) for p in found]
    assert all(each.mend for each in found)


@pytest.mark.parametrize("finding", FINDINGS, ids=ids)
def test_rules_with_an_error_are_not_loaded(finding: Finding, write, rule_files) -> None:
    directory = written(finding, write, rule_files)
    if finding.loads:
        assert load_content(directory).plans
        return
    with pytest.raises(ContentProblems) as caught:
        load_content(directory)
    assert all(problem.severity is Severity.ERROR for problem in caught.value.problems)


def test_the_rules_have_no_problem_as_they_are(write, rule_files) -> None:
    assert [str(problem) for problem in lint(write(rule_files))] == []


def test_a_form_with_escapes_and_nested_items_is_read(write, rule_files) -> None:
    form = json.loads(rule_files["injections/questionnaire.json"])
    form["title"] = 'Injections "é" \\ / 2'
    directory = write({**rule_files, "injections/questionnaire.json": json.dumps(form, ensure_ascii=True)})

    (read,) = load_content(directory).forms
    assert (read.title, read.canonical) == (form["title"], "urn:test:form|3")
    assert {"weeks", "accept", "decline"} <= set(read.items)


def test_topics_that_share_codes_are_fine_for_different_ages(write, rule_files) -> None:
    adults = rule_files[PLACE].replace("plans:\n", "ages: {from: 18}\nplans:\n", 1)
    children = rule_files[PLACE].replace("plans:\n", "ages: {to: 17}\nplans:\n", 1)
    form, cases = (rule_files[f"injections/{name}"] for name in ("questionnaire.json", "cases.yaml"))

    def of_age(age: int) -> str:
        return cases.replace("  facts: {diag", f"  member: {{age: {age}}}\n  facts: {{diag")

    young = {"children/questionnaire.json": form, "children/cases.yaml": of_age(4)}
    shared = {"children/topic.yaml": children, **young, "injections/cases.yaml": of_age(40)}

    assert [str(each) for each in lint(write({**rule_files, PLACE: adults, **shared}))] == []
    overlapping = lint(write({**rule_files, **shared}))
    assert any("is also in topic children" in each.what for each in overlapping)
