"""POST, PUT and DELETE Subscription: only a sending system itself makes and changes what it hears (PAS spec-59)."""

from __future__ import annotations

from functools import partial
from uuid import uuid4

from mappers.fhir import text_in
from mappers.pas.subscription import SUBSCRIPTION, read_subscription, write_subscription
from mappers.pas.subscription_checks import Offer, not_offered, not_understood
from profiles import Issue, issues_in
from profiles.notation import CORE
from server.authorization.subscription import MOST_KEPT, MOST_LIVE, TOPIC, Subscription, accepted, replaced
from server.errors import Conflict, Invalid, NotReadable, NotSupported, refusal
from server.operations.catalogue import Answer, Operation
from server.operations.subscription_read import PROFILES, own_subscription
from server.payer import Call, Payer
from server.subscriptions import NoKey, TooMany

BACKPORT_SERVER = "http://hl7.org/fhir/uv/subscriptions-backport/CapabilityStatement/backport-subscription-server-r4"
BODY_LIMIT = 256 * 1024
_BACKPORT = "Backport"
"""Rules of the backport's extensions begin so: R4 validation finds them, and they are no R4."""


def create_subscription(call: Call, payer: Payer) -> Answer:
    """A new subscription, requested: 201 with the subscription as it is kept, its headers this once.

    Raises:
        Invalid: it is no Subscription by R4.
        NotSupported: it asks for what is not offered, or the caller has too many.
    """
    wanted = _read(call, payer, str(uuid4()), ("requested", "active"))
    subscription = accepted(wanted, payer.now())
    try:
        payer.subscriptions.create(subscription)
    except (NoKey, TooMany) as reason:
        raise _not_kept(reason) from None
    location = f"{call.base}/Subscription/{subscription.id}"
    return Answer(write_subscription(subscription, headers=True), 201, {"Location": location})


def update_subscription(call: Call, payer: Payer) -> Answer:
    """The caller's subscription as it wants it now: requested again with a new handshake, or off.

    Raises:
        NotFound: the caller has no such subscription; none is made under an id of the caller's choice.
        NotReadable: the id in the body is another.
        Conflict: it was changed in between.
        Invalid, NotSupported: as for a new one.
    """
    before = own_subscription(call, payer)
    if text_in(call.resource, "id") != call.id:
        raise _another_id()
    wanted = _read(call, payer, before.id, ("requested", "active", "off"))
    changed = replaced(before, wanted, payer.now())
    try:
        done = payer.subscriptions.replace(changed)
    except (NoKey, TooMany) as reason:
        raise _not_kept(reason) from None
    if not done:
        raise _conflict()
    return Answer(write_subscription(changed, headers=True))


def delete_subscription(call: Call, payer: Payer) -> Answer:
    """The caller's subscription is taken away, with what was still to be sent for it.

    Raises:
        NotFound: the caller has no such subscription.
    """
    own_subscription(call, payer)
    payer.subscriptions.delete(call.caller, call.id)
    return Answer(None, 204)


def _read(call: Call, payer: Payer, subscription_id: str, states: tuple[str, ...]) -> Subscription:
    """The subscription that the body asks for, when nothing is wrong with it."""
    caller = call.caller
    names = frozenset((*caller.org_ids, *caller.npis)) if payer.org_id_binding else None
    _refuse(call.resource, Offer(names, payer.endpoint_allowed, states))
    wanted = read_subscription(
        call.resource,
        subscription_id=subscription_id,
        organization=caller.organization,
        caller=caller.name,
        at=payer.now(),
    )
    left = [issue for issue in issues_in(write_subscription(wanted, headers=True), SUBSCRIPTION) if issue.refuses]
    if left:
        raise NotSupported(left)
    return wanted


def _refuse(resource: dict[str, object], offer: Offer) -> None:
    """Every problem at once: by R4, then what is not offered where R4 says nothing."""
    found = [issue for issue in issues_in(resource, f"{CORE}Subscription") if issue.refuses]
    structural = [issue for issue in found if not issue.rule.startswith(_BACKPORT)]
    structural += list(not_understood(resource))
    said = {issue.expression for issue in found} | {issue.rule.removeprefix("R4 ") for issue in found}
    wanted = [issue for issue in found if issue.rule.startswith(_BACKPORT)]
    if resource.get("resourceType") == "Subscription":
        wanted += [issue for issue in not_offered(resource, offer) if issue.expression not in said]
    if structural:
        raise Invalid([*structural, *wanted])
    if wanted:
        raise NotSupported(wanted)


def _not_kept(reason: NoKey | TooMany) -> Exception:
    if isinstance(reason, NoKey):
        said = "This server has no key to keep the values of headers with, and does not keep them without one."
        repair = "Leave channel.header out, or ask the payer to set PLACET_SECRET_KEY."
        issue = Issue("error", "not-supported", "Subscription.channel.header", said, "Placet header values", repair)
    else:
        said = f"You have as many subscriptions as one client may have: {MOST_LIVE} live, {MOST_KEPT} on record."
        repair = "Delete those that you do not need, or put several values into one filter."
        issue = Issue("error", "too-costly", "Subscription", said, "Placet subscriptions of one client", repair)
    return NotSupported([issue])


def _another_id() -> Exception:
    said = "The id in the body is not the one in the path."
    return refusal(NotReadable, "invalid", said, "R4 http update", repair="Write the same id.", expression=_ID)


_ID = "Subscription.id"


def _conflict() -> Exception:
    said = "The subscription was changed or deleted in between."
    return refusal(Conflict, "conflict", said, "HTTP 409", repair="Read it again, then change what it says now.")


_operation = partial(Operation, resource="Subscription", definition="", body_limit=BODY_LIMIT, profiles=PROFILES)

OPERATIONS = (
    _operation(
        name="create",
        kind="create",
        handler=create_subscription,
        topics=(TOPIC,),
        instantiates=(BACKPORT_SERVER,),
        summary="Subscribe to changed answers for the organizations you send for (rest-hook, full-resource).",
    ),
    _operation(
        name="update",
        kind="update",
        handler=update_subscription,
        summary="Change your subscription, bring it back from error with a new handshake, or stop it (status off).",
    ),
    _operation(
        name="delete",
        kind="delete",
        handler=delete_subscription,
        summary="Take your subscription away.",
    ),
)
