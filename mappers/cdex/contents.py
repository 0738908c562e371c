"""What an attached resource holds: bytes with what their sender says of them, or answers to a form."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha1, sha256

from mappers.cdex.media_types import FHIR, fits, found_in
from mappers.dtr.read import read_answers
from mappers.fhir import Json, codings, day, object_in, objects, text_in
from mappers.wire import to_bytes
from profiles.issue import Issue
from server.authorization.request import Answers, Code

LARGEST = 25 * 1024 * 1024
"""Bytes of one attachment, decoded."""

_BLOCK = 4 * 1024 * 1024
"""Characters of base64 that are decoded at once; a multiple of four."""

_RULE = "CDex 2.1 $submit-attachment Content"
TOO_LONG = "too-long"
"""Code of an issue with an attachment that is too large; the message is then refused as too large."""


@dataclass(frozen=True, slots=True)
class Content:
    """One content of an attachment.

    path       FHIRPath of where it stands
    encoded    its bytes in base64, else
    written    its bytes;  url  where its sender keeps it, where neither is given
    label      the media type its sender gives it
    said_size  how many bytes its sender says it has;  said_hash  and their SHA-1 in base64
    created    when what it says was so
    """

    path: str
    encoded: str = field(default="", repr=False)
    written: bytes = field(default=b"", repr=False)
    url: str = ""
    label: str = ""
    title: str = ""
    types: tuple[Code, ...] = ()
    created: date | None = None
    answers: Answers | None = None
    said_size: int | None = None
    said_hash: str = ""

    @property
    def length(self) -> int:
        """Its length in bytes."""
        padding = len(self.encoded) - len(self.encoded.rstrip("=")) if self.encoded.endswith("=") else 0
        return len(self.encoded) * 3 // 4 - padding if self.encoded else len(self.written)

    def blocks(self) -> Iterator[bytes]:
        """Its bytes, some megabytes at a time.

        Raises:
            ValueError: what was sent is not base64.
        """
        if not self.encoded:
            yield self.written
            return
        if len(self.encoded) % 4 or "=" in self.encoded[:-2]:
            raise ValueError("not base64")
        for start in range(0, len(self.encoded), _BLOCK):
            yield binascii.a2b_base64(self.encoded[start : start + _BLOCK], strict_mode=True)


@dataclass(frozen=True, slots=True)
class Checked:
    """A content whose bytes were looked at: what they are, how many, and their SHA-256."""

    content: Content
    media_type: str
    size: int
    sha256: str


def contents_of(resource: Json, path: str, types: tuple[Code, ...] = ()) -> Iterator[Content]:
    """The contents of a resource that was attached as a document of these types.

    Of a Bundle those of the documents and forms in it; the Bundle itself where there are none.
    """
    kind = text_in(resource, "resourceType")
    if kind == "DocumentReference":
        yield from _documents(resource, path, types)
    elif kind == "Binary":
        yield Content(path, _bare(text_in(resource, "data")), label=text_in(resource, "contentType"), types=types)
    elif kind == "Bundle":
        yield from _bundled(resource, path, types)
    else:
        yield _resource(resource, path, types)


def documents_in(bundle: Json) -> Iterator[Content]:
    """The contents of the DocumentReferences of a request Bundle (PAS spec-21)."""
    for number, entry in enumerate(objects(bundle, "entry")):
        resource = object_in(entry, "resource")
        if resource.get("resourceType") == "DocumentReference":
            yield from _documents(resource, f"Bundle.entry[{number}].resource", ())


def _documents(resource: Json, path: str, types: tuple[Code, ...]) -> Iterator[Content]:
    for number, each in enumerate(objects(resource, "content")):
        attachment = object_in(each, "attachment")
        size = attachment.get("size")
        yield Content(
            f"{path}.content[{number}].attachment",
            _bare(text_in(attachment, "data")),
            url=text_in(attachment, "url"),
            label=text_in(attachment, "contentType"),
            title=text_in(attachment, "title") or text_in(resource, "description"),
            types=_once(*types, *codings(object_in(resource, "type"))),
            created=written_on(resource),
            said_size=size if isinstance(size, int) else None,
            said_hash=text_in(attachment, "hash"),
        )


def written_on(document: Json) -> date | None:
    """The day of a DocumentReference: when it was made, else when its first dated content was."""
    made = (text_in(object_in(each, "attachment"), "creation") for each in objects(document, "content"))
    return day(text_in(document, "date") or next(filter(None, made), ""))


def _bundled(bundle: Json, path: str, types: tuple[Code, ...]) -> Iterator[Content]:
    own = ("DocumentReference", "Binary", "QuestionnaireResponse")
    resources = [object_in(entry, "resource") for entry in objects(bundle, "entry")]
    inner = [(n, each) for n, each in enumerate(resources) if each.get("resourceType") in own]
    for number, each in inner:
        yield from contents_of(each, f"{path}.entry[{number}].resource", types)
    if not inner:
        first = resources[0] if resources and text_in(resources[0], "resourceType") == "Composition" else {}
        yield _resource(bundle, path, _once(*types, *codings(object_in(first, "type"))), text_in(first, "date"))


def _resource(resource: Json, path: str, types: tuple[Code, ...], dated: str = "") -> Content:
    """A resource that is a document by itself."""
    days = (
        dated,
        *(text_in(resource, name) for name in ("effectiveDateTime", "authored", "date", "timestamp", "issued")),
    )
    form = resource.get("resourceType") == "QuestionnaireResponse"
    return Content(
        path,
        written=to_bytes(resource),
        label=FHIR,
        title=text_in(resource, "resourceType"),
        types=_once(*types, *codings(object_in(resource, "code"))),
        created=day(next(filter(None, days), "")),
        answers=read_answers(resource) if form else None,
    )


def _bare(data: str) -> str:
    """Base64 without the blanks that R4 allows between its groups."""
    return "".join(data.split()) if any(blank in data for blank in " \t\r\n") else data


def _once(*codes: Code) -> tuple[Code, ...]:
    return tuple({(code.system, code.code): code for code in codes}.values())


def checked(content: Content) -> Checked | list[Issue]:
    """The content with what its bytes are, or everything that is wrong with them. The bytes are never run or drawn."""
    if not content.encoded and not content.written:
        return [_nowhere(content)]
    if content.length > LARGEST:
        return [_too_large(content)]
    try:
        digest, whole = sha256(), sha1(usedforsecurity=False)
        for block in content.blocks():
            digest.update(block)
            if content.said_hash:
                whole.update(block)
    except ValueError:
        repair = "Encode the bytes as base64 (RFC 4648 section 4): no line breaks, padded with =."
        return [_issue(content, "value", "The data are not base64.", repair)]
    found = found_in(content.blocks) if not content.written else None
    media_type = found.media_type if found else FHIR
    wrong = list(_contradictions(content, media_type, whole.digest()))
    if found and found.refused:
        wrong = [_refused(content, found.refused)]
    return wrong or Checked(content, media_type, content.length, digest.hexdigest())


def _contradictions(content: Content, media_type: str, digest: bytes) -> Iterator[Issue]:
    if not fits(content.label, media_type):
        message = f"The label and the content contradict each other: contentType is not {media_type}, the content is."
        yield _issue(content, "value", message, f"Write contentType {media_type}, or send what the label says.")
    if content.said_size is not None and content.said_size != content.length:
        message = f"size does not fit: the data are {content.length} bytes."
        yield _issue(content, "value", message, "Write the number of bytes before they are encoded.")
    if content.said_hash and content.said_hash != base64.b64encode(digest).decode():
        yield _issue(content, "value", "hash is not the SHA-1 of the data.", "Encode the SHA-1 of the bytes as base64.")


def _refused(content: Content, what: str) -> Issue:
    message = f"The content is {what}, whatever its label says; it was not taken."
    repair = "Send a PDF, an image (JPEG, PNG, TIFF), plain text, RTF, C-CDA or an office document without macros."
    return _issue(content, "not-supported", message, repair)


def _nowhere(content: Content) -> Issue:
    if content.url:
        message = "The content is named by a url; this server fetches nothing."
        return _issue(content, "not-supported", message, "Put the bytes, as base64, into attachment.data.")
    return _issue(content, "required", "There are no data.", "Put the bytes, as base64, into data.")


def _too_large(content: Content) -> Issue:
    message = f"The attachment is larger than {LARGEST} bytes."
    repair = "Split the document and send its parts in several calls with Final=false but for the last one."
    return Issue("error", TOO_LONG, content.path, message, _RULE, repair)


def _issue(content: Content, code: str, message: str, repair: str) -> Issue:
    return Issue("error", code, content.path, message, _RULE, repair)
