"""Invariants of what R4 defines with: StructureDefinition, ElementDefinition, OperationDefinition, guides."""

from __future__ import annotations

import re
from typing import Any

from profiles.invariants.elements import (
    Json,
    Test,
    child,
    count,
    distinct,
    exists,
    has,
    is_distinct,
    listed,
    matches,
    needs,
    never_fails,
    not_both,
    number,
    objects,
    on_object,
    only_when,
    some,
)
from profiles.invariants.scope import Predicate, Scope, Surroundings

_NUMBER = re.compile(r"[0-9]{1,20}")
_PATH_PART = r"[^\s.,:;'\"/|?!@#$%&*()\[\]{}]{1,64}"
_PATH = rf"{_PATH_PART}(\.{_PATH_PART}(\[x\])?(:[^\s.]+)?)*"
_SIMPLE_PATH = r"[A-Za-z][A-Za-z0-9]*(\.[a-z][A-Za-z0-9]*(\[x\])?)*"
_VALUE_SET_SCHEMES = ("http:", "https", "urn:")
_CORE = "http://hl7.org/fhir/StructureDefinition"
_SYSTEM_TYPE = r"http://hl7\.org/fhirpath/System\.[A-Z][A-Za-z]+"


def _elements(definition: Json, view: str) -> list[Json]:
    return objects(child(definition, view), "element")


def _path(element: Json) -> str:
    path = element.get("path")
    return path if isinstance(path, str) else ""


def _is_root(element: Json) -> bool:
    return "." not in _path(element)


def _in_each_view(test: Test, says: str) -> Predicate:
    """Every element of snapshot and differential passes."""
    return on_object(
        lambda it: all(test(one) for view in ("snapshot", "differential") for one in _elements(it, view)), says
    )


def _min_up_to_max(element: Json) -> bool:
    """min is not above max."""
    least, most = number(element, "min"), element.get("max")
    if least is None or not isinstance(most, str) or not _NUMBER.fullmatch(most):
        return True
    return least <= int(most)


def _is_upper_limit(value: Any, _scope: Surroundings) -> bool:
    """max is a number or *."""
    return not isinstance(value, str) or value == "*" or _NUMBER.fullmatch(value) is not None


def _refers_alone(element: Json) -> bool:
    """an element with contentReference says nothing of its own content."""
    return not has(element, "contentReference") or not any(test(element) for test in _OWN_CONTENT)


_OWN_CONTENT = [exists(name) for name in ("type", "example", "maxLength", "binding")]
_OWN_CONTENT += [exists(f"{name}[x]") for name in ("defaultValue", "fixed", "pattern", "minValue", "maxValue")]
_has_fixed, _has_pattern, _has_default = exists("fixed[x]"), exists("pattern[x]"), exists("defaultValue[x]")


def _value_set_is_absolute(binding: Json) -> bool:
    """valueSet begins with http:, https or urn:."""
    url = binding.get("valueSet")
    return not isinstance(url, str) or url.startswith(_VALUE_SET_SCHEMES)


def _modifier_has_reason(element: Json) -> bool:
    """isModifierReason exists where isModifier is true."""
    return element.get("isModifier") is not True or has(element, "isModifierReason")


def _ids_differ(view: str) -> Predicate:
    def test(definition: Json) -> bool:
        elements = _elements(definition, view)
        return all(has(one, "id") for one in elements) and is_distinct([one.get("id") for one in elements])

    return on_object(test, f"every element of the {view} has an id of its own")


def _first_of_its_type(definition: Json) -> bool:
    """the first element of the snapshot is the type's."""
    elements = _elements(definition, "snapshot")
    if definition.get("kind") == "logical" or not elements:
        return True
    return elements[0].get("path") == definition.get("type")


def _root_without_type(definition: Json) -> bool:
    """the first element of the snapshot has no type."""
    elements = _elements(definition, "snapshot")
    return definition.get("kind") == "logical" or not elements or not has(elements[0], "type")


def _differential_root_without_type(definition: Json) -> bool:
    """the root of the differential has no type."""
    elements = _elements(definition, "differential")
    if definition.get("kind") == "logical" or not elements or not _is_root(elements[0]):
        return True
    return not has(elements[0], "type")


def _core_types_are_simple(definition: Json) -> bool:
    """the types in a definition of FHIR itself are plain names."""
    url = definition.get("url")
    return not (isinstance(url, str) and url.startswith(_CORE)) or (
        _types_fit(definition, "differential", "[a-zA-Z0-9]+") and _types_fit(definition, "snapshot", "[a-zA-Z0-9.]+")
    )


def _types_fit(definition: Json, view: str, pattern: str) -> bool:
    fits = matches(rf"{pattern}|{_SYSTEM_TYPE}")
    scope = Scope(definition)
    return all(
        fits(one.get("code"), scope) for element in _elements(definition, view) for one in objects(element, "type")
    )


def _core_without_defaults(definition: Json) -> bool:
    """a definition of FHIR itself has no defaultValue[x]."""
    url = definition.get("url")
    if not (isinstance(url, str) and url.startswith(_CORE)):
        return True
    return not any(_has_default(one) for view in ("snapshot", "differential") for one in _elements(definition, view))


def _defaults_in_specializations(definition: Json) -> bool:
    """defaultValue[x] exists only where derivation is specialization."""
    defaulted = any(_has_default(one) for one in _elements(definition, "differential"))
    return not defaulted or definition.get("derivation") == "specialization"


