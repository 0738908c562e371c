"""What needs an authorization, looked up on a page before asking (PF-12)."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256

import pytest
from flask.testing import FlaskClient

from questionnaires.content import Content
from server.operations.catalogue import catalogue
from server.web.access import access_for
from server.web.fhir import web_application
from tests.journeys.conftest import NORTH_TOKEN, Journey, settings_with_two_callers
from tests.journeys.plan_functions.desk import NURSE_TOKEN


def a_page(plan: Journey, path: str) -> str:
    """A page as the nurse sees it: HTML with the one style sheet that its policy names, and no script."""
    reply = plan.client.get(path, headers={"Authorization": f"Bearer {NURSE_TOKEN}"})
    page, policy = reply.get_data(as_text=True), reply.headers["Content-Security-Policy"]
    [style] = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)

    assert (reply.status_code, reply.mimetype) == (200, "text/html")
    assert policy.startswith("default-src 'none'; ")
    assert f"style-src 'sha256-{b64encode(sha256(style.encode()).digest()).decode()}'" in policy
    assert not re.search(r"<script|\son\w+=|javascript:", page)
    return page


def test_the_page_says_what_a_plan_requires_with_its_guideline_and_worksheet(plan: Journey) -> None:
    """PF-12, PF-14: the recommended number too; the link leads to the worksheet with it filled in."""
    page = a_page(plan, "/lookup?plan=commercial&code=98940")
    [link] = re.findall(r'href="(/lookup/worksheet[^"]+)"', page)
    worksheet = a_page(plan, link.replace("&amp;", "&"))

    assert all(words in page for words in ("authorization is needed", "12 visits", "Therapy 5, chiropractic"))
    assert "Form urn:placet:form:chiropractic|" in worksheet
    assert 'value="12"' in worksheet


def test_the_page_begins_with_a_form_for_every_plan(plan: Journey, in_force: Content) -> None:
    """PF-12."""
    page = a_page(plan, "/lookup")
    assert all(f'value="{each.id}"' in page for each in in_force.plans)
    assert "<h2>" not in page


@pytest.mark.parametrize(
    ("code", "words"),
    [("ZZZZZ", "no rule names it"), ("service-type:61", "not a benefit of the plan"), ("1" * 321, "shorter than that")],
)
def test_a_code_of_no_topic_is_told_too(plan: Journey, code: str, words: str) -> None:
    """PF-12."""
    assert words in a_page(plan, f"/lookup?code={code}")


def test_what_is_typed_is_no_markup(plan: Journey) -> None:
    """PF-12."""
    page = a_page(plan, "/lookup?code=%22%3E%3Cb%3Eoops%3C/b%3E")
    assert "<b>" not in page.lower()
    assert "&lt;b&gt;" in page.lower()


@pytest.mark.parametrize("path", ["/lookup?plan=none&code=1", "/lookup/worksheet?topic=none", "/lookup/worksheet"])
def test_what_is_not_there_is_not_found(plan: Journey, path: str) -> None:
    """PF-12."""
    assert plan.get(path, NURSE_TOKEN)[0] == 404


def statuses(client: FlaskClient) -> list[int]:
    """What nobody, a submitter and the nurse are answered."""
    headers = [{}, *({"Authorization": f"Bearer {token}"} for token in (NORTH_TOKEN, NURSE_TOKEN))]
    return [client.get("/lookup/worksheet?topic=chiropractic", headers=each).status_code for each in headers]


def test_everybody_looks_only_where_the_payer_says_so(plan: Journey) -> None:
    """PF-12: else it takes a staff token."""
    settings = settings_with_two_callers(lookup="yes")
    open_to_all = web_application(settings, catalogue(), plan.payer, access_for(settings), ready=lambda: True)

    assert statuses(plan.client) == [401, 403, 200]
    assert statuses(open_to_all.test_client()) == [200, 200, 200]
