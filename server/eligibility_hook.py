"""The payer's own eligibility service, asked over HTTP for the coverage of one person on one day.

    -> POST  {"member": [{"system": "...", "value": "..."}], "subscriber": "...", "plan": [{"type", "value"}],
              "date": "2026-03-02"}
    <- 200   {"covered": true, "plan": "commercial", "period": {"start": "2026-01-01", "end": "2026-12-31"}}

`plan` in the answer is the id of a plan in the payer's content; without it the request's Coverage says which. Without
`period` the answer holds for every day that is asked for; either side may be left out. ``"known": false`` says that
the person is no member at all, which rejects the request; ``"covered": false`` that they are not covered on that day,
which denies its lines. Anything else - another status, nothing in time, an unknown plan - rejects and denies nothing:
the lines pend for a person.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from server.authorization.eligibility import UNCONFIRMED, UNKNOWN, Eligibility, Enrollment, Standing
from server.authorization.request import AuthorizationRequest, Period
from server.outbound import NoAnswer, Outbound, OutboundFailure

SECONDS = 2.0
"""How long the service may take: a submitter waits for its answer (PAS spec-7: 15 seconds)."""

_MOST_BYTES = 64 * 1024
_OK = 200
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class EligibilityHook:
    """Asks the service at `url` (`server.payer.Members`).

    plans  the ids of the payer's plans now
    token  sent as a bearer token; "" for none
    """

    url: str
    outbound: Outbound
    plans: Callable[[], Collection[str]]
    token: str = field(default="", repr=False)
    seconds: float = SECONDS

    def eligibility(self, request: AuthorizationRequest, day: date) -> Eligibility:
        """What the service says about the person of the request on the day; unconfirmed where nothing usable."""
        try:
            reply = self.outbound.post(
                self.url,
                json.dumps(_question(request, day)).encode(),
                self._headers(),
                seconds=self.seconds,
                most_bytes=_MOST_BYTES,
            )
            if reply.status != _OK:
                raise NoAnswer(f"status {reply.status}")
            return self._read(json.loads(reply.body))
        except (OutboundFailure, ValueError, TypeError) as failure:
            cause = getattr(failure, "cause", type(failure).__name__)
            _log.warning("the eligibility service gave no usable answer (%s): lines pend for a person", cause)
            return UNCONFIRMED

    def _headers(self) -> dict[str, str]:
        signed = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {"Content-Type": "application/json", "Accept": "application/json", **signed}

    def _read(self, answer: Any) -> Eligibility:
        """What the answer says.

        Raises:
            ValueError, TypeError: it is none that can be used.
        """
        if not isinstance(answer, dict):
            raise TypeError("an object is wanted")
        if not _truth(answer, "known", True):
            return UNKNOWN
        plan = answer.get("plan")
        if plan is not None and plan not in self.plans():
            raise ValueError("no such plan")
        if not _truth(answer, "covered", None):
            return Eligibility(Standing.KNOWN)
        return Eligibility(Standing.KNOWN, (Enrollment(plan or "", _period(answer.get("period"))),))


def _question(request: AuthorizationRequest, day: date) -> dict[str, Any]:
    member = request.member
    return {
        "member": [{"system": each.system, "value": each.value} for each in member.identifiers],
        "subscriber": member.subscriber_id,
        "plan": [{"type": kind, "value": value} for kind, value in request.coverage.classes],
        "date": day.isoformat(),
    }


def _truth(answer: dict[str, Any], name: str, default: bool | None) -> bool:
    value = answer.get(name, default)
    if not isinstance(value, bool):
        raise TypeError(f"{name} is true or false")
    return value


def _period(value: Any) -> Period:
    """Raises ValueError or TypeError for anything but {start?, end?} with dates."""
    if value is None:
        return Period()
    if not isinstance(value, dict):
        raise TypeError("an object is wanted")
    start, end = (date.fromisoformat(value[side]) if value.get(side) is not None else None for side in ("start", "end"))
    return Period(start, end)
