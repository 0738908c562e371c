"""Forms, libraries and value sets by canonical: versions, days, ids, and all that each depends on."""

from __future__ import annotations

import json
import re
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from questionnaires.artifacts import CQF_LIBRARY, Artifacts
from questionnaires.content import DEMO, load_content
from questionnaires.form_file import read_form
from questionnaires.form_valuesets import read_valuesets
from questionnaires.forms import Form
from questionnaires.lint import lint
from questionnaires.selection import fit
from server.authorization.request import Code
from server.authorization.systems import CPT

Json = dict[str, Any]
TODAY = date(2026, 11, 23)


def a_form(folder: Path, version: str = "1.0.0", *libraries: str, **more: Any) -> Form:
    """A form in a file, with the value sets beside it."""
    sets = folder / "valuesets"
    sets.mkdir(exist_ok=True)
    said = {
        "resourceType": "Questionnaire",
        "extension": [{"url": CQF_LIBRARY, "valueCanonical": each} for each in libraries],
        "url": "urn:placet:form:a",
        "version": version,
        "title": "A",
        "status": "active",
        "item": [{"linkId": "q", "type": "choice", "text": "Which?", "answerValueSet": "urn:set:outer|1.0.0"}],
        **more,
    }
    for name, inner in (("outer", ["urn:set:inner|1.0.0"]), ("inner", [])):
        include = [{"valueSet": inner}] if inner else [{"system": "urn:s", "concept": [{"code": "1"}]}]
        value_set = {"resourceType": "ValueSet", "url": f"urn:set:{name}", "version": "1.0.0", "status": "active"}
        (sets / f"{name}.json").write_text(json.dumps(value_set | {"compose": {"include": include}}))
    path = folder / f"{version}.json"
    path.write_text(json.dumps(said))
    problems: list[Any] = []
    form = read_form(path, problems, read_valuesets(sets, problems))
    assert form is not None, problems
    return form


def test_a_canonical_names_a_version_or_the_newest_that_holds(tmp_path: Path) -> None:
    """10 comes after 9; what has not begun, is over or is retired does not count."""
    ended = {"effectivePeriod": {"start": "2026-01-01", "end": "2026-06-30"}}
    later = {"effectivePeriod": {"start": "2027-01-01"}}
    forms = (
        a_form(tmp_path, "9.0.0"),
        a_form(tmp_path, "10.0.0", **ended),
        a_form(tmp_path, "11.0.0", **later),
        a_form(tmp_path, "12.0.0", status="retired"),
    )
    artifacts = Artifacts(forms)

    def found(canonical: str, on: date | None = None) -> str | None:
        artifact = artifacts.find("Questionnaire", canonical, on)
        return artifact.version if artifact else None

    assert found("urn:placet:form:a|10.0.0") == "10.0.0"
    assert found("urn:placet:form:a", date(2026, 3, 1)) == "10.0.0"
    assert found("urn:placet:form:a", TODAY) == "9.0.0"
    assert found("urn:placet:form:a", date(2027, 3, 1)) == "11.0.0"
    assert found("urn:placet:form:a|1.2.3") is None
    assert found("urn:set:outer") is None


def test_a_closure_goes_by_way_of_others_and_names_what_is_missing(tmp_path: Path) -> None:
    """Each once; what is not here is told (DTR oper-12, oper-14)."""
    form = a_form(tmp_path, "1.0.0", "urn:placet:library:Gone|1.0.0")
    artifacts = Artifacts((form,))
    closure = artifacts.closure(artifacts.of_kind("Questionnaire")[0])
    assert [each.canonical for each in closure.artifacts] == ["urn:set:outer|1.0.0", "urn:set:inner|1.0.0"]
    assert closure.missing == ("urn:placet:library:Gone|1.0.0",)


def test_ids_are_fhir_ids_unique_and_stay() -> None:
    """An id is made of the canonical alone."""
    every = load_content().artifacts.every
    ids = [(each.kind, each.id) for each in every]
    assert len(set(ids)) == len(ids) > 20
    assert all(re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", id) for _kind, id in ids)
    [oxygen] = [each for each in every if each.url == "urn:placet:form:home-oxygen"]
    assert oxygen.id.startswith("home-oxygen-")
    again = load_content().artifacts
    assert again.get("Questionnaire", oxygen.id) == oxygen


def test_every_package_of_the_demo_is_whole() -> None:
    """Nothing that a form names is missing."""
    artifacts = load_content().artifacts
    assert {each.canonical: artifacts.closure(each).missing for each in artifacts.of_kind("Questionnaire")} == {
        each.canonical: () for each in artifacts.of_kind("Questionnaire")
    }


@pytest.mark.parametrize(
    ("file", "old", "new", "what"),
    [
        (
            "valuesets/pulmonary-hypertension.json",
            "urn:placet:valueset:pulmonary-hypertension",
            "urn:placet:valueset:x",
            "not here",
        ),
        ("questionnaire.json", "oxygen-diagnoses|2026.2.0", "oxygen-diagnoses", "without version"),
    ],
)
def test_lint_says_which_package_would_not_be_whole(tmp_path: Path, file: str, old: str, new: str, what: str) -> None:
    """By the file and line of the form."""
    for name in ("plans", "libraries", "home-oxygen"):
        shutil.copytree(DEMO / name, tmp_path / name)
    shutil.copy(DEMO / "valuesets.yaml", tmp_path)
    changed = tmp_path / "home-oxygen" / file
    changed.write_text(changed.read_text().replace(old, new))
    form = tmp_path / "home-oxygen" / "questionnaire.json"
    found = [each for each in lint(tmp_path) if what in each.what and each.file == str(form)]
    assert len(found) == 1
    named = old.partition("|")[0]
    assert named in found[0].what
    assert found[0].line == 1 or named in form.read_text().splitlines()[found[0].line - 1]


def test_the_topic_of_an_order_is_the_one_that_would_decide_the_line() -> None:
    """By plan, code and age."""
    content = load_content()
    plan = next(each for each in content.plans if each.default)
    codes = (Code(CPT, "97110"),)
    adult, child, unknown = (fit(content, plan, codes, age, TODAY) for age in (40, 7, None))
    assert adult.topic is not None and adult.topic.name == "therapy-adult"
    assert child.topic is not None and child.topic.name == "therapy-pediatric"
    assert (adult.by_age, child.by_age, unknown.by_age) == (False, False, True)
    assert fit(content, plan, (Code(CPT, "00000"),), 40, TODAY).topic is None
