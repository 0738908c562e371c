"""CQL and ELM of a content directory belong together; what does not is found by file and line. No Node is needed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from questionnaires.content import DEMO, load_content
from questionnaires.prepopulation import defines_named, read_libraries
from questionnaires.prepopulation_checks import problems_of_libraries
from questionnaires.problem import ContentProblems, Severity
from questionnaires.retrieves import Retrieve
from tests.prepopulation.expectations import SHARED, libraries

SHARED_CQL = """\
library Shared version '1.0.0'
using FHIR version '4.0.1'
codesystem "LOINC": 'http://loinc.org'
code "Weight": '29463-7' from "LOINC"
context Patient
define function Latest(found List<FHIR.Observation>):
  Last(found)
"""

VISITS_CQL = """\
library VisitsPrepopulation version '2026.2.0'
using FHIR version '4.0.1'
include Shared version '1.0.0' called Common
valueset "Pain": 'urn:placet:valueset:pain' version '1.0.0'
context Patient
// define "NotThis": 1
define "Weight":
  Common.Latest([Observation: Common."Weight"])
define private "Pain": [Condition: "Pain"]
define Plain: 1
"""

FORM = {
    "resourceType": "Questionnaire",
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/cqf-library",
            "valueCanonical": "urn:placet:library:VisitsPrepopulation|2026.2.0",
        }
    ],
    "item": [{"linkId": "body", "type": "group", "item": [{"linkId": "weight", "type": "decimal"}]}],
}


def retrieve(kind: str, **codes: Any) -> dict[str, Any]:
    return {"type": "Retrieve", "dataType": "{http://hl7.org/fhir}" + kind, **codes}


WEIGHT = {"type": "ToList", "operand": {"type": "CodeRef", "name": "Weight", "libraryName": "Common"}}
PAIN = {"type": "ValueSetRef", "name": "Pain"}
SHARED_ELM = {
    "identifier": {"id": "Shared", "version": "1.0.0"},
    "codeSystems": {"def": [{"name": "LOINC", "id": "http://loinc.org"}]},
    "codes": {"def": [{"name": "Weight", "id": "29463-7", "codeSystem": {"name": "LOINC"}}]},
    "contexts": {"def": [{"name": "Patient"}]},
    "statements": {"def": [{"name": "Patient", "expression": retrieve("Patient")}, {"name": "Latest"}]},
}
VISITS_ELM = {
    "identifier": {"id": "VisitsPrepopulation", "version": "2026.2.0"},
    "includes": {"def": [{"localIdentifier": "Common", "path": "Shared", "version": "1.0.0"}]},
    "valueSets": {"def": [{"name": "Pain", "id": "urn:placet:valueset:pain", "version": "1.0.0"}]},
    "contexts": {"def": [{"name": "Patient"}]},
    "statements": {
        "def": [
            {"name": "Patient", "expression": retrieve("Patient")},
            {"name": "Weight", "expression": {"operand": [retrieve("Observation", codeProperty="code", codes=WEIGHT)]}},
            {"name": "Pain", "expression": retrieve("Condition", codeProperty="code", codes=PAIN)},
            {"name": "Plain"},
        ]
    },
}


PAIN_CODES = {
    "resourceType": "ValueSet",
    "url": "urn:placet:valueset:pain",
    "version": "1.0.0",
    "status": "active",
    "compose": {"include": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "concept": [{"code": "M54.50"}]}]},
}


def elm_of(library: dict[str, Any], cql: str) -> str:
    tag = {"name": "cql-sha256", "value": sha256(cql.encode()).hexdigest()}
    return json.dumps({"library": library | {"annotation": [{"type": "Annotation", "t": [tag]}]}})


def form_of(expression: str = '"VisitsPrepopulation"."Weight"', **changed: Any) -> str:
    form = json.loads(json.dumps(FORM | changed))
    form["item"][0]["item"][0]["extension"] = [
        {
            "url": "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-initialExpression",
            "valueExpression": {"language": "text/cql", "expression": expression},
        }
    ]
    return json.dumps(form, indent=1)


Files = dict[str, str | None]
SOUND: Files = {
    "libraries/shared.cql": SHARED_CQL,
    "libraries/shared.elm.json": elm_of(SHARED_ELM, SHARED_CQL),
    "visits/prepopulation.cql": VISITS_CQL,
    "visits/prepopulation.elm.json": elm_of(VISITS_ELM, VISITS_CQL),
    "visits/questionnaire.json": form_of(),
    "visits/valuesets/pain.json": json.dumps(PAIN_CODES),
}


def changed(path: str, old: str, new: str) -> Files:
    """A library edited, and compiled again."""
    elm = {"libraries/shared.cql": SHARED_ELM, "visits/prepopulation.cql": VISITS_ELM}[path]
    text = str(SOUND[path])
    assert old in text
    cql = text.replace(old, new)
    return {path: cql, path.replace(".cql", ".elm.json"): elm_of(elm, cql)}


def compiled(**differing: Any) -> Files:
    """The topic's ELM as another compiler could have made it."""
    return {"visits/prepopulation.elm.json": elm_of(VISITS_ELM | differing, VISITS_CQL)}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Files], Path]:
    def written(files: Files) -> Path:
        for name, text in (SOUND | files).items():
            if text is not None:
                path = tmp_path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
        return tmp_path

    return written


