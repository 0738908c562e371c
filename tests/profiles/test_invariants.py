"""Native predicates of invariants: each agrees with its expression, and every invariant of the guides has one.

Cases are in invariants/*.json. `oracle` is true where fhirpathpy decides the expression the same way, else why not.
"""

from __future__ import annotations

import json
import random
import tarfile
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import Any

import fhirpathpy
import pytest
from fhirpathpy.models import models

from profiles.invariants import AS_WRITTEN, EMPTY_HOLDS, PREDICATES, UNDECIDABLE, Scope, name_of, predicate_for
from profiles.references import BundleReferences

HERE = Path(__file__).parent
IG = HERE.parents[2] / "shared" / "ig"
TABLES = HERE.parents[1] / "profiles"

GUIDES = {
    "davinci_pas_2.2.1": "pas-2.2.1",
    "davinci_pas_2.0.1": "pas-2.0.1",
    "davinci_dtr_2.0.1": "dtr-2.0.1",
    "davinci-crd-2.0.1": "crd-2.0.1",
    "us_core_700": "uscore-7.0.0",
    "us_core_610": "uscore-6.1.0",
    "us_core_311": "uscore-3.1.1",
    "hl7.fhir.r4.core": "r4-4.0.1",
}

INVARIANTS: list[dict[str, Any]] = [
    invariant
    for path in sorted((HERE / "invariants").glob("*.json"))
    for invariant in json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
]
CASES = [
    pytest.param(invariant, case, id=f"{invariant['invariant']}: {case['description']}")
    for invariant in INVARIANTS
    for case in invariant["cases"]
]
NEVER_FAIL = {"eld-11", "provenance-1@uscore-3.1.1", "us-core-1@uscore-6.1.0"} | {
    f"us-core-4@uscore-{version}" for version in ("3.1.1", "6.1.0")
}


def scope_of(case: dict[str, Any]) -> Scope:
    data = case["data"]
    resource = case.get("resource") or (data if isinstance(data, dict) else {})
    bundle = BundleReferences(case["bundle"]) if "bundle" in case else None
    return Scope(resource, bundle, case.get("full_url", ""))


@pytest.mark.parametrize(("invariant", "case"), CASES)
def test_a_predicate_says_whether_its_invariant_holds(invariant: dict[str, Any], case: dict[str, Any]) -> None:
    assert PREDICATES[invariant["invariant"]](case["data"], scope_of(case)) is case["holds"]


@pytest.mark.parametrize(("invariant", "case"), CASES)
def test_the_expression_says_the_same(invariant: dict[str, Any], case: dict[str, Any]) -> None:
    outcome = fhirpath(invariant, case)
    if case["oracle"] is True:
        assert outcome is case["holds"]
    else:
        assert outcome is not case["holds"], "the engine decides this case too: oracle is true"


def fhirpath(invariant: dict[str, Any], case: dict[str, Any]) -> bool | str:
    """Whether the expression holds by fhirpathpy; what it raised where it cannot tell."""
    element = case.get("element") or invariant.get("element")
    path = {"expression": invariant["expression"], **({"base": element} if element else {})}
    resource = scope_of(case).resource
    variables = {"resource": resource, "rootResource": resource}
    try:
        found = fhirpathpy.evaluate(
            json.loads(json.dumps(case["data"], default=float)),
            path,
            variables,
            models["r4"],
            {"userInvocationTable": OWN},
        )
    except Exception as failure:
        return repr(failure)
    return _holds(found, invariant["invariant"])


def _holds(found: list[Any], name: str) -> bool:
    if not found:
        return name in EMPTY_HOLDS
    return found != [False]


def _has_value(nodes: list[Any]) -> list[bool]:
    return [len(nodes) == 1 and not isinstance(getattr(nodes[0], "data", nodes[0]), (dict, list, type(None)))]


