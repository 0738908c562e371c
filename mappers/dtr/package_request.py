"""$questionnaire-package, what is asked: Parameters -> coverages, orders, forms, context (DTR 2.2.0 and 2.0.1)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mappers.dtr.dialects import Dialect
from mappers.dtr.orders import CODES, ordered_codes
from mappers.fhir import Json, codings, day, identifiers, object_in, objects, text_in
from mappers.pas.parties import member_ids
from mappers.pas.read import read_coverage
from profiles.issue import Issue
from server.authorization.request import Code, Coverage, Member

RULE = "DTR dtr-qpackage-input-parameters"
_CANONICALS = ("valueCanonical", "valueUri", "valueUrl", "valueString")
_MOMENTS = ("valueInstant", "valueDateTime", "valueDate")
_SINGLE = ("context", "changedsince")


@dataclass(frozen=True, slots=True)
class CoverageGiven:
    """A coverage of the request: the client's references to it and to its member, who that is, what it says of plans.

    path           FHIRPath of the Coverage
    is_subscriber  the member has the coverage by themselves, so the subscriber id is theirs
    """

    path: str
    reference: Json
    subject: Json
    member: Member
    coverage: Coverage
    is_subscriber: bool = False


@dataclass(frozen=True, slots=True)
class OrderGiven:
    """An order of the request; `reference` is the client's, {} where the order has no id."""

    path: str
    type: str
    codes: tuple[Code, ...]
    reference: Json


@dataclass(frozen=True, slots=True)
class PackageRequest:
    """What is asked for; `changed_since` is None where everything is wanted."""

    coverages: tuple[CoverageGiven, ...]
    orders: tuple[OrderGiven, ...]
    questionnaires: tuple[str, ...]
    context: str = ""
    changed_since: datetime | None = None


def problems_of(parameters: Json, dialect: Dialect) -> Iterator[Issue]:
    """Everything that keeps Parameters from being read; names that are not known are nobody's problem."""
    named: dict[str, int] = {}
    for place, each in enumerate(objects(parameters, "parameter")):
        name = text_in(each, "name")
        named[name] = named.get(name, 0) + 1
        yield from _problems_of_one(name, each, f"Parameters.parameter[{place}]")
    for name in _SINGLE:
        if named.get(name, 0) > 1:
            yield _problem("structure", "Parameters.parameter", f"{name} is given more than once.", "Give it once.")
    if named.get("coverage", 0) > 1 and not dialect.several_coverages:
        repair = "Send one request for each; the base of DTR 2.0.1 takes several at once."
        yield _problem("structure", "Parameters.parameter", "More than one coverage is given.", repair)
    if not {"order", "questionnaire", "context"} & named.keys():
        repair = "Give an order, the canonical of a questionnaire, or a context."
        yield Issue("error", "invariant", "Parameters", "Nothing says which forms are wanted.", "dtr-1", repair)
    if not {"coverage", "context"} & named.keys():
        repair = "Add the Coverage; only a context says by itself whose it is."
        yield _problem("required", "Parameters.parameter", "The coverage is missing.", repair)


def _problems_of_one(name: str, parameter: Json, path: str) -> Iterator[Issue]:
    kind = text_in(object_in(parameter, "resource"), "resourceType")
    if name == "coverage" and kind != "Coverage":
        yield _problem("structure", path, "coverage has no Coverage.", 'Write {"name": "coverage", "resource": {...}}.')
    elif name == "order" and kind not in CODES:
        yield _problem("structure", path, "order has no order.", f"Send one of {', '.join(sorted(CODES))}.")
    elif name == "questionnaire" and not _text(parameter, _CANONICALS):
        yield _problem("value", path, "questionnaire has no canonical.", "Write valueCanonical.")
    elif name == "context" and not _text(parameter, ("valueString", "valueId")):
        yield _problem("value", path, "context has no text.", "Write valueString.")
    elif name == "changedsince" and _moment(parameter) is None:
        yield _problem("value", path, "changedsince is no instant.", "Write valueInstant: 2026-01-31T12:00:00Z.")


