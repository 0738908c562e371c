"""The strict reader: one request's bytes and the FHIR resource in them, or a Refusal with every problem found.

In this order, each step cheaper than the next: content type, content encoding, declared length, the bytes themselves
(never more than the limit and one), UTF-8, number of values, JSON, the rules of FHIR JSON.
"""

from __future__ import annotations

from typing import Any

from flask import Request
from werkzeug.http import parse_options_header

from server.errors import NotReadable, NotSupported, TooLarge, WrongContentType, refusal
from server.web.json_shape import LIMIT, LIST_LIMIT, shape_issues
from server.web.json_syntax import decode

CONTENT_TYPES = ("application/fhir+json", "application/json")
_BLOCK = 256 * 1024


def read_resource(request: Request, limit: int, instead: str = "") -> tuple[bytes, dict[str, Any]]:
    """The exact bytes of the body, at most `limit` of them, and the resource they say.

    `instead` tells a caller with more what to do.

    Decimals come back as `decimal.Decimal` with the digits that were sent.

    Raises:
        WrongContentType: not FHIR JSON in UTF-8, or compressed.
        TooLarge: more bytes than `limit`, or more values than are read.
        NotReadable: broken off, not UTF-8, not JSON, or JSON that FHIR does not allow; every such problem at once.
        NotSupported: proper FHIR JSON, but longer lists than are read.
    """
    _check_content_type(request)
    body = read_body(request, limit, instead)
    return body, parse_resource(body)


def read_object(request: Request, limit: int) -> dict[str, Any]:
    """The JSON object that the body says, of at most `limit` bytes; no FHIR resource is expected.

    Raises:
        WrongContentType, TooLarge, NotReadable: as `read_resource` does.
    """
    _check_content_type(request)
    document, issues = decode(read_body(request, limit))
    if issues:
        raise NotReadable(issues)
    if not isinstance(document, dict):
        raise refusal(NotReadable, "structure", "The body is not a JSON object.", "RFC 8259", repair="Send one object.")
    return document


def parse_resource(body: bytes) -> dict[str, Any]:
    """The resource that `body` says; raises as `read_resource` does for what is wrong with the bytes."""
    document, issues = decode(body)
    issues += shape_issues(document)
    if issues:
        raise (NotSupported if all(issue.rule == LIST_LIMIT for issue in issues) else NotReadable)(issues)
    resource: dict[str, Any] = document
    return resource


def read_body(request: Request, limit: int, instead: str = "") -> bytes:
    """The body, whole, whether its length was declared or it came in chunks.

    How long it may take is `server.web.worker`'s matter: it ends the stream, which is then shorter than declared.

    Raises:
        TooLarge: more than `limit` bytes; no more than that many and one are read.
        NotReadable: the client went away, or broke its own framing.
    """
    declared = request.content_length
    if declared is not None and declared > limit:
        raise _too_large(limit, instead)
    blocks, missing = [], limit + 1
    while missing:
        block = _read_block(request, min(missing, _BLOCK))
        if not block:
            break
        blocks.append(block)
        missing -= len(block)
    if not missing:
        raise _too_large(limit, instead)
    body = b"".join(blocks)
    if declared is not None and len(body) != declared:
        raise _broken_off("The body is shorter than its declared length.")
    return body


def _read_block(request: Request, size: int) -> bytes:
    try:
        return request.stream.read(size)
    except Exception as error:  # the server's own stream classes raise what they like; none of it is a bug of ours
        raise _broken_off("The body could not be read to its end.") from error


def _check_content_type(request: Request) -> None:
    kind, options = parse_options_header(request.headers.get("Content-Type"))
    if kind.lower() not in CONTENT_TYPES:
        raise _wrong_type("The Content-Type is not FHIR JSON.", "R4 http.html#mime-type")
    if options.get("charset", "utf-8").lower() not in ("utf-8", "utf8"):
        raise _wrong_type("The charset is not UTF-8.", "R4 http.html#mime-type")
    if not options.get("fhirversion", "4.0").startswith("4.0"):
        raise _wrong_type("The FHIR version is not 4.0 (R4).", "R4 http.html#version-parameter")
    if request.headers.get("Content-Encoding", "identity").lower() not in ("identity", ""):
        raise _wrong_type("The body is compressed.", "RFC 9110 section 8.4", "Send it without Content-Encoding.")


def _wrong_type(message: str, rule: str, repair: str = "Send Content-Type: application/fhir+json.") -> Exception:
    return refusal(WrongContentType, "not-supported", message, rule, repair=repair)


def _too_large(limit: int, instead: str) -> Exception:
    message = f"The body is larger than {limit} bytes."
    repair = instead or "Split the request; leave out what is not needed."
    return refusal(TooLarge, "too-long", message, LIMIT, repair=repair)


def _broken_off(message: str) -> Exception:
    return refusal(NotReadable, "incomplete", message, "RFC 9112 section 6", repair="Send the request again.")
