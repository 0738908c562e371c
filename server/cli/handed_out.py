"""The forms of a content as they are handed out, in each dialect of DTR, held against its profiles."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mappers.dtr.dialects import DIALECTS
from mappers.dtr.questionnaire import Writing, write_contained_form, write_form, write_search_form
from profiles import Issue, issues_in
from questionnaires.form_rules import ADAPTIVE
from questionnaires.json_file import read_json
from questionnaires.problem import Problem, Severity
from questionnaires.written import Place

Json = dict[str, Any]

ANY_BASE = "https://payer.example.org/fhir"
_STEP = re.compile(r"([a-zA-Z]+)(?:\[(\d+)\])?")


def problems_of_handing_out(directory: Path) -> Iterator[Problem]:
    """What the profiles find wrong with each form as it is handed out, by its file and line."""
    for path in sorted(directory.glob("*/questionnaire.json")):
        written, unreadable = read_json(path)
        if unreadable or not isinstance(written.value, dict) or not isinstance(written.value.get("item"), list):
            continue  # said by lint
        found: dict[tuple[int, str], Problem] = {}
        for version, issue in _issues(written.value):
            line = written.line(*_place(issue.expression))
            severity = Severity.ERROR if issue.refuses else Severity.WARNING
            what = f"{issue.message} (DTR {version}, {issue.rule})"
            found.setdefault((line, issue.rule), Problem(str(path), line, severity, what, issue.repair or "correct it"))
        yield from found.values()


def _issues(form: Json) -> Iterator[tuple[str, Issue]]:
    """What is wrong with the form in each version; not what nobody can tell, or is the guide's own fault."""
    for version, dialect in DIALECTS.items():
        for resource in _written(form, Writing(dialect, ANY_BASE)):
            for issue in issues_in(resource, version=version):
                if issue.verdict == "yours" and issue.severity != "information":
                    yield version, issue


def _written(form: Json, writing: Writing) -> list[Json]:
    if not any(each.get("url") == ADAPTIVE for each in form.get("extension", ())):
        return [write_form(form, "form", writing)]
    url = "urn:uuid:00000000-0000-4000-8000-000000000000"
    asked = write_contained_form(form, "form", url, writing, form["item"])
    return [write_search_form(form, "form", writing), asked]


def _place(expression: str) -> Place:
    """The place that a FHIRPath expression names, as far as it is one of the file."""
    steps: list[str | int] = []
    for name, number in _STEP.findall(expression.partition(".")[2]):
        steps += [name, int(number)] if number else [name]
    return tuple(steps)
