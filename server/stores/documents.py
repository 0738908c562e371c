"""What lies in the database: its collections, their fields and their indexes.

    authorization   the summary that is searched, and the whole record packed in one field; the commit point
    fhir_raw        the exact bytes of requests and answers, compressed; inserted once, never updated
    unique_key      what may exist only once (a number, the bytes of a message) or is under way, and whose it is
    content         the files of plans and topics that are or were in use
    artifact        when a form, library or value set was first seen as it is
    form_error      what clients say is wrong with forms: counts, and the last reports
    subscription    who wants to hear of what, how it stands, how many events it had
    notice          one notice on its way to one subscription, kept for 30 days
    channel         how far the notices of a subscription came, and which worker has it
    attachment      what was attached, and to which request; attachment_part: its bytes
    clock           how far a sandbox's clock is from the real one

`_id`s are strings chosen here and begin with the tenant, so that a cluster can be sharded by {tenant, hashed _id} and
uniqueness never needs a second unique index. Reading and writing is done with pymongo (`authorizations.py`); the
classes declare, and the tests hold every written document against them.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from mongoengine import (
    BinaryField,
    DateTimeField,
    DictField,
    Document,
    IntField,
    ListField,
    StringField,
)
from pymongo.database import Database

from server.stores.connection import store_answers

Row = dict[str, Any]
"""One document as pymongo reads and writes it."""


@dataclass(frozen=True, slots=True)
class Write:
    """One write of several documents, all of which carry its mark: by it ours are known, also after a lost connection.

    owner   `_id` of the authorization document they belong to
    """

    tenant: str
    owner: str
    at: datetime
    mark: str = field(default_factory=lambda: secrets.token_hex(8))

    @property
    def marks(self) -> Row:
        """The fields that every document of it has."""
        return {"tenant": self.tenant, "mark": self.mark}


class AuthorizationDocument(Document):
    """One authorization. `_id` is ``TENANT:AUTHORIZATION_ID``.

    The record is packed (`server.stores.domain`): a document of nested fields costs the embedded store 235 us whenever
    it is looked at, the same packed 40 us, and decimals and dates survive exactly. What is searched stands outside.
    """

    id = StringField(primary_key=True)
    tenant = StringField(required=True)
    organization = StringField(required=True)
    mark = StringField(required=True)
    """Of the write that made the document what it is: tells after a lost connection whether it was ours."""
    version = IntField(required=True, min_value=1)
    statuses = ListField(StringField(), required=True)
    """The status word of every line, in order."""
    tally = StringField(required=True)
    """``exchange:1 approved:2``: what the document adds to the counts; one string, so that an index can carry it."""
    created = DateTimeField(required=True)
    changed = DateTimeField(required=True)
    due = DateTimeField(required=True)
    queue = StringField(required=True)
    """``TENANT|pended`` while a line is, then ``TENANT|settled``: one word for an index to carry with `due`."""
    day = StringField(required=True, regex=r"\d{4}-\d\d-\d\d")
    """The day it was filed (UTC): worklists are bounded by it."""
    search = ListField(StringField(), required=True)
    """``number|...`` (every number a line ever had), ``trace|value``, and behind the tenant's name
    ``claim|organization|url or system|value``, ``member|system|value`` and ``coverage|system or ""|value``."""
    request = StringField(required=True)
    """`_id` of the latest request in fhir_raw."""
    requests = ListField(StringField(), required=True)
    """`_id`s of all requests in fhir_raw: the first and its updates."""
    answers = ListField(StringField(), required=True)
    """`_id`s of the answers in fhir_raw; the last one is the current one."""
    events = ListField(DictField())
    """The notices that nobody was told yet: kind, line, at, version (`server.authorization.notices`)."""
    relay = StringField()
    """``TENANT|due`` while there are such notices, else ""."""
    proposed = StringField()
    """``TENANT|proposed`` where the rules proposed something, else ""."""
    proposals = ListField(DictField())
    """What was proposed for the lines as they stand, and the responses: rule, nudge, response, reason (PF-16)."""
    record = BinaryField(required=True)
    reviews = BinaryField(required=True)
    """The part of the record that what is read for a member leaves out: see `server.stores.domain.packed`."""

    meta: ClassVar = {
        "collection": "authorization",
        "auto_create_index": False,
        "strict": False,
        "indexes": [
            {"fields": ["tenant", "tally"]},
            {"fields": ["search", "day"]},
            {"fields": ["queue", "due"]},
            {"fields": ["proposed"]},
            {"fields": ["relay"]},
        ],
    }


class RawDocument(Document):
    """Bytes as they went over the wire. `_id` is ``AUTHORIZATION _id:KIND:N:MARK``, and ``...:PART`` from part 1 on."""

    id = StringField(primary_key=True)
    tenant = StringField(required=True)
    mark = StringField(required=True)
    kind = StringField(required=True, choices=("request", "answer"))
    n = IntField(required=True, min_value=1)
    """The version of the authorization that the bytes belong to."""
    part = IntField(required=True, min_value=0)
    parts = IntField(required=True, min_value=1)
    length = IntField(required=True, min_value=0)
    """Of the whole, before compression."""
    sha256 = StringField(required=True, regex="[0-9a-f]{64}")
    """Of the whole, before compression."""
    issues = ListField(DictField())
    """What was found in a request that did not refuse it."""
    data = BinaryField(required=True)

    meta: ClassVar = {"collection": "fhir_raw", "auto_create_index": False, "strict": False}


class KeyDocument(Document):
    """Something that may exist only once, and whose it is. `_id` is ``TENANT|KIND|VALUE``.

    A `resend` key (an organization's exact bytes) and a `change` key announce what is about to be written (owner, mark,
    raw, numbers), so that what a crash leaves behind is found without searching the large collections.
    """

    id = StringField(primary_key=True)
    tenant = StringField(required=True)
    kind = StringField(required=True, choices=("number", "resend", "change", "attachment"))
    owner = StringField(required=True)
    mark = StringField(required=True)
    at = DateTimeField(required=True)
    announces = ListField(DictField())

    meta: ClassVar = {
        "collection": "unique_key",
        "auto_create_index": False,
        "strict": False,
        "indexes": [{"fields": ["tenant", "kind", "at"]}],
    }


class ContentDocument(Document):
    """The files of plans and topics that are or were in use. `_id` is ``TENANT|FINGERPRINT``; inserted once."""

    id = StringField(primary_key=True)
    tenant = StringField(required=True)
    mark = StringField(required=True)
    at = DateTimeField(required=True)
    sha256 = StringField(required=True, regex="[0-9a-f]{64}")
    """Of the whole, before compression."""
    data = BinaryField(required=True)

    meta: ClassVar = {"collection": "content", "auto_create_index": False, "strict": False}


class ArtifactDocument(Document):
    """When a form, library or value set was first seen as it is. `_id` is ``TENANT|DIGEST``; inserted once."""

    id = StringField(primary_key=True)
    tenant = StringField(required=True)
    mark = StringField(required=True)
    at = DateTimeField(required=True)

    meta: ClassVar = {"collection": "artifact", "auto_create_index": False, "strict": False}


class FormErrorDocument(Document):
    """What clients reported about forms. `_id` is ``TENANT|count|FORM|SEVERITY|CODE`` or ``TENANT|kept|PLACE``.

    A count has form, severity, code and n; a report that is kept the others.
    """

    id = StringField(primary_key=True)
    tenant = StringField(required=True)
    mark = StringField(required=True)
    owner = StringField(required=True)
    """``TENANT|count`` or ``TENANT|kept``."""
    at = DateTimeField(required=True)
    form = StringField()
    severity = StringField()
    code = StringField()
    n = IntField(min_value=0)
    organization = StringField()
    forms = ListField(StringField())
    """Canonicals of the payer's forms that the report names."""
    length = IntField(min_value=0)
    """Bytes of the report as it was sent; of one that is too long nothing is in `data`."""
    data = BinaryField()

    meta: ClassVar = {
        "collection": "form_error",
        "auto_create_index": False,
        "strict": False,
        "indexes": [{"fields": ["owner"]}],
    }


