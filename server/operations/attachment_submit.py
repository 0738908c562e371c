"""$submit-attachment: documentation that comes apart finds its request, and what waits is reviewed (CDex 2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mappers.cdex.contents import LARGEST
from mappers.cdex.parameters import DEFINITION, AttachmentMessage, parameter_issues, read_message
from mappers.operation_outcome import operation_outcome
from profiles import Issue, issues_in
from server.attachments import Attachments
from server.authorization.attachment import Attachment, is_meant_for, is_same
from server.authorization.record import Authorization
from server.authorization.request import Identifier
from server.errors import Conflict, Unavailable, refusal
from server.operations.attached_contents import attachment_of, keep, looked_at, own_npis, refuse
from server.operations.catalogue import Operation
from server.operations.review_again import review_again
from server.payer import Call, Caller, Payer

ATTEMPTS = 16
"""How often what arrived is put on record anew when another change was faster."""

BODY_LIMIT = 64 * 1024 * 1024
_RULE = "CDex 2.1 $submit-attachment"
_ADVICE = (
    "Send the attachments in several calls with the same TrackingId, each but the last with Final=false; "
    f"one attachment has at most {LARGEST // 1024 // 1024} MiB before it is encoded."
)


def submit_attachment(call: Call, payer: Payer) -> dict[str, Any]:
    """Take attachments, put them on the record of the request they are meant for, and review what waited for them.

    What is meant for no request on record, or not for one of the caller's, is held for 30 days: the answer is the same.
    The same attachments again change nothing.

    Raises:
        Invalid, NotSupported, TooLarge: what is wrong, all of it; nothing was kept.
        Unavailable: the store or the scanner does not answer; the same message can be sent again.
    """
    if payer.attachments is None:
        raise refusal(Unavailable, "transient", "Attachments are not kept here.", _RULE)
    message, sent = _understood(call, payer)
    kept = [keep(payer, attachment, content) for attachment, content in sent]
    if message.final:
        payer.attachments.complete([each.id for each in kept])
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return operation_outcome(_joined(call.caller, payer, payer.attachments, message, kept))
        except Conflict:
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


def _understood(call: Call, payer: Payer) -> tuple[AttachmentMessage, list[tuple[Attachment, Any]]]:
    """What the message says, with every attachment in it."""
    issues = [each for each in issues_in(call.resource) if each.refuses]
    if call.resource.get("resourceType") == "Parameters":
        issues += parameter_issues(call.resource)
    else:
        issues = [_no_parameters()]
    if issues:
        refuse(issues)
    message = read_message(call.resource)
    found = [(each, *looked_at(each.contents)) for each in message.attached]
    refuse([*_payer_issues(message, payer), *(issue for _, _, wrong in found for issue in wrong)])
    at, sent = payer.now(), []
    for attached, contents, _ in found:
        meant = replace(message.meant, lines=attached.lines)
        sent += [(attachment_of(call.caller, each, meant, at, final=message.final), each) for each in contents]
    return message, sent


def _joined(
    caller: Caller, payer: Payer, attachments: Attachments, message: AttachmentMessage, kept: Sequence[Attachment]
) -> list[Issue]:
    """Put them on the record they are meant for; what is to be said about that.

    Raises:
        Conflict: somebody else changed the record in between.
    """
    found = _meant_authorization(caller, payer, message)
    if found is None:
        return [_held()]
    ids = [each.id for each in kept]
    attachments.mean(ids, found.id)
    if not message.final:
        attachments.settle(ids, found.id)
        return [_kept(len(kept))]
    there = [each for each in attachments.of(found.id) if each.meant and is_same(each.meant.tracking, _of(message))]
    known = {each.attachment for each in found.received}
    new = [each for each in there if each.counts and each.id not in known]
    changed = review_again(caller, payer, found, new) if new else found
    attachments.settle([each.id for each in there], found.id)
    return [_received(len(kept)), *_still_missing(changed)]


def _meant_authorization(caller: Caller, payer: Payer, message: AttachmentMessage) -> Authorization | None:
    """The caller's authorization that the message is for: one that waits before one that is decided, then the newest.

    A tracking number without a system has to mean a single one (CDex 2.1).
    """
    lines = tuple(line for each in message.attached for line in each.lines)
    meant, npis = replace(message.meant, lines=lines), own_npis(payer, caller)
    known = payer.authorizations.by_tracking(caller, meant.tracking.value)
    fitting = [each for each in known if is_meant_for(each, meant, npis)]
    chosen = [each for each in fitting if each.is_pended] or fitting
    if len(chosen) > 1 and not meant.tracking.system:
        return None
    return chosen[0] if chosen else None


def _of(message: AttachmentMessage) -> Identifier:
    return message.meant.tracking


def _payer_issues(message: AttachmentMessage, payer: Payer) -> list[Issue]:
    named = message.payer
    if named is None or not payer.payer_ids or named.value in payer.payer_ids:
        return []
    words = "PayerId names another payer."
    repair = "Send it to that payer, or leave PayerId out."
    return [Issue("error", "not-supported", "Parameters", words, f"{_RULE} PayerId", repair)]


def _no_parameters() -> Issue:
    return Issue("error", "structure", "", "The body is not a Parameters resource.", _RULE, "Send Parameters.")


def _told(words: str, repair: str = "") -> Issue:
    return Issue("information", "informational", "", words, "", repair)


def _held() -> Issue:
    return _told(
        "Received and held for later association: no open request goes by this tracking number, member and provider. "
        "It is kept for 30 days and joined to the request when that arrives."
    )


def _kept(number: int) -> Issue:
    return _told(f"{_attachments(number)} received; they are reviewed when the last call comes with Final=true.")


def _received(number: int) -> Issue:
    return _told(f"{_attachments(number)} received and put on the record of the request.")


def _attachments(number: int) -> str:
    return "1 attachment" if number == 1 else f"{number} attachments"


def _still_missing(authorization: Authorization) -> list[Issue]:
    """What the pended lines still wait for, by code."""
    told = []
    for line in authorization.lines:
        decided = line.determination
        codes = [each.code.code for each in decided.missing] + (["answers to the form"] if decided.unanswered else [])
        if decided.waits_for and codes:
            told.append(_told(f"Line {line.sequence} still waits for {', '.join(codes)}."))
    return told


OPERATION = Operation(
    name="$submit-attachment",
    kind="operation",
    resource="",
    definition=DEFINITION,
    handler=submit_attachment,
    summary=(
        "Send documents or answers apart from their request (CDex 2.1). A call has at most "
        f"{BODY_LIMIT // 1024 // 1024} MiB, an attachment {LARGEST // 1024 // 1024} MiB before it is encoded; more is "
        f"refused with 413. {_ADVICE} Final is supported: with Final=false nothing is reviewed yet."
    ),
    body_limit=BODY_LIMIT,
    too_large=_ADVICE,
    aliases=("Claim/$submit-attachment",),
)
