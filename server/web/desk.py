"""The payer's desk: what its own people read and decide, as JSON under /api (PF-20 to PF-22)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from flask import Blueprint, Response, g, request

from server.errors import Refusal
from server.web import desk_answers as answers
from server.web import desk_documents as documents
from server.web import desk_requests as requests
from server.web import desk_schemas as schemas
from server.web import desk_views as views
from server.web.desk_schemas import Schema
from server.web.desk_views import JSON, Desk
from server.web.door import only
from server.web.openapi import docs_page, openapi_document
from server.web.outcome import answer

View = Callable[..., Response]
"""(desk, staff, what is in the path) -> answer."""


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked of the desk; routes and OpenAPI are made from it.

    path      under /api, as Flask writes it
    query     schema of the query parameters;  bodies  schemas of the body, by the value of `decision`, "" for one only
    reply     schema of the answer; None for bytes
    refuses   statuses of its refusals
    """

    method: str
    path: str
    name: str
    summary: str
    view: View
    reply: type[Schema] | None
    query: type[Schema] | None = None
    bodies: Mapping[str, type[Schema]] | None = None
    refuses: tuple[int, ...] = (401, 403)


def desk_blueprint(desk: Desk) -> Blueprint:
    """The routes of the desk, its description and the page that shows it. Who reads the description needs no token."""
    blueprint = Blueprint("desk", __name__, url_prefix="/api")
    blueprint.register_error_handler(Refusal, _refused)
    for route in ROUTES:
        blueprint.add_url_rule(route.path, route.name, _answering(route, desk), **only(route.method))
    blueprint.add_url_rule("/openapi.json", "openapi", lambda: views.written(described()), **only("GET"))
    blueprint.add_url_rule("/docs", "docs", lambda: docs_page(described()), **only("GET"))
    return blueprint


@cache
def described() -> dict[str, Any]:
    """The OpenAPI document of the desk."""
    return openapi_document(ROUTES)


def _answering(route: Route, desk: Desk) -> Callable[..., Response]:
    def answer_call(**path: Any) -> Response:
        staff = g.caller = desk.access(request)
        return route.view(desk, staff, **path)

    return answer_call


def _refused(refused: Refusal) -> Response:
    g.issue_codes = [issue.code for issue in refused.issues]
    response = answer(refused, g.request_id)
    response.content_type = JSON
    return response


_LINE = "/authorizations/<number>/lines/<int:line>/determination"
ROUTES: tuple[Route, ...] = (
    Route(
        "GET",
        "/authorizations/<number>",
        "authorization",
        "An authorization: lines, statuses, clock, history.",
        views.show_authorization,
        answers.AuthorizationSchema,
        refuses=(401, 403, 404),
    ),
    Route(
        "GET",
        "/authorizations/<number>/trace",
        "trace",
        "How the rules came to what they decided, and what would have changed it.",
        views.show_trace,
        answers.TraceSchema,
        refuses=(401, 403, 404),
    ),
    Route(
        "GET",
        "/authorizations/<number>/documents",
        "documents",
        "The documents of an authorization: what they are, when they came, whether they count.",
        documents.list_documents,
        answers.DocumentsSchema,
        refuses=(401, 403, 404),
    ),
    Route(
        "GET",
        "/authorizations/<number>/documents/<document>",
        "document",
        "The bytes of a document that is clean, to be saved.",
        documents.show_document,
        None,
        refuses=(401, 403, 404, 409),
    ),
    Route(
        "POST",
        _LINE,
        "determination",
        "Decide a pended line, ask for information, assign the line, note something.",
        views.decide_line,
        answers.AuthorizationSchema,
        bodies=schemas.DECISIONS,
        refuses=(400, 401, 403, 404, 409, 413, 415),
    ),
    Route(
        "POST",
        "/authorizations/<number>/extension",
        "extension",
        "Extend the decision clock, once.",
        views.extend,
        answers.AuthorizationSchema,
        bodies={"": schemas.ExtensionSchema},
        refuses=(400, 401, 403, 404, 409, 413, 415),
    ),
    Route(
        "POST",
        "/requests",
        "request",
        "File a request that arrived by fax, phone or mail, or at a portal, for the organization that made it.",
        requests.file_for,
        answers.AuthorizationSchema,
        query=schemas.FilingQuery,
        bodies={"": schemas.RequestBundleSchema},
        refuses=(400, 401, 403, 409, 413, 415, 422),
    ),
    Route(
        "GET",
        "/requirements",
        "requirements",
        "What a plan requires for a code: authorization, form, documents, guideline.",
        views.show_requirements,
        answers.RequirementsSchema,
        query=schemas.RequirementsQuery,
        refuses=(400, 401, 403, 404),
    ),
    Route(
        "GET",
        "/proposals",
        "proposals",
        "What the rules proposed to submitters and how they responded, counted per rule.",
        views.show_proposals,
        answers.ProposalsSchema,
    ),
    Route(
        "GET",
        "/worklist",
        "worklist",
        "What waits for a decision, soonest due first.",
        views.show_worklist,
        answers.WorklistSchema,
        query=schemas.WorklistQuery,
        refuses=(400, 401, 403),
    ),
)
