"""Content is loaded again while it is used: only whole, and only without problems."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from questionnaires.content import load_content
from questionnaires.current import CurrentContent
from questionnaires.problem import ContentProblems
from server.authorization.request import AuthorizationRequest, Code, Coverage, ServiceLine
from server.authorization.systems import HCPCS

ON = date(2026, 3, 1)
REQUEST = AuthorizationRequest(
    "urn:claim", (ServiceLine(1, (Code(HCPCS, "G0151"),)),), coverage=Coverage((("plan", "gold"),))
)


def recommended(content: CurrentContent) -> int:
    """How many visits the rules recommend now."""
    (topic,) = content.rules_for(REQUEST, ON).topics
    return int(topic.recommended.value)


def test_a_change_holds_after_a_reload_and_is_told(write, files) -> None:
    content = CurrentContent(write())
    before = content.fingerprint

    write({"visits/topic.yaml": files["visits/topic.yaml"].replace("10 visits", "11 visits")})
    assert recommended(content) == 10

    assert content.reload() == ["topic visits@2 of plan gold is different"]
    assert recommended(content) == 11
    assert content.fingerprint != before


def test_rules_taken_before_a_reload_stay_as_they_are(write, files) -> None:
    content = CurrentContent(write())
    taken = content.rules_for(REQUEST, ON)

    write({"visits/topic.yaml": files["visits/topic.yaml"].replace("10 visits", "11 visits")})
    content.reload()

    assert [int(topic.recommended.value) for topic in taken.topics] == [10]


def test_with_a_problem_what_held_still_holds(write, files) -> None:
    content = CurrentContent(write())
    before = content.fingerprint
    write({"visits/topic.yaml": files["visits/topic.yaml"].replace("10 visits", "many visits")})

    with pytest.raises(ContentProblems, match="'many visits' is no amount"):
        content.reload()

    assert (recommended(content), content.fingerprint) == (10, before)
    write()
    assert content.reload() == []


def test_plans_topics_and_forms_that_come_and_go_are_told(write, rule_files) -> None:
    content = CurrentContent(write(rule_files))
    for name in rule_files:
        if name.startswith("injections/"):
            (write() / name).unlink()

    assert content.reload() == [
        "topic injections@1 of plan gold is gone",
        "topic injections@1 of plan silver is gone",
        "form urn:test:form|3 is gone",
    ]


def test_a_form_that_changes_without_a_new_version_is_told(write, rule_files) -> None:
    content = CurrentContent(write(rule_files))
    form = rule_files["injections/questionnaire.json"]
    write({**rule_files, "injections/questionnaire.json": form.replace("Weeks of pain", "How many weeks of pain")})

    assert content.reload() == ["form urn:test:form|3 is different"]


def test_the_fingerprint_is_of_what_decides_and_not_of_cases_or_of_where_it_stands(write, files, tmp_path) -> None:
    first = load_content(write()).fingerprint
    changed = {"visits/cases.yaml": files["visits/cases.yaml"].replace("Ten visits", "Just ten visits")}

    assert load_content(write(changed)).fingerprint == first
    moved = tmp_path / "elsewhere"
    for name, text in files.items():
        (moved / name).parent.mkdir(parents=True, exist_ok=True)
        (moved / name).write_text(text, encoding="utf-8")
    assert load_content(moved).fingerprint == first


def test_reviews_and_reloads_at_once_always_see_one_whole_content(write, files) -> None:
    content = CurrentContent(write())
    texts = [files["visits/topic.yaml"].replace("10 visits", f"{number} visits") for number in (10, 11)]

    def ask(_: int) -> int:
        return recommended(content)

    with ThreadPoolExecutor(4) as threads:
        asked = threads.map(ask, range(400))
        for number in range(8):
            write({"visits/topic.yaml": texts[number % 2]})
            content.reload()
        assert set(asked) <= {10, 11}