OWN = {
    "hasValue": {"fn": _has_value, "arity": {0: []}},
    "trace": {"fn": lambda nodes, *_: nodes, "arity": {1: ["AnyAtRoot"], 2: ["AnyAtRoot", "AnyAtRoot"]}},
}


def test_every_predicate_has_a_case_that_holds_and_one_that_does_not() -> None:
    seen = {(one["invariant"], case["holds"]) for one in INVARIANTS for case in one["cases"]}
    assert {name for name, holds in seen if holds} == set(PREDICATES)
    assert set(PREDICATES) - {name for name, holds in seen if not holds} == NEVER_FAIL


def test_no_invariant_is_listed_twice() -> None:
    assert len({one["invariant"] for one in INVARIANTS}) == len(INVARIANTS)


def test_every_predicate_says_what_has_to_be_true() -> None:
    assert [name for name, predicate in PREDICATES.items() if not predicate.__doc__] == []


def test_remarks_are_about_predicates_that_exist() -> None:
    assert AS_WRITTEN.keys() | EMPTY_HOLDS.keys() <= PREDICATES.keys()
    assert UNDECIDABLE.keys() & PREDICATES.keys() == set()
    assert set(AS_WRITTEN) >= NEVER_FAIL


def test_a_key_used_twice_is_told_apart_by_guide_and_type() -> None:
    assert name_of("us-core-6", "uscore-7.0.0", "Patient.name") == "us-core-6"
    assert name_of("us-core-6", "pas-2.2.1", "DocumentReference.content.attachment") == "us-core-6@DocumentReference"
    assert name_of("us-core-1", "uscore-3.1.1", "Immunization.vaccineCode") == "us-core-1@uscore-3.1.1.Immunization"
    assert name_of("crd-ci-q1", "pas-2.0.1", "DeviceRequest.extension") == "crd-ci-q1@pas-2.0.1"
    assert predicate_for("inv-1", "r4-4.0.1", "Parameters.parameter") is PREDICATES["inv-1@Parameters"]
    assert predicate_for("no-such-1", "r4-4.0.1", "Claim") is None


STRANGE = [None, True, 0, -1, "", "x", "#a", "2024", [], {}, [{}], [None], ["x"], [[1]], {"coding": "x"}]
STRANGE += [{"coding": [{"system": {}, "code": []}]}, [{"url": {}}], [{"url": ["x"]}], {"reference": 1}]


@pytest.mark.parametrize("name", PREDICATES)
@pytest.mark.parametrize("value", [one for one in STRANGE if not isinstance(one, (dict, str))], ids=repr)
def test_json_of_another_kind_breaks_no_invariant(name: str, value: object) -> None:
    assert PREDICATES[name](value, Scope({}, BundleReferences({}))) is True


@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda one: str(one["invariant"]))
def test_a_predicate_never_raises(invariant: dict[str, Any]) -> None:
    chance = random.Random(invariant["invariant"])
    predicate = PREDICATES[invariant["invariant"]]
    for case in invariant["cases"]:
        for _ in range(40):
            data = _spoilt(case["data"], chance)
            for scope in (Scope({"contained": [None, "x"]}), Scope(data if isinstance(data, dict) else {})):
                assert predicate(data, scope) in (True, False)


def _spoilt(node: Any, chance: random.Random) -> Any:
    """`node` with some of what is below it replaced by JSON of any kind."""
    if chance.random() < 0.2:
        return chance.choice(STRANGE)
    if isinstance(node, dict):
        return {key: _spoilt(value, chance) for key, value in node.items()}
    return [_spoilt(value, chance) for value in node] if isinstance(node, list) else node


