"""The resources in a document as a tree, each finding at the innermost resource it is about."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from profiles import Issue
from profiles.profile_set import profile_set

Json = dict[str, Any]
Weight = Literal["error", "warning", "guide-defect", "not-checkable"]

WEIGHTS: dict[Weight, tuple[str, str]] = {
    "error": ("error", "errors"),
    "warning": ("warning", "warnings"),
    "guide-defect": ("defect of the guide", "defects of the guide"),
    "not-checkable": ("not checkable", "not checkable"),
}
"""What an issue means to the sender: to be mended, to be looked at, or not theirs. In one and in many."""
HIDDEN: tuple[Weight, ...] = ("guide-defect", "not-checkable")
"""Weights that are only counted until somebody asks for them."""


def weight(issue: Issue) -> Weight:
    """What an issue means to the sender."""
    if issue.verdict == "yours":
        return "error" if issue.severity == "error" else "warning"
    return issue.verdict


@dataclass(slots=True)
class Branch:
    """A resource in the document: `label` says where it stands and its type, `findings` are (path below it, issue)."""

    label: str
    findings: list[tuple[str, Issue]] = field(default_factory=list)
    branches: list[Branch] = field(default_factory=list)

    def shows(self, weights: Collection[Weight]) -> bool:
        """True when a finding of one of these weights is here or below."""
        here = any(weight(issue) in weights for _, issue in self.findings)
        return here or any(branch.shows(weights) for branch in self.branches)


def type_of(node: object) -> str:
    """A resourceType that is known, else "": any other text may say something about a person."""
    kind = node.get("resourceType") if isinstance(node, dict) else None
    return kind if isinstance(kind, str) and kind in profile_set().resource_types else ""


def tree_of(resource: object, issues: list[Issue]) -> Branch:
    """The resources in `resource` (entries, parameters, contained ones), with the issues of each."""
    root = Branch(_called(resource))
    at: dict[str, Branch] = {}
    pending = [(type_of(resource) or "Resource", resource, root)]
    while pending:
        path, node, branch = pending.pop()
        at[path] = branch
        for label, below, inner in _inner(node, path):
            branch.branches.append(Branch(f"{label} {_called(inner)}"))
            pending.append((below, inner, branch.branches[-1]))
    for issue in issues:
        branch, path = _place(issue.expression, at, root)
        branch.findings.append((path, issue))
    return root


def _called(node: object) -> str:
    return type_of(node) or "unknown type"


def _inner(node: object, path: str) -> Iterator[tuple[str, str, Json]]:
    """The resources directly in a resource: what to call their place, their path, themselves."""
    if not isinstance(node, dict):
        return
    for number, entry in _objects(node, "entry"):
        if isinstance(resource := entry.get("resource"), dict):
            yield f"entry[{number}]", f"{path}.entry[{number}].resource", resource
    yield from _parameters(node, path, "", "parameter")
    for number, contained in _objects(node, "contained"):
        yield f"contained[{number}]", f"{path}.contained[{number}]", contained


def _parameters(node: Json, path: str, above: str, name: str) -> Iterator[tuple[str, str, Json]]:
    for number, parameter in _objects(node, name):
        label = f"{above}{name}[{number}]"
        if isinstance(resource := parameter.get("resource"), dict):
            yield label, f"{path}.{label}.resource", resource
        yield from _parameters(parameter, path, f"{label}.", "part")


def _objects(node: Json, name: str) -> Iterator[tuple[int, Json]]:
    found = node.get(name)
    for number, each in enumerate(found if isinstance(found, list) else ()):
        if isinstance(each, dict):
            yield number, each


def _place(expression: str, at: dict[str, Branch], root: Branch) -> tuple[Branch, str]:
    """The innermost branch that an expression leads into, and the rest of the way."""
    path = expression
    while path:
        if path in at:
            return at[path], expression[len(path) :].lstrip(".")
        path = path.rpartition(".")[0]
    return root, expression