class ClockDocument(Document):
    """How far the sandbox's clock is from the real one; there only while it can be moved. `_id` is ``TENANT|clock``."""

    id = StringField(primary_key=True)
    tenant = StringField(required=True)
    mark = StringField(required=True)
    ahead = IntField(required=True)
    """Seconds."""

    meta: ClassVar = {"collection": "clock", "auto_create_index": False, "strict": False}


class SubscriptionDocument(Document):
    """One subscription. `_id` is ``TENANT:SUBSCRIPTION_ID``."""

    id = StringField(primary_key=True)
    tenant = StringField(required=True)
    mark = StringField(required=True)
    """Of the write that made the document what it is, but for the count of events."""
    owner = StringField(required=True)
    """``TENANT|ORGANIZATION``. Whose of the organization's callers it is says the record."""
    version = IntField(required=True, min_value=1)
    queue = StringField(required=True)
    """``TENANT|live`` or ``TENANT|off``."""
    due = DateTimeField(required=True)
    events = IntField(required=True, min_value=0)
    """The number of the last event."""
    numbered = ListField(StringField())
    """Names of the last events, the one with the highest number last."""
    record = BinaryField(required=True)
    """The subscription but for `headers` and `events`: JSON, deflated."""
    headers = BinaryField()
    """A JSON list, sealed; there while it has headers."""

    meta: ClassVar = {
        "collection": "subscription",
        "auto_create_index": False,
        "strict": False,
        "indexes": [{"fields": ["owner"]}, {"fields": ["queue", "due"]}],
    }


