"""Invariants of CRD's coverage-information extension, as PAS 2.2.1 carries them and as CRD 2.0.1 (PAS 2.0.1) does."""

from __future__ import annotations

from typing import Any

from profiles.invariants.elements import Json, choice, objects, on_object
from profiles.invariants.scope import Predicate

_DECISIONS = ("covered", "pa-needed", "doc-needed")


def _values(extension: Json, *urls: str) -> list[Any]:
    """The value of each part of those urls; a part without value counts, as None."""
    return [choice(part, "value") for part in objects(extension, "extension") if part.get("url") in urls]


def _has(extension: Json, *urls: str) -> bool:
    return bool(_values(extension, *urls))


def _has_value(extension: Json, url: str, *codes: str) -> bool:
    return any(value in codes for value in _values(extension, url) if isinstance(value, str))


def _decided(extension: Json, code: str) -> bool:
    return code in [value for value in _values(extension, *_DECISIONS) if isinstance(value, str)]


def _form_needs_documentation(extension: Json) -> bool:
    """doc-needed exists where questionnaire does."""
    return not _has(extension, "questionnaire") or _has(extension, "doc-needed")


def _form_needs_documentation_crd(extension: Json) -> bool:
    """doc-needed exists, other than no-doc, where questionnaire or response does."""
    if not _has(extension, "questionnaire", "response"):
        return True
    return _has(extension, "doc-needed") and not _has_value(extension, "doc-needed", "no-doc")


def _not_covered_needs_no_authorization(extension: Json) -> bool:
    """pa-needed does not exist where covered is not-covered."""
    return not (_has_value(extension, "covered", "not-covered") and _has(extension, "pa-needed"))


def _covered_says_if_authorization_crd(extension: Json) -> bool:
    """pa-needed exists where covered is other than not-covered."""
    covered = [value for value in _values(extension, "covered") if isinstance(value, str) and value != "not-covered"]
    return not covered or _has(extension, "pa-needed")


def _no_purpose_of_authorization(extension: Json) -> bool:
    """doc-purpose is not withpa where pa-needed is satisfied, noauth or not-covered."""
    settled = _has_value(extension, "pa-needed", "satisfied", "noauth", "not-covered")
    return not (settled and _has_value(extension, "doc-purpose", "withpa"))


def _no_purpose_of_authorization_crd(extension: Json) -> bool:
    """doc-purpose is not PA where pa-needed is satisfied."""
    return not (_has_value(extension, "pa-needed", "satisfied") and _has_value(extension, "doc-purpose", "PA"))


def _satisfied_has_number(extension: Json) -> bool:
    """satisfied-pa-id exists where pa-needed is satisfied, and only there."""
    return _has_value(extension, "pa-needed", "satisfied") is _has(extension, "satisfied-pa-id")


def _other_information_has_reason(extension: Json) -> bool:
    """reason exists where info-needed is OTH."""
    return not _has_value(extension, "info-needed", "OTH") or _has(extension, "reason")


def _purpose_has_reason(extension: Json) -> bool:
    """reason exists where doc-purpose is other than conditional."""
    purposes = [value for value in _values(extension, "doc-purpose") if value is not None]
    return all(value == "conditional" for value in purposes) or _has(extension, "reason")


_INVARIANTS_CRD_2_0_1: dict[str, Predicate] = {
    "crd-ci-q1": on_object(_form_needs_documentation_crd),
    "crd-ci-q2": on_object(_covered_says_if_authorization_crd),
    "crd-ci-q3": on_object(
        lambda it: not _has(it, "info-needed") or _decided(it, "conditional"),
        "a decision is conditional where info-needed exists",
    ),
    "crd-ci-q4": on_object(_no_purpose_of_authorization_crd),
}

COVERAGE_INFORMATION: dict[str, Predicate] = {
    "crd-ci-q1": on_object(_form_needs_documentation),
    "crd-ci-q2": on_object(_not_covered_needs_no_authorization),
    "crd-ci-q3": on_object(
        lambda it: not _decided(it, "conditional") or _has(it, "info-needed"),
        "info-needed exists where a decision is conditional",
    ),
    "crd-ci-q4": on_object(_no_purpose_of_authorization),
    "crd-ci-q5": on_object(_satisfied_has_number),
    "crd-ci-q6": on_object(_other_information_has_reason),
    "crd-ci-q8": on_object(_purpose_has_reason),
    "crd-ci-q9": on_object(
        lambda it: not _decided(it, "indeterminate") or _has(it, "reason"),
        "reason exists where a decision is indeterminate",
    ),
    **{
        f"{key}@{guide}": predicate
        for key, predicate in _INVARIANTS_CRD_2_0_1.items()
        for guide in ("crd-2.0.1", "pas-2.0.1")
    },
}
