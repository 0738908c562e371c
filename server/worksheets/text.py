"""A worksheet as plain text."""

from __future__ import annotations

from collections.abc import Iterator

from questionnaires.worksheet import Kind, Row, Worksheet

_BLANKS = {
    Kind.DATE: "____-__-__ (year-month-day)",
    Kind.NUMBER: "________",
    Kind.TEXT: "______________________________",
    Kind.LONG_TEXT: "____________________________________________________________",
    Kind.ENCLOSED: "[ ] enclosed",
    Kind.CALCULATED: "(calculated from the answers above)",
}


def text_of(sheet: Worksheet, about: tuple[str, ...]) -> str:
    """The worksheet, with lines about it under the title."""
    head = [sheet.title, "=" * len(sheet.title), *about, "A question with * has to be answered.", ""]
    return "\n".join([*head, *(line for row in sheet.rows for line in _lines(row))])


def _lines(row: Row) -> Iterator[str]:
    before = "  " * row.depth
    text = f"{row.number} {row.text}".strip()
    if row.kind is Kind.SECTION:
        yield ""
        yield before + text.upper()
    else:
        yield f"{before}{text}{' *' if row.required else ''}"
    inner = before + "    "
    if row.when:
        yield f"{inner}Only if {row.when}."
    yield from (f"{inner}{words}" for words in row.help)
    if row.options:
        hint = "Mark all that apply:" if row.kind is Kind.SEVERAL else ""
        yield from ([f"{inner}{hint}"] if hint else [])
        yield from (f"{inner}[{'x' if each == row.filled else ' '}] {each}" for each in row.options)
    elif row.kind in _BLANKS:
        yield f"{inner}{row.filled or _BLANKS[row.kind]} {row.unit}".rstrip()
