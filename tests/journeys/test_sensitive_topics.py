"""A topic that is marked sensitive: who neither ordered nor renders it is not told, and nothing of it is filled in."""

from __future__ import annotations

import copy
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pymongo.database import Database

from conformance.samples import fresh_sample
from questionnaires.content import DEMO, Content, load_content
from server.app import open_payer
from server.authorization.record import Authorization, LineOnRecord
from server.payer import Staff
from server.settings import Settings
from tests.journeys.conftest import SOUTH_TOKEN, Journey, response_of
from tests.journeys.test_inquire import (
    PHYSICIAN,
    PRACTICE,
    an_inquiry,
    ask,
    resource_in,
    returned,
    warnings,
    with_payer,
)
from tests.journeys.test_questionnaire_package import (
    PATIENT,
    asking,
    authorize_chiropractic,
    first_request,
    handed_out,
)

Json = dict[str, Any]


def marked(directory: Path, *topics: str) -> Path:
    """The demo's plans and topics with these topics marked, in a directory of their own."""
    made = directory / "content"
    shutil.copytree(DEMO, made, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for topic in topics:
        file = made / topic / "topic.yaml"
        file.write_text(file.read_text() + "\nsensitive: true\n")
    return made


def knowing(journey: Journey, content: Content) -> Journey:
    """The same store, where this content says what is sensitive and every inquirer may use any NPI."""
    return with_payer(journey, npi_binding=False, sensitive=content.is_sensitive)


def a_sensitive_request() -> Json:
    """Fertility treatment, by a physician whose practice is known apart."""
    bundle = fresh_sample("denied-fertility")
    del resource_in(bundle, "PractitionerRole")["organization"]
    return bundle


def record(journey: Journey, answer: Json) -> Authorization:
    """What is on record."""
    found = journey.payer.authorizations.get(Staff("nurse"), response_of(answer)["id"])
    assert found is not None
    return found


def test_it_is_withheld_from_who_neither_ordered_nor_renders_it(journey: Journey, tmp_path: Path) -> None:
    """PAS spec-49, spec-50: the practice is told that something is withheld, the physician is told."""
    secretive = knowing(journey, load_content(marked(tmp_path, "not-covered")))
    sensitive = response_of(secretive.submit(a_sensitive_request()))["id"]
    plain = response_of(secretive.submit(fresh_sample("approved-consultation")))["id"]
    practice, physician = (ask(secretive, an_inquiry(npi=npi), SOUTH_TOKEN) for npi in (PRACTICE, PHYSICIAN))

    assert [response_of(each)["id"] for each in returned(practice)] == [plain]
    assert warnings(practice) == ["suppressed"]
    assert {response_of(each)["id"] for each in returned(physician)} == {sensitive, plain}


def test_nothing_is_withheld_where_no_topic_is_marked(journey: Journey) -> None:
    told = knowing(journey, load_content())
    told.submit(a_sensitive_request())
    assert len(returned(ask(told, an_inquiry(npi=PRACTICE), SOUTH_TOKEN))) == 1


def test_it_stays_so_when_it_is_withdrawn(journey: Journey, tmp_path: Path) -> None:
    """What was decided is gone then; what was asked for tells."""
    content = load_content(marked(tmp_path, "not-covered"))
    found = record(journey, journey.submit(a_sensitive_request()))
    withdrawn = replace(found, lines=tuple(without_topic(line) for line in found.lines))

    assert content.is_sensitive(found)
    assert content.is_sensitive(withdrawn)
    assert not load_content().is_sensitive(found)


def without_topic(line: LineOnRecord) -> LineOnRecord:
    """The line with nothing that says by which topic it was decided."""
    return replace(line, determination=replace(line.determination, topic=""))


def test_what_a_topic_decided_that_is_gone_is_withheld(journey: Journey) -> None:
    """Nobody can tell any more what it was about; what a plan or nothing decided is not."""
    content = load_content()
    found = record(journey, journey.submit(fresh_sample("approved-consultation")))

    def decided_by(topic: str) -> Authorization:
        [line] = found.lines
        return replace(found, lines=(replace(line, determination=replace(line.determination, topic=topic)),))

    assert [content.is_sensitive(decided_by(topic)) for topic in ("gone@1", "consultation@0", "commercial", "")] == [
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(("topics", "filled_in"), [((), [False]), (("chiropractic",), [])])
def test_nothing_of_it_is_filled_in_beforehand(
    journey: Journey, tmp_path: Path, topics: tuple[str, ...], filled_in: list[bool]
) -> None:
    """DTR spec-40: not even for the organization that asked for it."""
    patient = resource_in(fresh_sample("approved-consultation"), "Patient")
    wanted = copy.deepcopy(asking(questionnaire="urn:placet:form:chiropractic"))
    wanted["parameter"][0]["resource"]["beneficiary"] = PATIENT | {"identifier": patient["identifier"][0]}
    authorize_chiropractic(journey)
    assert first_request(handed_out(knowing(journey, load_content(marked(tmp_path, *topics))), wanted)) == filled_in


def test_the_server_takes_the_mark_from_its_content(
    journey: Journey, database: Database[Json], store_uri: str, tmp_path: Path
) -> None:
    found = record(journey, journey.submit(a_sensitive_request()))
    for content, sensitive in ((str(marked(tmp_path, "not-covered")), True), (str(DEMO), False)):
        environment = {"MONGODB_URI": store_uri, "PLACET_DATABASE": database.name, "PLACET_CONTENT": content}
        with open_payer(Settings.from_environment(environment)) as payer:
            assert payer.sensitive(found) is sensitive
