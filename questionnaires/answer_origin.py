"""Who gave an answer, and who signed it, as far as a response says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from questionnaires.answer_problem import AnswerProblem
from questionnaires.filled import Filled, FilledForm, problem_of
from questionnaires.problem import Severity

_ORIGIN = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/information-origin"
_SIGNATURE = "http://hl7.org/fhir/StructureDefinition/questionnaireresponse-signature"
BY_SYSTEM, BY_PEOPLE = ("auto-client", "auto-server", "auto"), ("override", "manual")
"""Who gave an answer: 2.0.1 says auto where 2.2.0 says which side."""


def the_origin_of_an_answer_is_told(filled: Filled, _form: FilledForm) -> Iterator[AnswerProblem]:
    """Who gave it: filled in by a system without an author, or by a person with one (DTR dtrx-1)."""
    for number, answer in enumerate(filled.answers if filled.item.asks else ()):
        parts = _origin(answer)
        source = parts.get("source")
        if source is None:
            mend = f"add the extension {_ORIGIN} with a source: {', '.join((*BY_SYSTEM[:2], *BY_PEOPLE))}"
            what = "has an answer that does not say who gave it"
            yield problem_of(
                filled, "DTR information-origin 1..1", what, mend, answer=number, severity=Severity.WARNING
            )
        elif source not in (*BY_SYSTEM, *BY_PEOPLE):
            mend = f"write one of {', '.join((*BY_SYSTEM[:2], *BY_PEOPLE))}"
            what = "has an answer with an unknown origin"
            yield problem_of(
                filled, "DTR information-origin source", what, mend, answer=number, severity=Severity.WARNING
            )
        elif (source in BY_PEOPLE) is not ("author" in parts):
            what = f"has an answer of origin {source} {'with' if 'author' in parts else 'without'} an author"
            mend = "leave the author out" if source in BY_SYSTEM else "add the author with a role or a practitioner"
            yield problem_of(filled, "DTR dtrx-1", what, mend, answer=number)


def _origin(answer: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of information-origin that are given: source as its code, author as it is."""
    found: dict[str, Any] = {}
    for each in _extensions(answer):
        for part in _extensions(each) if each.get("url") == _ORIGIN else ():
            if part.get("url") == "author":
                found["author"] = part
            elif part.get("url") == "source":
                code = part.get("valueCode")
                found["source"] = code if isinstance(code, str) else ""
    return found


def is_signed(node: Mapping[str, Any]) -> bool:
    """True when a signature is there; whether it is genuine nobody checks (the guide has no rules for certificates)."""
    return any(each.get("url") == _SIGNATURE for each in _extensions(node))


def answers_are_signed(filled: Filled, _form: FilledForm) -> Iterator[AnswerProblem]:
    """An item that asks for a signature has one. The element is not mustSupport: a warning."""
    if filled.item.signed and filled.answers and not is_signed(filled.node):
        what, mend = "is to be signed and is not", f"add the extension {_SIGNATURE}"
        yield problem_of(filled, "R4 questionnaire-signatureRequired", what, mend, severity=Severity.WARNING)


def _extensions(node: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    found = node.get("extension")
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []
