"""`placet lint` and `placet cases` as people and CI use them."""

from __future__ import annotations

import json

from click.testing import CliRunner

from server.cli.cases import cases
from server.cli.lint import lint


def run(command, *arguments):
    """The command's result with these arguments."""
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_lint_is_content_with_what_comes_with_the_server() -> None:
    result = run(lint)

    assert (result.exit_code, result.stdout) == (0, "")


def test_lint_prints_one_line_per_problem_and_fails_on_an_error(write, files) -> None:
    topic = files["visits/topic.yaml"].replace("above: pend", "abvoe: pend")
    directory = write({"visits/topic.yaml": topic})

    result = run(lint, directory)

    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        f"{directory}/visits/topic.yaml:12: error: unknown field 'abvoe' - did you mean 'above'?"
    ]


def test_lint_does_not_fail_on_a_warning(write, files) -> None:
    earlier = files["visits/earlier/1.yaml"].replace("2025-12-31", "2025-11-30")
    result = run(lint, write({"visits/earlier/1.yaml": earlier}))

    assert result.exit_code == 0
    assert ": warning: plan gold: no version holds from 2025-12-01 to 2025-12-31 - " in result.stdout


def test_lint_prints_json_for_programs(write, files) -> None:
    directory = write({"chairs/topic.yaml": files["chairs/topic.yaml"].replace("plans: [gold]", "plans: [bronze]")})

    result = run(lint, "--json", directory)

    assert result.exit_code == 1
    assert json.loads(result.stdout) == [
        {
            "file": f"{directory}/chairs/topic.yaml",
            "line": 5,
            "severity": "error",
            "what": "there is no plan 'bronze'",
            "mend": "the plans are gold, silver",
        }
    ]


def test_cases_shows_a_table_of_what_was_decided(write) -> None:
    result = run(cases, write())

    assert result.exit_code == 0
    assert "Ten visits are certified." in " ".join(result.stdout.split())
    assert "3 cases hold, 0 differ" in result.stdout


def test_cases_fails_on_a_difference_and_says_expected_and_got(write, files) -> None:
    changed = files["visits/cases.yaml"].replace("[", "(").replace("status: approved", "status: denied")
    directory = write({"visits/cases.yaml": changed.replace("Ten visits", "Ten [bold] visits")})

    result = run(cases, directory)

    assert result.exit_code == 1
    expected = "Ten [bold] visits are certified. line 1: status expected denied, got approved"
    assert f"{directory}/visits/cases.yaml:1: {expected}" in result.stdout
    assert "2 cases hold, 1 differ" in result.stdout


def test_cases_of_content_that_cannot_be_used_are_not_run(write) -> None:
    result = run(cases, write({"plans/gold.yaml": "title: Gold\n"}))

    assert result.exit_code == 1
    assert "plans/gold.yaml:1: error: 'reason_codes' is missing - add it" in result.stderr
    assert "placet lint" in result.stderr
