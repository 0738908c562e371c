"""Installations with a desk, on the demo's plans and topics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pymongo.database import Database

from questionnaires.content import Content, load_content
from tests.databases import fresh_database
from tests.journeys.conftest import Journey
from tests.journeys.plan_functions.desk import an_installation

Json = dict[str, Any]


@pytest.fixture(scope="module")
def in_force() -> Content:
    """The plans and topics of the demo."""
    return load_content()


@pytest.fixture
def plan(in_force: Content, database: Database[Json]) -> Journey:
    """An installation with nothing on record."""
    return an_installation(in_force, database)


@pytest.fixture(scope="module")
def busy_plan(in_force: Content, store_uri: str) -> Iterator[Journey]:
    """An installation for many members."""
    with fresh_database(store_uri) as database:
        yield an_installation(in_force, database)
