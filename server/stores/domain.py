"""The domain as documents and back: nothing is written by hand per field, decimals and dates survive exactly."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import msgspec

from server.authorization.attachment import tracking_values
from server.authorization.record import Authorization, Reviewed
from server.authorization.request import Member
from server.stores.documents import Row
from server.stores.filters import lit
from server.stores.raw import FAST

_record = msgspec.json.Decoder(Authorization)
_reviews = msgspec.json.Decoder(tuple[Reviewed, ...])


def packed(authorization: Authorization) -> Row:
    """The whole record in two fields, JSON, deflated: its reviews stand apart.

    Each of them holds the history of the member that it was made from. Where a member has hundreds of authorizations,
    looking up the history must not read the histories of all of them.
    """
    whole = {"record": replace(authorization, reviews=()), "reviews": authorization.reviews}
    return {name: zlib.compress(msgspec.json.encode(part), FAST) for name, part in whole.items()}


def unpacked(document: Row) -> Authorization:
    """The record of an authorization document, without reviews where they were not read with it.

    Fields that a newer version added are passed over.
    """
    record = _record.decode(zlib.decompress(document["record"]))
    if "reviews" not in document:
        return record
    return replace(record, reviews=_reviews.decode(zlib.decompress(document["reviews"])))


def record_id(tenant: str, authorization_id: str) -> str:
    """`_id` of an authorization document."""
    return f"{tenant}:{lit(authorization_id)}"


def claim_token(tenant: str, organization: str, name: str) -> str:
    """The word by which an organization's authorization is found by the fullUrl or an identifier of its Claim."""
    return f"{lit(tenant)}|claim|{lit(organization)}|{lit(name)}"


def member_tokens(tenant: str, member: Member) -> list[str]:
    """The words by which the authorizations of a member are found: every identifier the payer may know them by."""
    known = [f"{each.system}|{each.value}" for each in member.identifiers]
    known += [f"|{member.subscriber_id}"] if member.subscriber_id and not known else []
    return [f"{lit(tenant)}|member|{lit(each)}" for each in known]


def inquiry_tokens(tenant: str, member: Member) -> list[str]:
    """The words by which an inquiry finds the authorizations of a member: own ids, and those of the coverage."""
    shared = [f"|{member.subscriber_id}"] if member.subscriber_id else []
    shared += [f"{each.system}|{each.value}" for each in member.coverage_ids]
    return [*member_tokens(tenant, member), *(f"{lit(tenant)}|coverage|{lit(each)}" for each in shared)]


def tally(statuses: Sequence[str], exchanges: int = 1) -> str:
    """What a document adds to the counts: ``exchange:1 approved:2``."""
    counts = {"exchange": exchanges, **Counter(sorted(statuses))}
    return " ".join(f"{word}:{number}" for word, number in counts.items())


def tallied(text: str) -> dict[str, int]:
    """The counts in a tally."""
    return {word: int(number) for word, _, number in (each.partition(":") for each in text.split())}


def number_token(number: str) -> str:
    """The word by which an authorization is found by a number."""
    return f"number|{number}"


def trace_token(value: str) -> str:
    """The word by which an authorization is found by the trace number of a line."""
    return f"trace|{lit(value)}"


def tracked_token(tenant: str, organization: str, value: str) -> str:
    """The word by which an organization's authorization is found by a tracking number of what is attached to it."""
    return f"{lit(tenant)}|tracked|{lit(organization)}|{lit(value)}"


def search_tokens(tenant: str, organization: str, authorization: Authorization) -> list[str]:
    """Plain words that an authorization is found by, each once. Whose numbers they are is checked after the search."""
    numbers = [number_token(number) for number in authorization.numbers]
    traces = [trace_token(each) for line in authorization.lines for each in authorization.traces_of(line)]
    request = authorization.request
    claims = [request.claim_url, *(f"{each.system}|{each.value}" for each in request.identifiers)]
    claims = [claim_token(tenant, organization, each) for each in claims]
    tracked = [tracked_token(tenant, organization, each) for each in tracking_values(request)]
    return list(dict.fromkeys([*numbers, *traces, *claims, *tracked, *inquiry_tokens(tenant, request.member)]))


def proposed_in(tenant: str) -> str:
    """The word by which the authorizations to which something was proposed are found."""
    return f"{lit(tenant)}|proposed"


def proposals_of(authorization: Authorization) -> list[Row]:
    """What the rules proposed for each of its lines, and how the submitter responded (PF-16)."""
    made = (each for line in authorization.lines for each in line.determination.nudges)
    return [
        {"rule": each.rule, "nudge": each.nudge, "response": each.response.value, "reason": each.reason}
        for each in made
    ]


def queue_of(tenant: str, *, pended: bool) -> str:
    """The worklist that an authorization stands in."""
    return f"{lit(tenant)}|{'pended' if pended else 'settled'}"


def relay_of(tenant: str) -> str:
    """The word by which the authorizations with notices that nobody was told yet are found."""
    return f"{lit(tenant)}|due"


def current_fields(tenant: str, authorization: Authorization, exchanges: int) -> Row:
    """The fields that every change writes anew."""
    proposals = proposals_of(authorization)
    return {
        "proposed": proposed_in(tenant) if proposals else "",
        "proposals": proposals,
        "queue": queue_of(tenant, pended=authorization.is_pended),
        "version": authorization.version,
        "statuses": list(authorization.statuses),
        "tally": tally(authorization.statuses, exchanges),
        "changed": authorization.changed,
        "due": authorization.due,
        **packed(authorization),
    }
