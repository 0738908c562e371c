"""$log-questionnaire-errors, what is reported: which forms, and which problems of them (DTR 2.2.0 and 2.0.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mappers.fhir import Json, object_in, objects, text_in
from profiles.issue import Issue

RULE = "DTR dtr-log-errors-input-parameters"
OTHER = "other"
"""Stands for a form that is not the payer's, and for a code that FHIR does not know."""

_OUTCOMES = ("operationoutcome", "outcome")
SEVERITIES = frozenset({"fatal", "error", "warning", "information"})
CODES = frozenset(
    {
        "invalid",
        "structure",
        "required",
        "value",
        "invariant",
        "security",
        "login",
        "unknown",
        "expired",
        "forbidden",
        "suppressed",
        "processing",
        "not-supported",
        "duplicate",
        "multiple-matches",
        "not-found",
        "deleted",
        "too-long",
        "code-invalid",
        "extension",
        "too-costly",
        "business-rule",
        "conflict",
        "transient",
        "lock-error",
        "no-store",
        "exception",
        "timeout",
        "incomplete",
        "throttled",
        "informational",
    }
)
"""The issue types of R4 OperationOutcome.issue.code."""


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """Canonicals of forms, and severity and code of every problem, as far as they are known words of FHIR."""

    forms: tuple[str, ...]
    problems: tuple[tuple[str, str], ...]


def problems_of_report(parameters: Json) -> Iterator[Issue]:
    """Everything that keeps a report from being read; names are compared without case, as versions differ in it."""
    given = [
        (place, text_in(each, "name").lower(), each) for place, each in enumerate(objects(parameters, "parameter"))
    ]
    for place, name, each in given:
        path = f"Parameters.parameter[{place}]"
        if name == "questionnaire" and not _canonical(each):
            yield Issue("error", "value", path, "questionnaire has no canonical.", RULE, "Write valueCanonical.")
        kind = text_in(object_in(each, "resource"), "resourceType")
        if name in _OUTCOMES and kind != "OperationOutcome":
            yield Issue("error", "structure", path, "This is no OperationOutcome.", RULE, "Send one as resource.")
    names = {name for _place, name, _each in given}
    for wanted, known in (("questionnaire", {"questionnaire"}), ("operationOutcome", {*_OUTCOMES})):
        if not known & names:
            words = f"The parameter {wanted} is missing."
            yield Issue("error", "required", "Parameters.parameter", words, RULE, "Add it.")


def read_report(parameters: Json) -> ErrorReport:
    """What is reported; relies on `problems_of_report`."""
    given = [(text_in(each, "name").lower(), each) for each in objects(parameters, "parameter")]
    forms = dict.fromkeys(_canonical(each) for name, each in given if name == "questionnaire")
    outcomes = [object_in(each, "resource") for name, each in given if name in _OUTCOMES]
    problems = [
        (_known(text_in(issue, "severity"), SEVERITIES), _known(text_in(issue, "code"), CODES))
        for outcome in outcomes
        for issue in objects(outcome, "issue")
    ]
    return ErrorReport(tuple(forms), tuple(problems))


def _known(word: str, words: frozenset[str]) -> str:
    return word if word in words else OTHER


def _canonical(parameter: Json) -> str:
    return next(filter(None, (text_in(parameter, name) for name in ("valueCanonical", "valueUri", "valueUrl"))), "")
