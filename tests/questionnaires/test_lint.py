"""Every kind of problem is found, named by file and line, with how to mend it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from questionnaires.content import load_content
from questionnaires.lint import lint
from questionnaires.problem import ContentProblems, Severity


@dataclass(frozen=True)
class Finding:
    """A row of findings.yaml, which says what its columns mean."""

    id: str
    file: str
    new: str
    what: str
    old: str = ""
    at: str = ""
    place: str = ""
    loads: bool = False


TOPIC, CASES = "visits/topic.yaml", "visits/cases.yaml"
GOLD, CHAIRS = "plans/gold.yaml", "chairs/topic.yaml"

FINDINGS = [Finding(**each) for each in yaml.safe_load(Path(__file__).with_name("findings.yaml").read_text("utf-8"))]
ids = [finding.id for finding in FINDINGS]


@pytest.mark.parametrize("finding", FINDINGS, ids=ids)
def test_a_problem_names_file_and_line_and_how_to_mend_it(finding: Finding, write, files) -> None:
    directory = write({finding.file: changed(finding, files)})

    found = [p for p in lint(directory) if finding.what in f"{p.what} - {p.mend}"]

    assert found, [str(problem) for problem in lint(directory)]
    assert (found[0].file, found[0].line) == place_of(directory / (finding.place or finding.file), finding.at)
    assert found[0].mend


@pytest.mark.parametrize("finding", FINDINGS, ids=ids)
def test_content_with_an_error_is_not_loaded_and_content_with_warnings_is(finding: Finding, write, files) -> None:
    directory = write({finding.file: changed(finding, files)})
    if finding.loads:
        assert load_content(directory).plans
        return
    with pytest.raises(ContentProblems) as caught:
        load_content(directory)
    assert any(finding.what in f"{problem.what} - {problem.mend}" for problem in caught.value.problems)
    assert all(problem.severity is Severity.ERROR for problem in caught.value.problems)


def test_the_small_content_directory_has_no_problem(write) -> None:
    assert lint(write()) == []


def test_all_problems_of_all_files_are_told_at_once(write, files) -> None:
    directory = write(
        {
            GOLD: files[GOLD].replace("title: Gold", "titel: Gold"),
            TOPIC: files[TOPIC].replace("above: pend", "above: stop").replace("code: G0299", "code: "),
            CHAIRS: files[CHAIRS].replace("version", "vresion"),
        }
    )

    with pytest.raises(ContentProblems) as caught:
        load_content(directory)

    told = {(problem.file, problem.line) for problem in caught.value.problems}
    expected = [(GOLD, "titel"), (TOPIC, "above: stop"), (TOPIC, "code: }"), (CHAIRS, "title"), (CHAIRS, "vresion")]
    assert told == {place_of(directory / file, text) for file, text in expected}


def test_an_unreadable_plan_brings_no_misleading_problems_with_it(write) -> None:
    problems = lint(write({GOLD: "title: [Gold"}))

    assert {Path(problem.file).name for problem in problems} == {"gold.yaml"}


def test_an_empty_directory_has_no_plans(tmp_path: Path) -> None:
    assert [problem.what for problem in lint(tmp_path)] == ["there are no plans"]


def test_a_folder_without_topic_is_told(write) -> None:
    problems = lint(write({CHAIRS: None}))

    assert [problem.what for problem in problems] == ["topic chairs has no topic.yaml"]


def test_a_topic_without_cases_file_is_told(write) -> None:
    directory = write({CASES: None})

    assert [(problem.file, problem.what) for problem in lint(directory)] == [
        (str(directory / CASES), "topic visits has no cases")
    ]


def test_a_file_that_is_not_utf8_is_told(write) -> None:
    directory = write()
    (directory / CHAIRS).write_bytes("title: Stühle\n".encode("latin-1"))

    assert [problem.what for problem in lint(directory)] == ["this is not UTF-8 text"]


def test_versions_of_one_code_in_two_topics_one_after_the_other_are_fine(write, files) -> None:
    successor = files[CHAIRS].replace("2025-01-01", "2027-01-01")
    directory = write(
        {
            CHAIRS: files[CHAIRS].replace("{from: 2025-01-01}", "{from: 2025-01-01, to: 2026-12-31}"),
            "seats/topic.yaml": successor,
            "seats/cases.yaml": files["chairs/cases.yaml"],
        }
    )

    assert lint(directory) == []


def changed(finding: Finding, files: dict[str, str]) -> str:
    """The file with the finding in it."""
    if not finding.old:
        return finding.new
    assert finding.old in files[finding.file]
    return files[finding.file].replace(finding.old, finding.new, 1)


def place_of(path: Path, text: str) -> tuple[str, int]:
    """The path and the first line that has the text in it; a folder has line 1 only."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else [""]
    return str(path), next(number for number, line in enumerate(lines, 1) if text in line)
