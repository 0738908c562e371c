"""Questionnaire/$questionnaire-package: the forms that go with an order or a request, with all that they need (DTR)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import uuid4

from mappers.dtr import names
from mappers.dtr import package_outcome as outcome
from mappers.dtr.dialects import DIALECTS
from mappers.dtr.draft import Draft, write_draft
from mappers.dtr.package import Entry, write_package, write_packages
from mappers.dtr.package_request import problems_of, read_package_request
from profiles import Issue, issues_in
from profiles.notation import CORE
from questionnaires.artifacts import Artifact
from questionnaires.forms import Form
from server.errors import refuse_if
from server.operations.artifacts import NotListed, Press, form_in
from server.operations.catalogue import BOTH, Operation
from server.operations.form_choice import Wanted, choose_forms
from server.payer import Call, Payer

Json = dict[str, Any]

FIRST_REQUEST = "first-request"
"""The item that asks whether this is the first request; the payer's own record can say that it is not."""


def hand_out_packages(call: Call, payer: Payer) -> Json:
    """Answer Parameters with one package for each form: the form, draft answers, libraries, value sets.

    Forms that are named limit the answer to them; else it is those of the context and of the orders together. What
    could not be found or understood is said in the outcome beside the packages, with HTTP 200 (DTR oper-9).

    Raises:
        Invalid: these are no Parameters that can be read, or nothing says which forms are wanted.
        NotFound, NotSupported: coverage or context are unknown (DTR spec-110, spec-130).
    """
    dialect = DIALECTS[call.dialect]
    refuse_if([*_unreadable(call), *problems_of(call.resource, dialect)])
    asked = read_package_request(call.resource)
    content, at = payer.content(), payer.now()
    choice = choose_forms(asked, call, payer, content, payer.day(at))
    press = Press(payer, content, dialect, call.base, at)
    wanted = [each for each in choice.wanted.values() if _is_news(each, press, asked.changed_since)]
    issues = list(choice.issues)
    packages = [_package(each, call, press, issues) for each in wanted]
    if choice.wanted and not wanted:
        issues.append(outcome.unchanged())
    elif not packages:
        issues.append(outcome.nothing_to_fill_in())
    return write_packages(packages, list(dict.fromkeys(issues)), dialect)


def _unreadable(call: Call) -> Iterator[Issue]:
    """What R4 itself says of the message. Profiles that its parts claim are the sender's affair (DTR conf-12)."""
    for issue in issues_in(call.resource, CORE + "Parameters", version=call.dialect):
        if issue.refuses and issue.rule.startswith("R4 "):
            yield issue


def _is_news(wanted: Wanted, press: Press, since: datetime | None) -> bool:
    """True when the form, or anything it depends on, has changed since (DTR changedsince)."""
    if since is None:
        return True
    recommended = wanted.topic.recommended if wanted.topic else None
    needed = press.content.artifacts.closure(wanted.artifact).artifacts
    changed = [press.changed(wanted.artifact, recommended), *map(press.changed, needed)]
    return any(each is None or each > since for each in changed)


def _package(wanted: Wanted, call: Call, press: Press, issues: list[Issue]) -> Json:
    """One form with all that it needs; what is missing is added to the issues."""
    form = wanted.artifact
    closure = press.content.artifacts.closure(form)
    issues += [outcome.missing_part(canonical, form.canonical) for canonical in closure.missing]
    entries = [Entry(_url(form, press), press.form(form, wanted.topic)), _draft(wanted, call, press)]
    entries += [_part(each, press, issues) for each in closure.artifacts]
    return write_package(entries, press.at, press.dialect)


def _part(artifact: Artifact, press: Press, issues: list[Issue]) -> Entry:
    if artifact.kind == "Library":
        return Entry(_url(artifact, press), press.library(artifact))
    try:
        return Entry(_url(artifact, press), press.packaged_set(artifact))
    except NotListed:
        issues.append(outcome.not_expanded(artifact.canonical))
        return Entry(_url(artifact, press), press.defined_set(artifact))


def _url(artifact: Artifact, press: Press) -> str:
    return f"{press.base}/{artifact.kind}/{artifact.id}"


def _draft(wanted: Wanted, call: Call, press: Press) -> Entry:
    """The draft under a urn:uuid: so its references are the client's, not this server's (DTR spec-139)."""
    form, first, id = form_in(wanted.artifact), wanted.covered[0], str(uuid4())
    draft = Draft(
        form.resource,
        next((each.subject for each in wanted.covered if each.subject), first.subject),
        [each.coverage for each in wanted.covered if each.coverage],
        wanted.contexts,
        press.at,
        wanted.context_id,
        _known(form, wanted, call, press.payer),
    )
    writing = press.writing(wanted.artifact, wanted.topic)
    return Entry(f"urn:uuid:{id}", write_draft(draft, id, writing, adaptive=form.adaptive))


def _known(form: Form, wanted: Wanted, call: Call, payer: Payer) -> dict[str, Json]:
    """What the payer's record says of the member, to the organization that has asked before (DTR oper-19, spec-40).

    Nothing of other organizations' requests, nothing sensitive, and only for a member by an identifier of their own.
    """
    item = form.items.get(FIRST_REQUEST)
    if item is None or item.type != "boolean" or wanted.topic is None:
        return {}
    found = (
        line
        for covered in wanted.covered
        if covered.member.identifiers
        for each in payer.authorizations.of_member(call.caller, covered.member)
        if each.id != wanted.besides and not payer.sensitive(each)
        for line in each.lines
    )
    topics = {line.determination.topic.partition("@")[0] for line in found if line.determination.authorized}
    return {FIRST_REQUEST: {"valueBoolean": False}} if wanted.topic.name in topics else {}


OPERATION = Operation(
    name="$questionnaire-package",
    kind="operation",
    resource="Questionnaire",
    definition="http://hl7.org/fhir/us/davinci-dtr/OperationDefinition/questionnaire-package",
    handler=hand_out_packages,
    summary="The forms that document an order or a request, with libraries, value sets and draft answers.",
    profiles=(names.STANDARD_FORM, names.ADAPTIVE_SEARCH),
    aliases=("$questionnaire-package",),
    dialects=BOTH,
)
