"""The FHIR interface: one blueprint made from the catalogue, under whatever base it is asked to stand.

A second dialect is a second blueprint, with its own part of the catalogue and its own name, under another base.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from flask import Blueprint, Flask, Response, g, request
from flask.blueprints import BlueprintSetupState
from werkzeug.routing import BaseConverter

from mappers.wire import to_bytes
from server.operations.catalogue import Answer, Operation, Reply
from server.payer import Call, Payer
from server.settings import Settings
from server.web.access import Access, sign_in_words, staff_access_for
from server.web.capability import capability_statement
from server.web.desk import desk_blueprint
from server.web.desk_views import Desk
from server.web.door import PUBLIC, new_door, only
from server.web.formats import check_format
from server.web.lookup import Lookup, lookup_blueprint
from server.web.outcome import FHIR_JSON
from server.web.own_answers import check_answers
from server.web.reading import read_resource


class FhirId(BaseConverter):
    """An id as FHIR allows it (R4 datatypes.html#id); anything else is an unknown path."""

    regex = r"[A-Za-z0-9\-.]{1,64}"


@dataclass(frozen=True)
class Interface:
    """One FHIR base: what is offered there, by whom, to whom.

    name     of the blueprint, one per dialect
    prefix   path under which it stands
    public   base URL that callers use, without trailing slash; None takes scheme and Host of each request
    sign_in  how callers sign in, in words
    dialect  version of the DTR guide that is spoken here
    """

    operations: Sequence[Operation]
    payer: Payer
    access: Access
    name: str = "fhir"
    prefix: str = "/fhir"
    public: str | None = None
    sign_in: str = ""
    dialect: str = "2.2.0"

    @property
    def base(self) -> str:
        """The base URL as the caller of the current request reached it."""
        return self.public or f"{request.scheme}://{request.host}{self.prefix}"


def web_application(
    settings: Settings,
    operations: Sequence[Operation],
    payer: Payer,
    access: Access,
    *,
    ready: Callable[[], bool],
) -> Flask:
    """The whole door: FHIR at /fhir, what DTR 2.0.1 has at /r201/fhir, the desk at /api, /lookup, /health and a page.

    `ready` says whether the store answers.
    """
    app = new_door(settings, ready=ready)
    check_answers(app, settings.check_answers)
    for interface in interfaces(settings, operations, payer, access):
        app.register_blueprint(fhir_blueprint(interface))
    staff = staff_access_for(settings)
    app.register_blueprint(desk_blueprint(Desk(payer, staff, settings.base_url)))
    app.register_blueprint(lookup_blueprint(Lookup(payer, None if settings.sandbox or settings.lookup else staff)))
    return app


def interfaces(
    settings: Settings, operations: Sequence[Operation], payer: Payer, access: Access
) -> tuple[Interface, ...]:
    """One interface for each dialect of DTR: no message says which one its sender speaks, so the base does."""
    words = sign_in_words(settings)
    current = [each for each in operations if "2.2.0" in each.dialects]
    earlier = [each for each in operations if "2.0.1" in each.dialects]
    return (
        Interface(current, payer, access, public=settings.base_url, sign_in=words),
        Interface(earlier, payer, access, "r201", "/r201/fhir", settings.r201_base_url, words, "2.0.1"),
    )


def fhir_blueprint(interface: Interface) -> Blueprint:
    """The routes of an interface: its operations and its CapabilityStatement."""
    blueprint = Blueprint(interface.name, __name__, url_prefix=interface.prefix)
    blueprint.record_once(_know_ids)
    for (path, method), operation in _routes(interface.operations).items():
        view = _answering(operation, interface)
        blueprint.add_url_rule(path, f"{method} {path}".replace(".", "-"), view, **only(method))
    blueprint.add_url_rule("/metadata", "metadata", _describing(interface), **only("GET"))
    return blueprint


def _know_ids(state: BlueprintSetupState) -> None:
    state.app.url_map.converters["fhir_id"] = FhirId


def _routes(operations: Sequence[Operation]) -> dict[tuple[str, str], Operation]:
    """Every (path, method) under the base, with what is done there."""
    return {
        (path, method): operation
        for operation in operations
        for path in _paths(operation)
        for method in _METHODS.get(operation.kind, operation.methods)
    }


_METHODS = {"read": ("GET",), "search": ("GET",), "create": ("POST",), "update": ("PUT",), "delete": ("DELETE",)}


def _paths(operation: Operation) -> list[str]:
    kind = f"/{operation.resource}" if operation.resource else ""
    one = f"{kind}/<fhir_id:id>"
    if operation.kind == "operation":
        return [f"{one if operation.instance else kind}/{operation.name}", *(f"/{each}" for each in operation.aliases)]
    return [kind] if operation.kind in ("search", "create") else [one]


def _answering(operation: Operation, interface: Interface) -> Callable[..., Response]:
    """One operation as a view: who calls, can they read the answer, what do they say; then the operation itself."""

    def answer_call(id: str = "") -> Response:
        caller = g.caller = interface.access(request)
        check_format(request)
        sent = request.method in ("POST", "PUT")
        g.dialect = interface.dialect
        raw, resource = read_resource(request, operation.body_limit, operation.too_large) if sent else (b"", {})
        g.bytes_in = len(raw)
        call = Call(
            caller,
            interface.base,
            raw,
            resource,
            id,
            request.args.to_dict(),
            g.request_id,
            {name: tuple(values) for name, values in request.args.lists()},
            request.method,
            interface.dialect,
            request.headers.get("Prefer", ""),
        )
        return _written(operation.handler(call, interface.payer))

    return answer_call


def _describing(interface: Interface) -> Callable[[], Response]:
    started = datetime.now(UTC).replace(microsecond=0)

    def describe() -> Response:
        check_format(request)
        statement = capability_statement(
            interface.operations,
            base=interface.base,
            payer_name=interface.payer.name,
            security=interface.sign_in,
            started=started,
        )
        response = _written(statement)
        response.headers["Cache-Control"] = PUBLIC
        return response

    return describe


def _written(reply: Reply) -> Response:
    """Bytes go out exactly as they are, a resource as JSON, an Answer with its status."""
    if isinstance(reply, Answer):
        body = b"" if reply.body is None else reply.body
        written = _written(body)
        written.status_code = reply.status
        written.headers.extend(reply.headers)
        if reply.body is None:
            del written.headers["Content-Type"]
        return written
    return Response(reply if isinstance(reply, bytes) else to_bytes(reply), content_type=FHIR_JSON)
