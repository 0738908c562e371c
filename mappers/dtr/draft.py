"""The draft of the answers to a form: whose, under which coverage, for which orders, what is known already."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from mappers.dtr import names
from mappers.dtr.dialects import Dialect
from mappers.dtr.questionnaire import Writing, initial_of, write_contained_form
from mappers.fhir import text_in
from mappers.pas.instants import instant

Json = dict[str, Any]

CONTEXTS = frozenset(
    {"Appointment", "DeviceRequest", "Encounter", "MedicationRequest", "NutritionOrder", "ServiceRequest"}
)
"""What a response may name as its context; other orders cannot be named."""

_CONTAINED = "form"
UNNAMED_MEMBER = {"type": "Patient", "display": "The member of the coverage"}
UNNAMED_COVERAGE = {"type": "Coverage", "display": "The coverage of the request"}
"""Stand where the client gave no id and no identifier to refer by; the client puts its own reference there."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Who and what the answers to a form are about; every reference is the client's own (DTR spec-139).

    contexts    references to orders and encounters, of types in CONTEXTS
    context_id  under which the form was asked for, "" for none
    known       linkId -> value[x] that the payer's own record gives
    """

    form: Mapping[str, Any]
    subject: Json
    coverages: Sequence[Json]
    contexts: Sequence[Json]
    authored: datetime
    context_id: str = ""
    known: Mapping[str, Json] = field(default_factory=dict)


def write_draft(draft: Draft, id: str, writing: Writing, *, adaptive: bool) -> Json:
    """The QuestionnaireResponse to begin with (DTR oper-18): in progress, what the payer knows filled in.

    `id` is a UUID. Under 2.0.1 it claims its profile only where an order is known, which that profile demands.
    """
    dialect = writing.dialect
    canonical = f"{draft.form['url']}|{draft.form['version']}"
    written: Json = {"resourceType": "QuestionnaireResponse", "id": id}
    if _keeps_its_profile(draft, dialect):
        written["meta"] = dialect.claim(dialect.adaptive_response if adaptive else names.RESPONSE)
    if adaptive:
        url = f"urn:uuid:{uuid5(UUID(id), _CONTAINED)}"
        written["contained"] = [write_contained_form(draft.form, _CONTAINED, url, writing)]
    written["extension"] = [*_abouts(draft, dialect), _use(dialect)]
    if draft.context_id:
        written["identifier"] = {"system": names.FORM_CONTEXTS, "value": draft.context_id}
    written |= {"questionnaire": f"#{_CONTAINED}" if adaptive else canonical, "status": "in-progress"}
    written |= {"subject": draft.subject or UNNAMED_MEMBER, "authored": instant(draft.authored)}
    items = [] if adaptive else _items(draft.form["item"], draft, writing, sections=not dialect.empty_answers)
    return written | ({"item": items} if items else {})


def _keeps_its_profile(draft: Draft, dialect: Dialect) -> bool:
    return bool(draft.contexts) or not dialect.coverage_in_context


def _abouts(draft: Draft, dialect: Dialect) -> Iterable[Json]:
    coverage = names.QR_CONTEXT if dialect.coverage_in_context else names.QR_COVERAGE
    for each in draft.coverages or [UNNAMED_COVERAGE]:
        yield {"url": coverage, "valueReference": each}
    for each in draft.contexts:
        yield {"url": names.QR_CONTEXT, "valueReference": each}


def _use(dialect: Dialect) -> Json:
    """The answers go with a prior authorization."""
    coding = {"system": dialect.uses, "code": "withpa"}
    return {"url": names.INTENDED_USE, "valueCodeableConcept": {"coding": [coding]}}


def _items(items: Iterable[Mapping[str, Any]], draft: Draft, writing: Writing, *, sections: bool = False) -> list[Json]:
    """The items that have an answer, in their sections; with `sections` also the outermost ones that have none.

    What is asked under a condition only is left to the client: it knows whether the condition holds.
    """
    found = []
    for item in items:
        if item["type"] == "display" or item.get("enableWhen"):
            continue
        inner = _items(item.get("item", ()), draft, writing)
        answers = _answers(item, draft, writing)
        written: Json = {"linkId": item["linkId"], "text": text_in(dict(item), "text")}
        if answers:
            found.append(written | {"answer": [*answers[:-1], answers[-1] | ({"item": inner} if inner else {})]})
        elif inner:
            found.append(written | {"item": inner})
        elif sections:
            found.append(written)
    return found


def _answers(item: Mapping[str, Any], draft: Draft, writing: Writing) -> list[Json]:
    known = draft.known.get(item["linkId"])
    values = initial_of(item, writing.recommended) if known is None else [known]
    source = {"url": "source", "valueCode": writing.dialect.origin}
    return [{"extension": [{"url": names.ORIGIN, "extension": [source]}], **value} for value in values]
