"""placet validate: what it reads, what it says in each format, how it ends."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result

import server.cli.validation.checked
import server.cli.validation.documents
from conformance.samples import sample, sample_names
from mappers.wire import to_bytes
from profiles.profile_set import FOLDERS
from server.cli import placet
from server.cli.validate import FORMATS, VERSIONS
from server.cli.validation.documents import Source, documents_in, sources_in
from tests.profiles.mutation_suite import all_cases, resource_of

Json = dict[str, Any]
PAYMENT = "Only requests for authorization are taken here: send claims for payment to the claims system."

ROOT = Path(__file__).parents[3]
PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
GOOD_PATIENT = {"resourceType": "Patient", "gender": "female"}
BAD_PATIENT = {"resourceType": "Patient", "gender": "F"}


def run(*arguments: object, piped: str | None = None) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(placet, ["validate", *map(str, arguments)], input=piped)


def spoilt() -> Json:
    """A request with three errors in two resources, a defect of the guide, and a code nobody can look up."""
    bundle = sample("several-lines")
    claim = bundle["entry"][0]["resource"]
    claim["use"] = "claim"
    claim["item"][1]["sequence"] = 1
    claim["item"][0]["revenue"] = {"coding": [{"system": "https://www.nubc.org/revenue-code", "code": "0420"}]}
    number = {"url": PAS + "extension-authorizationNumber", "valueString": "A-1"}
    claim["extension"] = [*claim.get("extension", ()), number]
    bundle["entry"][4]["resource"]["gender"] = "F"
    return bundle


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A directory like those that people have: good, bad, other JSON, NDJSON, folders in folders."""
    inner = tmp_path / "day one" / "north"
    inner.mkdir(parents=True)
    write(inner / "good.json", sample("approved-consultation"))
    write(inner / "spoilt.json", spoilt())
    write(tmp_path / "package.json", {"name": "not FHIR"})
    lines = [GOOD_PATIENT, BAD_PATIENT, GOOD_PATIENT]
    (tmp_path / "patients.ndjson").write_text("\n".join(map(json.dumps, lines)) + "\n\n")
    (tmp_path / "notes.txt").write_text("nothing to be read")
    return tmp_path


def write(path: Path, content: object) -> Path:
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def documents(result: Result) -> dict[str, Json]:
    """The documents of a JSON report by file name and line."""
    found = json.loads(result.stdout)
    return {Path(each["file"]).name + (f":{each['line']}" if "line" in each else ""): each for each in found}


# ---- what it reads ---------------------------------------------------------------------------------------------------


def test_a_directory_is_looked_through_for_resources(folder: Path) -> None:
    result = run(folder, "--format", "json")
    assert {name: found["errors"] for name, found in documents(result).items()} == {
        "good.json": 0,
        "spoilt.json": 3,
        "patients.ndjson:1": 0,
        "patients.ndjson:2": 1,
        "patients.ndjson:3": 0,
    }
    assert result.exit_code == 1


@pytest.mark.parametrize("name", sample_names())
def test_the_samples_have_no_errors(tmp_path: Path, name: str) -> None:
    result = run(write(tmp_path / "request.json", sample(name)))
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "1 document: no errors")


@pytest.mark.parametrize(
    ("piped", "lines"),
    [
        (json.dumps(GOOD_PATIENT), [None]),
        (json.dumps(GOOD_PATIENT) + "\n\n", [None]),
        (json.dumps(GOOD_PATIENT, indent=1), [None]),
        (f"{json.dumps(GOOD_PATIENT)}\n{json.dumps(BAD_PATIENT)}\n", [1, 2]),
        (f"{json.dumps(GOOD_PATIENT)}\n{{broken\n", [1, 2]),
        ("", [None]),
    ],
)
def test_standard_input_is_one_resource_or_one_on_every_line(piped: str, lines: list[int | None]) -> None:
    found = json.loads(run("-", "--format", "json", piped=piped).stdout)
    assert [document.get("line") for document in found] == lines


def test_a_file_that_is_named_twice_is_checked_once(folder: Path) -> None:
    (path,) = folder.rglob("good.json")
    assert [source.path for source in sources_in([str(path), str(path)])] == [str(path)]


