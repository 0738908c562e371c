"""Databases for tests: real, empty, and gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from secrets import token_hex
from typing import Any

from pymongo.database import Database
from pymongo.monitoring import CommandListener

from server.stores.authorizations import connect, ensure_indexes


@contextmanager
def connected(uri: str, name: str, listeners: Sequence[CommandListener] = ()) -> Iterator[Database[dict[str, Any]]]:
    """A database by its name, on a connection of its own."""
    database = connect(uri, name, listeners=listeners)
    try:
        yield database
    finally:
        database.client.close()


@contextmanager
def fresh_database(uri: str, listeners: Sequence[CommandListener] = ()) -> Iterator[Database[dict[str, Any]]]:
    """An empty database with its indexes; nothing of it stays."""
    with connected(uri, f"placet_test_{token_hex(6)}", listeners) as database:
        ensure_indexes(database)
        yield database
        database.client.drop_database(database.name)
