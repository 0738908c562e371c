"""Invariants of Bundle and Parameters (R4 bundle.html, parameters.html) and of the Bundles of PAS and DTR."""

from __future__ import annotations

from profiles.invariants.elements import (
    Json,
    child,
    choice_name,
    has,
    objects,
    on_object,
    only_when,
    some,
)
from profiles.invariants.scope import Predicate

_REQUESTS = frozenset(("batch", "transaction", "history"))
_RESPONSES = frozenset(("batch-response", "transaction-response", "history"))


def _entries_have(name: str, types: frozenset[str]) -> Predicate:
    def test(bundle: Json) -> bool:
        kind = bundle.get("type")
        return not isinstance(kind, str) or all(
            has(entry, name) is (kind in types) for entry in objects(bundle, "entry")
        )

    return on_object(test, f"every entry has {name} where type is {' or '.join(sorted(types))}, else none")


def _entries_differ(bundle: Json) -> bool:
    """no two entries have the same fullUrl (and version)."""
    if bundle.get("type") == "history":
        return True
    seen = set()
    for entry in objects(bundle, "entry"):
        url = entry.get("fullUrl")
        if not isinstance(url, str):
            continue
        version = child(child(entry, "resource"), "meta").get("versionId")
        name = url + version if isinstance(version, str) else url
        if name in seen:
            return False
        seen.add(name)
    return True


def _search_only_in_searchset(bundle: Json) -> bool:
    """entry.search exists only in a searchset."""
    kind = bundle.get("type")
    return (
        kind == "searchset" or not isinstance(kind, str) or not any(has(e, "search") for e in objects(bundle, "entry"))
    )


def _no_history_url(entry: Json) -> bool:
    """fullUrl has no /_history/."""
    url = entry.get("fullUrl")
    return not isinstance(url, str) or "/_history/" not in url


def _document_is_identified(bundle: Json) -> bool:
    """a document has an identifier with system and value."""
    identifier = child(bundle, "identifier")
    return bundle.get("type") != "document" or (has(identifier, "system") and has(identifier, "value"))


def first_is(kind: str, bundle_type: str = "") -> Predicate:
    """The first entry's resource is of that type (in a Bundle of `bundle_type`); no resource at all holds."""

    def test(bundle: Json) -> bool:
        entries = objects(bundle, "entry")
        first = child(entries[0], "resource").get("resourceType") if entries else None
        return (bool(bundle_type) and bundle.get("type") != bundle_type) or first is None or first == kind

    return on_object(test, f"the first entry is a {kind}")


def _parameter(parameter: Json) -> bool:
    """a parameter has parts, or else either a value or a resource."""
    value, resource = choice_name(parameter, "value") is not None, has(parameter, "resource")
    return not (value or resource) if has(parameter, "part") else value is not resource


BUNDLE: dict[str, Predicate] = {
    "bdl-1": only_when("type", "searchset history", "total"),
    "bdl-2": on_object(_search_only_in_searchset),
    "bdl-3": _entries_have("request", _REQUESTS),
    "bdl-4": _entries_have("response", _RESPONSES),
    "bdl-5": some("resource", "request", "response"),
    "bdl-7": on_object(_entries_differ),
    "bdl-8": on_object(_no_history_url),
    "bdl-9": on_object(_document_is_identified),
    "bdl-10": on_object(
        lambda bundle: bundle.get("type") != "document" or bundle.get("timestamp") is not None,
        "a document has a timestamp",
    ),
    "bdl-11": first_is("Composition", "document"),
    "bdl-12": first_is("MessageHeader", "message"),
    "inv-1@Parameters": on_object(_parameter),
    "ClaimFirst": first_is("Claim"),
    "ClaimResponseFirst": first_is("ClaimResponse"),
    "dtrb-1": first_is("Questionnaire"),
    "dtrb-2": first_is("QuestionnaireResponse"),
}
