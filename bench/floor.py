"""The floor of $submit: a bare Flask route that decodes the same body and inserts the same bytes, durably."""

from __future__ import annotations

import os

import jiter
from flask import Flask, Response, request
from pymongo import MongoClient

MONGODB_URI = os.environ["FLOOR_MONGODB_URI"]


def create_floor() -> Flask:
    """One route, one decode, one insert."""
    app = Flask(__name__)
    bodies = MongoClient(MONGODB_URI)["floor"]["bodies"]

    @app.post("/fhir/Claim/$submit")
    def submit() -> Response:
        body = request.get_data()
        bundle = jiter.from_json(body, float_mode="decimal")
        bodies.insert_one({"body": body})
        return Response(b'{"resourceType":"%s"}' % bundle["resourceType"].encode(), mimetype="application/fhir+json")

    @app.get("/health")
    def health() -> str:
        return "{}"

    return app
