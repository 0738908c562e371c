"""The filled forms of a request, held against the forms that the payer asks them by.

Problems never lose a request: the answers that are fine count, the others are as if they had not been given, and the
answer says which and why.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mappers.dtr.read import read_answers, without
from mappers.pas.read import sent_forms
from profiles import Issue
from questionnaires.answer_problem import AnswerProblem, Checked, errors_of
from questionnaires.forms import Form, Forms
from questionnaires.response_check import check_response
from server.authorization.request import Answers, AuthorizationRequest

MOST_FAULTS = 10
"""How many problems of one form a line's notes tell; all of them are kept with the exchange."""

_CODES = {
    "R4 Questionnaire.item.required": "required",
    "R4 Questionnaire.item.type": "value",
    "R4 Questionnaire.item.answerOption": "code-invalid",
    "R4 Questionnaire.item.answerValueSet": "code-invalid",
    "R4 QuestionnaireResponse.item.linkId": "structure",
    "R4 QuestionnaireResponse.item": "structure",
}
"""Rule -> FHIR issue type, where it is not a rule between several elements."""


def with_checked_answers(
    request: AuthorizationRequest, bundle: dict[str, Any], forms: Forms
) -> tuple[AuthorizationRequest, list[Issue]]:
    """The request, read from the Bundle, with what counts of its filled forms; and what is wrong with the rest."""
    if not request.answers:
        return request, []
    issues: list[Issue] = []
    counting = []
    for sent, answers in zip(sent_forms(bundle), request.answers, strict=True):
        held, found = held_against_form(answers, sent.response, forms)
        counting.append(held)
        issues += [as_issue(each, sent.path) for each in found]
    return replace(request, answers=tuple(counting)), issues


def checked_answers(response: dict[str, Any], forms: Forms, lines: tuple[int, ...] = ()) -> Answers:
    """A filled form as rules look at it: without the answers that do not count, with what is wrong and open."""
    return held_against_form(read_answers(response, lines), response, forms)[0]


def held_against_form(
    answers: Answers, response: dict[str, Any], forms: Forms
) -> tuple[Answers, tuple[AnswerProblem, ...]]:
    """What counts of the answers, and everything that is wrong with the response; a form of others is not looked at."""
    form = form_of(answers.form, forms)
    if form is None:
        return answers, ()
    checked = check_response(response, form, canonical=answers.form)
    usable = without(answers, checked.dropped)
    return replace(answers, answers=usable, open=checked.missing, faults=_faults(checked)), checked.problems


def form_of(canonical: str, forms: Forms) -> Form | None:
    """The form of this version, also an earlier one; where the version is unknown the one in force."""
    return forms.get(canonical) or forms.get(canonical.partition("|")[0])


def _faults(checked: Checked) -> tuple[str, ...]:
    """What people are told besides what is missing, which the line says itself."""
    told = [each for each in errors_of(checked.problems) if each.link_id not in checked.missing or each.dropped]
    told += [each for each in checked.problems if each.dropped and each not in told]
    words = [f"In the filled form {each.what}; {each.mend}." for each in told]
    return tuple(dict.fromkeys(words))[:MOST_FAULTS]


def as_issue(problem: AnswerProblem, path: str) -> Issue:
    """The problem as it is kept with the exchange: it refuses nothing. `path` is where the response is."""
    below = problem.expression.removeprefix("QuestionnaireResponse")
    code = _CODES.get(problem.rule, "business-rule")
    return Issue("warning", code, path + below, problem.what, problem.rule, problem.mend)
