"""The profiles of one guide version, compiled when first used, and which of them a resource is meant to have."""

from __future__ import annotations

from functools import cache
from typing import Any

from profiles.compiler import Compiler
from profiles.notation import CORE
from profiles.tables import HERE, Guide, Tables, read_guide
from profiles.visit import declared_by

Json = dict[str, Any]

PAS = "http://hl7.org/fhir/us/davinci-pas/StructureDefinition/"
BACKPORT = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/"
DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/"

# The folders each version sees, the preferred ones first: a canonical without version means the first that holds it.
FOLDERS = {
    "2.2.1": ("pas-2.2.1", "dtr-2.2.0", "uscore-7.0.0", "subscriptions-backport-1.1.0", "r4-4.0.1"),
    "2.0.1": ("pas-2.0.1", "dtr-2.0.1", "uscore-3.1.1", "crd-2.0.1", "subscriptions-backport-1.1.0", "r4-4.0.1"),
}
# Seen by both, when a canonical names their version.
ALSO = ("uscore-7.0.0", "uscore-6.1.0", "uscore-3.1.1")
VERSIONS = {"2.2.0": "2.2.1", **{version: version for version in FOLDERS}}


@cache
def _guide(folder: str) -> Guide:
    return read_guide(HERE / folder)


@cache
def profile_set(version: str = "2.2.1") -> Compiler:
    """The compiled set of a PAS version (DTR 2.2.0 means 2.2.1), guides somebody imported included.

    Raises ValueError for a version nobody ships.
    """
    if version not in VERSIONS:
        raise ValueError(f"no profiles for version {version!r}: one of {', '.join(sorted(VERSIONS))}")
    known = {name for folders in FOLDERS.values() for name in folders} | {*ALSO}
    own = sorted(path.parent.name for path in HERE.glob("*/guide.txt") if path.parent.name not in known)
    folders = dict.fromkeys((*FOLDERS[VERSIONS[version]], *own, *ALSO))
    return Compiler(Tables(_guide(name) for name in folders))


def profile_of(resource: object, version: str = "2.2.1") -> str:
    """The profile a resource is taken to mean: the first it declares, else the one its kind and content suggest."""
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return CORE + "Resource"
    compiler = profile_set(version)
    declared = compiler.declared(resource)
    if declared:
        return declared[0]
    guess = _guess(resource, VERSIONS[version])
    return guess if guess and compiler.tables.find(guess) else CORE + resource["resourceType"]


def _guess(resource: Json, version: str) -> str:
    kind = resource["resourceType"]
    if kind == "Bundle":
        return _bundle(resource)
    if declared_by(resource):
        return ""  # it says what it is, by a guide nobody holds here
    if kind == "Claim":
        return PAS + ("profile-claim-update" if resource.get("related") else "profile-claim")
    return {
        "ClaimResponse": PAS + "profile-claimresponse",
        "QuestionnaireResponse": DTR + "dtr-questionnaireresponse" if _has_dtr_extension(resource) else "",
        "Subscription": PAS + "profile-subscription" if version == "2.2.1" else BACKPORT + "backport-subscription",
    }.get(kind, "")


def _has_dtr_extension(resource: Json) -> bool:
    extensions = resource.get("extension")
    urls = (e.get("url") for e in extensions if isinstance(e, dict)) if isinstance(extensions, list) else ()
    return any(isinstance(url, str) and url.startswith(DTR) for url in urls)


def _bundle(bundle: Json) -> str:
    """By its first entry; an inquiry looks like a request unless its Claim says so, or asks for no item."""
    entries = bundle.get("entry")
    first = entries[0] if isinstance(entries, list) and entries else None
    resource = first.get("resource") if isinstance(first, dict) else None
    if not isinstance(resource, dict):
        return PAS + "profile-pas-request-bundle" if bundle.get("type") == "collection" else ""
    said = " ".join(declared_by(resource))
    kind = resource.get("resourceType")
    if kind == "Claim":
        return PAS + ("profile-pas-inquiry-request-bundle" if "claim-inquiry" in said else "profile-pas-request-bundle")
    if kind == "ClaimResponse":
        inquiry = "claiminquiryresponse" in said
        return PAS + ("profile-pas-inquiry-response-bundle" if inquiry else "profile-pas-response-bundle")
    return ""
