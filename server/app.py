"""The one place where parts are joined: settings -> payer -> web application."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from flask import Flask
from pymongo.database import Database

from questionnaires.content import Content, load_content
from server.authorization.eligibility import EVERYONE
from server.authorization.policy import Rules
from server.authorization.request import AuthorizationRequest
from server.eligibility_hook import EligibilityHook
from server.operations.catalogue import catalogue
from server.payer import Members, Payer, RulesFor
from server.settings import Settings
from server.stores.authorizations import MongoAuthorizations, connect, ensure_indexes
from server.stores.embedded import EmbeddedStore
from server.stores.members import Roster
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
        rules_for=_limited(content.rules_for, settings),
        now=lambda: datetime.now(UTC),
        members=members_for(settings, database, content),
        name=settings.payer_name,
    )


def members_for(settings: Settings, database: Database[dict[str, Any]], content: Content) -> Members:
    """Who is asked about members: nobody, the roster in the store, or the payer's own service."""

    def plans() -> set[str]:
        return {plan.id for plan in content.plans}

    if settings.eligibility == "roster":
        return Roster(database, plans=plans)
    if settings.eligibility == "hook" and settings.eligibility_url is not None:
        return EligibilityHook(settings.eligibility_url, settings.outbound(), plans, settings.eligibility_token)
    return EVERYONE


def _limited(rules_for: RulesFor, settings: Settings) -> RulesFor:
    """The rules, with the limits of the settings where the plan has none of its own."""

    def limited(request: AuthorizationRequest, on: date) -> Rules:
        rules = rules_for(request, on)
        plan = rules.plan
        past = settings.past_days if plan.past_days is None else plan.past_days
        future = settings.future_days if plan.future_days is None else plan.future_days
        npi_check = plan.npi_check or settings.npi_check
        return replace(rules, plan=replace(plan, npi_check=npi_check, past_days=past, future_days=future))

    return limited


@contextmanager
def open_roster(settings: Settings) -> Iterator[Roster]:
    """The roster for a command, whatever the server asks about members."""
    content = load_content(settings.content)
    with on_store(settings) as running:
        database = connect(str(running.mongodb_uri), running.database)
        with database.client:
            yield Roster(database, plans=lambda: {plan.id for plan in content.plans})


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
    with on_store(settings) as running:
        yield payer_for(running, load_content(running.content))


@contextmanager
def on_store(settings: Settings) -> Iterator[Settings]:
    """The settings with the store that they name running."""
    if settings.mongodb_uri is not None:
        yield settings
        return
    with EmbeddedStore.open(settings.data) as store:
        yield settings.on_store(store.uri)
