"""What holds on every path: request ids, trusted hosts, errors as outcomes, security headers, the log line."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from server.errors import NotFound, NotReadable, Refusal, Unavailable, WrongMethod, refusal
from server.settings import LOOPBACK, Settings
from server.web.journal import new_request_id, note_answer, note_bug
from server.web.outcome import answer, reference

PUBLIC = "public, max-age=60"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PAGE = """<!doctype html><html lang="en"><title>Placet</title><h1>Placet</h1>
<p>A prior authorization server (Da Vinci PAS and DTR over FHIR R4).</p>
<ul><li><a href="/fhir/metadata">/fhir/metadata</a>: what it does
<li>POST /fhir/Claim/$submit: ask for an authorization
<li>POST /fhir/Questionnaire/$questionnaire-package: the forms that go with it
<li><a href="/r201/fhir/metadata">/r201/fhir/metadata</a>: the same for DTR 2.0.1
<li><a href="/lookup">/lookup</a>: what needs an authorization
<li><a href="/api/docs">/api/docs</a>: what the payer's own people can do
<li><a href="/health">/health</a>: whether it works</ul></html>
"""


def new_door(settings: Settings, *, ready: Callable[[], bool]) -> Flask:
    """An application with nothing behind it yet but /health and the front page."""
    app = Flask("placet", static_folder=None)
    app.url_map.merge_slashes = False
    app.before_request(_name_request)
    app.before_request(_host_check(_trusted_hosts(settings)))
    app.before_request(_refuse_head)
    app.register_error_handler(Refusal, _on_refusal)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_bug)
    app.after_request(_finish)
    app.add_url_rule("/", "front-page", lambda: Response(_PAGE, mimetype="text/html"), **only("GET"))
    app.add_url_rule("/health", "health", _health(ready), **only("GET"))
    return app


def only(method: str) -> dict[str, Any]:
    """Routing options: this method, and no automatic answer to OPTIONS."""
    return {"methods": [method], "provide_automatic_options": False}


def _name_request() -> None:
    given = request.headers.get("X-Request-Id", "")
    g.request_id = given if _REQUEST_ID.fullmatch(given) else new_request_id()
    g.started = time.perf_counter()


def _trusted_hosts(settings: Settings) -> frozenset[str]:
    """Names this server goes by; empty = any.

    In the sandbox nobody signs in, so a web page that points its own name at this machine (DNS rebinding) is kept out.
    """
    names = set(settings.trusted_hosts)
    if settings.sandbox and not names:
        names = {*LOOPBACK, "[::1]"}
    for base in (settings.base_url, settings.r201_base_url):
        if names and base:
            names.add(urlsplit(base).hostname or "")
    return frozenset(names)


def _host_check(trusted: frozenset[str]) -> Callable[[], None]:
    def check_host() -> None:
        host = _HOST.fullmatch(request.host or "")
        if not host:
            raise refusal(NotReadable, "value", "The Host header is malformed.", "RFC 9110 section 7.2")
        if trusted and host["name"].lower() not in trusted and request.endpoint != "health":
            repair = "Use the server's own name, or have it added to PLACET_TRUSTED_HOSTS."
            raise refusal(NotReadable, "value", "This server does not go by that name.", "trusted hosts", repair=repair)

    return check_host


def _refuse_head() -> None:
    # Werkzeug adds HEAD to every GET route; nobody needs the length of a record without the record.
    if request.method == "HEAD" and request.url_rule is not None:
        raise MethodNotAllowed(request.url_rule.methods)


def _health(ready: Callable[[], bool]) -> Callable[[], Response]:
    def tell_health() -> Response:
        try:
            works = ready()
        except Exception as error:  # whatever the store's driver raises, the answer is no; the log says what
            note_bug(error, g.request_id)
            works = False
        if not works:
            raise refusal(Unavailable, "transient", "The store does not answer.", "health")
        return Response('{"status": "ok"}', content_type="application/json")

    return tell_health


def _on_refusal(refused: Refusal) -> Response:
    g.issue_codes = [issue.code for issue in refused.issues]
    return answer(refused, g.request_id)


def _on_http_error(error: HTTPException) -> Response:
    if isinstance(error, MethodNotAllowed):
        allowed = sorted(set(error.valid_methods or ()) - {"HEAD", "OPTIONS"})
        repair = f"Use {' or '.join(allowed)}."
        message = "This path does not take that method."
        response = _on_refusal(refusal(WrongMethod, "not-supported", message, "R4 http.html", repair=repair))
        response.headers["Allow"] = ", ".join(allowed)
        return response
    if error.code == 404:
        repair = "GET [base]/metadata lists what is offered."
        return _on_refusal(
            refusal(NotFound, "not-found", "There is nothing at this path.", "R4 http.html", repair=repair)
        )
    if error.code is not None and 400 <= error.code < 500:
        return _on_refusal(refusal(NotReadable, "structure", "The request is malformed.", "RFC 9110"))
    return _on_bug(error)


def _on_bug(error: Exception) -> Response:
    note_bug(error, g.request_id)
    return reference(g.request_id)


def _finish(response: Response) -> Response:
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.scheme == "https":
        response.headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    response.headers["X-Request-Id"] = g.request_id
    note_answer(response)
    return response
