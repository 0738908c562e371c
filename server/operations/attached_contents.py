"""What was sent as attachments: looked at, put on record, and harmless before anything counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from mappers.cdex.contents import TOO_LONG, Checked, Content, checked, documents_in
from mappers.wire import from_bytes
from profiles import Issue
from server.attachments import HELD_FOR, NO_SCANNER, ScannerDown
from server.authorization.attachment import (
    Attachment,
    Meant,
    State,
    Way,
    is_meant_for_request,
    tracking_values,
)
from server.authorization.record import Authorization
from server.authorization.request import AuthorizationRequest, Document
from server.errors import Invalid, NotSupported, Refusal, TooLarge, Unavailable, refusal
from server.operations.form_answers import checked_answers
from server.payer import Caller, Payer

_NOT_TAKEN = ("not-supported", TOO_LONG)
"""Codes of issues with what is understood but not taken; every other one is the sender's mistake."""


def refuse(issues: Sequence[Issue]) -> None:
    """Refuse with every issue at once: as a mistake when one is, else as what is not taken, or is too much.

    Raises:
        Invalid, NotSupported, TooLarge: when there is any.
    """
    wrong = sorted(issues, key=lambda issue: issue.code in _NOT_TAKEN)
    if not wrong:
        return
    kind: type[Refusal] = NotSupported
    if any(issue.code not in _NOT_TAKEN for issue in wrong):
        kind = Invalid
    elif any(issue.code == TOO_LONG for issue in wrong):
        kind = TooLarge
    raise kind(wrong)


def _not_taken(issue: Issue) -> Issue:
    """An issue with the bytes themselves: understood, but such a document is not taken."""
    return replace(issue, code="not-supported") if issue.code == "value" else issue


def looked_at(contents: Iterable[Content]) -> tuple[list[Checked], list[Issue]]:
    """The contents with what their bytes are, and everything that is wrong with them."""
    found = [checked(each) for each in contents]
    issues = [_not_taken(issue) for each in found if isinstance(each, list) for issue in each]
    return [each for each in found if isinstance(each, Checked)], issues


def documents_of(bundle: dict[str, Any]) -> list[Checked]:
    """The documents in a request Bundle, their bytes looked at.

    Raises:
        Invalid, NotSupported, TooLarge: what is in one of them is not taken; every problem is in it.
    """
    documents, issues = looked_at(documents_in(bundle))
    refuse(issues)
    return documents


def keep_documents(
    payer: Payer, caller: Caller, authorization: Authorization, documents: Sequence[Checked], at: datetime
) -> list[str]:
    """Put the documents of a request on record, and note what becomes part of the authorization about to be filed.

    Gives back the ids of all of that.

    Raises:
        NotSupported: one of them is harmful.
        Unavailable: the scanner does not answer.
    """
    if payer.attachments is None:
        return []
    kept = []
    for number, each in enumerate(documents):
        name = f"{authorization.id}|{authorization.version}|{number}"
        attachment = _attachment(caller, each, Way.WITH_REQUEST, at, name=name)
        kept.append(keep(payer, replace(attachment, authorization=authorization.id), each).id)
    arrived = [each.attachment for each in authorization.received if each.version == authorization.version]
    payer.attachments.mean(arrived, authorization.id)
    return [*kept, *arrived]


def attachment_of(caller: Caller, each: Checked, meant: Meant, at: datetime, *, final: bool) -> Attachment:
    """What was sent by itself; sent again it is the same."""
    tracking = meant.tracking
    name = f"{tracking.system}|{tracking.value}|{meant.member.value}|{meant.lines}"
    return replace(
        _attachment(caller, each, Way.APART, at, name=name), meant=meant, final=final, **_counted(each, meant)
    )


def _attachment(caller: Caller, each: Checked, way: Way, at: datetime, *, name: str) -> Attachment:
    whole = f"{caller.organization}|{name}|{each.sha256}"
    return Attachment(
        id=sha256(whole.encode()).hexdigest()[:26],
        organization=caller.organization,
        received=at,
        way=way,
        media_type=each.media_type,
        size=each.size,
        sha256=each.sha256,
        title=each.content.title,
        document=Document(each.content.types, created=each.content.created),
    )


def _counted(each: Checked, meant: Meant) -> dict[str, Any]:
    """What rules look at: a document, answers to a form."""
    document = Document(each.content.types, meant.tracking.value, each.content.created, meant.lines)
    answers = each.content.answers
    return {"document": document, "answers": replace(answers, lines=meant.lines) if answers else None}


def keep(payer: Payer, attachment: Attachment, each: Checked) -> Attachment:
    """The attachment on record, once it is clean: before that it is in quarantine, where nothing counts.

    Raises:
        NotSupported: it is harmful.
        Unavailable: the store or the scanner does not answer; it stays in quarantine until it is sent again.
    """
    if payer.attachments is None:
        raise _no_store()
    state = State.CLEAN if payer.scanner is NO_SCANNER else State.QUARANTINED
    kept = payer.attachments.keep(replace(attachment, state=state), each.content.blocks)
    if kept.state is State.QUARANTINED:
        kept = payer.attachments.judge(kept.id, State.CLEAN if _is_clean(payer, each) else State.REFUSED)
    if kept.state is State.REFUSED:
        raise NotSupported([_harmful(each)])
    return kept


def _is_clean(payer: Payer, each: Checked) -> bool:
    try:
        return payer.scanner.is_clean(each.content.blocks)
    except ScannerDown as down:
        message = "The scanner of attachments does not answer."
        repair = "Send the same message again in a few seconds."
        raise refusal(Unavailable, "transient", message, "HTTP 503", repair=repair) from down


def held_for(
    payer: Payer, caller: Caller, request: AuthorizationRequest, content: str, at: datetime
) -> list[Attachment]:
    """What the caller sent before the request came, and is meant for it (CDex 2.1: held for later association).

    `content` is the fingerprint of the rules: filled forms are held against its forms.
    """
    values = tracking_values(request)
    if payer.attachments is None or not values:
        return []
    held = payer.attachments.held(caller.organization, values, at - HELD_FOR)
    npis = own_npis(payer, caller)
    fitting = [each for each in held if each.counts and each.meant and is_meant_for_request(request, each.meant, npis)]
    return with_checked_forms(payer, fitting, content)


def with_checked_forms(payer: Payer, attachments: Sequence[Attachment], content: str) -> list[Attachment]:
    """The attachments, of filled forms what counts by the forms of this content."""
    return [_with_checked_form(payer, each, content) if each.answers else each for each in attachments]


def _with_checked_form(payer: Payer, each: Attachment, content: str) -> Attachment:
    if payer.attachments is None:
        raise _no_store()
    response = from_bytes(payer.attachments.content(each))
    lines = each.meant.lines if each.meant else ()
    return replace(each, answers=checked_answers(response, payer.forms_kept(content), lines))


def own_npis(payer: Payer, caller: Caller) -> tuple[str, ...]:
    """The providers that the caller speaks for, as far as that is bound; none = any."""
    return caller.npis if payer.npi_binding else ()


def settle(payer: Payer, attachment_ids: Sequence[str], authorization: Authorization) -> None:
    """What was meant for an authorization that is on record now belongs to it."""
    if payer.attachments is not None:
        payer.attachments.settle(attachment_ids, authorization.id)


def _harmful(each: Checked) -> Issue:
    message = "The scanner found something harmful in the content; it was not taken."
    return Issue(
        "error", "not-supported", each.content.path, message, "content safety", "Send the document from a clean source."
    )


def _no_store() -> Refusal:
    return refusal(Unavailable, "transient", "Attachments are not kept here.", "HTTP 503")