UNREADABLE = {
    "broken off": (
        '{"resourceType": "Patient",\n "gender": ',
        "Not JSON: the text ends where a value was expected, at",
    ),
    "a key twice": ('{"resourceType": "Patient",\n "gender": "male", "gender": "male"}', "line 2, column"),
    "NaN": ('{"resourceType": "Patient", "multipleBirthInteger": NaN}', "line 1, column"),
    "no object": ("[]", "Must be a resource"),
    "no resourceType": ("{}", "Must be a resource"),
    "an unknown type": ('{"resourceType": "Patience"}', "Patience is not a resource type known here."),
    "nothing": ("", "The body is empty."),
    "ten thousand arrays": ("[" * 10_000, "nested deeper than"),
}


@pytest.mark.parametrize("name", UNREADABLE)
def test_what_cannot_be_read_is_an_error_with_its_place_and_repair(tmp_path: Path, name: str) -> None:
    content, words = UNREADABLE[name]
    result = run(write(tmp_path / "x.json", content))
    assert result.exit_code == 1
    assert words in " ".join(result.stdout.split()).replace("│ ", "")


def test_null_and_empty_values_are_told_once(tmp_path: Path) -> None:
    bad = write(tmp_path / "x.json", {**GOOD_PATIENT, "name": [], "birthDate": None, "language": ""})
    (found,) = documents(run(bad, "--format", "json")).values()
    assert sorted(issue["expression"] for issue in found["issues"]) == [
        "Patient.birthDate",
        "Patient.language",
        "Patient.name",
    ]


def test_a_file_that_cannot_be_read_is_an_error_and_the_others_are_checked(folder: Path) -> None:
    (folder / "gone.json").symlink_to(folder / "nowhere.json")
    found = documents(run(folder, "--format", "json"))
    assert "cannot be read" in found["gone.json"]["issues"][0]["message"]
    assert "good.json" in found


def test_documents_larger_than_the_server_reads_are_not_read_and_the_next_line_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.cli.validation.documents, "LARGEST", 100)
    monkeypatch.setattr(server.cli.validation.documents, "_CHUNK", 16)
    path = tmp_path / "x.ndjson"
    path.write_text(f'{{"resourceType": "{"x" * 1000}"}}\n{json.dumps(GOOD_PATIENT)}\n')
    found = list(documents_in(Source(str(path))))
    assert [(document.line, document.problem is None) for document in found] == [(1, False), (2, True)]
    assert json.loads(found[1].body) == GOOD_PATIENT


def test_ndjson_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "x.ndjson"
    path.write_text("\n".join([json.dumps(GOOD_PATIENT)] * 3))
    reading: Iterator[Any] = documents_in(Source(str(path)))
    assert next(reading).line == 1
    with path.open("a") as more:
        more.write("\n" + json.dumps(BAD_PATIENT))
    assert [document.line for document in reading] == [2, 3, 4]


# ---- profiles --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("resource", "options", "told"),
    [
        (sample("several-lines"), (), "held to profile-pas-request-bundle of PAS 2.2.1, which it declares"),
        (GOOD_PATIENT, (), "held to Patient of R4 4.0.1, guessed from its content"),
        (
            GOOD_PATIENT,
            ("--profile", PAS + "profile-beneficiary"),
            "held to profile-beneficiary of PAS 2.2.1, as asked for",
        ),
        (GOOD_PATIENT, ("--profile", "profile-beneficiary"), "held to profile-beneficiary of PAS 2.2.1, as asked for"),
        (
            GOOD_PATIENT,
            ("--profile", "profile-beneficiary", "--version", "2.0.1"),
            "held to profile-beneficiary of PAS 2.0.1, as asked for",
        ),
    ],
)
def test_the_profile_is_told_and_who_chose_it(
    tmp_path: Path, resource: Json, options: tuple[str, ...], told: str
) -> None:
    assert run(write(tmp_path / "x.json", resource), *options).stdout.splitlines()[1] == told


def test_the_versions_are_those_of_the_tables() -> None:
    assert set(VERSIONS) == set(FOLDERS)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("-", "--profile", "profile-clam"), "profile-claim"),
        (("-", "--profile", PAS + "profile-claim|9.9"), "is held here"),
        (("no-such-file.json",), "does not exist"),
        (("-", "--version", "1.0"), "--version"),
        (("-", "--output", "no/such/directory/x.html"), "cannot be written"),
        ((), "Missing argument"),
    ],
)
def test_what_cannot_be_carried_out_ends_with_2(arguments: tuple[str, ...], words: str) -> None:
    result = run(*arguments, piped=json.dumps(GOOD_PATIENT))
    assert (result.exit_code, words in result.stderr) == (2, True), result.stderr


