"""A case as the request and the history that the review gets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from marshmallow import ValidationError

from questionnaires.case_response import checked_answers
from questionnaires.forms import Form, Item
from questionnaires.notation import Bound, Day, code_from
from server.authorization.determination import ReviewAction
from server.authorization.history import History, PriorLine
from server.authorization.policy import Plan
from server.authorization.request import (
    Answer,
    Answers,
    AuthorizationRequest,
    Code,
    Coverage,
    Detail,
    Diagnosis,
    Document,
    Identifier,
    Member,
    Party,
    Period,
    Quantity,
    ServiceLine,
)
from server.authorization.systems import NPI

Values = Mapping[str, Any]


def request_of(values: Values, plan: Plan, form: Form | None, on: date) -> AuthorizationRequest:
    """The request of a case. The form is the one of the case's topic; `answers_wrong` has found nothing."""
    facts = values["facts"]
    named = min(plan.coverage_classes, default=None)
    numbered = list(enumerate(values["lines"], 1))
    return AuthorizationRequest(
        claim_url="urn:case",
        lines=tuple(_line(number, line) for number, line in numbered),
        member=Member(birth_date=_birth_date(values["member"], on)),
        care_team=tuple(_party(number, line) for number, line in numbered if line["provider"] or line["specialty"]),
        coverage=Coverage((named,) if named else (), _period(values["coverage"]) if values["coverage"] else None),
        diagnoses=tuple(Diagnosis(number, code) for number, code in enumerate(facts["diagnoses"], 1)),
        documents=tuple(Document((code,), created=created) for code, created in facts["documents"]),
        answers=_answers(values["answers"], form, on),
        expedited=facts["expedited"],
        given=tuple(Detail),
    )


def history_of(values: Values, topic: str) -> History:
    """What the case says is on record."""
    return History(tuple(_prior(number, prior, topic) for number, prior in enumerate(values["history"], 1)))


def answers_wrong(values: Values, form: Form | None) -> Iterator[tuple[str, str, str]]:
    """Answers that the form does not ask for, or not so: linkId, what is wrong, how to mend it."""
    read: dict[str, Answer] = {}
    for link_id, written in values["answers"].items():
        item = form.items.get(link_id) if form else None
        if item is None:
            yield link_id, f"the form has no item '{link_id}'", "answer what it asks"
            continue
        try:
            read[link_id] = _answer(item, written)
        except (ValidationError, InvalidOperation, KeyError, TypeError, ValueError):
            mend = f"write one of {', '.join(code.code for code in item.options)}" if item.options else "mend it"
            yield link_id, f"{written!r} is no answer to an item of type {item.type}", mend
    if form is not None and read.keys() == values["answers"].keys():
        for problem in checked_answers(read, form).problems:
            if problem.link_id in read:
                yield problem.link_id, problem.what, problem.mend


def _line(number: int, values: Values) -> ServiceLine:
    def codings(name: str) -> tuple[Code, ...]:
        return (values[name],) if values[name] else ()

    return ServiceLine(
        number,
        services=codings("service"),
        service_end=values["end"],
        modifiers=tuple(values["modifiers"]),
        ordered=codings("order"),
        category=codings("category"),
        quantity=values["quantity"],
        serviced=_period(values),
        place=values["place"],
        certification=values["certification"],
        providers=(number,) if values["provider"] or values["specialty"] else (),
    )


def _party(number: int, line: Values) -> Party:
    npis = (Identifier(NPI, line["provider"]),) if line["provider"] else ()
    return Party(npis, specialties=(line["specialty"],) if line["specialty"] else (), sequence=number)


def _period(values: Values) -> Period | None:
    return Period(values["first"], values["last"]) if values["first"] or values["last"] else None


def _birth_date(member: Values, on: date) -> date | None:
    if member["age"] is None:
        birth: date | None = member["birth_date"]
        return birth
    return date(on.year - member["age"], 1, 1)


def _prior(number: int, values: Values, topic: str) -> PriorLine:
    action = next(action for action in ReviewAction if action.status == values["status"])
    return PriorLine(
        authorization=f"case-{number}",
        number=f"case-{number}",
        topic=values["topic"] or topic,
        service=values["service"],
        action=action,
        providers=(values["provider"],) if values["provider"] else (),
        quantity=values["quantity"],
        period=_period(values),
    )


def _answers(answers: Values, form: Form | None, on: date) -> tuple[Answers, ...]:
    if form is None or not answers:
        return ()
    given = {link_id: _answer(form.items[link_id], written) for link_id, written in answers.items()}
    checked = checked_answers(given, form)
    counting = tuple(answer for link_id, answer in given.items() if link_id not in checked.dropped)
    return (Answers(form.canonical, "completed", counting, on, open=checked.missing),)


def _answer(item: Item, written: Any) -> Answer:
    """The answer as it would come in a filled form of the item's type.

    Raises:
        ValidationError, InvalidOperation, KeyError: it is no answer to this item.
    """
    match item.type:
        case "boolean":
            return Answer(item.link_id, truth={"yes": True, "no": False}[written])
        case "decimal" | "integer":
            return Answer(item.link_id, amount=Quantity(Decimal(written)))
        case "quantity":
            return Answer(item.link_id, amount=Bound().deserialize(written))
        case "date" | "dateTime":
            return Answer(item.link_id, day=Day().deserialize(written))
        case "choice" | "open-choice":
            chosen = written if isinstance(written, list) else [written]
            return Answer(item.link_id, codes=tuple(_chosen(item, each) for each in chosen))
        case _:
            if not isinstance(written, str):
                raise ValidationError("no text")
            return Answer(item.link_id, text=written)


def _chosen(item: Item, written: Any) -> Code:
    options = {code.code: code for code in item.options}
    return options[written] if options else code_from(written)
