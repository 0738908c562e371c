"""Which topic decides a line: the most specific service it names or orders."""

from dataclasses import replace
from datetime import date

import pytest

from server.authorization.criteria import Not, TruthIs
from server.authorization.determination import Reason
from server.authorization.policy import AdministrativeDenial, CodeSpan, Plan, ReviewPath, Rules, Source, Topic
from server.authorization.request import Code, Coverage, Period, ServiceLine
from server.authorization.systems import CPT, HCPCS, SERVICE_TYPES

REASON = Reason(Code("x", "0F"), "because")


def topic(name, *spans, **more):
    given = {
        "version": "1",
        "title": name,
        "codes": tuple(CodeSpan(*span) for span in spans),
        "plans": frozenset({"gold"}),
        "in_force": Period(date(2026, 1, 1), date(2026, 12, 31)),
        "source": Source("policy"),
        "path": ReviewPath.CERTIFY,
        "reason": REASON,
    }
    return Topic(name, **(given | more))


CONSULTATION = topic("consultation", (SERVICE_TYPES, "3", "3"))
EQUIPMENT = topic("equipment", (HCPCS, "E0100", "E0423"), (HCPCS, "E1000", "E1389"))
WHEELCHAIR = topic("wheelchair", (HCPCS, "E1223", "E1223"))
RULES = Rules(Plan("gold", "Gold", REASON), (CONSULTATION, EQUIPMENT, WHEELCHAIR))

KIND = Code(SERVICE_TYPES, "3")
CANE = Code(HCPCS, "E0100")
LINES = {
    "a service type alone": (ServiceLine(1, (KIND,)), CONSULTATION),
    "a service type with an order for a device": (ServiceLine(1, (KIND,), ordered=(CANE,)), EQUIPMENT),
    "a device with an order that only gives a service type": (ServiceLine(1, (CANE,), ordered=(KIND,)), EQUIPMENT),
    "a service type with an order that no topic covers": (ServiceLine(1, (KIND,), ordered=(Code(CPT, "1"),)), None),
    "a code in a span and in a topic of its own": (ServiceLine(1, (Code(HCPCS, "E1223"),)), WHEELCHAIR),
    "a code in lower case": (ServiceLine(1, (Code(HCPCS, "e0100"),)), EQUIPMENT),
    "one of two codings is covered": (ServiceLine(1, (Code(CPT, "1"), CANE)), EQUIPMENT),
    "a range within one topic": (ServiceLine(1, (CANE,), service_end=Code(HCPCS, "E0110")), EQUIPMENT),
    "a range that leaves the topic": (ServiceLine(1, (CANE,), service_end=Code(HCPCS, "E0999")), None),
    "a longer code that begins alike": (ServiceLine(1, (Code(HCPCS, "E01001"),)), None),
    "the same code in another system": (ServiceLine(1, (Code(CPT, "E0100"),)), None),
    "no code at all, only a category": (ServiceLine(1, (), category=(KIND,)), CONSULTATION),
    "nothing": (ServiceLine(1), None),
}


@pytest.mark.parametrize("name", LINES)
def test_the_topic_of(name):
    line, expected = LINES[name]
    assert RULES.topic_for(line) == expected


def test_a_topic_holds_for_its_plans_on_its_days():
    assert CONSULTATION.holds("gold", date(2026, 1, 1))
    assert CONSULTATION.holds("gold", date(2026, 12, 31))
    assert not CONSULTATION.holds("gold", date(2027, 1, 1))
    assert not CONSULTATION.holds("silver", date(2026, 6, 1))


def test_a_plan_is_named_by_a_class_of_the_coverage_in_any_case():
    plan = Plan("gold", "Gold", REASON, coverage_classes=frozenset({("plan", "gold")}))
    assert plan.is_named_by(Coverage(classes=(("group", "7"), ("plan", "GOLD"))))
    assert not plan.is_named_by(Coverage(classes=(("group", "gold"),)))


def test_history_is_asked_for_only_where_a_rule_looks_at_it():
    assert not RULES.ask_for_history
    duplicate = AdministrativeDenial("duplicate", "duplicate", Not(TruthIs("history.duplicate", False)), REASON)
    assert Rules(replace(RULES.plan, denials=(duplicate,)), RULES.topics).ask_for_history
    assert Rules(RULES.plan, (replace(WHEELCHAIR, denials=(duplicate,)),)).ask_for_history
