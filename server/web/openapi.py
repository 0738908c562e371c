"""The desk's API described: an OpenAPI 3.1 document from its routes and schemas, and a page that shows it."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Response
from jinja2 import Environment
from marshmallow import Schema

from server.web.desk_answers import OutcomeSchema

if TYPE_CHECKING:
    from apispec import APISpec

    from server.web.desk import Route

Json = dict[str, Any]
_PARAMETER = re.compile(r"<(?:(\w+):)?(\w+)>")
_TEMPLATE = Path(__file__).with_name("docs.html")
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_PATH_WORDS = {
    "number": "An authorization number, however it is typed, or the id of a ClaimResponse.",
    "line": "Sequence of the service line.",
    "document": "The id of a document of the authorization.",
}
_REFUSALS = {
    400: "The request cannot be read, or says something that cannot be.",
    401: "No token, or one that is not known.",
    403: "A token of a caller: the desk is for staff.",
    404: "Nothing like that is on record.",
    409: "Somebody else changed it first, or it is not pended.",
    413: "The body is too large.",
    415: "The body is not JSON in UTF-8.",
    422: "Longer lists than are read.",
}


def openapi_document(routes: Iterable[Route]) -> Json:
    """The OpenAPI document of these routes."""
    from apispec import APISpec  # only who asks for the description waits for it
    from apispec.ext.marshmallow import MarshmallowPlugin

    spec = APISpec(
        title="Placet: the payer's desk",
        version=version("placet"),
        openapi_version="3.1.0",
        info={"description": "For the payer's own staff: read, decide, trace. Errors are OperationOutcomes."},
        servers=[{"url": "/api"}],
        plugins=[MarshmallowPlugin(schema_name_resolver=_name)],
    )
    spec.components.security_scheme("staff", {"type": "http", "scheme": "bearer"})
    for route in routes:
        path = _PARAMETER.sub(r"{\2}", route.path)
        spec.path(path=path, operations={route.method.lower(): _operation(route, spec)})
    return spec.to_dict()


def docs_page(document: Json) -> Response:
    """The document as a page of its own: no scripts, nothing from elsewhere."""
    source = _TEMPLATE.read_text("utf-8")
    template = Environment(autoescape=True).from_string(source)
    page = template.render(document=document, operations=list(_operations(document)))
    style = _STYLE.search(source)
    digest = b64encode(sha256((style[1] if style else "").encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'"
    return Response(page, mimetype="text/html", headers={"Content-Security-Policy": policy})


def _name(schema: Any) -> str:
    kind = schema if isinstance(schema, type) else type(schema)
    return kind.__name__.removesuffix("Schema")


def _operation(route: Route, spec: APISpec) -> Json:
    path = [
        {
            "in": "path",
            "name": name,
            "required": True,
            "schema": {"type": "integer" if kind == "int" else "string"},
            "description": _PATH_WORDS[name],
        }
        for kind, name in _PARAMETER.findall(route.path)
    ]
    query = [{"in": "query", "schema": route.query}] if route.query else []
    seen = [_IF_MATCH] if any("version" in body().fields for body in (route.bodies or {}).values()) else []
    described: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "security": [{"staff": []}],
        "parameters": [*path, *query, *seen],
        "responses": {"200": {"description": "Done.", "content": _content(route.reply)}, **_refusals(route)},
    }
    if route.bodies:
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": _body(route, spec)}}}
    return described


_IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "schema": {"type": "string"},
    "description": "The version that you saw; or send it in the body.",
}


def _body(route: Route, spec: APISpec) -> Any:
    """The schema of the body: one, or one of several told apart by `decision`."""
    bodies = dict(route.bodies or {})
    if set(bodies) == {""}:
        return bodies[""]
    kinds = []
    for word, schema in bodies.items():
        if _name(schema) not in spec.components.schemas:
            spec.components.schema(_name(schema), schema=schema)
        said = {"type": "object", "required": ["decision"], "properties": {"decision": {"const": word}}}
        name = f"{word.capitalize()}Decision"
        if name not in spec.components.schemas:
            spec.components.schema(name, {"allOf": [{"$ref": f"#/components/schemas/{_name(schema)}"}, said]})
        kinds.append({"$ref": f"#/components/schemas/{name}"})
    return {"oneOf": kinds}


def _refusals(route: Route) -> Json:
    return {
        str(status): {"description": _REFUSALS[status], "content": _json(OutcomeSchema)} for status in route.refuses
    }


def _content(reply: type[Schema] | None) -> Json:
    return _json(reply) if reply else {"*/*": {"schema": {"type": "string", "format": "binary"}}}


def _json(schema: type[Schema]) -> Json:
    return {"application/json": {"schema": schema}}


def _operations(document: Json) -> Iterator[Json]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield {"path": f"/api{path}", "method": method.upper(), **operation}
