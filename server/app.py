"""The one place where parts are joined: settings -> payer -> web application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

from flask import Flask

from questionnaires.content import Content, load_content
from server.operations.catalogue import catalogue
from server.payer import Payer
from server.settings import Settings
from server.stores.authorizations import MongoAuthorizations, connect, ensure_indexes
from server.stores.embedded import EmbeddedStore
from server.web.access import access_for
from server.web.fhir import web_application


LONG_INTERRUPTED = timedelta(hours=1)
"""A filing begun so long ago and not committed will not be any more."""

SWEEPS_AT_START = 10
"""Rounds of a thousand keys at start at most; the rest waits for the next start."""


def create_app(settings: Settings) -> Flask:
    """The web application of one process. `settings.mongodb_uri` is set: the store runs already.

    Raises:
        ContentProblems: the plans and topics cannot be used; every problem is named.
        Unavailable: the store does not answer.
    """
    payer = payer_for(settings, load_content(settings.content))
    return web_application(settings, catalogue(), payer, access_for(settings), ready=payer.authorizations.ping)


def payer_for(settings: Settings, content: Content) -> Payer:
    """The payer on the store at `settings.mongodb_uri`."""
    if settings.mongodb_uri is None:
        raise ValueError("payer_for needs settings with a mongodb_uri; open_payer starts the embedded store")
    database = connect(settings.mongodb_uri, settings.database)
    ensure_indexes(database)
    return Payer(
        authorizations=MongoAuthorizations(database, resend_window=settings.resend_window),
        rules_for=content.rules_for,
        now=lambda: datetime.now(UTC),
        name=settings.payer_name,
    )


def sweep_leftovers(settings: Settings) -> None:
    """Take away what filings that a crash interrupted left behind; once at start, before anything is answered."""
    if settings.mongodb_uri is None:
        raise ValueError("sweep_leftovers needs settings with a mongodb_uri")
    database = connect(settings.mongodb_uri, settings.database)
    with database.client:
        ensure_indexes(database)
        authorizations = MongoAuthorizations(database, resend_window=settings.resend_window)
        for _ in range(SWEEPS_AT_START):
            if not authorizations.sweep(datetime.now(UTC) - LONG_INTERRUPTED).more:
                return


@contextmanager
def open_payer(settings: Settings) -> Iterator[Payer]:
    """The payer for a command: on MongoDB, or on the embedded store, which runs as long as somebody uses it."""
    with ExitStack() as stack:
        if settings.mongodb_uri is None:
            store = stack.enter_context(EmbeddedStore.open(settings.data))
            settings = settings.on_store(store.uri)
        yield payer_for(settings, load_content(settings.content))
