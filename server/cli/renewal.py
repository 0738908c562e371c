"""How a process of a running server takes changed plans and topics, and says so: in its log and to `placet reload`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from questionnaires.current import CurrentContent
from questionnaires.problem import ContentProblems
from server.cli.running import RunningServer
from server.web.journal import JOURNAL, new_request_id, note_bug


def renewing(
    reload: Callable[[], list[str]], current: CurrentContent, server: RunningServer, *, answers: bool
) -> Callable[[], bool]:
    """What a process does when it is told to: True when it has the new content, else the one it had stays.

    answers  whether this is one of the processes that answer requests: `placet reload` waits for all of them
    """

    def renew() -> bool:
        try:
            changes = reload()
        except ContentProblems as error:
            problems = [str(problem) for problem in error.problems]
            _note("content refused", problems=problems)
            server.tell(problems=problems)
            return False
        except Exception as error:  # whatever it is, the process goes on and whoever waits is told
            reference = new_request_id()
            note_bug(error, reference)
            server.tell(problems=[f"the content was not taken into use: {reference} in the log says why"])
            return False
        if answers:
            _note("content loaded", fingerprint=current.fingerprint, changes=changes)
            server.tell(fingerprint=current.fingerprint, changes=changes)
        return True

    return renew


def _note(event: str, **facts: Any) -> None:
    JOURNAL.info(event, extra={"facts": facts})
