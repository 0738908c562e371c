"""The invariants of the tables as native predicates, by key.

`PREDICATES[name](element, scope)` is True when the invariant holds for the element: the JSON value of one repeat, or
the whole resource. A predicate never raises; on JSON of an unforeseen kind it answers True, since the kind is reported
as such. The first line of its docstring says what has to be true, for messages. What comes out empty in FHIRPath
counts as broken, as the guides mean it, but for `EMPTY_HOLDS`; `matches()` is about the whole string.

A key was often used again for something else. The plain key means the expression of PAS 2.2.1 and what it rests on
(US Core 7.0.0, R4); other meanings carry a suffix, which `predicate_for` knows how to look for:
`key@guide-version.Type`, `key@guide-version`, `key@Type`, `key`.
"""

from __future__ import annotations

from profiles.invariants.bundle import BUNDLE
from profiles.invariants.conformance import CONFORMANCE
from profiles.invariants.coverage_information import COVERAGE_INFORMATION
from profiles.invariants.datatypes import DATATYPES
from profiles.invariants.definitions import DEFINITIONS
from profiles.invariants.domain import DOMAIN
from profiles.invariants.dtr import DTR
from profiles.invariants.pas import PAS
from profiles.invariants.questionnaire import QUESTIONNAIRE
from profiles.invariants.r4 import R4
from profiles.invariants.scope import Predicate, Scope
from profiles.invariants.uscore import USCORE

__all__ = ["AS_WRITTEN", "EMPTY_HOLDS", "PREDICATES", "UNDECIDABLE", "Predicate", "Scope", "name_of", "predicate_for"]

PREDICATES: dict[str, Predicate] = {
    **DATATYPES,
    **DOMAIN,
    **BUNDLE,
    **R4,
    **CONFORMANCE,
    **DEFINITIONS,
    **QUESTIONNAIRE,
    **PAS,
    **COVERAGE_INFORMATION,
    **DTR,
    **USCORE,
}

# Nobody can tell offline.
UNDECIDABLE: dict[str, str] = {
    "crd-ci-q7": "memberOf CRD's coverageAssertionReasons, a value set of a package that is not here",
    "inv-1@Extension": "allergyintolerance-substanceExposureRisk asks for elements no extension has: never holds",
}

# Defective in the guide, implemented as it stands there.
AS_WRITTEN: dict[str, str] = {
    "ImmediateLevelOfCare": "asks for value.code of a CodeableConcept, which does not exist: never fails",
    "con-3": "compares a CodeableConcept with a string: any category counts as problem-list-item",
    "eld-11": "select(...).exists() is true for any type code: never fails",
    "ppc-2": "asks for the system 'something': never fails on real codes",
    "ppc-3": "asks for the system 'something': never fails on real codes",
    "ppc-4": "asks for the system 'something': never fails on real codes",
    "ppc-5": "asks for the system 'something': never fails on real codes",
    "que-12": "says more than two where the rule in words says more than one",
    "provenance-1@uscore-3.1.1": "asks for agent below onBehalfOf, where there is none: never fails",
    "us-core-1@uscore-6.1.0": "asks for the type DateTime, which no FHIR element has: never fails",
    "us-core-3@uscore-3.1.1": "asks for valueQuantity below the value, where there is none: never fails there",
    "us-core-3@uscore-6.1.0": "asks for value below the value, where there is no Quantity: never fails there",
    "us-core-4@uscore-3.1.1": "asks for valueCodeableConcept below the value, where there is none: never fails",
    "us-core-4@uscore-6.1.0": "asks for value below the value, where there is no concept: never fails",
}

# The expression is neither true nor false here, and that breaks nothing.
EMPTY_HOLDS: dict[str, str] = {
    "bdl-8": "an entry without fullUrl",
    "crd-ci-q2@crd-2.0.1": "no covered other than not-covered",
    "crd-ci-q2@pas-2.0.1": "no covered other than not-covered",
    "inv-1": "dates whose precision leaves their order open",
    "mdd-1": "dates whose precision leaves their order open",
    "per-1": "dates whose precision leaves their order open",
    "ref-1": "a reference without literal, or to the container itself",
    "sdc-t1": "a focus that cannot be followed",
    "rng-2": "quantities of different units, or without value",
    "us-core-1@uscore-3.1.1.Observation": "a Period",
    "us-core-17": "an identifier us-core-16 reports",
    "us-core-24": "no value",
    "us-core-25": "no value",
    "vs-1@r4-4.0.1": "a Period",
    "vs-1@uscore-3.1.1": "a Period",
    "vs-1@uscore-6.1.0": "a Period",
}


def name_of(key: str, guide: str, path: str) -> str:
    """The name a guide's invariant has here: `key` of `guide` (`uscore-3.1.1`) at `path` (`Observation.value[x]`)."""
    kind = path.partition(".")[0]
    variants = (f"{key}@{guide}.{kind}", f"{key}@{guide}", f"{key}@{kind}")
    return next((name for name in variants if name in PREDICATES or name in UNDECIDABLE), key)


def predicate_for(key: str, guide: str, path: str) -> Predicate | None:
    """The predicate of a guide's invariant at a path, None where there is none."""
    return PREDICATES.get(name_of(key, guide, path))
