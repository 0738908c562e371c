"""Invariants of the DTR profiles: 2.0.1 as its package states them, 2.2.0 with those of SDC 4.0.0 it rests on."""

from __future__ import annotations

from profiles.invariants.elements import (
    Json,
    child,
    choice,
    extended,
    has,
    matches,
    needs,
    never_when,
    objects,
    on_object,
    on_string,
    some,
)
from profiles.invariants.scope import Predicate

_SDC = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"
_CORE = "http://hl7.org/fhir/StructureDefinition/"
_DTR = "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/"

# R5's element as SDC 4.0.0 carries it, and as its drafts did.
_VERSION_ALGORITHM = (
    _CORE + "artifact-versionAlgorithm",
    "http://hl7.org/fhir/5.0/StructureDefinition/extension-Questionnaire.versionAlgorithm[x]",
)
_LAUNCH_CONTEXT = "http://hl7.org/fhir/uv/sdc/CodeSystem/launchContext"
_LAUNCH_TYPES = {
    "patient": {"Patient"},
    "encounter": {"Encounter"},
    "location": {"Location"},
    "user": {"Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Organization", "Device"},
    "study": {"ResearchStudy"},
}


def _names_what_to_answer(parameters: Json) -> bool:
    """a parameter order, questionnaire or context exists."""
    return any(one.get("name") in ("order", "questionnaire", "context") for one in objects(parameters, "parameter"))


def _automatic_or_authored(*automatic: str) -> Predicate:
    """An answer has an author unless its source is one of those codes."""

    def test(origin: Json) -> bool:
        parts = objects(origin, "extension")
        is_automatic = any(part.get("url") == "source" and choice(part, "value") in automatic for part in parts)
        return is_automatic is not any(part.get("url") == "author" for part in parts)

    return on_object(test, f"author exists unless source is {' or '.join(automatic)}, and only then")


def _of_type(kinds: str, *needed: str) -> Predicate:
    """An item of one of those types has one of those elements (by name) or extensions (by url)."""
    types = kinds.split()

    def test(item: Json) -> bool:
        if item.get("type") not in types:
            return True
        return any(extended(item, one) if ":" in one else has(item, one) for one in needed)

    return on_object(test, f"{' or '.join(needed)} exists where type is {' or '.join(types)}")


def _clinical_audience_is_timed(questionnaire: Json) -> bool:
    """clinicalTime exists in the completion time of a form for clinicians or patients."""
    extensions = objects(questionnaire, "extension")
    audience = [choice(one, "value") for one in extensions if one.get("url") == _DTR + "questionnaireAudience"]
    times = [one for one in extensions if one.get("url") == _DTR + "estimated-completion-time"]
    if not times or not ("clinical" in audience or "patient" in audience):
        return True
    return any(extended(one, "clinicalTime") for one in times)


def _launch_types_fit_name(context: Json) -> bool:
    """the types of a launch context are those of its name."""
    parts = objects(context, "extension")
    names = [child(part, "valueCoding") for part in parts if part.get("url") == "name"]
    types = [choice(part, "value") for part in parts if part.get("url") == "type"]
    codes = {str(name.get("code")) for name in names if name.get("system") == _LAUNCH_CONTEXT}
    allowed = [_LAUNCH_TYPES[code] for code in codes & _LAUNCH_TYPES.keys()]
    return all(kind in kinds for kinds in allowed for kind in types if isinstance(kind, str))


def _version_has_algorithm(questionnaire: Json) -> bool:
    """the extension artifact-versionAlgorithm exists where version does."""
    return not has(questionnaire, "version") or any(extended(questionnaire, url) for url in _VERSION_ALGORITHM)


def _algorithm_is_semver(questionnaire: Json) -> bool:
    """the version algorithm, where it is said, is the Coding semver."""
    algorithms = [one for one in objects(questionnaire, "extension") if one.get("url") in _VERSION_ALGORITHM]
    return all(child(one, "valueCoding").get("code") == "semver" for one in algorithms)


DTR: dict[str, Predicate] = {
    "dtr-1": on_object(_names_what_to_answer),
    "dtrx-1": _automatic_or_authored("auto"),
    "dtrx-1@dtr-2.2.0": _automatic_or_authored("auto-client", "auto-server", "auto"),
    "dtrq-2": _of_type(
        "choice open-choice", "answerOption", "answerValueSet", _SDC + "sdc-questionnaire-answerExpression"
    ),
    "dtrq-3": _of_type("quantity", _CORE + "questionnaire-unitOption", _CORE + "questionnaire-unitValueSet"),
    "dtrq-4": _of_type("reference", _CORE + "questionnaire-referenceResource"),
    "dtrq-5": _of_type("reference", _SDC + "sdc-questionnaire-candidateExpression"),
    "dtrq-6": on_object(_clinical_audience_is_timed),
    "que-1a": _of_type("group", "item"),
    "que-1b": _of_type("group", "item"),
    "que-1c": never_when("type", "display", "item"),
    "que-15": on_string(lambda link: len(link) <= 255, "a linkId has at most 255 characters"),
    "sdc-base-1": some("code", "display"),
    "sdc-base-2": needs("code", "system"),
    "sdc-base-4": some("reference", "display", "identifier"),
    "sdc-2": on_object(_version_has_algorithm),
    "sdc-3": on_object(_algorithm_is_semver),
    "sdc-lcext-1": on_object(_launch_types_fit_name),
    "cnl-0": matches(r"[A-Z][A-Za-z0-9_]{1,254}", "name"),
    "cnl-1": matches(r"[^|# ]+", "url"),
}