class NoticeDocument(Document):
    """One notice on its way to one subscription. `_id` is ``TENANT|SUBSCRIPTION_ID|AUTHORIZATION_ID|VERSION``."""

    id = StringField(primary_key=True)
    tenant = StringField(required=True)
    mark = StringField(required=True)
    channel = StringField(required=True)
    """``TENANT|SUBSCRIPTION_ID``."""
    number = IntField(required=True, min_value=0)
    """The number of the event for the subscription; 0 until it has one."""
    shelf = StringField(required=True)
    """``TENANT|OUTCOME``: waiting, delivered, parked, dropped."""
    authorization = StringField(required=True)
    version = IntField(required=True, min_value=1)
    """Of the authorization that it is about."""
    at = DateTimeField(required=True)
    answer = StringField(required=True)
    """`_id` of the answer of that version in fhir_raw."""
    attempts = ListField(DictField())
    """at, status, cause, milliseconds."""

    meta: ClassVar = {
        "collection": "notice",
        "auto_create_index": False,
        "strict": False,
        "indexes": [{"fields": ["channel", "number"]}, {"fields": ["shelf", "at"]}],
    }


class ChannelDocument(Document):
    """How far the notices of a subscription came. `_id` is ``TENANT|SUBSCRIPTION_ID``."""

    id = StringField(primary_key=True)
    tenant = StringField(required=True)
    mark = StringField(required=True)
    version = IntField(required=True, min_value=1)
    queue = StringField(required=True)
    """``TENANT|busy`` while there is something to send, then ``TENANT|quiet``."""
    due = DateTimeField(required=True)
    record = BinaryField(required=True)
    """The whole channel, JSON."""

    meta: ClassVar = {
        "collection": "channel",
        "auto_create_index": False,
        "strict": False,
        "indexes": [{"fields": ["queue", "due"]}],
    }


class AttachmentDocument(Document):
    """One attachment. `_id` is ``TENANT:ATTACHMENT_ID``, the id made from what was sent: a repeat is the same."""

    id = StringField(primary_key=True)
    tenant = StringField(required=True)
    organization = StringField(required=True)
    mark = StringField(required=True)
    queue = StringField(required=True)
    """``TENANT|held`` until it belongs to an authorization, then ``TENANT|settled``."""
    at = DateTimeField(required=True)
    search = ListField(StringField(), required=True)
    """``TENANT|tracking|organization|value``, ``TENANT|of|authorization id``, ``TENANT|bytes|whose.sha256``."""
    record = BinaryField(required=True)

    meta: ClassVar = {
        "collection": "attachment",
        "auto_create_index": False,
        "strict": False,
        "indexes": [{"fields": ["search"]}, {"fields": ["queue", "at"]}],
    }


class AttachmentPartDocument(Document):
    """Bytes of attachments. `_id` is ``TENANT:WHOSE.SHA256:PART``; inserted once for all attachments that have them."""

    id = StringField(primary_key=True)
    tenant = StringField(required=True)
    mark = StringField(required=True)
    part = IntField(required=True, min_value=0)
    data = BinaryField(required=True)

    meta: ClassVar = {"collection": "attachment_part", "auto_create_index": False, "strict": False}


DOCUMENTS = (
    AuthorizationDocument,
    RawDocument,
    KeyDocument,
    ContentDocument,
    ArtifactDocument,
    FormErrorDocument,
    ClockDocument,
    SubscriptionDocument,
    NoticeDocument,
    ChannelDocument,
    AttachmentDocument,
    AttachmentPartDocument,
)


@store_answers()
def ensure_indexes(database: Database[Row]) -> None:
    """Make the indexes that are missing. Once at start; again, or in two processes at once, it does no harm.

    Raises:
        Unavailable: the store does not answer.
    """
    for document in DOCUMENTS:
        for index in document._meta["index_specs"]:
            database[document._get_collection_name()].create_index(index["fields"])
