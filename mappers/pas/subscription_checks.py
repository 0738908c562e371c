"""What a Subscription has to say before it goes on record: every problem at once, each with its rule and repair.

It is held to R4 elsewhere. One generator function per kind of check, in the table `CHECKS`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from mappers.fhir import Json, object_in, objects, text_in
from mappers.pas.notification import BACKPORT
from profiles.issue import Issue
from server.authorization.subscription import TOPIC

FILTER = BACKPORT + "backport-filter-criteria"
CHANNEL_TYPE = BACKPORT + "backport-channel-type"
CONTENT = BACKPORT + "backport-payload-content"
HEARTBEAT = BACKPORT + "backport-heartbeat-period"
TIMEOUT = BACKPORT + "backport-timeout"
MOST_EVENTS = BACKPORT + "backport-max-count"

HIDDEN = "***"
"""Stands for the value of a header wherever it is not told."""

MOST_NAMES = 100
MOST_FILTERS = 10
MOST_HEADERS = 20
LONGEST_HEADER = 4096

_FILTER = re.compile(r"(?:org-identifier|orgIdentifier)=(.*)", re.DOTALL)
_NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")
_CRITERIA = re.compile(re.escape(TOPIC) + r"(?:\|2\.2\.1)?")
_PAYLOAD = re.compile(r"application/(?:fhir\+)?json(?:; ?fhirVersion=4\.0)?")
_HEADER = re.compile(r"([A-Za-z0-9-]{1,64}): ?([!-~](?:[ -~]*[!-~])?)")
_OURS = re.compile(
    r"host|content-length|content-type|transfer-encoding|connection|upgrade|te|trailer|expect|cookie|forwarded"
    r"|proxy-.*|x-forwarded-.*"
)
_A_FILTER = f'{{"url": "{FILTER}", "valueString": "org-identifier=1234567893"}}'
_THE_CONTENT = f'{{"extension": [{{"url": "{CONTENT}", "valueCode": "full-resource"}}]}}'


@dataclass(frozen=True, slots=True)
class Offer:
    """What a caller may subscribe to.

    names     sender codes and identifiers that are registered for the caller; None: any
    endpoint  whether notifications may go to a URL
    states    words of Subscription.status that may be asked for
    """

    names: frozenset[str] | None
    endpoint: Callable[[str], bool]
    states: tuple[str, ...] = ("requested", "active")


def not_understood(resource: Json) -> Iterator[Issue]:
    """Elements that would change the meaning of the others (R4 extensibility.html#modifierExtension)."""
    for name in ("implicitRules", "modifierExtension"):
        if name in resource:
            yield _issue("not-supported", name, f"{name} is not understood here.", "R4 modifier elements", "Remove it.")
    if "modifierExtension" in object_in(resource, "channel"):
        said = "modifierExtension is not understood here."
        yield _issue("not-supported", "channel.modifierExtension", said, "R4 modifier elements", "Remove it.")


def not_offered(resource: Json, offer: Offer) -> list[Issue]:
    """Everything that is wanted and not offered, in the order of the table."""
    return [issue for check in CHECKS for issue in check(resource, offer)]


def filter_values(resource: Json) -> tuple[frozenset[str], ...]:
    """The values of each filter."""
    found = (_FILTER.fullmatch(text_in(each, "valueString")) for each in filter_extensions(resource))
    return tuple(frozenset(match[1].split(",")) for match in found if match)


def filter_extensions(resource: Json) -> list[Json]:
    """The extensions on criteria."""
    return objects(object_in(resource, "_criteria"), "extension")


def header_parts(line: str) -> tuple[str, str]:
    """Name and value of a header line; the name is all of it where there is no value."""
    name, _, value = line.partition(":")
    return name, value.strip(" ")


def _status(resource: Json, offer: Offer) -> Iterator[Issue]:
    if text_in(resource, "status") not in offer.states:
        said = f"A subscription begins as requested; {' or '.join(offer.states)} can be asked for."
        yield _issue("value", "status", said, "Backport Subscription.status", '"requested"')


def _criteria(resource: Json, _offer: Offer) -> Iterator[Issue]:
    if not _CRITERIA.fullmatch(text_in(resource, "criteria")):
        said = "There is one topic here, that of PAS."
        yield _issue("not-supported", "criteria", said, "PAS profile-subscription Subscription.criteria", f'"{TOPIC}"')


def _filters(resource: Json, offer: Offer) -> Iterator[Issue]:
    extensions = filter_extensions(resource)
    if not any(each.get("url") == FILTER for each in extensions):
        said = "A filter says whose answers are wanted; there is none."
        yield _issue("required", "criteria", said, "PAS spec-58", f'"_criteria": {{"extension": [{_A_FILTER}]}}')
    if len(extensions) > MOST_FILTERS:
        said = f"{len(extensions)} filters; {MOST_FILTERS} are taken."
        yield _issue("too-costly", "criteria.extension", said, "PAS spec-58", "Join values with commas in one filter.")
        return
    for place, each in enumerate(extensions):
        path = f"criteria.extension[{place}]"
        if each.get("url") != FILTER:
            said = "criteria has filters of the R5 backport and no other extension."
            yield _issue("not-supported", f"{path}.url", said, "Backport backport-filter-criteria", _A_FILTER)
        else:
            yield from _filter(text_in(each, "valueString"), f"{path}.value", offer)


def _filter(text: str, path: str, offer: Offer) -> Iterator[Issue]:
    found = _FILTER.fullmatch(text)
    if found is None:
        said = "A filter compares org-identifier with =; other parameters and modifiers are not offered."
        yield _issue("not-supported", path, said, "PAS spec-58", '"org-identifier=1234567893"')
        return
    values = found[1].split(",")
    if len(values) > MOST_NAMES:
        said = f"{len(values)} values in one filter; {MOST_NAMES} are taken."
        yield _issue("too-costly", path, said, "PAS spec-58", "Make several subscriptions.")
    elif not all(map(_NAME.fullmatch, values)):
        said = "A value is a sender code or an identifier without its system: 1 to 64 letters, digits, dots and dashes."
        yield _issue("value", path, said, "PAS spec-58", '"org-identifier=1234567893,SND-0001"')
    elif offer.names is not None and not offer.names.issuperset(values):
        said = "A value is not registered for you: only a sending system itself subscribes to its answers."
        repair = "Leave out what is not yours, or ask the payer to register it for your client."
        yield _issue("business-rule", path, said, "PAS spec-59", repair)


def _type(resource: Json, _offer: Offer) -> Iterator[Issue]:
    channel, path = object_in(resource, "channel"), "channel.type"
    if text_in(channel, "type") != "rest-hook":
        yield _issue("not-supported", path, "Notifications go out by rest-hook only.", "PAS spec-56", '"rest-hook"')
    extensions = objects(object_in(channel, "_type"), "extension")
    if any(each.get("url") == CHANNEL_TYPE for each in extensions):
        said = "Notifications go out by rest-hook only, no other type of channel."
        yield _issue("not-supported", f"{path}.extension", said, "PAS spec-56", "Remove _type.")


def _endpoint(resource: Json, offer: Offer) -> Iterator[Issue]:
    endpoint = text_in(object_in(resource, "channel"), "endpoint")
    if not endpoint or not offer.endpoint(endpoint):
        said = "Notifications are not sent to this address." if endpoint else "There is no address to notify."
        repair = "Write an https URL of a public host, port 443, without user and fragment."
        rule = "PAS profile-subscription Subscription.channel.endpoint 1..1"
        yield _issue("value" if endpoint else "required", "channel.endpoint", said, rule, repair)


def _payload(resource: Json, _offer: Offer) -> Iterator[Issue]:
    channel, path = object_in(resource, "channel"), "channel.payload"
    if not _PAYLOAD.fullmatch(text_in(channel, "payload")):
        said, rule = "Notifications are FHIR JSON.", "PAS profile-subscription Subscription.channel.payload 1..1"
        yield _issue("not-supported", path, said, rule, '"application/fhir+json"')
    found = [each for each in objects(object_in(channel, "_payload"), "extension") if each.get("url") == CONTENT]
    if len(found) != 1 or text_in(found[0], "valueCode") != "full-resource":
        said = "Notifications hold the whole response Bundle: content full-resource, said once."
        yield _issue("not-supported", f"{path}.extension", said, "PAS spec-62", f'"_payload": {_THE_CONTENT}')


def _headers(resource: Json, _offer: Offer) -> Iterator[Issue]:
    lines = object_in(resource, "channel").get("header")
    lines = lines if isinstance(lines, list) else []
    rule = "R4 Subscription.channel.header"
    if len(lines) > MOST_HEADERS:
        said = f"{len(lines)} headers; {MOST_HEADERS} are taken."
        yield _issue("too-costly", "channel.header", said, rule, "Leave out what you can do without.")
        return
    seen, stops = set[str](), text_in(resource, "status") == "off"
    for place, line in enumerate(lines):
        name = header_parts(line)[0].lower() if isinstance(line, str) else ""
        problem = _wrong_header(line, name, seen, stops=stops)
        seen.add(name)
        if problem:
            yield _issue("value", f"channel.header[{place}]", problem[0], rule, problem[1])


def _wrong_header(line: object, name: str, seen: set[str], *, stops: bool) -> tuple[str, str] | None:
    """What is wrong with a header and what to do; it may hold a secret and is never quoted.

    stops  the subscription is to be off: as it was read, with its values hidden, it can be sent back
    """
    if not isinstance(line, str) or len(line) > LONGEST_HEADER or not _HEADER.fullmatch(line):
        said = f"A header is a name, a colon and a value: printable ASCII, at most {LONGEST_HEADER} characters."
        return said, '"Authorization: Bearer ..."'
    if _OURS.fullmatch(name):
        return "This header belongs to the connection or to this server.", "Remove it."
    if name in seen:
        return "This header stands there twice.", "Write each header once."
    if header_parts(line)[1] == HIDDEN and not stops:
        return f"{HIDDEN} stands for a value that is not told.", "Write the value itself again."
    return None


def _numbers(resource: Json, _offer: Offer) -> Iterator[Issue]:
    """Wrong types are found by the profiles of these extensions; here: each once."""
    urls = [each.get("url") for each in objects(object_in(resource, "channel"), "extension")]
    for url in (HEARTBEAT, TIMEOUT, MOST_EVENTS):
        if urls.count(url) > 1:
            said, rule = f"{url} stands there {urls.count(url)} times.", f"Backport {url.rpartition('/')[2]} 0..1"
            yield _issue("structure", "channel.extension", said, rule, "Write it once.")


CHECKS: tuple[Callable[[Any, Offer], Iterator[Issue]], ...] = (
    _status,
    _criteria,
    _filters,
    _type,
    _endpoint,
    _payload,
    _headers,
    _numbers,
)


def _issue(code: str, path: str, message: str, rule: str, repair: str) -> Issue:
    return Issue("error", code, f"Subscription.{path}", message, rule, repair)
