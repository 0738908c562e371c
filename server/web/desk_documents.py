"""The documents of an authorization at the desk: a list, and the bytes, which no browser draws or runs."""

from __future__ import annotations

from flask import Response

from server.errors import Conflict, NotFound, refusal
from server.operations.authorization_documents import (
    NotClean,
    content_of,
    document_on_record,
    documents_on_record,
)
from server.payer import Staff
from server.web import desk_answers as answers
from server.web.desk_views import Desk, found_authorization, written

_RULE = "desk API"


def list_documents(desk: Desk, staff: Staff, number: str) -> Response:
    """What came with the request and apart from it, oldest first."""
    there = documents_on_record(desk.payer, found_authorization(desk, staff, number))
    return written(answers.DocumentsSchema().dump({"documents": there}))


def show_document(desk: Desk, staff: Staff, number: str, document: str) -> Response:
    """The bytes of a document: to be saved, never shown in place."""
    found = document_on_record(desk.payer, found_authorization(desk, staff, number), document)
    if found is None:
        raise refusal(NotFound, "not-found", "The authorization has no such document.", _RULE, expression="document")
    try:
        content = content_of(desk.payer, found)
    except NotClean as error:
        raise refusal(Conflict, "conflict", str(error), _RULE, expression="document") from error
    response = Response(content, content_type=found.attachment.media_type)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{found.file_name}"
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; frame-ancestors 'none'"
    return response
