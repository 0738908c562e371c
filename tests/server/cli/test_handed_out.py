"""`placet lint` holds every form, as it is handed out in each version of DTR, against the profiles."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from questionnaires.content import DEMO
from questionnaires.problem import Severity
from server.cli.handed_out import problems_of_handing_out

Json = dict[str, Any]


def changed(tmp_path: Path, **item: Any) -> Path:
    """The lumbar MRI topic, its form with another item at the end."""
    shutil.copytree(DEMO / "lumbar-mri", tmp_path / "lumbar-mri")
    path = tmp_path / "lumbar-mri" / "questionnaire.json"
    form = json.loads(path.read_text())
    form["item"].append({"linkId": "another", "text": "Another", **item})
    path.write_text(json.dumps(form, indent=2))
    return tmp_path


@pytest.mark.parametrize(
    ("item", "severity", "rule"),
    [
        ({"type": "reference"}, Severity.ERROR, "dtrq-4"),
        ({"type": "quantity"}, Severity.WARNING, "dtrq-3"),
        ({"type": "display", "required": True}, Severity.ERROR, "que-6"),
        (
            {"type": "string", "answerOption": [{"valueString": "a"}], "answerValueSet": "urn:a"},
            Severity.ERROR,
            "que-4",
        ),
    ],
)
def test_a_form_that_breaks_a_profile_is_named_with_its_line(
    tmp_path: Path, item: Json, severity: Severity, rule: str
) -> None:
    directory = changed(tmp_path, **item)
    found = [each for each in problems_of_handing_out(directory) if rule in each.what]
    assert found and found[0].severity is severity
    lines = Path(found[0].file).read_text().splitlines()
    start = next(number for number, line in enumerate(lines, 1) if '"linkId": "another"' in line)
    assert start - 1 <= found[0].line <= len(lines)


def test_what_comes_with_the_server_keeps_the_profiles_in_both_versions() -> None:
    assert [str(problem) for problem in problems_of_handing_out(DEMO)] == []
