"""From a resource to its issues: one walk for R4 and profile together, then what is known about the guides' defects."""

from __future__ import annotations

from typing import Any

from profiles.compiler import Compiler
from profiles.conformance import whole
from profiles.defects import defect
from profiles.issue import Issue
from profiles.notation import CORE
from profiles.problem import Problem, is_name, path_of
from profiles.profile_set import VERSIONS, profile_of, profile_set

MOST_ISSUES = 1000
DA_VINCI = ("http://hl7.org/fhir/us/davinci-pas/", "http://hl7.org/fhir/us/davinci-dtr/")
# invariant or slice -> ends of the rules that say the same of the same cause, more exactly
SAYS_BETTER = {
    "ClaimFirst": ("PAS spec-12",),
    "ClaimResponseFirst": ("PAS spec-30",),
    "ext-1": ("Extension.extension 0..0", "Extension.value[x] 0..0"),
    "PAS prof-3": ("qty-3",),
    "bdl-2": ("Bundle.entry.search 0..0",),
    "bdl-3": ("Bundle.entry.request 0..0",),
    "bdl-4": ("Bundle.entry.response 0..0",),
    "bdl-5": ("Bundle.entry.resource 1..1",),
    "bdl-8": ("PAS spec-16",),
    "us-core-6": ("DocumentReference.content.attachment.data 1..1",),
    "bdl-7": ("PAS spec-14", "PAS spec-31"),
    "sqty-1": ("Quantity.comparator 0..0",),
    "PAS profile-pas-request-bundle Bundle.entry:Claim 1..2": ("PAS spec-12", "Bundle.entry.resource 1..1"),
    "PAS profile-pas-inquiry-request-bundle Bundle.entry:Claim 1..1": ("PAS spec-12", "Bundle.entry.resource 1..1"),
    "PAS profile-pas-response-bundle Bundle.entry:ClaimResponse 1..1": ("PAS spec-30", "Bundle.entry.resource 1..1"),
}
Json = dict[str, Any]


def issues_in(resource: object, profile: str | None = None, *, version: str = "2.2.1") -> list[Issue]:
    """Every problem of a decoded resource, by `profile` (canonical, |version tolerated) of the guides of `version`.

    A |version that names another set (2.0.1, 2.2.0, 2.2.1) goes before `version`. Without `profile` the one that
    `profile_of` names. Never raises for any decoded JSON. Raises ValueError for a version nobody ships and KeyError
    for a profile the tables do not hold.
    """
    named = profile.partition("|")[2] if profile and profile.startswith(DA_VINCI) else ""
    version = VERSIONS.get(named, version)
    compiler = profile_set(version)
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return [_no_resource()]
    canonical = _canonical(resource, profile, version, compiler)
    if canonical is None:
        return [_unknown_type(resource)]
    wanted = compiler.tables.type_of(canonical)
    if wanted != resource["resourceType"]:
        return [_another_type(resource, wanted or "", canonical)]
    try:
        problems = whole(compiler, resource, canonical)
    except RecursionError:
        return [_too_deep(resource)]
    return _report(problems, resource)


def _canonical(resource: Json, profile: str | None, version: str, compiler: Compiler) -> str | None:
    if profile is None:
        profile = profile_of(resource, version)
        return profile if compiler.tables.find(profile) else None
    if not compiler.tables.find(profile):
        raise KeyError(profile)
    return profile


def _report(problems: list[Problem], resource: Json) -> list[Issue]:
    root = resource["resourceType"]
    found: dict[tuple[str, str, str], Issue] = {}
    kept = _without_echoes(problems)
    for number, problem in enumerate(kept):
        if len(found) == MOST_ISSUES:
            text = f"about {len(kept) - number} more"
            return [*found.values(), Issue("error", "too-costly", root, text, f"R4 {root}", "Mend these first.")]
        if problem.places and _stands_at(problem, resource):
            continue
        path = path_of(problem.trail, root)
        key = (path, problem.code, problem.message)
        if key not in found:
            found[key] = _issue(problem, path, resource)
    return list(found.values())


def _without_echoes(problems: list[Problem]) -> list[Problem]:
    """One cause, one issue: what another problem there or below says better is left out."""
    by_rule: dict[str, list[Problem]] = {}
    for problem in problems:
        by_rule.setdefault(problem.rule, []).append(problem)
    echoes: set[int] = set()
    for rule, better in SAYS_BETTER.items():
        if rule in by_rule:
            louder = [p for name, several in by_rule.items() if name.endswith(better) for p in several]
            there_or_above = {tuple(p.trail[depth:]) for p in louder for depth in range(len(p.trail) + 1)}
            echoes |= {id(echo) for echo in by_rule[rule] if tuple(echo.trail) in there_or_above}
    return [problem for problem in problems if id(problem) not in echoes]


def _issue(problem: Problem, path: str, resource: Json) -> Issue:
    excuse = defect(problem.rule, element_path(problem.trail, resource)) if problem.refuses else None
    if excuse is None:
        return Issue(
            problem.severity, problem.code, path, problem.message, problem.rule, problem.repair, problem.verdict
        )
    text = f"{problem.message} (a defect of the guide: {excuse})"
    return Issue("information", problem.code, path, text, problem.rule, "", "guide-defect")


def _stands_at(problem: Problem, resource: Json) -> bool:
    """True when the element an extension was found at is one its definition names after all."""
    here = element_path(problem.trail, resource)
    return any(here.endswith(place) if place.startswith(".") else here == place for place in problem.places)


def element_path(trail: list[str | int], resource: Json) -> str:
    """The element's path in its own resource, without positions or the extension itself."""
    node: Any = resource
    path = [resource["resourceType"]]
    for step in reversed(trail):
        if isinstance(step, str):
            path.append(step)
            node = node.get(step) if isinstance(node, dict) else None
        else:
            node = node[step] if isinstance(node, list) and step < len(node) else None
        if isinstance(node, dict) and isinstance(node.get("resourceType"), str):
            path = [node["resourceType"]]
    return ".".join(path[:-1] if path[-1] in ("extension", "modifierExtension") else path)


def _no_resource() -> Issue:
    return Issue(
        "error",
        "structure",
        "Resource",
        "must be a resource: a JSON object with a resourceType",
        "R4 Resource",
        '{"resourceType": "Bundle", ...}',
    )


def _unknown_type(resource: Json) -> Issue:
    kind = resource["resourceType"]
    said = f"{kind} is not a resource type known here" if is_name(kind) else "not a resource type"
    return Issue("error", "structure", "Resource.resourceType", said, "R4 Resource", "Correct the resourceType.")


def _another_type(resource: Json, wanted: str, canonical: str) -> Issue:
    kind = resource["resourceType"]
    said = f"a {kind} where a {wanted} is looked for" if is_name(kind) else f"not a {wanted}"
    name = canonical.removeprefix(CORE).rsplit("/", 1)[-1]
    root = kind if is_name(kind) else "Resource"
    return Issue("error", "structure", root, said, f"R4 {name}", f"Send a {wanted}.")


def _too_deep(resource: Json) -> Issue:
    kind = resource["resourceType"]
    root = kind if is_name(kind) else "Resource"
    return Issue("error", "too-costly", root, "nested too deeply to be read", "R4 Resource", "Nest less deeply.")
