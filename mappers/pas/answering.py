"""What an answer is written from, and how answers differ by the occasion."""

from __future__ import annotations

from dataclasses import dataclass

from mappers.fhir import Json, objects
from mappers.pas import names
from mappers.pas.echo import Echo
from mappers.pas.notes import Notes
from mappers.pas.submitted import SubmittedClaim
from server.authorization.numbers import trace_number
from server.authorization.record import Authorization, LineOnRecord
from server.authorization.request import Identifier
from server.authorization.systems import TRACE_NUMBERS


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why an answer is given, and what that makes of it.

    bundle, response  profiles of the Bundle and of its first entry
    previews          pended lines say what would certify them
    every_line        lines that the latest message left out are in it (PAS spec-46)
    diagnoses         how many diagnoses an item may list
    communications    missing information is asked for by CommunicationRequests
    tasks             and by Tasks
    repeats_claim     the Claim is in it and referred to; else it is named by its identifier
    absent            data-absent-reason beside the reference to the Claim, "" for none
    """

    bundle: str = names.RESPONSE_BUNDLE
    response: str = names.CLAIM_RESPONSE
    previews: bool = False
    every_line: bool = False
    diagnoses: int | None = None
    communications: bool = True
    tasks: bool = True
    repeats_claim: bool = True
    absent: str = ""


SUBMITTED = Occasion()
"""The submitter asked for the authorization, or somebody decided it since."""

REHEARSED = Occasion(previews=True, communications=False, tasks=False)
"""A dry run: nothing is on record, so nothing can be sent for it."""

INQUIRED = Occasion(
    names.INQUIRY_RESPONSE_BUNDLE,
    names.INQUIRY_RESPONSE,
    every_line=True,
    diagnoses=1,
    communications=False,
    repeats_claim=False,
    absent="masked",
)
"""The submitter inquires."""

INQUIRED_BY_OTHERS = Occasion(
    names.INQUIRY_RESPONSE_BUNDLE,
    names.INQUIRY_RESPONSE,
    every_line=True,
    diagnoses=1,
    communications=False,
    tasks=False,
    repeats_claim=False,
    absent="masked",
)
"""Another provider of the member inquires: nobody asks them for anything."""


@dataclass(frozen=True, slots=True)
class Answering:
    """An authorization on record, the latest Claim as it was submitted, and what the answer needs of both."""

    authorization: Authorization
    submitted: SubmittedClaim
    echo: Echo
    notes: Notes
    occasion: Occasion
    base: str

    @property
    def lines(self) -> list[LineOnRecord]:
        """The lines that the answer is about."""
        every = self.occasion.every_line
        return [line for line in self.authorization.lines if every or self.submitted.has(line.asked)]

    def traces(self, line: LineOnRecord) -> tuple[Identifier, ...]:
        """The trace numbers of a line that waits for answers to a form: the submitter's, or one of the payer's."""
        issued = trace_number(self.authorization.id, line.number)
        return line.asked.trace_numbers or (Identifier(TRACE_NUMBERS, issued),)

    @property
    def claim_reference(self) -> Json:
        """The Claim, by its identifier only where it is not repeated."""
        if self.occasion.repeats_claim:
            return {"reference": self.authorization.request.claim_url}
        given = [
            each for each in objects(self.submitted.claim, "identifier") if each.get("system") and each.get("value")
        ]
        return {"type": "Claim", "identifier": given[0]} if given else {"type": "Claim"}


def answering(authorization: Authorization, request: Json, base: str, occasion: Occasion) -> Answering:
    """What the answer to the request Bundle is written from."""
    echo = Echo(request, claim=occasion.repeats_claim)
    return Answering(authorization, SubmittedClaim(echo.claim), echo, Notes(previews=occasion.previews), occasion, base)
