"""Packages and the Parameters they are answered in (DTR $questionnaire-package)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mappers.dtr import names
from mappers.dtr.dialects import Dialect
from mappers.operation_outcome import operation_outcome
from mappers.pas.instants import instant
from profiles.issue import Issue

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """A resource of a package under its fullUrl; `resource` may be JSON that was written before."""

    url: str
    resource: Any


def write_package(entries: Iterable[Entry], at: datetime, dialect: Dialect) -> Json:
    """One form with all that it needs: the form first, then its draft answers, libraries, value sets (DTR oper-12)."""
    return {
        "resourceType": "Bundle",
        "meta": dialect.claim(names.PACKAGE_BUNDLE),
        "type": "collection",
        "timestamp": instant(at),
        "entry": [{"fullUrl": entry.url, "resource": entry.resource} for entry in entries],
    }


def write_packages(packages: Sequence[Json], issues: Sequence[Issue], dialect: Dialect) -> Json:
    """The answer: the packages, and what is to be said besides. Never a bare Bundle (DTR oper-10).

    2.0.1 knows no answer without a package: such a one claims no profile.
    """
    parameters = [{"name": dialect.package, "resource": each} for each in packages]
    if issues:
        parameters.append({"name": dialect.outcome, "resource": operation_outcome(issues)})
    claims = {"meta": dialect.claim(names.PACKAGE_OUTPUT)} if packages or dialect.empty_answers else {}
    return {"resourceType": "Parameters", **claims, "parameter": parameters}
