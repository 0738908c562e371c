"""Requests on paper or by phone: the payer's people file them at the desk (PF-11)."""

from __future__ import annotations

from flask import Response, g, request

from server.authorization.record import Channel
from server.operations.claim_submit import OPERATION
from server.operations.request_filing import file_request
from server.payer import Staff
from server.web.desk_schemas import FilingQuery
from server.web.desk_views import Desk, loaded, shown
from server.web.reading import read_resource


def file_for(desk: Desk, staff: Staff) -> Response:
    """A PAS request Bundle is filed for an organization; the record as it is then."""
    said = loaded(FilingQuery(), request.args.to_dict())
    raw, bundle = read_resource(request, OPERATION.body_limit)
    g.bytes_in = len(raw)
    organization, channel = said["organization"], Channel(said["channel"])
    filed = file_request(desk.payer, staff, organization, channel, base=desk.base, raw=raw, bundle=bundle)
    return shown(desk, filed)
