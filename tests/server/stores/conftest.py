"""What holds for the store of authorizations holds for every store it can be kept in."""

from __future__ import annotations

import os

import pytest

STORES = ["embedded", *(["mongodb"] if os.environ.get("MONGODB_URI") else [])]


@pytest.fixture(scope="session", params=STORES)
def store_uri(request: pytest.FixtureRequest, store_uri: str) -> str:
    """Each store in turn; MONGODB_URI adds a MongoDB of your own, in which every test has a database of its own."""
    return store_uri if request.param == "embedded" else os.environ["MONGODB_URI"]