@dataclass(frozen=True)
class Finding:
    """What is changed, where it is found, and what is said of it."""

    id: str
    files: Files
    at: str
    what: str


CQL, ELM, QUESTIONNAIRE = "visits/prepopulation.cql", "visits/prepopulation.elm.json", "visits/questionnaire.json"
NO_VERSION = changed(CQL, "library VisitsPrepopulation version '2026.2.0'", "library VisitsPrepopulation")
FINDINGS = [
    Finding("no name", {CQL: "define X: 1\n", ELM: None}, f"{CQL}:1", "no library with a name"),
    Finding("no version", NO_VERSION, f"{CQL}:1", "has no version"),
    Finding("no ELM", {ELM: None}, f"{CQL}:1", "has no ELM"),
    Finding("not JSON", {ELM: "{"}, f"{ELM}:1", "no ELM library"),
    Finding("no library in it", {ELM: "[]"}, f"{ELM}:1", "no ELM library"),
    Finding("CQL edited", {CQL: VISITS_CQL + "\n"}, f"{ELM}:1", "was changed and its ELM was not"),
    Finding("of unknown CQL", {ELM: json.dumps({"library": VISITS_ELM})}, f"{ELM}:1", "does not say from which CQL"),
    Finding("other name", compiled(identifier={"id": "Other", "version": "1"}), f"{ELM}:1", "the ELM is of Other 1"),
    Finding("define missing", changed(CQL, "define Plain: 1", "define Simple: 1"), f"{CQL}:10", "not define 'Simple'"),
    Finding("one name twice", changed("libraries/shared.cql", "Shared", "VisitsPrepopulation"), f"{CQL}:1", "also in"),
    Finding(
        "included version is not here",
        compiled(includes={"def": [{"localIdentifier": "Common", "path": "Shared", "version": "2.0.0"}]}),
        f"{CQL}:3",
        "no library Shared version '2.0.0'",
    ),
    Finding(
        "no value set", {"visits/valuesets/pain.json": None}, f"{CQL}:4", "no value set urn:placet:valueset:pain|1.0.0"
    ),
    Finding(
        "value set without version",
        compiled(valueSets={"def": [{"name": "Pain", "id": "urn:placet:valueset:pain"}]}),
        f"{CQL}:4",
        "value set urn:placet:valueset:pain has no version",
    ),
    Finding("context", compiled(contexts={"def": [{"name": "Population"}]}), f"{CQL}:1", "is not the patient"),
    Finding(
        "asks for everything",
        compiled(statements={"def": [*VISITS_ELM["statements"]["def"], {"expression": retrieve("Encounter")}]}),
        f"{CQL}:1",
        "every Encounter of the patient",
    ),
    Finding("unknown library", {QUESTIONNAIRE: form_of(extension=[])}, f"{QUESTIONNAIRE}:10", "the form does not name"),
    Finding(
        "library without version",
        {
            QUESTIONNAIRE: form_of(
                extension=[
                    {
                        "url": "http://hl7.org/fhir/StructureDefinition/cqf-library",
                        "valueCanonical": "urn:placet:library:VisitsPrepopulation",
                    }
                ]
            )
        },
        f"{QUESTIONNAIRE}:6",
        "there is no library urn:placet:library:VisitsPrepopulation",
    ),
    Finding(
        "unknown define",
        {QUESTIONNAIRE: form_of('"VisitsPrepopulation"."Height"')},
        f"{QUESTIONNAIRE}:15",
        "filled by 'Height'",
    ),
    Finding("inline CQL", {QUESTIONNAIRE: form_of("Today()")}, f"{QUESTIONNAIRE}:15", "something else than a define"),
]


