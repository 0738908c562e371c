"""CQL run as a provider's system runs it: ELM in an engine of its own (Node), never in the server.

`prefill` is a DTR client's first step: it takes nothing but a package and a patient's record.
"""

from __future__ import annotations

import base64
import fcntl
import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from questionnaires.prepopulation import INITIAL, defines_named

TOOLS = Path(__file__).parents[2] / "tools" / "elm"
INSTALLED = TOOLS / "node_modules" / ".package-lock.json"
NOW = "2026-07-01T12:00:00Z"
"""The day on which everything here happens."""

Values = dict[str, dict[str, dict[str, Any]]]
"""Patient -> library -> define -> value, as tools/elm/evaluate.mjs writes values."""


@cache
def unavailable() -> str:
    """Why no CQL can be run here; "" where it can. Installs the engine once, which takes seconds."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        return "CQL is run by Node, which is not installed here"
    with (TOOLS / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if INSTALLED.exists() and INSTALLED.stat().st_mtime >= (TOOLS / "package-lock.json").stat().st_mtime:
            return ""
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", "--fetch-retries=1"]
        done = subprocess.run(command, cwd=TOOLS, capture_output=True, timeout=300, check=False)
        return "" if done.returncode == 0 else "the packages of tools/elm cannot be installed here"


Json = Mapping[str, Any]


def evaluate(libraries: Iterable[Json], value_sets: Iterable[Json], patients: Json, names: Iterable[str]) -> Values:
    """Every define of the libraries `names` for every patient, in one process.

    libraries   ELM, each {"library": ...}, with all that is included
    patients    FHIR Bundles by name
    """
    [values] = _run([_job(libraries, value_sets, patients, names, NOW)])
    return values


def prefill(package: Json, patient: Json, now: str = NOW) -> dict[str, list[dict[str, Any]]]:
    """The answers that a client fills in beforehand: linkId -> FHIR answers (`[{"valueDate": "2026-03-15"}]`).

    package   the Bundle of $questionnaire-package: Questionnaire, Libraries with their ELM, ValueSets
    patient   a FHIR Bundle with the Patient and the record
    Questions about which the record says nothing are left out.
    Raises AssertionError where the package is not complete (ELM with every expression: DTR spec-96), a define fails, or
    a question does not take what it gives.
    """
    [filled] = prefill_each([(package, patient)], now)
    return filled


def prefill_each(filled: Iterable[tuple[Json, Json]], now: str = NOW) -> list[dict[str, list[dict[str, Any]]]]:
    """The same for several packages, each with its patient: one process, which is much quicker."""
    packages = [(_Package.read(package), patient) for package, patient in filled]
    jobs = [
        _job(package.libraries, package.value_sets, {"patient": patient}, package.names, now)
        for package, patient in packages
    ]
    return [
        answers(package.questionnaire, values.get("patient", {}), package.value_sets)
        for (package, _patient), values in zip(packages, _run(jobs), strict=True)
    ]


@dataclass(frozen=True)
class _Package:
    """What a client takes out of a package; `names` are the libraries that its questions name."""

    questionnaire: Json
    libraries: list[dict[str, Any]]
    value_sets: list[Json]
    names: list[str]

    @classmethod
    def read(cls, package: Json) -> _Package:
        resources = [entry["resource"] for entry in package["entry"]]
        questionnaire = next(each for each in resources if each["resourceType"] == "Questionnaire")
        named = [*defines_named(questionnaire)]
        assert dict(compiled_references(questionnaire)) == {link: (name, define) for link, name, define in named}
        return cls(
            questionnaire,
            [elm_of(each) for each in resources if each["resourceType"] == "Library"],
            [each for each in resources if each["resourceType"] == "ValueSet"],
            sorted({name for _link, name, _define in named}),
        )


def _job(
    libraries: Iterable[Json], value_sets: Iterable[Json], patients: Json, names: Iterable[str], now: str
) -> dict[str, Any]:
    return {
        "now": now,
        "libraries": list(libraries),
        "valueSets": list(value_sets),
        "patients": dict(patients),
        "evaluate": list(names),
    }


def _run(jobs: list[dict[str, Any]]) -> list[Values]:
    command = ["node", str(TOOLS / "evaluate.mjs")]
    done = subprocess.run(command, input=json.dumps(jobs), capture_output=True, text=True, timeout=300, check=False)
    if done.returncode or done.stderr:
        raise AssertionError(f"the engine stopped: {done.stderr[-2000:]}")
    results: list[Values] = json.loads(done.stdout)
    return results


def elm_of(library: Mapping[str, Any]) -> dict[str, Any]:
    """The ELM in a FHIR Library (DTR spec-95)."""
    contents = {each["contentType"]: each["data"] for each in library["content"]}
    elm: dict[str, Any] = json.loads(base64.b64decode(contents["application/elm+json"]))
    return elm


def compiled_references(questionnaire: Mapping[str, Any]) -> Iterator[tuple[str, tuple[str, str]]]:
    """linkId -> library and define that the ELM beside a question's initialExpression names."""
    for item in items_of(questionnaire):
        for extension in item.get("extension", []):
            if extension["url"] == INITIAL:
                beside = [each["valueExpression"] for each in extension["valueExpression"].get("extension", [])]
                elm = [json.loads(each["expression"]) for each in beside if each["language"] == "application/elm+json"]
                yield from ((item["linkId"], (each["libraryName"], each["name"])) for each in elm)


