"""What the payer keeps of attachments, and who looks whether their content is harmless."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from server.authorization.attachment import Attachment, State

Blocks = Callable[[], Iterable[bytes]]
"""Gives the bytes from their beginning, in blocks, as often as it is called."""

HELD_FOR = timedelta(days=30)
"""How long an attachment that belongs to no request on record is held for one (CDex 2.1)."""


class Attachments(Protocol):
    """The attachments on record, and their bytes: of one organization the same bytes are kept once."""

    def keep(self, attachment: Attachment, blocks: Blocks) -> Attachment:
        """Put an attachment and its bytes on record, durably; gives back the one that has its id already.

        The row of the attachment is the commit point: bytes without one are swept.

        Raises:
            Unavailable: the store does not answer.
        """

    def judge(self, attachment_id: str, state: State) -> Attachment:
        """The attachment, in this state from now on."""

    def complete(self, attachment_ids: Sequence[str]) -> None:
        """Nothing more is coming under the tracking numbers of these: all that came under them is final."""

    def held(self, organization: str, trackings: Sequence[str], since: datetime) -> Sequence[Attachment]:
        """What the organization sent since a moment under one of these tracking numbers and belongs to no request."""

    def of(self, authorization_id: str) -> Sequence[Attachment]:
        """The attachments that belong to an authorization, or are meant to, oldest first."""

    def mean(self, attachment_ids: Sequence[str], authorization_id: str) -> None:
        """Note the authorization that attachments are about to belong to: a crash leaves nothing in doubt."""

    def settle(self, attachment_ids: Sequence[str], authorization_id: str) -> None:
        """They belong to the authorization, on whose record they are."""

    def content(self, attachment: Attachment) -> bytes:
        """The bytes, as they were sent."""


class ScannerDown(Exception):
    """The scanner does not answer, or cannot say."""


class Scanner(Protocol):
    """Says whether bytes are harmful."""

    def is_clean(self, blocks: Blocks) -> bool:
        """False when something harmful was found.

        Raises:
            ScannerDown: nobody can tell now.
        """


@dataclass(frozen=True, slots=True)
class NoScanner:
    """None is configured: what is taken by its kind is clean."""

    def is_clean(self, blocks: Blocks) -> bool:  # noqa: ARG002 - as a Scanner is asked
        """Nobody looks."""
        return True


NO_SCANNER = NoScanner()