def test_sound_libraries_have_no_problem(write) -> None:
    assert problems_of_libraries(write({})) == []


@pytest.mark.parametrize("finding", FINDINGS, ids=[finding.id for finding in FINDINGS])
def test_a_problem_names_file_and_line_and_how_to_mend_it(finding: Finding, write) -> None:
    directory = write(finding.files)
    found = [
        (f"{Path(problem.file).relative_to(directory)}:{problem.line}", problem.what, problem.mend)
        for problem in problems_of_libraries(directory)
    ]
    assert [each for each in found if each[0] == finding.at and finding.what in each[1] and each[2]], found


def test_elm_of_another_compiler_is_used_with_a_warning(write) -> None:
    directory = write({ELM: json.dumps({"library": VISITS_ELM})})
    assert [problem.severity for problem in problems_of_libraries(directory)] == [Severity.WARNING]


def test_a_library_tells_what_a_package_needs_of_it(write) -> None:
    read, problems = read_libraries(write({}))
    visits = next(each for each in read if each.name == "VisitsPrepopulation")
    assert problems == []
    assert visits.canonical == "urn:placet:library:VisitsPrepopulation|2026.2.0"
    assert (visits.cql, visits.elm) == (VISITS_CQL, SOUND[ELM])
    assert [(define.name, define.line) for define in visits.defines] == [("Weight", 7), ("Pain", 9), ("Plain", 10)]
    assert visits.includes == ("urn:placet:library:Shared|1.0.0",)
    assert visits.value_sets == ("urn:placet:valueset:pain|1.0.0",)
    assert visits.is_current


def test_what_a_library_asks_of_the_record_is_read_from_its_elm(write) -> None:
    read, _problems = read_libraries(write({}))
    assert {each.name: each.retrieves for each in read} == {
        "Shared": (Retrieve("Patient"),),
        "VisitsPrepopulation": (
            Retrieve("Condition", "code", (), "urn:placet:valueset:pain|1.0.0"),
            Retrieve("Observation", "code", (("http://loinc.org", "29463-7"),)),
            Retrieve("Patient"),
        ),
    }


def test_questions_that_are_filled_are_found_at_any_depth() -> None:
    assert [*defines_named(json.loads(form_of()))] == [("weight", "VisitsPrepopulation", "Weight")]


def test_the_libraries_that_come_with_the_server_are_sound() -> None:
    assert problems_of_libraries(DEMO) == []


def test_a_content_whose_elm_is_not_of_its_cql_is_not_served(tmp_path: Path) -> None:
    directory = tmp_path / "content"
    shutil.copytree(DEMO, directory, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    cql = directory / "libraries" / "common.cql"
    cql.write_text(cql.read_text("utf-8") + "// Edited.\n", "utf-8")
    with pytest.raises(
        ContentProblems, match=r"common\.elm\.json:1: error: the CQL of library PlacetCommon was changed"
    ):
        load_content(directory)


def test_the_elm_that_tries_the_shared_functions_is_current() -> None:
    assert [library.name for library in libraries() if not library.is_current] == []
    assert {library.name for library in read_libraries(SHARED)[0]} == {"PlacetCommonChecks"}
