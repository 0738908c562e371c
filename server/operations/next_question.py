"""Questionnaire/$next-question: the next step of an adaptive form, from the answers alone (DTR, SDC). Stateless."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from typing import Any

from mappers.dtr import names
from mappers.dtr.adaptive import NEXT_INPUT, Asked, asked_before, write_next, write_output
from mappers.dtr.dialects import DIALECTS
from mappers.dtr.questionnaire import Writing
from mappers.dtr.read import contained_form, form_named_by
from mappers.fhir import object_in, objects, text_in
from profiles import Issue, issues_in
from profiles.notation import CORE
from questionnaires.adaptive import next_step
from questionnaires.content import Content
from questionnaires.filled import FilledForm, laid_over
from questionnaires.forms import Form
from questionnaires.problem import Severity
from questionnaires.response_check import check_filled
from server.authorization.policy import Topic
from server.authorization.request import Quantity
from server.errors import NotFound, NotReadable, NotSupported, refusal, refuse_if
from server.operations.catalogue import BOTH, Operation
from server.operations.form_answers import as_issue, form_of
from server.payer import Call, Payer

Json = dict[str, Any]

_RULE = "DTR next-question"
_GUIDES = {"2.2.0": "2.2.1", "2.0.1": "2.0.1"}
"""DTR version -> the guides that its resources are held to."""


def next_question(call: Call, payer: Payer) -> Json:
    """A response to an adaptive form is answered with what is asked next, or completed.

    Taken as it is, or as parameter questionnaire-response; answered as it is, or as Parameters where Parameters of the
    2.2.0 profile came. Nothing is stored. A response that is complete is echoed. What rests on elements that are not
    mustSupport refuses nothing (DTR conf-10).

    Raises:
        Invalid: answers break rules of R4 or of the form; every problem is in it (DTR spec-147).
        NotReadable: there is no QuestionnaireResponse in it.
        NotFound: it names no form of this payer.
        NotSupported: the form is a standard one.
    """
    response, path = _response(call.resource)
    form = _form(response, payer.content(), path)
    filled = laid_over(form, response)
    refuse_if([*_of_r4(response, path, call.dialect), *_of_form(filled, response, path)])
    now = payer.now()
    topics = _topics(payer.content(), form, payer.day(now))
    dialect = DIALECTS[call.dialect]
    step = next_step(filled, asked_before(response), topics, payer.day(now), conditional=dialect.conditions)
    begun = frozenset(step.new) & step.enabled
    asked = Asked(form.resource, step.items, begun, step.scores, step.complete)
    writing = Writing(dialect, call.base, _recommended(response, topics, call, payer))
    written = write_next(response, asked, writing, now)
    return write_output(written) if _wants_parameters(call.resource) else written


def _response(body: Json) -> tuple[Json, str]:
    """The QuestionnaireResponse in the body, and its path."""
    if body.get("resourceType") == "QuestionnaireResponse":
        return body, "QuestionnaireResponse"
    for number, each in enumerate(objects(body, "parameter")):
        resource = object_in(each, "resource")
        if resource.get("resourceType") == "QuestionnaireResponse":
            return resource, f"Parameters.parameter[{number}].resource"
    raise refusal(
        NotReadable,
        "required",
        "There is no QuestionnaireResponse.",
        f"{_RULE} questionnaire-response 1..1",
        repair='Send it as it is, or in {"name": "questionnaire-response", "resource": {...}}.',
        expression=str(body.get("resourceType", "")),
    )


def _wants_parameters(body: Json) -> bool:
    """Mirrored are Parameters that claim the input profile of 2.2.0; a lone `return` is otherwise sent bare (R4)."""
    claimed = object_in(body, "meta").get("profile")
    known = [each for each in claimed if isinstance(each, str)] if isinstance(claimed, list) else []
    return any(each.partition("|")[0] == NEXT_INPUT for each in known)


def _form(response: Json, content: Content, path: str) -> Form:
    named = form_named_by(response)
    form = form_of(named, content.forms)
    if form is None:
        raise refusal(
            NotFound,
            "not-found",
            "The response names no form of this payer.",
            f"{_RULE}, derivedFrom of the contained Questionnaire",
            repair="Send the contained Questionnaire as $questionnaire-package or the step before gave it.",
            expression=f"{path}.contained.derivedFrom" if contained_form(response) else f"{path}.questionnaire",
        )
    if not form.adaptive:
        raise refusal(
            NotSupported,
            "not-supported",
            "The form is a standard one: all its questions are in its package.",
            _RULE,
            repair="Ask for it by $questionnaire-package, and fill it in.",
            expression=f"{path}.questionnaire",
        )
    return form


def _of_r4(response: Json, path: str, dialect: str) -> Iterator[Issue]:
    """What is wrong with it as a QuestionnaireResponse; the form in it is the payer's own, and no claims are held."""
    kept = [each for each in objects(response, "contained") if each.get("resourceType") != "Questionnaire"]
    plain = {name: value for name, value in response.items() if name not in ("contained", "meta", "text")}
    plain |= {"contained": kept} if kept else {}
    for issue in issues_in(plain, CORE + "QuestionnaireResponse", version=_GUIDES[dialect]):
        below = issue.expression.removeprefix("QuestionnaireResponse")
        yield replace(issue, expression=path + below)


def _of_form(filled: FilledForm, response: Json, path: str) -> Iterator[Issue]:
    """What is wrong with the answers. A draft is not wrong for lacking required ones: they are asked again."""
    draft = response | {"status": "in-progress"}
    for each in check_filled(filled, draft, form_named_by(response)).problems:
        if each.expression == "QuestionnaireResponse.status":
            continue
        severity = "error" if each.severity is Severity.ERROR else "warning"
        yield replace(as_issue(each, path), severity=severity)


def _topics(content: Content, form: Form, on: date) -> tuple[Topic, ...]:
    """The topics in force, under any plan, that are decided by the form."""
    return tuple(
        topic for plan in content.plans for topic in content.topics_of(plan, on) if _url(topic.form) == form.url
    )


def _url(canonical: str) -> str:
    return canonical.partition("|")[0]


def _recommended(response: Json, topics: Iterable[Topic], call: Call, payer: Payer) -> Quantity | None:
    """The amount that every plan recommends; else that of the plan under which the form was asked for."""
    by_plan = {plan: topic.recommended for topic in topics for plan in topic.plans}
    if len(set(by_plan.values())) == 1:
        return next(iter(by_plan.values()))
    context = object_in(response, "identifier")
    if text_in(context, "system") != names.FORM_CONTEXTS:
        return None
    found = payer.authorizations.by_trace(call.caller, text_in(context, "value"))
    return by_plan.get(found[0].plan) if found else None


OPERATION = Operation(
    name="$next-question",
    kind="operation",
    resource="Questionnaire",
    definition="http://hl7.org/fhir/us/davinci-dtr/OperationDefinition/next-question",
    handler=next_question,
    summary="The next questions of an adaptive form, by the answers so far; stateless.",
    profiles=(NEXT_INPUT,),
    aliases=("$next-question",),
    dialects=BOTH,
)
