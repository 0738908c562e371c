"""What needs an authorization, as pages for people (PF-12): rules only, nothing about anybody, no scripts.

Where everybody may look (the sandbox, or PLACET_LOOKUP), nobody signs in; elsewhere it takes a staff token.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, request
from jinja2 import Environment

from server.errors import NotFound, refusal
from server.payer import Payer
from server.web.access import StaffAccess
from server.web.door import only

if TYPE_CHECKING:
    from server.authorization.policy import Plan

_TEMPLATE = Path(__file__).with_name("lookup.html")
_LONGEST_CODE = 320
_WORDS = {
    "needed": "authorization is needed",
    "not a benefit": "not a benefit of the plan",
    "no rule": "no rule names it; a person looks at a request for it",
}


@dataclass(frozen=True)
class Lookup:
    """Whose rules are shown; `access` None lets everybody look."""

    payer: Payer
    access: StaffAccess | None

    @property
    def day(self) -> date:
        """The payer's day: the rules in force on it are shown."""
        return self.payer.day(self.payer.now())


def lookup_blueprint(lookup: Lookup) -> Blueprint:
    """The page at /lookup and the worksheets that it links to."""
    blueprint = Blueprint("lookup", __name__, url_prefix="/lookup")

    def sign_in() -> None:
        if lookup.access is not None:
            g.caller = lookup.access(request)

    blueprint.before_request(sign_in)
    blueprint.add_url_rule("", "page", lambda: _page(lookup), **only("GET"))
    blueprint.add_url_rule("/worksheet", "worksheet", lambda: _worksheet(lookup), **only("GET"))
    return blueprint


def _page(lookup: Lookup) -> Response:
    """The form, and what the plan requires for the code that was asked about."""
    plan, code = _plan(lookup), request.args.get("code", "").strip()
    problem = "A code is shorter than that." if len(code) > _LONGEST_CODE else ""
    found = lookup.payer.requirements(plan.id, code, lookup.day) if code and not problem else ()
    template = Environment(autoescape=True).from_string(_TEMPLATE.read_text("utf-8"))
    page = template.render(
        payer=lookup.payer.name,
        day=lookup.day.isoformat(),
        plans=lookup.payer.content().plans,
        plan=plan.id,
        code=code[:_LONGEST_CODE],
        problem=problem,
        found=[each.as_json() for each in found or ()],
        words=_WORDS,
    )
    return _shown(page)


def _worksheet(lookup: Lookup) -> Response:
    """The form of a topic, to be printed and filled in."""
    from questionnaires.worksheet import worksheet
    from server.worksheets import about
    from server.worksheets.html import html_of

    plan, name = _plan(lookup), request.args.get("topic", "")
    content = lookup.payer.content()
    topic = next((each for each in content.topics_of(plan, lookup.day) if each.name == name and each.form), None)
    form = content.forms.get(topic.form) if topic else None
    if topic is None or form is None:
        raise refusal(NotFound, "not-found", "No such worksheet is in the plan.", "PF-12", expression="topic")
    return _shown(html_of(worksheet(form, topic.recommended), about(plan, topic)))


def _plan(lookup: Lookup) -> Plan:
    """The plan that is named, else the default one."""
    content, name = lookup.payer.content(), request.args.get("plan", "")
    plan = content.plan(name) if name else next(each for each in content.plans if each.default)
    if plan is None:
        raise refusal(NotFound, "not-found", "There is no such plan.", "PF-12", expression="plan")
    return plan


def _shown(page: str) -> Response:
    """The page with its one style sheet and nothing else: what it says of itself is not trusted either."""
    style = page.partition("<style>")[2].partition("</style>")[0]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return Response(page, mimetype="text/html", headers={"Content-Security-Policy": policy})
