"""Everything that can be found wrong with a content directory, its cases included."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from questionnaires.cases import cases_in, problems_of_answers, run_case, uncovered_plans
from questionnaires.checks import problems_of_rules
from questionnaires.content import content_of
from questionnaires.exercised import problems_of_exercise
from questionnaires.files import ContentFiles, read_files
from questionnaires.form_rules import problems_of_forms
from questionnaires.package_checks import problems_of_packages
from questionnaires.prepopulation_checks import problems_of_libraries
from questionnaires.problem import Problem, Severity, errors_in
from questionnaires.reach import problems_of_reach


def lint(directory: Path) -> list[Problem]:
    """Every problem of the directory by file and line; the cases are run where plans and topics have no error."""
    files, problems = read_files(directory)
    problems += problems_of_rules(files)
    usable = not errors_in(problems)
    of_answers = list(problems_of_answers(files))
    problems += [*_plans_of_cases(files), *_without_cases(files), *of_answers, *problems_of_libraries(directory)]
    problems += [*problems_of_forms(directory), *problems_of_packages(files)]
    if usable:
        problems += problems_of_reach(files)
    if usable and not of_answers:
        problems += _problems_of_running(files)
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


def _problems_of_running(files: ContentFiles) -> Iterator[Problem]:
    """Every case still holds, and together they show every rule at work."""
    content = content_of(files)
    outcomes = [run_case(case, content, files) for case in cases_in(files)]
    for outcome in outcomes:
        for difference in outcome.differences:
            what = f"the case no longer holds: {difference}"
            yield Problem(outcome.case.file, outcome.case.line, Severity.ERROR, what, "correct the topic, or the case")
    readable = {file.topic for file in files.cases if file.values}
    yield from problems_of_exercise(files, outcomes) if readable == files.topic_names else ()
