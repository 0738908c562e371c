"""What a Subscription may ask for: every problem by data, all of them at once, nothing secret in what is said."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mappers.operation_outcome import operation_outcome
from profiles import Issue, issues_in
from server.errors import Invalid, Refusal
from server.operations.subscription_change import create_subscription
from server.outbound import Outbound
from server.payer import Call, Caller, Payer
from server.subscriptions import NoKey
from server.web.outcome import status_of
from tests.builders import NOW
from tests.mappers.subscriptions import BACKPORT, NPI, PROBLEMS, SECRET, a_subscription_resource, filtered, wrong

Json = dict[str, Any]

NORTH = Caller("north-portal", "north-clinic", (NPI,), ("SND-0001",))


class Taking:
    """Subscriptions that take everything, or say why not."""

    def __init__(self, refusing: Exception | None = None) -> None:
        self.refusing = refusing

    def create(self, _subscription: object) -> None:
        if self.refusing:
            raise self.refusing


def created(resource: Json, subscriptions: Any = None, **payer: Any) -> Json:
    """What a create by a caller with two names is answered."""
    call = Call(NORTH, "https://payer.example.org/fhir", resource=resource)
    made: Any = Payer(
        None,  # type: ignore[arg-type]
        _no_rules,
        lambda: NOW,
        subscriptions=subscriptions or Taking(),
        endpoint_allowed=Outbound().accepts,
        **payer,
    )
    return create_subscription(call, made).body  # type: ignore[no-any-return]


def _no_rules(*_: object) -> NoReturn:
    raise AssertionError


def refused(resource: Json, **more: Any) -> tuple[int, tuple[Issue, ...]]:
    """Status and issues of a create that is refused."""
    with pytest.raises(Refusal) as refusal:
        created(resource, **more)
    outcome = operation_outcome(refusal.value.issues)
    assert [issue for issue in issues_in(outcome) if issue.refuses] == []
    assert "s3cret" not in str(outcome)
    return status_of(refusal.value), refusal.value.issues


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem["fact"])
def test_every_problem_is_said_at_once_with_its_place_and_rule(problem: Json) -> None:
    status, issues = refused(wrong(problem))
    assert status == problem.get("status", 422)
    told = [[issue.expression, issue.rule] for issue in issues]
    assert told[: 1 if problem.get("only_first") else None] == problem["issues"]
    assert all(issue.repair for issue in issues)


def test_what_is_no_r4_and_what_is_not_offered_are_said_together() -> None:
    status, issues = refused(a_subscription_resource(reason=None, channel_type="email"))
    assert status == 400
    assert [issue.expression for issue in issues] == ["Subscription", "Subscription.channel.type"]


def test_many_headers_and_values_are_too_many() -> None:
    headers = [f"X-{number}: 1" for number in range(21)]
    status, issues = refused(filtered("org-identifier=" + ",".join(["1"] * 101), channel_header=headers))
    assert (status, [issue.code for issue in issues]) == (422, ["too-costly", "too-costly"])


def test_without_a_key_headers_are_refused_clearly() -> None:
    status, [issue] = refused(a_subscription_resource(), subscriptions=Taking(NoKey()))
    assert (status, issue.expression) == (422, "Subscription.channel.header")
    assert "PLACET_SECRET_KEY" in issue.repair


def test_nobodys_names_are_bound_where_nothing_is_registered() -> None:
    assert created(filtered("org-identifier=anybody"), org_id_binding=False)["status"] == "requested"


LINES = st.lists(
    st.one_of(
        st.sampled_from(["Authorization: Bearer x", "X-A:1", "x-a: 2", "Host: x", "A", ":", "A:", "A: ***", "A: \x00"]),
        st.text(max_size=12),
    ),
    max_size=4,
)
FILTERS = st.lists(
    st.one_of(
        st.sampled_from([f"org-identifier={NPI}", "orgIdentifier=SND-0001", "org-identifier=", "x=1", ","]),
        st.text(max_size=12).map("org-identifier={}".format),
    ),
    min_size=1,
    max_size=3,
)
ODD = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.sampled_from(["url", "extension"]), inner)),
    max_leaves=6,
)
PLACES = ["status", "criteria", "_criteria", "channel", "reason", "end", "contact", "meta"]
IN_CHANNEL = ["type", "_type", "endpoint", "payload", "_payload", "header", "extension"]


@given(FILTERS, LINES)
def test_what_is_taken_is_within_the_rules(filters: list[str], lines: list[str]) -> None:
    """Whatever filters and headers: they are refused, or conform and are sent as headers as they stand."""
    resource = filtered(*filters, channel_header=lines or None)
    try:
        made = created(resource)
    except Refusal:
        return
    assert [issue for issue in issues_in(made) if issue.refuses] == []
    for line in made["channel"].get("header", ()):
        name, _, value = line.partition(": ")
        assert name.replace("-", "").isalnum()
        assert value.isascii()
        assert value.isprintable()
    names = {name.partition(":")[0].lower() for name in lines}
    assert len(names) == len(lines)
    assert all(each["valueString"].partition("=")[2] for each in made["_criteria"]["extension"])


@given(st.sampled_from(PLACES + [f"channel_{name}" for name in IN_CHANNEL]), ODD)
def test_whatever_stands_where_it_is_refused_or_conforms(place: str, odd: Any) -> None:
    resource = a_subscription_resource()
    node, key = (resource["channel"], place[8:]) if place.startswith("channel_") else (resource, place)
    node[key] = odd
    try:
        made = created(resource)
    except Refusal as refusal:
        assert refusal.issues
        return
    assert [issue for issue in issues_in(made) if issue.refuses] == []


def test_an_instant_of_any_zone_is_kept() -> None:
    made = created(a_subscription_resource(end="2026-05-01T00:00:00.123456789+05:30"))
    assert datetime.fromisoformat(made["end"]) == datetime.fromisoformat("2026-05-01T00:00:00.123+05:30")


def test_secrets_of_a_refusal_stay_secret() -> None:
    both = [f"Authorization: {SECRET}", f"authorization: {SECRET}", SECRET]
    with pytest.raises(Refusal) as refusal:
        created(a_subscription_resource(channel_header=both, status="off"))
    assert not isinstance(refusal.value, Invalid)
    assert "s3cret" not in str(refusal.value.issues)
    assert BACKPORT not in str(refusal.value)
