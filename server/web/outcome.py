"""Refusals as answers. The only place that chooses a status."""

from __future__ import annotations

import orjson
from flask import Response

from mappers.operation_outcome import operation_outcome
from server import errors

FHIR_JSON = "application/fhir+json; charset=utf-8"
RETRY_AFTER_SECONDS = 5

STATUS: dict[type[errors.Refusal], int] = {
    errors.NotReadable: 400,
    errors.Invalid: 400,
    errors.NotSignedIn: 401,
    errors.NotAllowed: 403,
    errors.NotFound: 404,
    errors.WrongMethod: 405,
    errors.NotAcceptable: 406,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.WrongContentType: 415,
    errors.NotSupported: 422,
    errors.Unavailable: 503,
}


def status_of(refusal: errors.Refusal) -> int:
    """The HTTP status of a refusal; a kind of its own has the status of the kind it is a kind of."""
    return next(STATUS[kind] for kind in type(refusal).__mro__ if kind in STATUS)


def answer(refusal: errors.Refusal, request_id: str) -> Response:
    """The HTTP answer to a refusal: one OperationOutcome, or for 5xx only the reference (PAS: no outcome on 5xx)."""
    status = status_of(refusal)
    if status >= 500:
        response = reference(request_id, status)
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
    response = Response(orjson.dumps(operation_outcome(refusal.issues)), status, content_type=FHIR_JSON)
    if isinstance(refusal, errors.NotSignedIn):
        response.headers["WWW-Authenticate"] = challenge(refusal)
    return response


def reference(request_id: str, status: int = 500) -> Response:
    """The answer to a bug: a reference that is also in the log, and no detail."""
    return Response(orjson.dumps({"reference": request_id}), status, content_type="application/json")


def challenge(refusal: errors.NotSignedIn) -> str:
    """RFC 6750 section 3: no error code for a caller who gave no token at all."""
    no_token = all(issue.code == "login" for issue in refusal.issues)
    return 'Bearer realm="placet"' if no_token else 'Bearer realm="placet", error="invalid_token"'
