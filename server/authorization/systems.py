"""The code systems that rules and messages name: one spelling of each URI, and a short name for people."""

from __future__ import annotations

NPI = "http://hl7.org/fhir/sid/us-npi"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
CPT = "http://www.ama-assn.org/go/cpt"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD_10_PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
NDC = "http://hl7.org/fhir/sid/ndc"
UCUM = "http://unitsofmeasure.org"
TAXONOMY = "http://nucc.org/provider-taxonomy"
SERVICE_TYPES = "https://codesystem.x12.org/005010/1365"
REVIEW_ACTIONS = "https://codesystem.x12.org/005010/306"
DECISION_REASONS = "https://codesystem.x12.org/external/886"
REJECT_REASONS = "https://codesystem.x12.org/005010/901"
REPORT_TYPES = "https://codesystem.x12.org/005010/755"
UNITS = "https://codesystem.x12.org/005010/673"
PLACES_OF_SERVICE = "https://www.cms.gov/Medicare/Coding/place-of-service-codes/Place_of_Service_Code_Set"
REVENUE_CODES = "https://www.nubc.org/CodeSystem/RevenueCodes"
TRACE_NUMBERS = "urn:placet:item-trace-number"
"""Identifier system of the trace numbers that this server gives to lines."""
ATTACHMENT_CONTROL_NUMBERS = "urn:placet:attachment-control-number"
"""Identifier system of the control numbers under which documents are asked for (X12 PWK06)."""

SHORT_NAMES = {
    "hcpcs": HCPCS,
    "cpt": CPT,
    "icd10cm": ICD_10_CM,
    "icd10pcs": ICD_10_PCS,
    "loinc": LOINC,
    "snomed": SNOMED,
    "rxnorm": RXNORM,
    "ndc": NDC,
    "npi": NPI,
    "taxonomy": TAXONOMY,
    "service-type": SERVICE_TYPES,
    "report-type": REPORT_TYPES,
    "decision-reason": DECISION_REASONS,
    "place-of-service": PLACES_OF_SERVICE,
    "revenue": REVENUE_CODES,
}
"""What a code system is called in rules and in tables for people."""

_OTHER_SPELLINGS = {
    "http://terminology.hl7.org/CodeSystem/HCPCS": HCPCS,
    "urn:oid:2.16.840.1.113883.6.285": HCPCS,
    "urn:oid:2.16.840.1.113883.6.14": HCPCS,
    "urn:oid:2.16.840.1.113883.6.12": CPT,
    "urn:oid:2.16.840.1.113883.6.90": ICD_10_CM,
    "http://hl7.org/fhir/sid/icd-10-pcs": ICD_10_PCS,
    "urn:oid:2.16.840.1.113883.6.4": ICD_10_PCS,
    "urn:oid:2.16.840.1.113883.6.1": LOINC,
    "urn:oid:2.16.840.1.113883.6.96": SNOMED,
    "urn:oid:2.16.840.1.113883.6.88": RXNORM,
    "urn:oid:2.16.840.1.113883.6.69": NDC,
    "urn:oid:2.16.840.1.113883.4.6": NPI,
    "urn:oid:2.16.840.1.113883.6.101": TAXONOMY,
    "urn:oid:2.16.840.1.113883.6.50": PLACES_OF_SERVICE,
}
_OWN = {TRACE_NUMBERS, ATTACHMENT_CONTROL_NUMBERS}
_KNOWN = frozenset(SHORT_NAMES.values()) | {UCUM, UNITS, REVIEW_ACTIONS, REJECT_REASONS, *_OWN}


def _plain(uri: str) -> str:
    """A URI without what senders vary: http or https, upper case, a slash at the end."""
    return uri.strip().lower().removeprefix("https://").removeprefix("http://").rstrip("/")


_BY_PLAIN = {_plain(uri): uri for uri in _KNOWN} | {_plain(other): uri for other, uri in _OTHER_SPELLINGS.items()}


def normal_system(uri: str) -> str:
    """The spelling that rules use for a code system that messages spell in several ways; others unchanged."""
    return uri if uri in _KNOWN else _BY_PLAIN.get(_plain(uri), uri)


def system_named(name: str) -> str | None:
    """The URI of a code system given by its short name or by any spelling of its URI; None for an unknown name.

    A URI that is not known is somebody's own system and stays as it is.
    """
    is_uri = ":" in name
    return normal_system(name) if is_uri else SHORT_NAMES.get(name.lower())


def short_name(uri: str) -> str:
    """What people call the system: its short name, else its URI."""
    return next((name for name, known in SHORT_NAMES.items() if known == uri), uri)
