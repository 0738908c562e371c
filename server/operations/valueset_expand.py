"""ValueSet/$expand: the active codes of a value set as of now, all of them or those that fit a filter (DTR oper-5)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mappers.dtr.dialects import DIALECTS
from mappers.dtr.valueset import Concept, Expansion, write_expanded
from mappers.fhir import objects, text_in
from profiles import Issue
from questionnaires.artifacts import Artifact
from server.errors import Invalid, NotFound, NotSupported, refusal
from server.operations.artifacts import NotListed, Press, value_set_in
from server.operations.catalogue import BOTH, Operation
from server.payer import Call, Payer

Json = dict[str, Any]
RULE = "R4 ValueSet-expand"
_VALUES = ("valueUri", "valueUrl", "valueCanonical", "valueString", "valueCode", "valueInteger", "valueBoolean")
MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Asked:
    """What an expansion is asked for; `count` None means all from `offset` on."""

    url: str
    version: str
    filter: str
    count: int | None
    offset: int | None


def expand_value_set(call: Call, payer: Payer) -> Json:
    """The value set that url (also ``url|version``) or the id in the path names, with the codes that are asked for.

    Raises:
        Invalid: no url, or numbers that are none; every problem at once.
        NotFound: there is no such value set here.
        NotSupported: its codes cannot be listed here, or a value set was sent along.
    """
    given = dict(_given(call))
    if "valueSet" in given:
        raise _refused(NotSupported, "not-supported", "Only value sets of this server are expanded.", "Give a url.")
    asked = _read(given, named_by_id=bool(call.id))
    content, at = payer.content(), payer.now()
    press = Press(payer, content, DIALECTS[call.dialect], call.base, at)
    found = _found(call, asked, press)
    try:
        concepts = press.concepts(found)
    except NotListed as error:
        words = "The codes of this value set cannot be listed here: it names what only a terminology server can list."
        raise _refused(NotSupported, "too-costly", words, "Ask a terminology server for it.") from error
    return write_expanded(
        value_set_in(found).resource, found.id, press.dialect, _expansion(asked, concepts, press), press.changed(found)
    )


def _given(call: Call) -> Iterator[tuple[str, str]]:
    """The first value of every parameter, from the URL or from Parameters in the body; numbers as their digits."""
    yield from call.query.items()
    for parameter in objects(call.resource, "parameter"):
        value: Any = next((parameter[name] for name in _VALUES if name in parameter), parameter.get("resource"))
        yield text_in(parameter, "name"), value if isinstance(value, str) else str(value)


def _read(given: Mapping[str, str], *, named_by_id: bool) -> Asked:
    problems = [
        Issue(
            "error", "value", f"Parameters.parameter.where(name='{name}')", f"{name} is no number.", RULE, "Write 10."
        )
        for name in ("count", "offset")
        if name in given and not _is_number(given[name])
    ]
    url, _, version = given.get("url", "").partition("|")
    if not url and not named_by_id:
        place = "Parameters.parameter.where(name='url')"
        problems.append(Issue("error", "required", place, "url is missing.", RULE, "Give the url of the value set."))
    if problems:
        raise Invalid(problems)
    count, offset = (int(given[name]) if name in given else None for name in ("count", "offset"))
    return Asked(url, version or given.get("valueSetVersion", ""), given.get("filter", ""), count, offset)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS


def _found(call: Call, asked: Asked, press: Press) -> Artifact:
    artifacts = press.content.artifacts
    canonical = f"{asked.url}|{asked.version}" if asked.version else asked.url
    found = artifacts.get("ValueSet", call.id) if call.id else artifacts.find("ValueSet", canonical)
    if found is None:
        words = "There is no value set with this url and version here."
        raise _refused(NotFound, "not-found", words, "Leave the version out for the current one.")
    return found


def _expansion(asked: Asked, concepts: list[Concept], press: Press) -> Expansion:
    fitting = [each for each in concepts if _fits(each, asked.filter)]
    first = asked.offset or 0
    last = len(fitting) if asked.count is None else first + asked.count
    said: list[tuple[str, str, Any]] = [("filter", "valueString", asked.filter)] if asked.filter else []
    numbers = (("count", asked.count), ("offset", asked.offset))
    said += [(name, "valueInteger", value) for name, value in numbers if value is not None]
    paged = asked.count is not None or asked.offset is not None
    return Expansion(fitting[first:last], len(fitting), press.at, first if paged else None, tuple(said))


def _fits(concept: Concept, filter: str) -> bool:
    """True when every word of the filter is in the words or the code of the concept, in any case."""
    shown = f"{concept.display} {concept.code}".casefold()
    return all(word in shown for word in filter.casefold().split())


def _refused(kind: type[NotFound | NotSupported], code: str, message: str, repair: str) -> Exception:
    return refusal(kind, code, message, RULE, repair=repair, expression="Parameters.parameter.where(name='url')")


def _operation(*, instance: bool) -> Operation:
    return Operation(
        name="$expand",
        kind="operation",
        resource="ValueSet",
        definition="http://hl7.org/fhir/OperationDefinition/ValueSet-expand",
        handler=expand_value_set,
        summary="The active codes of a value set that a form names, as of now; by filter, count and offset.",
        body_limit=256 * 1024,
        methods=("GET", "POST"),
        instance=instance,
        dialects=BOTH,
    )


OPERATIONS = (_operation(instance=False), _operation(instance=True))
