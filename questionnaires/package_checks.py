"""Whether the package of every form will be whole: all that it names is here, and is named by version."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from questionnaires.artifacts import Artifact, Artifacts
from questionnaires.files import FORM, ContentFiles, TopicFile
from questionnaires.prepopulation import line_of, read_libraries
from questionnaires.problem import Problem, Severity


def problems_of_packages(files: ContentFiles) -> Iterator[Problem]:
    """What the forms of the newest topics name, by way of libraries and value sets too, that cannot be packaged."""
    libraries, _unread = read_libraries(files.directory)
    forms = {topic.form.canonical: topic.form for topic in files.topics if topic.form}
    artifacts = Artifacts(tuple(forms.values()), libraries)
    for topic in files.topics:
        path = files.directory / topic.topic / FORM
        found = _packaged(topic, artifacts) if topic.form and path.exists() else None
        if found is not None:
            yield from _problems(found, artifacts, path)


def _packaged(topic: TopicFile, artifacts: Artifacts) -> Artifact | None:
    return artifacts.find("Questionnaire", topic.form.canonical) if topic.form else None


def _problems(form: Artifact, artifacts: Artifacts, path: Path) -> Iterator[Problem]:
    text = path.read_text("utf-8", errors="replace")
    closure = artifacts.closure(form)
    for canonical in closure.missing:
        what = f"the package of {form.canonical} would be without {canonical}, which is not here"
        yield _error(path, text, canonical, what, "add it, or name one that is here (DTR oper-12, oper-14)")
    for each in (form, *closure.artifacts):
        for _kind, canonical in each.needs:
            if "|" not in canonical:
                what = f"{each.canonical} names {canonical} without version"
                yield _error(path, text, canonical, what, "add |version (DTR oper-16)")


def _error(path: Path, text: str, words: str, what: str, mend: str) -> Problem:
    return Problem(str(path), line_of(text, words), Severity.ERROR, what, mend)
