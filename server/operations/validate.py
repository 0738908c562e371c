"""$validate: a resource is checked as at the door, every problem is told, nothing is stored (R4 Resource-validate)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from mappers.fhir import object_in, objects, text_in
from mappers.operation_outcome import operation_outcome
from profiles import Issue, issues_in, profile_of
from profiles.notation import CORE
from profiles.profile_set import VERSIONS, profile_set
from server.errors import NotReadable, NotSupported, refusal
from server.operations.catalogue import BOTH, Operation
from server.payer import Call, Payer

Json = dict[str, Any]

CURRENT = "2.2.1"
_PARAMETERS = {"resource", "profile", "mode"}
_MODES = {"", "create", "update"}
_RULE = "R4 Resource-validate"


@dataclass(frozen=True, slots=True)
class Question:
    """What is to be checked, and what it should be: the profile that was asked for, the type in the path ("" = any)."""

    resource: Json
    profile: str
    kind: str


def validate(call: Call, _payer: Payer, kind: str = "") -> Json:
    """Every problem of the resource in the body, or in parameter `resource` of a Parameters body.

    Held to parameter `profile`, else to the profile it declares, else to the one its kind and content suggest. The
    last issue, information, says which one that was.

    Raises:
        NotReadable: Parameters that bring no resource, or a mode that R4 does not know.
        NotSupported: mode delete or profile, which are about stored resources.
    """
    return operation_outcome(_told(_question(call, kind), _spoken(call)))


def _spoken(call: Call) -> str:
    """The guides that a resource is held to when no canonical names others: those of the dialect of the base."""
    return CURRENT if call.dialect == "2.2.0" else call.dialect


def _question(call: Call, kind: str) -> Question:
    body, profile, mode = call.resource, call.query.get("profile", ""), call.query.get("mode", "")
    given = {text_in(each, "name"): each for each in objects(body, "parameter")}
    if body["resourceType"] == "Parameters" and given and given.keys() <= _PARAMETERS:
        profile = _text(given.get("profile", {})) or profile
        mode = _text(given.get("mode", {})) or mode
        body = object_in(given.get("resource", {}), "resource")
        if not text_in(body, "resourceType"):
            raise _refused(NotReadable, "required", "The parameter resource is missing.", _BRING_ONE)
    if mode in ("delete", "profile"):
        raise _refused(NotSupported, "not-supported", f"Mode {mode} is about stored resources.", "Leave mode out.")
    if mode not in _MODES:
        raise _refused(NotReadable, "code-invalid", "There is no such mode.", "Leave mode out, or write create.")
    return Question(body, profile, kind)


_BRING_ONE = 'Send the resource itself, or Parameters with {"name": "resource", "resource": {...}}.'


def _text(parameter: Json) -> str:
    """The value of a parameter, whichever of the types of text it was sent as."""
    values = (text_in(parameter, name) for name in ("valueUri", "valueCanonical", "valueCode"))
    return next(filter(None, values), "")


def _refused(kind: type[NotReadable | NotSupported], code: str, message: str, repair: str) -> Exception:
    return refusal(kind, code, message, _RULE, repair=repair)


def _told(question: Question, spoken: str) -> list[Issue]:
    """The issues, errors first, and last what the resource was held to."""
    resource, profile = question.resource, question.profile
    if question.kind not in ("", resource["resourceType"]):
        return issues_in(resource, CORE + question.kind, version=spoken)
    version = _version(profile, spoken)
    unknown: list[Issue] = []
    if profile and not profile_set(version).tables.holds(profile):
        unknown, profile = [_unknown_profile()], ""
    found = unknown + issues_in(resource, profile or None, version=version)
    held_to = profile or profile_of(resource, version)
    return [*sorted(found, key=lambda issue: not issue.refuses), _held_to(held_to, version, ok=not found)]


def _version(profile: str, spoken: str) -> str:
    """The guide version that a canonical names, where it is one that is shipped."""
    return VERSIONS.get(profile.partition("|")[2], spoken)


def _unknown_profile() -> Issue:
    repair = "Name a profile of PAS, DTR, US Core or R4, in a version that is held here, or leave profile out."
    return Issue("error", "not-supported", "", "The profile asked for is not held here.", _RULE, repair)


def _held_to(profile: str, version: str, *, ok: bool) -> Issue:
    words = f"Held to {profile} with the guides of PAS {version}."
    return Issue("information", "informational", "", f"All OK. {words}" if ok else words, "")


def operations() -> tuple[Operation, ...]:
    """$validate on the whole system and on every resource type that there are constraint tables for."""
    return tuple(_operation(kind) for kind in ("", *sorted(profile_set(CURRENT).resource_types)))


def _operation(kind: str) -> Operation:
    return Operation(
        name="$validate",
        kind="operation",
        resource=kind,
        definition="http://hl7.org/fhir/OperationDefinition/Resource-validate",
        handler=partial(validate, kind=kind),
        summary="Check a resource, or the one in Parameters, against a profile; every problem is told, nothing stored.",
        body_limit=40 * 1024 * 1024,
        dialects=BOTH,
    )
