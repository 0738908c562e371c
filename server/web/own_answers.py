"""The server's own answers, held to their profiles after they were written: a sample of them, for those who run it.

What is wrong is logged by rule and place only. The answer goes out as it is: the client is not to suffer twice.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

from flask import Flask, Response, g

from mappers.wire import from_bytes
from profiles import issues_in
from server.web.journal import JOURNAL, note_bug

MOST_PROBLEMS = 20
_FHIR = "application/fhir+json"


def check_answers(app: Flask, share: float) -> None:
    """Check `share` of the FHIR answers of `app`, from 0 (none) to 1 (each of them), evenly spread."""
    if share > 0:
        app.after_request(_checking(share))


def _checking(share: float) -> Callable[[Response], Response]:
    numbers = count()

    def check_answer(response: Response) -> Response:
        if response.mimetype == _FHIR:
            number = next(numbers)
            if int((number + 1) * share) > int(number * share):
                _check(response)
        return response

    return check_answer


def _check(response: Response) -> None:
    try:
        found = issues_in(from_bytes(response.get_data()), version=g.get("dialect", "2.2.0"))
        wrong = [issue for issue in found if issue.refuses]
    except Exception as error:  # whatever is wrong with the check, the answer is on its way
        note_bug(error, g.request_id)
        return
    if wrong:
        problems = [{"rule": issue.rule, "expression": issue.expression} for issue in wrong[:MOST_PROBLEMS]]
        facts = {"request_id": g.request_id, "status": response.status_code, "found": len(wrong), "problems": problems}
        JOURNAL.error("wrong answer", extra={"facts": facts})
