"""The rules of the PAS guide about its Bundles that no profile expresses."""

from __future__ import annotations

from typing import Any

from profiles.problem import Problem

Json = dict[str, Any]


def bundle_problems(bundle: Json, canonical: str) -> list[Problem]:
    """What the guide's own rules say against a Bundle of one of its four profiles."""
    return []