def _snapshot_paths(snapshot: Any, scope: Surroundings) -> bool:
    """every path of the snapshot begins with the type's."""
    paths = _paths(snapshot)
    if not paths:
        return True
    own = scope.resource.get("kind") == "logical" or paths[0] == scope.resource.get("type")
    return own and all(path.startswith(f"{paths[0]}.") for path in paths[1:])


def _differential_paths(differential: Any, scope: Surroundings) -> bool:
    """every path of the differential begins with the type's."""
    paths = _paths(differential)
    if not paths:
        return True
    kind, own = scope.resource.get("kind"), scope.resource.get("type")
    first = kind == "logical" or not isinstance(own, str) or paths[0].startswith(own)
    return first and all(path.startswith(paths[0].partition(".")[0] + ".") for path in paths[1:])


def _paths(view: Any) -> list[str]:
    return [_path(one) for one in objects(view, "element")] if isinstance(view, dict) else []


def _groups_are_known(definition: Json) -> bool:
    """groupingId names one of grouping."""
    known = {str(one.get("id")) for one in objects(definition, "grouping")}
    return all(str(one["groupingId"]) in known for one in objects(definition, "resource") if "groupingId" in one)


def _versions_are_known(guide: Json) -> bool:
    """fhirVersion of a resource is one of the guide."""
    resources = objects(child(guide, "definition"), "resource")
    used = {str(version) for one in resources for version in listed(one, "fhirVersion")}
    return used <= set(map(str, listed(guide, "fhirVersion")))


DEFINITIONS: dict[str, Predicate] = {
    "eld-1": some("discriminator", "description"),
    "eld-2": on_object(_min_up_to_max),
    "eld-3": _is_upper_limit,
    "eld-4": only_when("code", "Reference canonical", "aggregation"),
    "eld-5": on_object(_refers_alone),
    "eld-6": on_object(lambda it: not _has_fixed(it) or count(it, "type") <= 1, "fixed[x] exists beside one type only"),
    "eld-7": on_object(
        lambda it: not _has_pattern(it) or count(it, "type") <= 1, "pattern[x] exists beside one type only"
    ),
    "eld-8": not_both("pattern[x]", "fixed[x]"),
    "eld-11": never_fails,
    "eld-12": on_object(_value_set_is_absolute),
    "eld-13": distinct("type", "code"),
    "eld-14": distinct("constraint", "key"),
    "eld-15": not_both("defaultValue[x]", "meaningWhenMissing"),
    "eld-16": matches(r"[a-zA-Z0-9/\-_\[\]@]+", "sliceName"),
    "eld-17": only_when("code", "Reference canonical", "targetProfile"),
    "eld-18": on_object(_modifier_has_reason),
    "eld-19": matches(_PATH, "path"),
    "eld-20": matches(_SIMPLE_PATH, "path"),
    "eld-21": some("expression"),
    "eld-22": needs("sliceIsConstraining", "sliceName"),
    "ig-1": on_object(_groups_are_known),
    "ig-2": on_object(_versions_are_known),
    "opd-1": some("type", "part"),
    "opd-2": only_when("type", "string", "searchType"),
    "opd-3": only_when("type", "Reference canonical", "targetProfile"),
    "sdf-1": on_object(
        lambda it: (
            it.get("derivation") == "constraint" or is_distinct([_path(one) for one in _elements(it, "snapshot")])
        ),
        "no two elements of the snapshot have the same path",
    ),
    "sdf-2": some("name", "uri"),
    "sdf-3": on_object(
        lambda it: all(has(one, name) for one in objects(it, "element") for name in ("definition", "min", "max")),
        "every element has definition, min and max",
    ),
    "sdf-4": on_object(
        lambda it: it.get("abstract") is True or has(it, "baseDefinition"), "baseDefinition exists unless abstract"
    ),
    "sdf-5": on_object(
        lambda it: it.get("type") != "Extension" or it.get("derivation") == "specialization" or has(it, "context"),
        "an extension has a context",
    ),
    "sdf-6": some("snapshot", "differential"),
    "sdf-8": _snapshot_paths,
    "sdf-8a": _differential_paths,
    "sdf-8b": on_object(lambda it: all(has(one, "base") for one in objects(it, "element")), "every element has a base"),
    "sdf-9": _in_each_view(
        lambda it: not (_is_root(it) and (has(it, "label") or has(it, "code") or has(it, "requirements"))),
        "the root has no label, code or requirements",
    ),
    "sdf-10": on_object(
        lambda it: (
            not has(it, "binding") or has(child(it, "binding"), "valueSet") or has(child(it, "binding"), "description")
        ),
        "a binding has valueSet or description",
    ),
    "sdf-11": on_object(_first_of_its_type),
    "sdf-14": _in_each_view(lambda it: has(it, "id"), "every element has an id"),
    "sdf-15": on_object(_root_without_type),
    "sdf-15a": on_object(_differential_root_without_type),
    "sdf-16": _ids_differ("snapshot"),
    "sdf-17": _ids_differ("differential"),
    "sdf-18": only_when("type", "Extension", "contextInvariant"),
    "sdf-19": on_object(_core_types_are_simple),
    "sdf-20": on_object(
        lambda it: not any(_is_root(one) and has(one, "slicing") for one in objects(it, "element")),
        "the root is not sliced",
    ),
    "sdf-21": on_object(_defaults_in_specializations),
    "sdf-22": on_object(_core_without_defaults),
    "sdf-23": _in_each_view(lambda it: not (_is_root(it) and has(it, "sliceName")), "the root has no sliceName"),
}
