"""The one place where parts are joined: settings -> payer -> web application."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from flask import Flask
from pymongo.database import Database

from questionnaires.content import DEMO, Content, load_content
from questionnaires.current import CurrentContent
from questionnaires.requirements import Requirement, requirements
from server.attachments import NO_SCANNER
from server.authorization.eligibility import EVERYONE
from server.authorization.policy import Rules
from server.authorization.request import AuthorizationRequest
from server.authorization.subscription import Subscription, names_in
from server.clamav import ClamAV
from server.eligibility_hook import EligibilityHook
from server.notifications.means import Means, real_time
from server.notifications.worker import Worker
from server.operations.catalogue import catalogue
from server.payer import Members, Payer, RulesFor
from server.settings import Settings
from server.stores.artifacts import FirstSeen
from server.stores.attachments import MongoAttachments
from server.stores.authorizations import MongoAuthorizations, connect, ensure_indexes
from server.stores.contents import Contents, RulesInUse
from server.stores.embedded import EmbeddedStore
from server.stores.form_errors import MongoFormErrors
from server.stores.members import Roster
from server.stores.movable_clock import MovableClock
from server.stores.notices import MongoNotices
from server.stores.sealing import Seal, key_in
from server.stores.subscriptions import MongoSubscriptions
from server.web.access import SANDBOX, access_for
from server.web.fhir import web_application

LONG_INTERRUPTED = timedelta(hours=1)
"""A filing begun so long ago and not committed will not be any more."""

SWEEPS_AT_START = 10
"""Rounds of a thousand keys at start at most; the rest waits for the next start."""


RULES = "placet.rules"
"""Under this name an application holds its `RulesInUse` (Flask `extensions`): they can be loaded again."""


def create_app(settings: Settings, current: CurrentContent | None = None) -> Flask:
    """The web application of one process. `settings.mongodb_uri` is set: the store runs already.

    current  the plans and topics, when they were loaded before the process was forked

    Raises:
        ContentProblems: the plans and topics cannot be used; every problem is named.
        Unavailable: the store does not answer.
    """
    current = current or CurrentContent(settings.content)
    database = database_of(settings)
    ensure_indexes(database)
    rules = rules_in_use(settings, lambda: current, database)
    rules.keep(datetime.now(UTC))
    clock = MovableClock(database).now if settings.clock else real_time
    payer = payer_for(settings, database, lambda: current, rules, clock)
    app = web_application(settings, catalogue(), payer, access_for(settings), ready=payer.authorizations.ping)
    app.extensions[RULES] = rules
    return app


def payer_for(
    settings: Settings,
    database: Database[dict[str, Any]],
    current: Callable[[], CurrentContent],
    rules: RulesInUse,
    now: Callable[[], datetime],
) -> Payer:
    """The payer on a database, by these rules and this clock."""
    return Payer(
        authorizations=MongoAuthorizations(database, resend_window=settings.resend_window),
        rules_for=_limited(rules.rules_for, settings),
        content=lambda: current().content,
        first_seen=FirstSeen(database, now),
        form_errors=MongoFormErrors(database),
        rules_kept=lambda fingerprint: _limited_if_kept(rules.rules_kept(fingerprint), settings),
        forms_kept=rules.forms_kept,
        now=now,
        requirements=lambda plan, code, on: _requirements(current().content, plan, code, on),
        members=members_for(settings, database, current),
        name=settings.payer_name,
        claims_to=settings.claims_to,
        npi_binding=not settings.sandbox,
        attachments=MongoAttachments(database),
        scanner=ClamAV(settings.clamav) if settings.clamav else NO_SCANNER,
        payer_ids=settings.payer_ids,
        sensitive=lambda authorization: current().content.is_sensitive(authorization),  # noqa: PLW0108 - as it is then
        subscriptions=MongoSubscriptions(database, cache(lambda: seal_for(settings))),
        notices=MongoNotices(database),
        org_id_binding=not settings.sandbox,
        entitled=lambda subscription: entitled(subscription, settings),
        endpoint_allowed=settings.outbound().accepts,
    )


def entitled(subscription: Subscription, settings: Settings) -> bool:
    """Whether the settings still know the caller of a subscription, with all the names in its filters."""
    callers = [SANDBOX] if settings.sandbox else [token.caller for token in settings.tokens]
    whose = (subscription.organization, subscription.caller)
    known = [each for each in callers if (each.organization, each.name) == whose]
    named = names_in(subscription.filters)
    return any(settings.sandbox or named <= {*each.org_ids, *each.npis} for each in known)


def seal_for(settings: Settings) -> Seal | None:
    """What secrets of others are sealed with: by the keys of the settings; in the sandbox by one it makes itself."""
    if settings.secret_keys:
        return Seal(settings.secret_keys)
    return Seal((key_in(settings.data),)) if settings.sandbox else None


def _requirements(content: Content, plan: str, code: str, on: date) -> tuple[Requirement, ...] | None:
    named = content.plan(plan) if plan else next(each for each in content.plans if each.default)
    return None if named is None else requirements(content, named, code, on)


def database_of(settings: Settings) -> Database[dict[str, Any]]:
    """The database at `settings.mongodb_uri`."""
    if settings.mongodb_uri is None:
        raise ValueError("a database needs settings with a mongodb_uri; on_store starts the embedded store")
    return connect(settings.mongodb_uri, settings.database)


def rules_in_use(
    settings: Settings, current: Callable[[], CurrentContent], database: Database[dict[str, Any]]
) -> RulesInUse:
    """The rules of the current content, and the kept ones."""
    return RulesInUse(current, settings.content or DEMO, Contents(database))


def members_for(
    settings: Settings, database: Database[dict[str, Any]], current: Callable[[], CurrentContent]
) -> Members:
    """Who is asked about members: nobody, the roster in the store, or the payer's own service."""

    def plans() -> set[str]:
        return {plan.id for plan in current().content.plans}

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


