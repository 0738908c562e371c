"""A worksheet as one HTML page: read, filled in and printed by any browser, offline, without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path

from questionnaires.worksheet import Kind, Row, Worksheet

PAGE = Path(__file__).with_name("worksheet.html")


def html_of(sheet: Worksheet, about: tuple[str, ...]) -> str:
    """The worksheet, with lines about it under the title."""
    parts = {
        "@TITLE@": escape(sheet.title),
        "@ABOUT@": "".join(f"<p>{escape(line)}</p>" for line in about),
        "@ROWS@": "\n".join(_row(place, row) for place, row in enumerate(sheet.rows)),
    }
    page = PAGE.read_text("utf-8")
    for mark, written in parts.items():
        page = page.replace(mark, written)
    return page


def _row(place: int, row: Row) -> str:
    if row.kind is Kind.SECTION:
        level = min(row.depth + 2, 6)
        return f"<h{level}>{escape(f'{row.number} {row.text}'.strip())}</h{level}>{_notes(row)}"
    if row.kind is Kind.WORDS:
        return f'<p class="words">{escape(row.text)}</p>'
    star = ' <abbr title="has to be answered">*</abbr>' if row.required else ""
    number = f"<b>{escape(row.number)}</b> " if row.number else ""
    legend = f"<legend>{number}{escape(row.text)}{star}</legend>"
    return f'<fieldset class="depth-{min(row.depth, 4)}">{legend}{_notes(row)}{"".join(_answer(place, row))}</fieldset>'


def _notes(row: Row) -> str:
    when = f'<p class="when">Only if {escape(row.when)}.</p>' if row.when else ""
    return when + "".join(f'<p class="help">{escape(words)}</p>' for words in row.help)


def _answer(place: int, row: Row) -> Iterator[str]:
    unit = f" <span>{escape(row.unit)}</span>" if row.unit else ""
    filled = escape(row.filled, quote=True)
    if row.options:
        kind = "checkbox" if row.kind is Kind.SEVERAL else "radio"
        for each in row.options:
            mark = " checked" if each == row.filled else ""
            yield f'<label><input type="{kind}" name="q{place}"{mark}> {escape(each)}</label>'
    elif row.kind is Kind.LONG_TEXT:
        yield f'<textarea name="q{place}" rows="4">{filled}</textarea>'
    elif row.kind is Kind.CALCULATED:
        yield '<p class="help">Calculated from the answers above; leave it empty.</p>'
    elif row.kind is Kind.ENCLOSED:
        yield f'<label><input type="checkbox" name="q{place}"> enclosed</label>'
    else:
        size = {Kind.DATE: 12, Kind.NUMBER: 10}.get(row.kind, 44)
        hint = ' placeholder="year-month-day"' if row.kind is Kind.DATE else ""
        yield f'<input type="text" name="q{place}" size="{size}" value="{filled}"{hint}>{unit}'
