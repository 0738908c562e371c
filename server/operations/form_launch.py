"""A request whose answer asked for forms: the context it gave leads back to it (PAS ainfo-3, DTR spec-110)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from mappers.dtr.launch import Launched, read_launched
from mappers.wire import from_bytes
from questionnaires.content import Content
from server.authorization.determination import ReviewAction
from server.authorization.record import Authorization, LineOnRecord
from server.errors import NotFound, NotSupported, refusal
from server.operations.covered_member import Covered, age_of, told_of
from server.payer import Call, Payer


@dataclass(frozen=True, slots=True)
class Launch:
    """A request whose lines wait for the answers to forms, and how the client refers to what it is about."""

    context_id: str
    authorization: Authorization
    lines: tuple[LineOnRecord, ...]
    said: Launched

    def covered(self, content: Content, on: date) -> Covered:
        """The member of the request, under the plan it was decided by."""
        request = self.authorization.request
        plan = content.plan(self.authorization.plan) or content.plan_for(request.coverage)
        return Covered(
            plan,
            age_of(request.member.birth_date, on),
            told_of(request.member),
            self.said.subject,
            self.said.coverage,
            "Parameters.parameter.where(name='context')",
        )


def launch_by(context: str, call: Call, payer: Payer) -> Launch:
    """The caller's request that has the context: a trace number of a line that waits for answers.

    Raises:
        NotFound: no request of the caller's organization has it.
        NotSupported: the request does not wait for answers to a form.
    """
    found = payer.authorizations.by_trace(call.caller, context)
    traced = [(each, [line for line in each.lines if context in each.traces_of(line)]) for each in found]
    if not any(lines for _authorization, lines in traced):
        raise _unknown_context()
    for authorization, lines in traced:
        waiting = tuple(line for line in lines if _waits(line))
        exchange = payer.authorizations.exchange(call.caller, authorization.id) if waiting else None
        if exchange is not None:
            said = read_launched(from_bytes(exchange.request), (line.sequence for line in waiting))
            return Launch(context, authorization, waiting, said)
    raise _nothing_waits()


def _waits(line: LineOnRecord) -> bool:
    """Whether the answer asked for a form (LOINC 102089-0)."""
    return line.determination.action is ReviewAction.PENDED and bool(line.determination.unanswered)


def _unknown_context() -> Exception:
    return refusal(
        NotFound,
        "not-found",
        "No request of your organization has this context.",
        "DTR spec-110",
        repair="Give the trace number of a line as it stands in the answer that asked for a form, or an order.",
        expression="Parameters.parameter.where(name='context')",
    )


def _nothing_waits() -> Exception:
    return refusal(
        NotSupported,
        "business-rule",
        "The request with this context does not wait for the answers to a form.",
        "DTR spec-110",
        repair="Look at its present answer by Claim/$inquire.",
        expression="Parameters.parameter.where(name='context')",
    )
