"""Requests that arrive by fax, phone or mail: one of the payer's people files them for who made them (PF-11)."""

from __future__ import annotations

from typing import Any

from mappers.wire import from_bytes
from server.authorization.record import Authorization, Channel
from server.operations.claim_submit import submit_claim
from server.payer import Call, Caller, Payer, Staff


def file_request(
    payer: Payer, staff: Staff, organization: str, channel: Channel, *, base: str, raw: bytes, bundle: dict[str, Any]
) -> Authorization:
    """The authorization that a PAS request Bundle was filed as, on the organization's record, in the person's name.

    It is read, reviewed and answered as what the organization sends itself. `raw` are the bytes of `bundle`; `base`
    is where the organization reads the answer.

    Raises:
        Invalid, Conflict, Unavailable: as `submit_claim`.
    """
    call = Call(Caller(staff.name, organization.strip()), base, raw, bundle, channel=channel)
    response = from_bytes(submit_claim(call, payer))["entry"][0]["resource"]
    filed = payer.authorizations.get(staff, response["id"])
    if filed is None:
        raise AssertionError("what was answered is on record")
    return filed
