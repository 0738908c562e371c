"""What every test may ask for: a real store, and an empty database in it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import settings, strategies
from pymongo.database import Database

from server.stores.authorizations import MongoAuthorizations
from server.stores.embedded import EmbeddedStore
from tests.databases import fresh_database

# A machine that is busy with something else is no bug.
settings.register_profile("placet", deadline=None)
settings.load_profile("placet")

# What these mean in the domain: a moment has a time zone, a quantity is a number.
strategies.register_type_strategy(
    datetime, strategies.datetimes(timezones=strategies.just(UTC)).map(lambda moment: moment.replace(fold=0))
)
strategies.register_type_strategy(Decimal, strategies.decimals(allow_nan=False, allow_infinity=False))


@pytest.fixture(scope="session")
def store_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An embedded store, one for each test process."""
    with EmbeddedStore.open(tmp_path_factory.mktemp("store") / "data") as store:
        yield store.uri


@pytest.fixture
def database(store_uri: str) -> Iterator[Database[dict[str, Any]]]:
    """An empty database with its indexes."""
    with fresh_database(store_uri) as empty:
        yield empty


@pytest.fixture
def authorizations(database: Database[dict[str, Any]]) -> MongoAuthorizations:
    """No authorization on record yet."""
    return MongoAuthorizations(database)