def _limited_if_kept(rules_for: RulesFor | None, settings: Settings) -> RulesFor | None:
    return None if rules_for is None else _limited(rules_for, settings)


@contextmanager
def open_roster(settings: Settings) -> Iterator[Roster]:
    """The roster for a command, whatever the server asks about members."""
    content = load_content(settings.content)
    with on_store(settings) as running:
        database = connect(str(running.mongodb_uri), running.database)
        with database.client:
            yield Roster(database, plans=lambda: {plan.id for plan in content.plans})


def prepare_store(settings: Settings) -> None:
    """Once at start, before anything is answered: indexes, the clock, what crashes left, attachments held too long.

    Only a sandbox that was started for it has a clock that moves; any other start makes it the real one again.
    """
    database = database_of(settings)
    with database.client:
        ensure_indexes(database)
        clock = MovableClock(database)
        (clock.let_move if settings.clock else clock.hold)()
        now = datetime.now(UTC)
        MongoAttachments(database).sweep(now, now - LONG_INTERRUPTED)
        authorizations = MongoAuthorizations(database, resend_window=settings.resend_window)
        for _ in range(SWEEPS_AT_START):
            if not authorizations.sweep(datetime.now(UTC) - LONG_INTERRUPTED).more:
                return


@contextmanager
def open_payer(settings: Settings) -> Iterator[Payer]:
    """The payer for a command: on MongoDB, or on the embedded store, which runs as long as somebody uses it.

    Plans and topics are loaded when they are asked for: what is on record can be read also while they are mended.
    """
    current = cache(lambda: CurrentContent(settings.content))
    with on_store(settings) as running:
        database = database_of(running)
        with database.client:
            ensure_indexes(database)
            rules = rules_in_use(running, current, database)
            yield payer_for(running, database, current, rules, MovableClock(database).now)


@contextmanager
def open_worker(settings: Settings, base: str) -> Iterator[Worker]:
    """A worker that delivers notices, for a process of its own.

    base  of the API, which subscribers read their Subscriptions under
    """
    with on_store(settings) as running:
        database = database_of(running)
        with database.client:
            ensure_indexes(database)
            means = Means(
                MongoNotices(database),
                MongoSubscriptions(database, cache(lambda: seal_for(settings))),
                settings.outbound(),
                base,
                now=MovableClock(database).now if settings.sandbox else real_time,
                entitled=lambda subscription: entitled(subscription, settings),
            )
            yield Worker(means)


@contextmanager
def open_clock(settings: Settings) -> Iterator[MovableClock]:
    """The clock of the store, for a command."""
    with on_store(settings) as running:
        database = database_of(running)
        with database.client:
            yield MovableClock(database)


@contextmanager
def on_store(settings: Settings) -> Iterator[Settings]:
    """The settings with the store that they name running."""
    if settings.mongodb_uri is not None:
        yield settings
        return
    with EmbeddedStore.open(settings.data) as store:
        yield settings.on_store(store.uri)
