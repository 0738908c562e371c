"""What people read about a determination: the process notes, and the words in them."""

from __future__ import annotations

from collections.abc import Iterator

from mappers.fhir import Json
from server.authorization.determination import LineDetermination, ReviewAction, WaitsFor
from server.authorization.facts import ANSWER, DOCUMENT


class Notes:
    """The process notes of one ClaimResponse: each text once, numbered from 1.

    previews  pended lines also say what would certify them
    """

    def __init__(self, *, previews: bool = False) -> None:
        self.previews = previews
        self._texts: list[str] = []

    def number(self, text: str) -> int:
        """The number of the note with this text, which is added where it is new."""
        if text not in self._texts:
            self._texts.append(text)
        return self._texts.index(text) + 1

    def numbers_for(self, determination: LineDetermination) -> list[int]:
        """The numbers of the notes about one line."""
        return [self.number(text) for text in self._words(determination)]

    def written(self) -> list[Json]:
        """The notes as ClaimResponse.processNote."""
        return [{"number": number, "type": "display", "text": text} for number, text in enumerate(self._texts, 1)]

    def _words(self, determination: LineDetermination) -> Iterator[str]:
        yield from words_for(determination)
        if self.previews and (words := preview(determination)):
            yield words


def words_for(determination: LineDetermination) -> Iterator[str]:
    """What people read about a line's determination: reasons, what is missing, what to do."""
    for reason in determination.reasons:
        yield reason.words
    if determination.waits_for is WaitsFor.MISSING_INFORMATION:
        wanted = [f"{each.words} ({each.code.code})" for each in determination.missing]
        if determination.unanswered:
            wanted.append(f"answers to {', '.join(determination.unanswered)} of the form {determination.form}")
        yield f"Pending review, not an approval. Waiting for: {'; '.join(wanted)}."
    elif determination.waits_for is WaitsFor.DELEGATE:
        yield f"Pending review, not an approval. Waiting for: review by {determination.delegate}."
    elif determination.waits_for is not None:
        yield f"Pending review, not an approval. Waiting for: {determination.waits_for.value}."
    yield from determination.notes


def preview(determination: LineDetermination) -> str:
    """The shortest list of facts and documents that would certify a pended line, in words; "" where none would."""
    if determination.action is not ReviewAction.PENDED:
        return ""
    if not determination.ways:
        return "Nothing that could be added would certify this line by itself: a person reviews it."
    return "Would be certified with: " + "; ".join(_fact_words(name) for name in determination.ways[0]) + "."


def _fact_words(name: str) -> str:
    if name.startswith(DOCUMENT):
        return f"a document of type {name.rpartition('|')[2]}"
    return f"an answer to {name.removeprefix(ANSWER)}" if name.startswith(ANSWER) else name
