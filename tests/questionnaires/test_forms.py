"""The forms of the topics that come with the server are what the guide wants, and ask what rules look at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from profiles import issues_in
from questionnaires.content import DEMO, load_content
from questionnaires.forms import Form
from server.authorization.criteria import comparisons_in
from server.authorization.facts import ANSWER
from server.authorization.policy import Topic

PATHS = sorted(DEMO.glob("*/questionnaire.json"))
CONTENT = load_content()
FORMS = {form.canonical: form for form in CONTENT.forms}
WITH_CRITERIA = [topic for topic in CONTENT.topics if topic.criteria]
PROFILES = [
    "http://hl7.org/fhir/StructureDefinition/Questionnaire",
    "http://hl7.org/fhir/us/davinci-dtr/StructureDefinition/dtr-std-questionnaire",
]


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.parent.name)
def test_a_form_is_a_questionnaire_by_r4_and_by_dtr(path: Path, profile: str) -> None:
    assert [str(issue) for issue in issues_in(json.loads(path.read_text("utf-8")), profile)] == []


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.parent.name)
def test_a_form_is_named_after_its_topic_and_is_for_patients(path: Path) -> None:
    form = json.loads(path.read_text("utf-8"))

    assert form["url"] == f"urn:placet:form:{path.parent.name}"
    assert (form["status"], form["subjectType"]) == ("active", ["Patient"])


@pytest.mark.parametrize("topic", WITH_CRITERIA, ids=lambda topic: f"{topic.name} {min(topic.plans)}")
def test_every_answer_a_rule_looks_at_is_asked_for(topic: Topic) -> None:
    form: Form = FORMS[topic.form]
    conditions = [each.condition for each in topic.criteria] + [each.when for each in topic.nudges]
    facts = {comparison.fact for condition in conditions for comparison in comparisons_in(condition)}
    named = {fact.removeprefix(ANSWER) for fact in facts if fact.startswith(ANSWER)}
    named |= {name for nudge in topic.nudges for name in (nudge.answer, nudge.decline) if name}

    assert named
    assert named <= set(form.items)


def test_functional_measures_have_their_own_range_and_direction() -> None:
    """PF-23: ODI, NDI, LEFS, HOOS JR, KOOS JR, DASH, QuickDASH."""
    measure = FORMS["urn:placet:form:therapy-adult|2026.2.0"].items["measure"]

    assert {code.code for code in measure.options} == {"odi", "ndi", "lefs", "hoos-jr", "koos-jr", "dash", "quickdash"}