def test_a_directory_without_resources_ends_with_2(tmp_path: Path) -> None:
    assert run(tmp_path).exit_code == 2


# ---- the reports -----------------------------------------------------------------------------------------------------


def test_the_findings_stand_in_the_tree_of_resources_with_rule_message_and_repair(tmp_path: Path) -> None:
    result = run(write(tmp_path / "x.json", spoilt()))
    lines = [line.strip(" │") for line in result.stdout.splitlines()]
    claim, patient = lines.index("├── entry[0] Claim"), lines.index("├── entry[4] Patient")
    use = lines.index("├── error  use  PAS profile-claim Claim.use pattern")
    assert claim < use < patient < lines.index("└── error  gender  R4 Patient.gender")
    assert lines[use + 1 : use + 3] == ["Must be \"preauthorization\", not 'claim'.", PAYMENT]
    assert lines[-3].startswith("└── fine: entry[1] Organization, entry[2]")


def test_defects_of_the_guide_and_what_is_not_checkable_are_counted_and_shown_on_demand(tmp_path: Path) -> None:
    path = write(tmp_path / "x.json", spoilt())
    short, whole = run(path).stdout, run(path, "--all").stdout
    assert "1 document: 3 errors, 1 defect of the guide, 1 not checkable  (--all shows all of them)" in short
    assert not [line for line in short.splitlines()[:-2] if "guide defect" in line or "not checkable" in line]
    assert all(words in whole for words in ("guide defect  extension[", "not checkable  item[0]"))


def test_many_documents_get_tables_of_files_and_rules(folder: Path) -> None:
    told = run(folder).stdout
    assert "Files with findings" in told and "Rules most often broken" in told
    assert re.search(r" 1 +\S*/patients\.ndjson \(3 documents\)", told)
    assert told.rstrip().endswith("(--all shows all of them)")


def test_quiet_shows_errors_only(folder: Path, tmp_path: Path) -> None:
    told = run(folder, "--quiet").stdout
    assert "patients.ndjson:2" in told and "patients.ndjson:1" not in told and "fine" not in told
    assert run(write(tmp_path / "good.json", GOOD_PATIENT), "--quiet").output == ""


def test_the_html_page_is_one_file_that_loads_nothing_and_escapes_everything(tmp_path: Path) -> None:
    path = write(tmp_path / "<img src=x onerror=alert(1)>.json", {**spoilt(), "<script>": "x"})
    page = run(path, "--format", "html").stdout
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert not re.search(r"<(script|img|link|iframe|object)|<[^>]*\b(src|href|on\w+)=|url\(|@import", page)
    assert "&lt;img src=x onerror=alert(1)&gt;.json" in page
    assert "default-src 'none'" in page
    assert page.count("<details") == page.count("</details>") and page.count("<ul") == page.count("</ul>")
    for kind in ("error", "warning", "guide-defect", "not-checkable"):
        assert f'id="show-{kind}"' in page and f'for="show-{kind}"' in page
    assert page.count('<li class="finding error">') == 4


@pytest.mark.parametrize(("options", "shown"), [((), 2), (("--all",), 4)])
def test_the_html_page_begins_with_the_filters_that_were_asked_for(
    tmp_path: Path, options: tuple[str, ...], shown: int
) -> None:
    page = run(write(tmp_path / "x.json", spoilt()), "--format", "html", *options).stdout
    assert len(re.findall(r'class="switch" id="show-[a-z-]+" checked>', page)) == shown


def test_junit_has_a_case_for_every_document_and_a_failure_for_its_errors(folder: Path) -> None:
    output = folder / "junit.xml"
    assert run(folder, "--format", "junit", "--output", output).exit_code == 1
    suite = ElementTree.parse(output).getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("5", "2")
    failures = {Path(case.get("name", "")).name: case.findtext("failure") for case in suite}
    assert failures["good.json"] is None
    assert "Patient.gender 'F' is not in the value set" in (failures["patients.ndjson:2"] or "")