def _problem(code: str, path: str, message: str, repair: str) -> Issue:
    return Issue("error", code, path, message, RULE, repair)


def read_package_request(parameters: Json) -> PackageRequest:
    """What is asked for; relies on `problems_of`."""
    given = list(enumerate(objects(parameters, "parameter")))
    sent = _Sent([object_in(each, "resource") for _place, each in given])
    resources = [
        (text_in(each, "name"), f"Parameters.parameter[{place}].resource", object_in(each, "resource"))
        for place, each in given
    ]
    values = {name: [each for _place, each in given if text_in(each, "name") == name] for name in _NAMES}
    context = values["context"][:1]
    since = values["changedsince"][:1]
    return PackageRequest(
        tuple(_coverage(path, each, sent) for name, path, each in resources if name == "coverage"),
        tuple(_order(path, each, sent) for name, path, each in resources if name == "order"),
        tuple(dict.fromkeys(_text(each, _CANONICALS) for each in values["questionnaire"])),
        _text(context[0], ("valueString", "valueId")) if context else "",
        _moment(since[0]) if since else None,
    )


_NAMES = ("questionnaire", "context", "changedsince")


class _Sent:
    """Everything that was sent along, by type and id."""

    def __init__(self, resources: list[Json]) -> None:
        self._named = {reference_to(each).get("reference"): each for each in resources}

    def find(self, reference: Json, inside: Json) -> Json:
        """What a Reference in the resource `inside` points to: contained in it, or another parameter."""
        name = text_in(reference, "reference")
        if name.startswith("#"):
            return next((each for each in objects(inside, "contained") if each.get("id") == name[1:]), {})
        return self._named.get("/".join(name.rsplit("/", 2)[-2:]), {}) if name else {}


def reference_to(resource: Json) -> Json:
    """The client's reference to one of its resources; {} where it has no id."""
    kind, id = text_in(resource, "resourceType"), text_in(resource, "id")
    return {"reference": f"{kind}/{id}"} if kind and id else {}


def _coverage(path: str, coverage: Json, sent: _Sent) -> CoverageGiven:
    beneficiary = object_in(coverage, "beneficiary")
    patient = sent.find(beneficiary, coverage)
    own = identifiers({"identifier": [object_in(beneficiary, "identifier"), *objects(patient, "identifier")]})
    known = Member(
        own, text_in(coverage, "subscriberId"), day(text_in(patient, "birthDate")), path, member_ids(coverage)
    )
    by_identifier = [each for each in objects(coverage, "identifier") if text_in(each, "value")]
    reference = reference_to(coverage) or ({"identifier": by_identifier[0]} if by_identifier else {})
    is_subscriber = any(code.code == "self" for code in codings(object_in(coverage, "relationship")))
    subject = _subject(beneficiary, patient)
    return CoverageGiven(path, reference, subject, known, read_coverage(coverage), is_subscriber)


def _subject(beneficiary: Json, patient: Json) -> Json:
    """The client's reference to the member; never one into what the client contained (DTR spec-140)."""
    kept: Json = {name: beneficiary[name] for name in ("reference", "identifier") if name in beneficiary}
    if text_in(kept, "reference").startswith("#"):
        del kept["reference"]
        named = [each for each in objects(patient, "identifier") if text_in(each, "value")]
        kept |= {"identifier": named[0]} if named and "identifier" not in kept else {}
    return kept


def _order(path: str, order: Json, sent: _Sent) -> OrderGiven:
    codes = ordered_codes(order, lambda reference: sent.find(reference, order))
    return OrderGiven(path, text_in(order, "resourceType"), codes, reference_to(order))


def _text(parameter: Json, names: tuple[str, ...]) -> str:
    return next(filter(None, (text_in(parameter, name) for name in names)), "")


def _moment(parameter: Json) -> datetime | None:
    """The moment, the first one that a date alone can mean; without time zone taken as UTC."""
    text: Any = _text(parameter, _MOMENTS)
    try:
        moment = datetime.fromisoformat(text + "-01" * (2 - text.count("-")) if len(text) in (4, 7) else text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
