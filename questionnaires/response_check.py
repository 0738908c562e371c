"""A QuestionnaireResponse held against its form: everything that is wrong, and what is still to be answered.

Nothing is refused here: what to do with a problem is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from itertools import islice
from typing import Any

from questionnaires.answer_checks import ANSWER_CHECKS
from questionnaires.answer_origin import is_signed
from questionnaires.answer_problem import AnswerProblem, Checked
from questionnaires.filled import FilledForm, instances, laid_over
from questionnaires.forms import Form
from questionnaires.problem import Severity
from server.authorization.request import Quantity
from server.authorization.scores import Score, scored

MOST_PROBLEMS = 500
"""How many problems of one response are told; errors are among them first."""

_STATUSES = {
    "in-progress": "is not completed: it counts as far as it goes",
    "stopped": "was stopped before it was completed: it counts as far as it goes",
}


def check_response(response: Mapping[str, Any], form: Form, *, canonical: str = "") -> Checked:
    """Everything that is wrong with a response to the form.

    response   R4 JSON, decimals as Decimal
    canonical  how the response names its form, to tell when it is another version; "" when it is the same
    """
    return check_filled(laid_over(form, response), response, canonical)


def check_filled(filled: FilledForm, response: Mapping[str, Any], canonical: str = "") -> Checked:
    """The same, of a response that was laid over its form before."""
    form = filled.form
    same_version = canonical in ("", form.canonical, form.url)
    found = [
        *_of_the_whole(response, form),
        *_of_the_version(form, same_version),
        *_unknown(filled, same_version),
        *(problem for each in filled.items for check in ANSWER_CHECKS for problem in check(each, filled)),
        *_of_scores(filled, form.scores),
    ]
    dropped = {each.link_id for each in found if each.dropped}
    missing = tuple(_missing(filled, dropped))
    if response.get("status") != "in-progress":
        found += [_unanswered(link_id) for link_id in missing]
    found.sort(key=lambda each: each.severity is not Severity.ERROR)
    return Checked(tuple(islice(found, MOST_PROBLEMS)), missing, frozenset(dropped))


def _of_the_whole(response: Mapping[str, Any], form: Form) -> Iterator[AnswerProblem]:
    status = response.get("status")
    if status == "entered-in-error":
        what, mend = "was entered in error: nothing in it counts", "send the response that holds"
        yield _whole(Severity.ERROR, ".status", "R4 QuestionnaireResponse.status", what, mend)
    elif status in _STATUSES:
        what = _STATUSES[status]
        yield _whole(Severity.WARNING, ".status", "R4 QuestionnaireResponse.status", what, "complete it")
    if form.signed and status in ("completed", "amended") and not is_signed(response):
        mend = "add the extension questionnaireresponse-signature"
        yield _whole(Severity.ERROR, "", "DTR signatureRequired", "is to be signed and is not", mend)


def _of_the_version(form: Form, same_version: bool) -> Iterator[AnswerProblem]:
    if not same_version:
        what = "names a version of the form that is not known here: it is held against the one in force"
        yield _whole(
            Severity.WARNING, ".questionnaire", "DTR spec-122", what, f"fill in {form.canonical}, from its package"
        )


def _unknown(filled: FilledForm, same_version: bool) -> Iterator[AnswerProblem]:
    severity = Severity.ERROR if same_version else Severity.WARNING
    for link_id, where in filled.unknown:
        what = "has a linkId that the form does not have" if link_id else "has no linkId"
        mend = f"answer the items of {filled.form.canonical}"
        yield AnswerProblem(severity, "", where, "R4 QuestionnaireResponse.item.linkId", f"an item {what}", mend)


def _of_scores(filled: FilledForm, scores: Iterable[Score]) -> Iterator[AnswerProblem]:
    """A score that was sent is the one that its sections give; else the calculated one counts."""
    for score in scores:
        if score.answer not in filled.form.items:
            continue
        values = {item: number for item in score.items if (number := number_in(filled, item)) is not None}
        calculated, sent = scored(score, values), number_in(filled, score.answer)
        if calculated is not None and sent is not None and calculated != sent:
            where = filled.whole.nearest(score.answer).found[score.answer][0].where
            what = f"item '{score.answer}' is not the score that its sections give: the calculated one counts"
            mend = "leave it to the form to calculate it"
            yield AnswerProblem(Severity.WARNING, score.answer, where, "PF-23 calculated score", what, mend)


def number_in(filled: FilledForm, link_id: str) -> Decimal | None:
    values = filled.values(link_id) if link_id in filled.form.items else []
    first = values[0] if values else None
    return first.value if isinstance(first, Quantity) else first if isinstance(first, Decimal) else None


def _missing(filled: FilledForm, dropped: set[str]) -> Iterator[str]:
    """The required items that are asked and have no answer that counts, each once."""
    told: set[str] = set()
    for item, scope in instances(filled):
        if not item.required or item.link_id in told or not filled.is_enabled(item, scope):
            continue
        there = scope.found.get(item.link_id, ())
        answered = any(each.values or (item.type == "group" and each.node.get("item")) for each in there)
        if not answered or item.link_id in dropped:
            told.add(item.link_id)
            yield item.link_id


def _unanswered(link_id: str) -> AnswerProblem:
    what = f"item '{link_id}' is required and not answered"
    rule = "R4 Questionnaire.item.required"
    return AnswerProblem(Severity.ERROR, link_id, "QuestionnaireResponse", rule, what, "answer it")


def _whole(severity: Severity, element: str, rule: str, what: str, mend: str) -> AnswerProblem:
    return AnswerProblem(severity, "", f"QuestionnaireResponse{element}", rule, f"the response {what}", mend)