LARGE = {
    "bdl-3": lambda n: {"type": "batch", "entry": [{"request": {}}] * n},
    "bdl-7": lambda n: {"entry": [{"fullUrl": f"urn:uuid:{i}", "resource": {}} for i in range(n)]},
    "cpb-9": lambda n: {"resource": [{"type": str(i)} for i in range(n)]},
    "csd-1": lambda n: {"concept": [{"code": str(i), "concept": [{"code": f"{i}.1"}]} for i in range(n)]},
    "dom-3": lambda n: {"contained": [{"id": str(i)} for i in range(n)], "to": [f"#{i}" for i in range(n)]},
    "ig-1": lambda n: {"grouping": [{"id": str(i)} for i in range(n)], "resource": [{"groupingId": "0"}] * n},
    "obs-7": lambda n: {
        "valueString": "x",
        "code": {"coding": [{"code": str(i)} for i in range(n)]},
        "component": [{"code": {"coding": [{"code": f"x{i}"}]}} for i in range(n)],
    },
    "que-2": lambda n: {"item": [{"linkId": str(i)} for i in range(n)]},
    "sdcqr-2": lambda n: {"item": [{"linkId": str(i), "answer": [{"valueString": "x"}]} for i in range(n)]},
    "sdc-lcext-1": lambda n: {
        "extension": [
            {"url": url, **value}
            for url, value in (
                ("name", {"valueCoding": {"system": LAUNCH_CONTEXT, "code": "patient"}}),
                ("type", {"valueCode": "Patient"}),
            )
            for _ in range(n)
        ]
    },
}
LAUNCH_CONTEXT = "http://hl7.org/fhir/uv/sdc/CodeSystem/launchContext"


@pytest.mark.parametrize("name", LARGE)
def test_ten_times_the_element_takes_about_ten_times_the_time(name: str) -> None:
    small, large = LARGE[name](1_000), LARGE[name](10_000)
    assert _seconds(name, large) < 40 * max(_seconds(name, small), 50e-6)  # quadratic would be a hundred times


def _seconds(name: str, element: dict[str, Any]) -> float:
    best = float("inf")
    for _ in range(3):
        begin = process_time()
        assert PREDICATES[name](element, Scope(element)) is True
        best = min(best, process_time() - begin)
    return best


def test_every_key_of_the_tables_has_a_predicate_or_a_reason() -> None:
    known = {name.partition("@")[0] for name in (*PREDICATES, *UNDECIDABLE)}
    rules = sorted(TABLES.glob("*/rules.txt"))
    assert rules
    keys = {line.split()[0] for path in rules for line in path.read_text(encoding="utf-8").splitlines() if line.strip()}
    assert sorted(keys - known) == []


@pytest.mark.parametrize(("package", "guide"), GUIDES.items())
def test_every_invariant_of_a_guide_has_a_predicate_for_its_expression(package: str, guide: str) -> None:
    archive = IG / f"{package}.tgz"
    if not archive.is_file():
        pytest.skip("the official package is not here")
    expressions = {
        (one["invariant"], _plain(text)) for one in INVARIANTS for text in (one["expression"], *one.get("also", []))
    }
    open_ends = set()
    for key, expression, path in constraints_in(archive, TABLES / guide):
        name = name_of(key, guide, path)
        if name not in UNDECIDABLE and (name, _plain(expression)) not in expressions:
            open_ends.add((name, path, expression))
    assert sorted(open_ends) == []


def constraints_in(archive: Path, table: Path) -> Iterator[tuple[str, str, str]]:
    """Key, expression and path of every constraint in the snapshots of a package that are in the tables."""
    with tarfile.open(archive) as package:
        for member in package.getmembers():
            folder, _, name = member.name.rpartition("/")
            kept = (table / f"{name.removeprefix('StructureDefinition-').removesuffix('.json')}.txt").is_file()
            if folder == "package" and name.startswith("StructureDefinition-") and kept:
                definition = json.load(package.extractfile(member))  # type: ignore[arg-type]
                for element in definition.get("snapshot", {}).get("element", []):
                    for one in element.get("constraint", []):
                        yield one["key"], one.get("expression", ""), element["path"]


def _plain(expression: str) -> str:
    return " ".join(expression.split())
