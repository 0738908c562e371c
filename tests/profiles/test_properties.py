"""What holds for every change of a valid resource: an answer, a place, and silence about persons."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from profiles import issues_in
from tests.profiles.mutation_suite import HERE, at, base, base_names, persons_words, read, steps

PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
BUNDLES = ["pas-request", "pas-request-minimal", "pas-update", "pas-inquiry", "pas-response", "notification"]
DEEP: Any = []
for _ in range(5000):
    DEEP = [DEEP]
ODD: list[Any] = [
    *(None, True, False, 0, -1, 2**63, 10**400, 1.5, Decimal("1.10"), Decimal("NaN"), float("inf"), float("nan")),
    *("", " ", "x", "\ud800", "\x00", "#", "#x", "a" * 100_000, "2026-13-99", "urn:uuid:", "http://[", "\u202e"),
    *([], {}, [[]], [None], [{}], {"": ""}, {"a": {"b": []}}, {"resourceType": "X"}, {"resourceType": "Bundle"}),
    *({"reference": 5}, {"reference": "#"}, {"extension": [{}]}, {"extension": [{"url": {}}]}, {"coding": "x"}, DEEP),
]
KEYS = [
    "resourceType",
    "extension",
    "_id",
    "contained",
    "reference",
    "item",
    "value",
    "valueString",
    "meta",
    "entry",
    "",
]

bounded = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


def pointers(node: Any, here: str = "") -> Iterator[str]:
    """Every place below the root, as a JSON pointer."""
    steps_below = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in steps_below:
        pointer = f"{here}/{key}"
        yield pointer
        yield from pointers(value, pointer)


@cache
def places(name: str) -> list[str]:
    return list(pointers(base(name)))


def change(resource: Any, pointer: str, kind: str, value: Any, key: str) -> None:
    """One mutation; a place that an earlier mutation took away is passed over."""
    parent, last = pointer.rsplit("/", 1)
    try:
        holder = at(resource, parent)
        index: Any = int(last) if isinstance(holder, list) else last
        here = holder[index]
    except (KeyError, IndexError, ValueError, TypeError):
        return
    if kind == "delete":
        del holder[index]
    elif kind == "replace":
        holder[index] = value
    elif kind == "duplicate":
        holder[index] = [here, here]
    elif kind == "insert" and isinstance(here, dict):
        here[key] = value
    elif kind == "insert" and isinstance(here, list):
        here.insert(0, value)
    elif kind == "nest":
        holder[index] = {key: here}


RECIPES = st.sampled_from(base_names()).flatmap(
    lambda name: st.tuples(
        st.just(name),
        st.lists(
            st.tuples(
                st.sampled_from(places(name)),
                st.sampled_from(["delete", "replace", "duplicate", "insert", "nest"]),
                st.integers(0, len(ODD) - 1),
                st.sampled_from(KEYS),
            ),
            min_size=1,
            max_size=4,
        ),
    )
)


def mutated(recipe: tuple[str, list[tuple[str, str, int, str]]]) -> Any:
    name, changes = recipe
    resource = base(name)
    for pointer, kind, odd, key in changes:
        change(resource, pointer, kind, ODD[odd], key)
    return resource


def known_root(resource: Any) -> set[str]:
    root = resource.get("resourceType") if isinstance(resource, dict) else None
    return {root, "Resource"} if isinstance(root, str) else {"Resource"}


@bounded
@example(("notification", [("/entry/1/resource/entry/2/resource/resourceType", "duplicate", 0, "")]), None, "2.2.1")
@example(("dtr-response-adaptive", [("/contained/0/resourceType", "duplicate", 0, "")]), None, "2.2.1")
@example(("dtr-questionnaire-adaptive", [("/meta/profile/0", "replace", len(ODD) - 1, "")]), None, "2.2.1")
@example(
    ("dtr-questionnaire-adaptive", [("/extension/1/url", "replace", len(ODD) - 1, ""), ("/meta", "delete", 0, "")]),
    None,
    "2.2.1",
)
@example(("device-request", [("/occurrenceTiming/repeat/period", "replace", 6, "")]), None, "2.2.1")
@example(("claim", [("/id", "delete", 0, "")]), PAS + "profile-pas-request-bundle", "2.2.1")
@given(RECIPES, st.sampled_from([None, PAS + "profile-pas-request-bundle"]), st.sampled_from(["2.2.1", "2.0.1"]))
def test_no_mutation_of_a_valid_resource_makes_the_validator_raise(
    recipe: tuple[str, list[tuple[str, str, int, str]]], profile: str | None, version: str
) -> None:
    resource = mutated(recipe)

    for issue in issues_in(resource, profile, version=version):
        assert issue.message and issue.rule and issue.code
        assert re.split(r"[.\[]", issue.expression)[0] in known_root(resource)
        assert issue.severity in {"error", "warning", "information"}


@pytest.mark.parametrize("value", ODD, ids=lambda value: repr(value)[:20] if value is not DEEP else "deep")
def test_no_json_value_makes_the_validator_raise(value: Any) -> None:
    assert any(issue.refuses for issue in issues_in(value, PAS + "profile-pas-request-bundle"))
    assert any(issue.refuses for issue in issues_in({"resourceType": "Bundle", "entry": value}))


# ---------------------------------------------------------------------------------- required elements


@cache
def required() -> dict[str, list[list[str]]]:
    """Element paths with a minimum of one in the snapshots of PAS 2.2.1, by resource type, without slices."""
    listed: dict[str, list[str]] = read(HERE / "required-elements.json")
    return {kind: [path.split(".") for path in paths] for kind, paths in listed.items()}


def required_places(resource: Any) -> Iterator[tuple[str, str]]:
    """(JSON pointer of a required element, FHIRPath of its parent) for the Bundle and every entry."""
    yield from _below(resource, required()["Bundle"], "", "Bundle")
    for number, entry in enumerate(resource["entry"]):
        paths = required().get(entry["resource"]["resourceType"], [])
        yield from _below(entry["resource"], paths, f"/entry/{number}/resource", f"Bundle.entry[{number}].resource")


def _below(node: Any, paths: list[list[str]], pointer: str, expression: str) -> Iterator[tuple[str, str]]:
    for path in paths:
        yield from _one_path(node, path, pointer, expression)


def _one_path(node: Any, path: list[str], pointer: str, expression: str) -> Iterator[tuple[str, str]]:
    name, *rest = path
    for key in [key for key in node if key == name or _is_choice(key, name)]:
        if not rest:
            yield f"{pointer}/{key}", expression
        for place, below in _elements(node[key], f"{pointer}/{key}", f"{expression}.{key}") if rest else ():
            yield from _one_path(at(node[key], place), rest, f"{pointer}/{key}{place}", below)


def _elements(value: Any, pointer: str, expression: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, list):
        yield from ((f"/{number}", f"{expression}[{number}]") for number in range(len(value)))
    else:
        yield "", expression


def _is_choice(key: str, name: str) -> bool:
    stem = name.removesuffix("[x]")
    return name.endswith("[x]") and key.startswith(stem) and key[len(stem) : len(stem) + 1].isupper()


REQUIRED = [
    pytest.param(name, pointer, parent, id=f"{name}{pointer}")
    for name in ("pas-request", "pas-response")
    for pointer, parent in required_places(base(name))
]


def test_required_elements_are_found_in_the_bases() -> None:
    assert len(REQUIRED) > 180


@pytest.mark.parametrize(("name", "pointer", "parent"), REQUIRED)
def test_deleting_a_required_element_gives_an_issue_at_its_parent(name: str, pointer: str, parent: str) -> None:
    resource = base(name)
    *_, key = steps(pointer)
    del at(resource, pointer.rsplit("/", 1)[0])[key]

    assert parent in {issue.expression for issue in issues_in(resource) if issue.refuses}


# ---------------------------------------------------------------------------------- persons


def told(resource: Any) -> str:
    return "\n".join(f"{issue.message} {issue.repair} {issue.expression}" for issue in issues_in(resource))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.sampled_from(BUNDLES),
    st.data(),
    st.sampled_from(["delete", "replace", "duplicate", "insert", "nest"]),
    st.integers(0, len(ODD) - 1),
)
def test_no_issue_names_a_person(name: str, data: st.DataObject, kind: str, odd: int) -> None:
    resource = base(name)
    secrets = persons_words(resource)
    change(resource, data.draw(st.sampled_from(places(name))), kind, ODD[odd], "extra")

    _says_none_of(secrets, told(resource))


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_persons_data_in_the_wrong_column_is_not_told(data: st.DataObject) -> None:
    patient = base("patient")
    secrets = sorted(persons_words(patient))
    column = data.draw(st.sampled_from([p for p in places("patient") if not p.startswith(("/meta", "/resourceType"))]))
    value = data.draw(st.sampled_from(secrets))
    change(patient, column, "replace", data.draw(st.sampled_from([value, value + " ", value + "\ud800", [value]])), "")

    _says_none_of(set(secrets), told(patient))


def _says_none_of(secrets: set[str], text: str) -> None:
    assert not [word for word in secrets if re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text)]
