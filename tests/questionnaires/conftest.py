"""A small content directory that has no problem, and a way to write it with changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

PLAN = """\
title: Gold
default: true
coverage_classes:
  - {type: plan, value: gold}
approved_days: 45
reason_codes:
  review: 0U
  limit: 0X
next_steps:
  pended: This is not an approval. We will write to you.
  modified: You can appeal.
  denied: You can appeal.
uncovered:
  reason: review
  member: A person looks at it.
"""

SILVER = """\
title: Silver
coverage_classes:
  - {type: plan, value: silver}
reason_codes:
  review: 0U
  limit: 0Y
next_steps:
  pended: This is not an approval. Wait for our letter.
  modified: Ask us to look again.
  denied: Ask us to look again.
uncovered:
  reason: review
  member: A nurse looks at it.
"""

VISITS = """\
title: Visits
version: "2"
in_force: {from: 2026-01-01}
source: {document: Guideline, page: 7}
plans:
  gold: {recommended: 10 visits}
  silver: {recommended: 5 visits, above: reduce, modified: {reason: limit, member: Some visits are approved.}}
codes:
  - {system: hcpcs, from: G0151, to: G0160}
  - {system: hcpcs, code: G0299}
review: certify
above: pend
pended:
  reason: review
  member: A nurse looks at the number of visits.
"""

VISITS_EARLIER = """\
title: Visits
version: "1"
in_force: {from: 2025-01-01, to: 2025-12-31}
source: {document: Guideline}
plans: [gold, silver]
codes:
  - {system: hcpcs, from: G0151, to: G0160}
review: clinical review
pended:
  reason: review
  member: A nurse looks at the visits.
"""

VISITS_CASES = """\
- case: Ten visits are certified.
  plan: gold
  lines:
    - {service: hcpcs G0151, quantity: 10 visits}
  expect:
    - {status: approved, quantity: 10 visits}

- case: Of six visits five are certified.
  plan: silver
  lines:
    - {service: hcpcs G0151, quantity: 6 visits}
  expect:
    - {status: modified, quantity: 5, reason: limit}
"""

CHAIRS = """\
title: Chairs
version: "1"
in_force: {from: 2025-01-01}
source: {document: Guideline}
plans: [gold]
codes:
  - {system: hcpcs, from: E1000, to: E1299}
review: documentation
documentation:
  - {system: loinc, code: 52063-5, words: The order}
pended:
  reason: review
  member: We look at the order.
"""

CHAIRS_CASES = """\
- case: A chair waits for the order.
  plan: gold
  lines:
    - {service: hcpcs E1223}
  expect:
    - {status: pended, waits_for: missing information, missing: [loinc 52063-5]}
"""

FILES = {
    "plans/gold.yaml": PLAN,
    "plans/silver.yaml": SILVER,
    "visits/topic.yaml": VISITS,
    "visits/earlier/1.yaml": VISITS_EARLIER,
    "visits/cases.yaml": VISITS_CASES,
    "chairs/topic.yaml": CHAIRS,
    "chairs/cases.yaml": CHAIRS_CASES,
}

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes the content directory; `changed` holds files that differ from it, None for one that is left out."""

    def written(changed: dict[str, str | None] | None = None) -> Path:
        for name, text in {**FILES, **(changed or {})}.items():
            if text is not None:
                path = tmp_path / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        return tmp_path

    return written


@pytest.fixture
def files() -> dict[str, str]:
    """The files of the content directory, by path."""
    return dict(FILES)


@pytest.fixture
def rule_files() -> dict[str, str]:
    """The files of a topic that says everything a topic can say, by path."""
    folder = Path(__file__).with_name("injections")
    return {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()
    }
