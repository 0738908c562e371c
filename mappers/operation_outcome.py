"""Issues as an OperationOutcome, and an issue as sentences: what is wrong, then what to write instead."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from profiles.issue import Issue

RULES = "urn:placet:rule"
"""System of the codings that name a rule: ``PAS spec-12``, ``R4 Claim.item.sequence``."""
VERDICTS = "urn:placet:verdict"
"""System of the codings that say whose fault an issue is, when it is not the sender's."""

_NAME_FIRST = re.compile(r"[\w.\[\]-]+(?::| is missing| is not allowed| does not hold| without content)")
_PLAIN_WORD = re.compile(r"[a-z]+(?=\s)")
_JSON = re.compile(r'[{\["]|(?:true|false|null|-?\d[\d.eE+-]*)$')


def operation_outcome(issues: Iterable[Issue]) -> dict[str, Any]:
    """The OperationOutcome that says all of `issues` (PAS spec-35): what, where, by which rule, how to mend it."""
    return {"resourceType": "OperationOutcome", "issue": [_outcome_issue(issue) for issue in issues]}


def said(issue: Issue) -> str:
    """The message as a sentence. A name it begins with keeps its case: "productOrService is missing." """
    message = issue.message.strip()
    if _PLAIN_WORD.match(message) and not _NAME_FIRST.match(message):
        message = message[0].upper() + message[1:]
    return _stopped(message)


def repair(issue: Issue) -> str:
    """What to write instead, as a sentence; "" where nobody can tell."""
    words = issue.repair.strip()
    if _JSON.match(words):
        words = f"Write {words}"
    elif words.startswith("Like "):
        words = f"Write it like {words.removeprefix('Like ')}"
    return _stopped(words) if words else ""


def _stopped(words: str) -> str:
    return words if words.endswith((".", "!", "?", "...")) else f"{words}."


def _outcome_issue(issue: Issue) -> dict[str, Any]:
    coding = [{"system": RULES, "code": " ".join(issue.rule.split())}] if issue.rule else []
    if issue.verdict != "yours":
        coding.append({"system": VERDICTS, "code": issue.verdict})
    details: dict[str, Any] = {"coding": coding} if coding else {}
    written: dict[str, Any] = {
        "severity": issue.severity,
        "code": issue.code,
        "details": details | {"text": said(issue)},
        "diagnostics": f"{said(issue)} {repair(issue)}".strip(),
    }
    return written | ({"expression": [issue.expression]} if issue.expression else {})
