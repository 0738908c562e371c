"""All documents of one write, ready before the first of them is written: a new authorization, or a change of one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from server.authorization.notices import notices
from server.authorization.record import Authorization
from server.payer import Exchange
from server.stores import raw
from server.stores.documents import Row, Write
from server.stores.domain import current_fields, number_token, record_id, relay_of, search_tokens, unpacked
from server.stores.filters import lit
from server.stores.keys import announcing_key, number_keys, resend_value


@dataclass(frozen=True, slots=True)
class Filing:
    """What a new authorization writes, in this order: claim (the key of the message), raws, numbers, document."""

    write: Write
    claim: Row
    raws: list[Row]
    numbers: list[Row]
    document: Row


@dataclass(frozen=True, slots=True)
class Change:
    """What a change writes, in this order: announcement, raws, numbers, update."""

    write: Write
    announcement: Row
    raws: list[Row]
    numbers: list[Row]
    update: Row


def new_filing(
    tenant: str, organization: str, authorization: Authorization, exchange: Exchange, at: datetime
) -> Filing:
    """What makes it an authorization of this organization on record."""
    write, n = Write(tenant, record_id(tenant, authorization.id), at), authorization.version
    request = raw.documents(write, "request", n, exchange.request, exchange.issues)
    answer = raw.documents(write, "answer", n, exchange.answer)
    raws, numbers = [*request, *answer], number_keys(write, authorization.numbers)
    document = {
        "_id": write.owner,
        **write.marks,
        "organization": lit(organization),
        "created": authorization.created,
        "day": authorization.created.astimezone(UTC).date().isoformat(),
        "search": search_tokens(tenant, organization, authorization),
        "request": request[0]["_id"],
        "requests": [request[0]["_id"]],
        "answers": [answer[0]["_id"]],
        "events": [],
        "relay": "",
        **current_fields(tenant, authorization, exchanges=1),
    }
    claim = announcing_key(write, "resend", resend_value(organization, exchange.request), raws, numbers)
    return Filing(write, claim, raws, numbers, document)


def new_change(tenant: str, changed: Authorization, answer: bytes | None, before: Row) -> Change:
    """What makes the record `changed`; `before` is its document, whose search tokens stay. No answer: it stays too."""
    write = Write(tenant, record_id(tenant, changed.id), changed.changed)
    raws = [] if answer is None else raw.documents(write, "answer", changed.version, answer)
    update, numbers = _updating(write, changed, before, exchanges=len(before["requests"]))
    if raws:
        update.setdefault("$push", {})["answers"] = raws[0]["_id"]
    value = f"{write.owner}:{changed.version}:{write.mark}"
    return Change(write, announcing_key(write, "change", value, raws, numbers), raws, numbers, update)


def new_update(tenant: str, changed: Authorization, exchange: Exchange, before: Row, at: datetime) -> Change:
    """What makes the record `changed` by a message of its submitter; the key of the message announces it."""
    write, n = Write(tenant, record_id(tenant, changed.id), at), changed.version
    request = raw.documents(write, "request", n, exchange.request, exchange.issues)
    answer = raw.documents(write, "answer", n, exchange.answer)
    raws = [*request, *answer]
    update, numbers = _updating(write, changed, before, exchanges=len(before["requests"]) + 1)
    update["$set"]["request"] = request[0]["_id"]
    update.setdefault("$push", {}).update({"answers": answer[0]["_id"], "requests": request[0]["_id"]})
    value = resend_value(before["organization"], exchange.request)
    claim = announcing_key(write, "resend", value, raws, numbers)
    return Change(write, claim, raws, numbers, update)


def _updating(write: Write, changed: Authorization, before: Row, *, exchanges: int) -> tuple[Row, list[Row]]:
    """The fields of the document that change, its notices among them, and the keys of the numbers that are new."""
    known = before["search"]
    tokens = [each for each in search_tokens(write.tenant, before["organization"], changed) if each not in known]
    numbers = number_keys(write, [each for each in changed.numbers if number_token(each) in tokens])
    fields = {"mark": write.mark, "search": [*known, *tokens], **current_fields(write.tenant, changed, exchanges)}
    due = [asdict(notice) for notice in notices(unpacked(before), changed)]
    if due:
        return {"$set": {**fields, "relay": relay_of(write.tenant)}, "$push": {"events": {"$each": due}}}, numbers
    return {"$set": fields}, numbers
