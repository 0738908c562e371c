"""The Parameters of $submit-attachment (CDex 2.1, the table of its OperationDefinition)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from mappers.cdex.contents import Content, contents_of
from mappers.fhir import Json, codings, object_in, objects, text_in
from profiles.issue import Issue
from server.authorization.attachment import Meant
from server.authorization.npi import is_npi
from server.authorization.request import Identifier
from server.authorization.systems import NPI, normal_system

DEFINITION = "http://hl7.org/fhir/us/davinci-cdex/OperationDefinition/submit-attachment"
_GUIDE = "CDex 2.1 $submit-attachment"


@dataclass(frozen=True, slots=True)
class Parameter:
    """How often a parameter stands there (most None: as often as needed), and where its value is."""

    least: int
    most: int | None
    value: str


PARAMETERS = {
    "TrackingId": Parameter(1, 1, "valueIdentifier"),
    "AdminRefNumber": Parameter(0, 1, "valueIdentifier"),
    "AttachTo": Parameter(1, 1, "valueCode"),
    "PayerId": Parameter(0, 1, "valueIdentifier"),
    "OrganizationId": Parameter(0, 1, "valueIdentifier"),
    "ProviderId": Parameter(0, 1, "valueIdentifier"),
    "MemberId": Parameter(1, 1, "valueIdentifier"),
    "ServiceDate": Parameter(0, 1, "valueDateTime"),
    "Attachment": Parameter(1, None, "part"),
    "Final": Parameter(0, 1, "valueBoolean"),
}
PARTS = {
    "LineItem": Parameter(0, None, "valueString"),
    "Code": Parameter(0, 1, "valueCodeableConcept"),
    "Content": Parameter(1, 1, "resource"),
}
TAKEN = ("DocumentReference", "QuestionnaireResponse", "Bundle", "Observation", "Binary")
"""Types of resources that may be attached."""

_DAY = re.compile(r"\d{4}-\d\d-\d\d")
Given = dict[str, list[tuple[str, Json]]]
"""Parameters by name, each with its FHIRPath."""


@dataclass(frozen=True, slots=True)
class Attached:
    """One Attachment: the lines it is about, its contents."""

    lines: tuple[int, ...]
    contents: tuple[Content, ...]


@dataclass(frozen=True, slots=True)
class AttachmentMessage:
    """What one call of $submit-attachment says; `meant` is without lines: each attachment has its own."""

    meant: Meant
    attached: tuple[Attached, ...]
    final: bool
    payer: Identifier | None = None


def read_message(parameters: Json) -> AttachmentMessage:
    """What the Parameters say; `parameter_issues` found nothing wrong with them."""
    given = _given(parameters)
    parties = [_identifier(given, name) for name in ("OrganizationId", "ProviderId")]
    reference = _identifier(given, "AdminRefNumber")
    tracking, member = _identifier(given, "TrackingId"), _identifier(given, "MemberId")
    nobody = Identifier("", "")
    meant = Meant(
        tracking or nobody,
        member or nobody,
        tuple(each for each in parties if each),
        reference.value if reference else "",
    )
    final = all(each.get("valueBoolean") is not False for _, each in given.get("Final", ()))
    attached = tuple(_attached(each, path) for path, each in given.get("Attachment", ()))
    return AttachmentMessage(meant, attached, final, _identifier(given, "PayerId"))


def _attached(parameter: Json, path: str) -> Attached:
    parts = _given(parameter, "part", path)
    lines = tuple(int(text_in(each, "valueString")) for _, each in parts.get("LineItem", ()))
    types = tuple(
        code for _, each in parts.get("Code", ()) for code in codings(object_in(each, "valueCodeableConcept"))
    )
    contents = (
        content
        for place, each in parts.get("Content", ())
        for content in contents_of(object_in(each, "resource"), f"{place}.resource", types)
    )
    return Attached(lines, tuple(contents))


def parameter_issues(parameters: Json) -> list[Issue]:
    """Everything that is wrong with the Parameters, except for the resources in them, which `profiles` checks."""
    given = _given(parameters)
    issues = list(_of_table(given, PARAMETERS, "Parameters"))
    for path, attachment in given.get("Attachment", ()):
        issues += _of_table(_given(attachment, "part", path), PARTS, path)
    for check in CHECKS:
        issues += check(given)
    return issues


def _of_table(given: Given, table: dict[str, Parameter], path: str) -> Iterator[Issue]:
    """Names that the operation does not know, how often each stands there, and the kind of its value."""
    for name, several in given.items():
        for place, _ in several if name not in table else ():
            message = "A parameter of this name is not known."
            yield _issue("structure", place, message, "parameter", f"Names are {', '.join(table)}.")
    for name, parameter in table.items():
        there = given.get(name, [])
        if len(there) < parameter.least:
            yield _issue("required", path, f"{name} is missing.", name, f"Add {name} with a {parameter.value}.")
        if parameter.most is not None:
            for place, _ in there[parameter.most :]:
                yield _issue("structure", place, f"{name} is given more than once.", name, "Give it once.")
        for place, each in there:
            if parameter.value not in each:
                yield _issue("value", place, f"{name} has no {parameter.value}.", name, f"Write {parameter.value}.")


def _tracking(given: Given) -> Iterator[Issue]:
    for name in ("TrackingId", "AdminRefNumber", "PayerId", "OrganizationId", "ProviderId", "MemberId"):
        for place, each in given.get(name, ()):
            if "valueIdentifier" in each and not text_in(object_in(each, "valueIdentifier"), "value").strip():
                repair = "Give the identifier a value."
                yield _issue("required", f"{place}.valueIdentifier", f"{name} has no value.", name, repair)


def _sender(given: Given) -> Iterator[Issue]:
    if not given.keys() & {"OrganizationId", "ProviderId"}:
        message = "Neither OrganizationId nor ProviderId is given."
        yield _issue("required", "Parameters", message, "OrganizationId", "Say who sends the attachment, by NPI.")
    for name in ("OrganizationId", "ProviderId"):
        for place, each in given.get(name, ()):
            identifier = object_in(each, "valueIdentifier")
            if normal_system(text_in(identifier, "system")) == NPI and not is_npi(text_in(identifier, "value")):
                message = f"{name} is no NPI: ten digits, the last of which checks the others."
                yield _issue("value", f"{place}.valueIdentifier.value", message, name, "Correct the number.")


def _attach_to(given: Given) -> Iterator[Issue]:
    repair = "Write preauthorization."
    for place, each in given.get("AttachTo", ()):
        code = each.get("valueCode")
        if code == "claim":
            message = "Attachments to claims for payment are not taken here."
            yield _issue("not-supported", place, message, "AttachTo", "Send them to the claims system.")
            yield from _service_date(given)
        elif "valueCode" in each and code != "preauthorization":
            yield _issue("value", place, "AttachTo is neither claim nor preauthorization.", "AttachTo", repair)


def _service_date(given: Given) -> Iterator[Issue]:
    """To the day, for attachments to claims."""
    dates = [text_in(each, "valueDateTime") for _, each in given.get("ServiceDate", ())]
    if not any(_DAY.match(each) for each in dates):
        message = "ServiceDate is needed, to the day, for an attachment to a claim."
        yield _issue("required", "Parameters", message, "ServiceDate", "Give the day of service: 2026-11-23.")


def _lines(given: Given) -> Iterator[Issue]:
    for path, each in given.get("Attachment", ()):
        for place, line in _given(each, "part", path).get("LineItem", ()):
            if "valueString" in line and not re.fullmatch(r"[1-9][0-9]{0,3}", text_in(line, "valueString")):
                repair = "Write the sequence of the item as digits: 1."
                yield _issue("value", f"{place}.valueString", "LineItem is no line number.", "LineItem", repair)


def _content(given: Given) -> Iterator[Issue]:
    for path, each in given.get("Attachment", ()):
        for place, content in _given(each, "part", path).get("Content", ()):
            kind = text_in(object_in(content, "resource"), "resourceType")
            if "resource" in content and kind not in TAKEN:
                message = "A resource of this type is not taken as an attachment."
                repair = f"Send one of {', '.join(TAKEN)}."
                yield _issue("not-supported", f"{place}.resource", message, "Content", repair)


CHECKS: tuple[Callable[[Given], Iterator[Issue]], ...] = (_tracking, _sender, _attach_to, _lines, _content)
"""What the table of names and cardinalities cannot say."""


def _given(node: Json, name: str = "parameter", path: str = "Parameters") -> Given:
    found: Given = {}
    for number, each in enumerate(objects(node, name)):
        found.setdefault(text_in(each, "name"), []).append((f"{path}.{name}[{number}]", each))
    return found


def _identifier(given: Given, name: str) -> Identifier | None:
    for _, each in given.get(name, ()):
        identifier = object_in(each, "valueIdentifier")
        if text_in(identifier, "value"):
            return Identifier(normal_system(text_in(identifier, "system")), text_in(identifier, "value"))
    return None


def _issue(code: str, path: str, message: str, name: str, repair: str) -> Issue:
    return Issue("error", code, path, message, f"{_GUIDE} {name}", repair)