def answers(
    questionnaire: Mapping[str, Any],
    values: Mapping[str, Mapping[str, Any]],
    value_sets: Iterable[Mapping[str, Any]] = (),
) -> dict[str, list[dict[str, Any]]]:
    """What the defines give (library -> define -> value) as answers to the questions that name them."""
    items = {item["linkId"]: item for item in items_of(questionnaire)}
    sets = [*value_sets]
    given = {}
    for link_id, library, define in defines_named(questionnaire):
        assert define in values.get(library, {}), f"{link_id}: {library} does not define {define}"
        value = values[library][define]
        each = [one for one in (value if isinstance(value, list) else [value]) if one is not None]
        assert len(each) < 2 or items[link_id].get("repeats"), f"{link_id}: several answers to one question"
        if each:
            given[link_id] = [answer(items[link_id], one, sets) for one in each]
    return given


def items_of(questionnaire: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every item, at any depth."""
    for item in questionnaire.get("item", []):
        yield item
        yield from items_of(item)


def answer(item: Mapping[str, Any], value: Any, value_sets: list[Mapping[str, Any]]) -> dict[str, Any]:
    """A value as answer to the question, which must take it: AssertionError says why not."""
    where = f"{item['linkId']} ({item['type']})"
    assert not (isinstance(value, dict) and "error" in value), f"{where}: {value}"
    assert not item.get("readOnly"), f"{where}: what is read only is not filled from the record (DTR sec-4)"
    assert item["type"] in ANSWERS, f"{where}: cannot be filled beforehand"
    name, made = ANSWERS[item["type"]](value)
    assert made is not None, f"{where}: {value!r} is no answer of this type"
    if name == "valueCoding":
        codes = options(item, value_sets)
        chosen = (made.get("system"), made.get("code"))
        assert codes is None or item["type"] == "open-choice" or chosen in codes, f"{where}: {chosen} is no option"
    if name == "valueQuantity":
        units = units_of(item)
        assert not units or made["code"] in units, f"{where}: {made['code']} is none of the units {sorted(units)}"
    return {name: made}


def options(item: Mapping[str, Any], value_sets: list[Mapping[str, Any]]) -> set[tuple[str, str]] | None:
    """The codes that can be chosen; None where they are not known here."""
    if "answerValueSet" in item:
        url, _, version = item["answerValueSet"].partition("|")
        known = [each for each in value_sets if each["url"] == url and version in ("", each.get("version"))]
        return {code for each in known for code in codes_in(each)} if known else None
    codings = [option["valueCoding"] for option in item.get("answerOption", []) if "valueCoding" in option]
    return {(coding["system"], coding["code"]) for coding in codings}


def codes_in(value_set: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """System and code of all that is listed in a value set."""
    for each in value_set.get("expansion", {}).get("contains", []):
        yield each["system"], each["code"]
    for include in value_set.get("compose", {}).get("include", []):
        yield from ((include["system"], each["code"]) for each in include.get("concept", []))


def units_of(item: Mapping[str, Any]) -> set[str]:
    """The codes of the units in which a quantity can be given."""
    url = "http://hl7.org/fhir/StructureDefinition/questionnaire-unitOption"
    return {each["valueCoding"]["code"] for each in item.get("extension", []) if each["url"] == url}


def _plain(name: str, *types: type) -> Any:
    return lambda value: (
        name,
        value if isinstance(value, types) and isinstance(value, bool) == (bool in types) else None,
    )


def _date(value: Any) -> tuple[str, Any]:
    """A date, also the day of a moment."""
    moment = value.get("date", value.get("dateTime")) if isinstance(value, dict) else None
    return "valueDate", moment[:10] if moment else None


def _moment(value: Any) -> tuple[str, Any]:
    return "valueDateTime", value.get("dateTime", value.get("date")) if isinstance(value, dict) else None


def _quantity(value: Any) -> tuple[str, Any]:
    given = value.get("quantity") if isinstance(value, dict) else None
    if not given:
        return "valueQuantity", None
    unit = {"unit": given["unit"], "system": "http://unitsofmeasure.org", "code": given["unit"]}
    return "valueQuantity", {"value": given["value"], **unit}


def _coding(value: Any) -> tuple[str, Any]:
    if not isinstance(value, dict):
        return "valueCoding", None
    given = value["value"] if value.get("fhir") == "Coding" else value.get("code")
    return "valueCoding", {name: each for name, each in given.items() if each is not None} if given else None


def _open(value: Any) -> tuple[str, Any]:
    return ("valueString", value) if isinstance(value, str) else _coding(value)


ANSWERS = {
    "boolean": _plain("valueBoolean", bool),
    "decimal": _plain("valueDecimal", int, float),
    "integer": _plain("valueInteger", int),
    "string": _plain("valueString", str),
    "text": _plain("valueString", str),
    "date": _date,
    "dateTime": _moment,
    "quantity": _quantity,
    "choice": _coding,
    "open-choice": _open,
}
"""Type of item -> what makes the name and the value of its answer."""
