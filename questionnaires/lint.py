"""Everything that can be found wrong with a content directory, its cases included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from questionnaires.cases import cases_in, run_case, uncovered_plans
from questionnaires.checks import problems_of_rules
from questionnaires.content import content_of
from questionnaires.files import ContentFiles, read_files
from questionnaires.problem import Problem, Severity, errors_in


def lint(directory: Path) -> list[Problem]:
    """Every problem of the directory by file and line; the cases are run where plans and topics have no error."""
    files, problems = read_files(directory)
    problems += problems_of_rules(files)
    usable = not errors_in(problems)
    problems += [*_plans_of_cases(files), *_without_cases(files)]
    if usable:
        problems += _differing_cases(files)
    return sorted(set(problems))


def _without_cases(files: ContentFiles) -> Iterator[Problem]:
    """Every topic has cases, for every plan it holds for."""
    cases = {file.topic: file for file in files.cases}
    plans = {topic.topic: set(topic.values["plans"]) for topic in reversed(files.topics)}
    for topic in sorted(files.topic_names):
        file = cases.get(topic)
        path = str(files.directory / topic / "cases.yaml")
        if file is None or file.written.value == []:
            what = f"topic {topic} has no cases"
            yield Problem(path, 1, Severity.ERROR, what, "write cases.yaml: what is asked, what is decided")
        elif file.values and topic in plans:
            for plan in sorted(uncovered_plans(file, plans[topic]) & files.plan_ids):
                what = f"no case of topic {topic} is about plan {plan}"
                yield Problem(path, 1, Severity.WARNING, what, "add one")


def _plans_of_cases(files: ContentFiles) -> Iterator[Problem]:
    """A case is about a plan that exists."""
    for file in files.cases:
        for number, values in enumerate(file.values):
            if values["plan"] not in files.plan_ids:
                what = f"there is no plan '{values['plan']}'"
                yield file.written.error((number, "plan"), what, f"the plans are {', '.join(sorted(files.plan_ids))}")


def _differing_cases(files: ContentFiles) -> Iterator[Problem]:
    """Every case still holds."""
    content = content_of(files)
    for case in cases_in(files):
        for difference in run_case(case, content, files).differences:
            what = f"the case no longer holds: {difference}"
            yield Problem(case.file, case.line, Severity.ERROR, what, "correct the topic, or the case")