def test_a_json_report_has_every_issue_and_what_it_was_held_to(tmp_path: Path) -> None:
    (found,) = json.loads(run(write(tmp_path / "x.json", spoilt()), "--format", "json").stdout)
    assert (found["type"], found["profile"]) == ("Bundle", PAS + "profile-pas-request-bundle")
    assert [found[count] for count in ("errors", "warnings", "guideDefects", "notCheckable")] == [3, 0, 1, 1]
    assert len(found["issues"]) == 5
    assert all(issue.keys() >= {"severity", "expression", "message", "rule", "repair"} for issue in found["issues"])


@pytest.mark.parametrize("shape", FORMATS)
def test_no_report_holds_anything_about_a_person(tmp_path: Path, shape: str) -> None:
    bundle = spoilt()
    person = bundle["entry"][4]["resource"]
    person |= {"birthDate": "1961-13-45", "Robin Sample": "PLX0001", "active": "Robin Sample", "gender": "Robin Sample"}
    person["name"][0]["family"] = ["Sample"]
    bundle["entry"][5]["resource"]["resourceType"] = "Robin Sample"
    told = run(write(tmp_path / "x.json", bundle), "--format", shape, "--all").output
    assert "gender" in told
    assert not [word for word in ("Sample", "Robin", "PLX0001", "1961") if word in told]


@pytest.mark.parametrize("shape", FORMATS)
def test_a_report_in_a_file_is_the_same_and_there_only_when_it_is_whole(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path_factory.mktemp("reports") / "report"
    result = run(folder, "--format", shape, "--output", output)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "5 documents: 4 errors" in result.stderr
    assert output.read_text() and list(output.parent.iterdir()) == [output]

    def broken(*_: object) -> None:
        raise ZeroDivisionError

    before = output.read_bytes()
    monkeypatch.setattr(server.cli.validation.checked, "check", broken)
    assert isinstance(run(folder, "--format", shape, "--output", output).exception, ZeroDivisionError)
    assert output.read_bytes() == before and list(output.parent.iterdir()) == [output]


@pytest.mark.parametrize("shape", FORMATS)
def test_ctrl_c_ends_with_what_was_checked_until_then(
    folder: Path, shape: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checked = server.cli.validation.checked.check
    seen: list[object] = []

    def interrupted(*arguments: Any) -> Any:
        if len(seen) == 3:
            raise KeyboardInterrupt
        seen.append(arguments)
        return checked(*arguments)

    monkeypatch.setattr(server.cli.validation.checked, "check", interrupted)
    result = run(folder, "--format", shape)
    assert (result.exit_code, "Traceback" in result.output) == (130, False)
    if shape == "json":
        assert len(json.loads(result.stdout)) == 2  # the third was not FHIR
    elif shape == "junit":
        assert len(ElementTree.parse(StringIO(result.stdout)).getroot()[0]) == 2
    else:
        assert "topped before the last document" in result.stdout


def test_it_needs_neither_the_door_nor_a_store() -> None:
    seen = (
        "import sys; from server.cli.validate import validate\n"
        "try: validate(['-'], standalone_mode=False)\n"
        "except SystemExit: pass\n"
        "finally: print({name for name in sys.modules} & {'flask', 'pymongo', 'mongoengine', 'requests', 'gunicorn'})"
    )
    told = subprocess.run(
        [sys.executable, "-c", seen],
        input=json.dumps(GOOD_PATIENT),
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    assert told.stdout.endswith("set()\n")


@pytest.mark.parametrize("shape", FORMATS)
def test_no_document_is_too_strange_for_a_report(tmp_path: Path, shape: str) -> None:
    """Everything the profiles' own cases can think of, one on a line."""
    path = tmp_path / "cases.ndjson"
    strange = [resource_of(case) for _, case in all_cases()]
    path.write_bytes(b"\n".join(map(to_bytes, filter(written, strange))))
    result = run(path, "--format", shape, "--all")
    assert (result.exit_code, result.exception.__class__) == (1, SystemExit)
    if shape == "json":
        assert len(json.loads(result.stdout)) > 400
    if shape == "junit":
        assert len(ElementTree.fromstring(result.stdout)[0]) > 400


def written(resource: object) -> bool:
    """False for what cannot be JSON at all: halves of surrogate pairs, depth beyond any encoder."""
    try:
        return bool(to_bytes(resource))
    except TypeError:
        return False
