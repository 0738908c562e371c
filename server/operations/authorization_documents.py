"""The documents of an authorization as the payer's people see them: what there is, and the bytes of what is clean."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mappers.cdex.media_types import EXTENSIONS
from server.authorization.attachment import Attachment, State, Way
from server.authorization.record import Authorization
from server.payer import Payer

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9]+")


class NotClean(Exception):
    """Nobody opens it: it is in quarantine, or something harmful was found in it."""


@dataclass(frozen=True, slots=True)
class DocumentOnRecord:
    """A document with how far it counts: ``counts``, ``not yet`` (more is coming), or why it does not."""

    attachment: Attachment
    counts: str

    @property
    def file_name(self) -> str:
        """A name for its bytes that is safe anywhere: its id, words of its title, the ending of what it is."""
        words = _NOT_IN_NAMES.sub("-", self.attachment.title).strip("-")[:40].strip("-")
        name = "-".join(filter(None, (self.attachment.id, words)))
        return f"{name}.{EXTENSIONS.get(self.attachment.media_type, 'bin')}"


def documents_on_record(payer: Payer, authorization: Authorization) -> list[DocumentOnRecord]:
    """What came with the request and apart from it, oldest first."""
    there = payer.attachments.of(authorization.id) if payer.attachments else ()
    counted = {each.attachment for each in authorization.received}
    return [DocumentOnRecord(each, _counts(each, counted)) for each in there]


def document_on_record(payer: Payer, authorization: Authorization, document_id: str) -> DocumentOnRecord | None:
    """The document of the authorization with this id, or None."""
    found = documents_on_record(payer, authorization)
    return next((each for each in found if each.attachment.id == document_id), None)


def content_of(payer: Payer, document: DocumentOnRecord) -> bytes:
    """The bytes of a document, as they were sent.

    Raises:
        NotClean: nobody looked yet whether it is harmful, or it is.
    """
    if payer.attachments is None or document.attachment.state is not State.CLEAN:
        raise NotClean(f"The document is {document.attachment.state.value}; nobody opens it.")
    return payer.attachments.content(document.attachment)


def _counts(each: Attachment, counted: set[str]) -> str:
    if each.state is not State.CLEAN:
        return each.state.value
    if each.way is Way.WITH_REQUEST or each.id in counted:
        return "counts"
    return "not yet"
