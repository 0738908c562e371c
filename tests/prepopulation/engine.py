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
from tests.prepopulation.answers import answers, items_of

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
Answers = dict[str, list[dict[str, Any]]]


def evaluate(libraries: Iterable[Json], value_sets: Iterable[Json], patients: Json, names: Iterable[str]) -> Values:
    """Every define of the libraries `names` for every patient, in one process.

    libraries   ELM, each {"library": ...}, with all that is included
    patients    FHIR Bundles by name
    """
    [values] = _run([_job(libraries, value_sets, patients, names, NOW)])
    return values


def prefill(package: Json, patient: Json, asked: Json | None = None, now: str = NOW) -> Answers:
    """The answers that a client fills in beforehand: linkId -> FHIR answers (`[{"valueDate": "2026-03-15"}]`).

    package   the Bundle of $questionnaire-package: Questionnaire, Libraries with their ELM, ValueSets
    patient   a FHIR Bundle with the Patient and the record
    asked     what is asked where the form is adaptive: the Questionnaire contained in the answer of $next-question
    Questions about which the record says nothing are left out.
    Raises AssertionError where the package is not complete (ELM with every expression: DTR spec-96), a define fails, or
    a question does not take what it gives.
    """
    [filled] = prefill_each([(package, patient, asked)], now)
    return filled


def prefill_each(filled: Iterable[tuple[Json, Json, Json | None]], now: str = NOW) -> list[Answers]:
    """The same for several packages, each with its patient and what is asked: one process, which is much quicker."""
    packages = [(_Package.read(package, asked), patient) for package, patient, asked in filled]
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
    def read(cls, package: Json, asked: Json | None) -> _Package:
        resources = [entry["resource"] for entry in package["entry"]]
        questionnaire = asked or next(each for each in resources if each["resourceType"] == "Questionnaire")
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
