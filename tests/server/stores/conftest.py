"""What holds for the store of authorizations holds for every store it can be kept in."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.server.stores.cut_line import CutLine, line_to

STORES = ["embedded", *(["mongodb"] if os.environ.get("MONGODB_URI") else [])]


@pytest.fixture(scope="session", params=STORES)
def store_uri(request: pytest.FixtureRequest, store_uri: str) -> str:
    """Each store in turn; MONGODB_URI adds a MongoDB of your own, in which every test has a database of its own."""
    return store_uri if request.param == "embedded" else os.environ["MONGODB_URI"]


@pytest.fixture
def line(store_uri: str) -> Iterator[CutLine]:
    """A line to the store, to be cut."""
    if "mongodb+srv" in store_uri or "," in store_uri:
        pytest.skip("the line leads to a single host")
    with line_to(store_uri) as passed_on:
        yield passed_on
