"""Questionnaire/$log-questionnaire-errors: a client says what is wrong with a form; it is counted (DTR oper-1)."""

from __future__ import annotations

from collections import Counter
from typing import Any

from mappers.dtr.error_report import OTHER, ErrorReport, problems_of_report, read_report
from mappers.operation_outcome import operation_outcome
from profiles import Issue
from questionnaires.content import Content
from server.errors import refuse_if
from server.operations.catalogue import BOTH, Operation
from server.payer import Call, FormError, FormErrorReport, Payer

Json = dict[str, Any]

MOST_FORMS = 20
"""Forms of one report that are counted."""


def log_errors(call: Call, payer: Payer) -> Json:
    """Count every problem for every form that the report names, and say that it was taken.

    What it says is never repeated: it may tell more than it should. A form that is not the payer's is counted as such.

    Raises:
        Invalid: these are no Parameters with at least one questionnaire and one OperationOutcome.
    """
    refuse_if(problems_of_report(call.resource))
    report = read_report(call.resource)
    forms = _forms(report, payer.content())
    if payer.form_errors is not None:
        counted = FormErrorReport(call.caller.organization, tuple(_errors(report, forms)), forms, call.raw)
        payer.form_errors.report(counted, payer.now())
    words = f"The report was taken: {len(report.problems)} problems of {len(report.forms)} forms."
    return operation_outcome([Issue("information", "informational", "", words, "DTR oper-1")])


def _forms(report: ErrorReport, content: Content) -> tuple[str, ...]:
    """The payer's forms by their canonicals with version, and one word for all others."""
    found = (content.artifacts.find("Questionnaire", canonical) for canonical in report.forms)
    return tuple(dict.fromkeys(each.canonical if each else OTHER for each in found))[:MOST_FORMS]


def _errors(report: ErrorReport, forms: tuple[str, ...]) -> list[FormError]:
    counted = Counter(report.problems)
    return [FormError(form, severity, code, n) for form in forms for (severity, code), n in sorted(counted.items())]


OPERATION = Operation(
    name="$log-questionnaire-errors",
    kind="operation",
    resource="Questionnaire",
    definition="http://hl7.org/fhir/us/davinci-dtr/OperationDefinition/log-questionnaire-errors",
    handler=log_errors,
    summary="Say what is wrong with a form: its canonical and an OperationOutcome, without anything about a person.",
    body_limit=256 * 1024,
    aliases=("$log-questionnaire-errors",),
    dialects=BOTH,
)
