"""The content that holds now, and how another one takes its place while the server runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from threading import Lock

from questionnaires.content import Content, load_content
from server.authorization.policy import Rules
from server.authorization.request import AuthorizationRequest


class CurrentContent:
    """The content of a directory as it was last loaded without problems. Safe to use from several threads.

    Raises:
        ContentProblems: the directory cannot be used.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._content = load_content(directory)
        self._loading = Lock()

    @property
    def content(self) -> Content:
        """The content that holds; take it once for everything that belongs together."""
        return self._content

    @property
    def fingerprint(self) -> str:
        """The hash of the content that holds, for the record."""
        return self._content.fingerprint

    def rules_for(self, request: AuthorizationRequest, on: date) -> Rules:
        """The rules for the request by the content that holds."""
        return self._content.rules_for(request, on)

    def reload(self) -> list[str]:
        """Load the directory again; what changed, one line each. Requests under review keep the rules they have.

        Raises:
            ContentProblems: the directory cannot be used now; the content that held still holds.
        """
        with self._loading:
            latest = load_content(self._directory)
            former, self._content = self._content, latest
        return list(changes(former, latest))


def changes(former: Content, latest: Content) -> Iterator[str]:
    """What differs between two contents, by plan, topic and form."""
    yield from _changed(
        {f"plan {plan.id}": plan for plan in former.plans}, {f"plan {plan.id}": plan for plan in latest.plans}
    )
    yield from _changed(_topics(former), _topics(latest))
    yield from _changed(
        {f"form {form.canonical}": form.digest for form in former.forms},
        {f"form {form.canonical}": form.digest for form in latest.forms},
    )
    yield from _changed(
        {f"library {library.canonical}": library.digest for library in former.libraries},
        {f"library {library.canonical}": library.digest for library in latest.libraries},
    )


def _topics(content: Content) -> Mapping[str, object]:
    return {f"topic {topic.reference} of plan {min(topic.plans)}": topic for topic in content.topics}


def _changed(former: Mapping[str, object], latest: Mapping[str, object]) -> Iterator[str]:
    for name in sorted(former.keys() | latest.keys()):
        if name not in former:
            yield f"{name} is new"
        elif name not in latest:
            yield f"{name} is gone"
        elif former[name] != latest[name]:
            yield f"{name} is different"
