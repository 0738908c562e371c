"""Refusals: the message could not be processed at all, and why.

    Refusal                     every problem at once, as Issues
    ├── NotReadable             the bytes are not the JSON we can read                     400
    ├── Invalid                 read, but breaks the guide's structural rules              400
    ├── NotSupported            understood, but not what this server does                  422
    ├── NotSignedIn             no caller, or one we do not know                           401
    ├── NotAllowed              known caller, not allowed                                  403
    ├── NotFound                nothing there that this caller may see                     404
    ├── WrongMethod             405
    ├── NotAcceptable           406
    ├── Conflict                somebody else changed it first                             409
    ├── TooLarge                413
    ├── WrongContentType        415
    └── Unavailable             a part we depend on does not answer now                    503

A refusal stops at once and is drawn as one OperationOutcome by `server.web.outcome`, the only place that chooses a
status. A denial or a business rejection is never a refusal: it is a value in the ClaimResponse (HTTP 200).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from profiles.issue import Issue


class Refusal(Exception):
    """The message cannot be processed; `issues` says everything that is wrong with it, most important first."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        super().__init__(f"{type(self).__name__}: {len(issues)} issue(s)")
        self.issues = tuple(issues)


class NotReadable(Refusal):
    """The bytes are not JSON that can be read."""


class Invalid(Refusal):
    """The resource breaks rules of the guide."""


class NotSupported(Refusal):
    """Understood, but not something this server does."""


class NotSignedIn(Refusal):
    """No caller, or one that is not known."""


class NotAllowed(Refusal):
    """A known caller who may not do this."""


class NotFound(Refusal):
    """Nothing there, or nothing this caller may see: the two look the same."""


class WrongMethod(Refusal):
    """The path exists, the method does not."""


class NotAcceptable(Refusal):
    """The caller wants a format that is not spoken here."""


class Conflict(Refusal):
    """Somebody else changed the record in between."""


class TooLarge(Refusal):
    """More than is read."""


class WrongContentType(Refusal):
    """Not FHIR JSON in UTF-8."""


class Unavailable(Refusal):
    """A part we depend on does not answer at the moment; trying again is right."""


def refusal(
    kind: type[Refusal], code: str, message: str, rule: str, *, repair: str = "", expression: str = ""
) -> Refusal:
    """A refusal with a single issue."""
    return kind([Issue("error", code, expression, message, rule, repair)])


def refuse_if(issues: Iterable[Issue]) -> list[Issue]:
    """Refuse when any issue is the sender's error; otherwise give back the issues, which stay with the exchange.

    Raises:
        Invalid: with every issue, errors first, when at least one refuses.
    """
    found = sorted(issues, key=lambda issue: not issue.refuses)
    if any(issue.refuses for issue in found):
        raise Invalid(found)
    return found
