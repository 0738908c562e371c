"""Invariants of R4's clinical, financial and administrative resources."""

from __future__ import annotations

from typing import Any

from profiles.invariants.elements import (
    Json,
    both_or_none,
    coded,
    codings,
    exactly_one,
    exists,
    has,
    needs,
    not_both,
    objects,
    on_object,
    only_when,
    some,
)
from profiles.invariants.moments import not_after
from profiles.invariants.scope import Predicate, Surroundings, resolved

_CONDITION_CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_CONDITION_STATUS = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_ALLERGY_STATUS = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"

_has_abatement, _has_value = exists("abatement[x]"), exists("value[x]")


def _in_order(earlier: str, later: str) -> Predicate:
    return on_object(
        lambda node: not_after(node.get(earlier), node.get(later)) is not False, f"{earlier} is not after {later}"
    )


def _entered_in_error(node: Json, system: str) -> bool:
    return coded(node, "verificationStatus", "entered-in-error", system)


def _abated_is_inactive(condition: Json) -> bool:
    """clinicalStatus is resolved, remission or inactive where abatement[x] exists."""
    return not _has_abatement(condition) or any(
        one.get("system") == _CONDITION_CLINICAL and one.get("code") in ("resolved", "remission", "inactive")
        for one in codings(condition, "clinicalStatus")
    )


def _status_when_categorized(condition: Json) -> bool:
    """clinicalStatus exists where category does, but for entered-in-error.

    con-3 compares the concept itself with a code, so that any category counts.
    """
    return (
        has(condition, "clinicalStatus")
        or _entered_in_error(condition, _CONDITION_STATUS)
        or not has(condition, "category")
    )


def _value_or_component_of_that_code(observation: Json) -> bool:
    """no component has the observation's own code where value[x] exists."""
    if not _has_value(observation):
        return True
    own = {_as_text(one) for one in codings(observation, "code")}
    parts = (one for component in objects(observation, "component") for one in codings(component, "code"))
    return not any(_as_text(one) in own for one in parts)


def _as_text(coding: Json) -> str:
    """The same text for equal codings, so that they can be looked up."""
    return repr(sorted(coding.items()))


def _appointment_times(appointment: Json) -> bool:
    """start and end exist unless status is proposed, cancelled or waitlist."""
    status = appointment.get("status")
    unplanned = status in ("proposed", "cancelled", "waitlist") or not isinstance(status, str)
    return unplanned or (has(appointment, "start") and has(appointment, "end"))


def _on_behalf_of_practitioner(participant: Any, scope: Surroundings) -> bool:
    """onBehalfOf exists only where member is a Practitioner."""
    if not isinstance(participant, dict) or not has(participant, "onBehalfOf"):
        return True
    member = resolved(participant.get("member"), scope)
    return member is None or member.get("resourceType") == "Practitioner"


def _consent_of(kind: str) -> Predicate:
    """A patient is named in consents of that kind; the expression asks for a system called `something`."""
    return on_object(
        lambda consent: has(consent, "patient") or not coded(consent, "scope", kind, "something"),
        f"patient exists where scope is {kind}",
    )


def _entries_only_in(mode: str, name: str) -> Predicate:
    def test(resource: Json) -> bool:
        return resource.get("mode") in (mode, None) or not any(has(one, name) for one in objects(resource, "entry"))

    return on_object(test, f"entry.{name} exists only where mode is {mode}")


def _has_result(observation: Json) -> bool:
    """value[x], dataAbsentReason, component or hasMember exists."""
    parts = has(observation, "component") or has(observation, "hasMember")
    return parts or has(observation, "dataAbsentReason") or _has_value(observation)


has_result = on_object(_has_result)

R4: dict[str, Predicate] = {
    "ait-1": on_object(
        lambda it: _entered_in_error(it, _ALLERGY_STATUS) or has(it, "clinicalStatus"),
        "clinicalStatus exists unless entered-in-error",
    ),
    "ait-2": on_object(
        lambda it: not (_entered_in_error(it, _ALLERGY_STATUS) and has(it, "clinicalStatus")),
        "no clinicalStatus exists where entered-in-error",
    ),
    "app-1": some("type", "actor"),
    "app-2": both_or_none("start", "end"),
    "app-3": on_object(_appointment_times),
    "app-4": only_when("status", "no-show cancelled", "cancelationReason"),
    "apr-1": some("participantType", "actor"),
    "ces-1": exactly_one("category", "productOrService"),
    "cmp-1": some("text", "entry", "section"),
    "cmp-2": not_both("emptyReason", "entry"),
    "con-1": some("summary", "assessment"),
    "con-2": some("code", "detail"),
    "con-3": on_object(_status_when_categorized),
    "con-4": on_object(_abated_is_inactive),
    "con-5": on_object(
        lambda it: not (_entered_in_error(it, _CONDITION_STATUS) and has(it, "clinicalStatus")),
        "no clinicalStatus exists where entered-in-error",
    ),
    "cpl-3": not_both("detail", "reference"),
    "ctm-1": _on_behalf_of_practitioner,
    "fhs-1": not_both("age[x]", "born[x]"),
    "fhs-2": needs("estimatedAge", "age[x]"),
    "gol-1": needs("detail[x]", "measure"),
    "grp-1": on_object(
        lambda group: not has(group, "member") or group.get("actual") in (True, None),
        "member exists only where actual is true",
    ),
    "imm-1": some("documentType", "reference"),
    "imr-1": some("vaccineCode", "targetDisease"),
    "inv-1": _in_order("authoredOn", "lastModified"),
    "ipn-1": some("identifier", "name"),
    "lst-1": not_both("emptyReason", "entry"),
    "lst-2": _entries_only_in("changes", "deleted"),
    "lst-3": _entries_only_in("working", "date"),
    "mad-1": some("dose", "rate[x]"),
    "mdd-1": _in_order("whenPrepared", "whenHandedOver"),
    "nor-1": some("oralDiet", "supplement", "enteralFormula"),
    "obs-3": some("low", "high", "text"),
    "obs-6": not_both("dataAbsentReason", "value[x]"),
    "obs-7": on_object(_value_or_component_of_that_code),
    "org-1": some("identifier", "name"),
    "org-2": on_object(lambda address: address.get("use") != "home", "use is not home"),
    "org-3": on_object(lambda telecom: telecom.get("use") != "home", "use is not home"),
    "pat-1": some("name", "telecom", "address", "organization"),
    "ppc-1": some("policy", "policyRule"),
    "ppc-2": _consent_of("patient-privacy"),
    "ppc-3": _consent_of("research"),
    "ppc-4": _consent_of("adr"),
    "ppc-5": _consent_of("treatment"),
    "prr-1": needs("orderDetail", "code"),
    "rqg-1": exactly_one("resource", "action"),
    "sev-1": not_both("name", "query"),
    "vs-2": has_result,
    "vs-3": some("value[x]", "dataAbsentReason"),
}
