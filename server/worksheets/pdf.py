"""A worksheet as PDF with fields to fill in, on screen or by hand."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import LETTER
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer

from questionnaires.worksheet import Kind, Row, Worksheet

INK, QUIET, ACCENT = HexColor("#1f2328"), HexColor("#5c6570"), HexColor("#1f5fa8")
MARGIN, INDENT = 0.8 * inch, 0.32 * inch
_PLAIN = ParagraphStyle("plain", fontName="Helvetica", fontSize=10, leading=13, textColor=INK)
_TITLE = ParagraphStyle("title", _PLAIN, fontName="Helvetica-Bold", fontSize=17, leading=21, spaceAfter=4)
_SECTION = ParagraphStyle(
    "section",
    _PLAIN,
    fontName="Helvetica-Bold",
    fontSize=12,
    leading=15,
    textColor=ACCENT,
    spaceBefore=12,
    spaceAfter=5,
)
_HELP = ParagraphStyle("help", _PLAIN, fontSize=8.5, leading=11, textColor=QUIET)
_SIZES = {Kind.DATE: 1.3, Kind.NUMBER: 1.1, Kind.TEXT: 4.2, Kind.LONG_TEXT: 6.0}
"""Widths of the fields in inches."""


class _Field(Flowable):
    """One field of the form: a box to mark with its words, or a line to write on."""

    def __init__(self, row: Row, name: str, option: str = "") -> None:
        super().__init__()
        self._row, self._name, self._option = row, name, option
        self.height = 42.0 if row.kind is Kind.LONG_TEXT else 16.0
        self.width = 6.5 * inch

    def draw(self) -> None:
        """On the page, where platypus put it."""
        form, left = self.canv.acroForm, INDENT * max(self._row.depth, 1)
        if self._option:
            form.checkbox(
                name=self._name,
                x=left,
                y=2,
                size=11,
                borderWidth=0.7,
                relative=True,
                checked=self._option == self._row.filled,
            )
            self.canv.setFont("Helvetica", 10)
            self.canv.setFillColor(INK)
            self.canv.drawString(left + 17, 4, self._option)
            return
        width, height = _SIZES[self._row.kind] * inch, self.height - 4
        width = min(width, self.width - left)
        flags = "multiline" if self._row.kind is Kind.LONG_TEXT else ""
        form.textfield(
            name=self._name, x=left, y=2, width=width, height=height, borderWidth=0.5, fontSize=9,
            value=self._row.filled, fieldFlags=flags, relative=True,
        )  # fmt: skip
        self.canv.setFont("Helvetica", 9)
        self.canv.setFillColor(QUIET)
        self.canv.drawString(left + width + 6, 4, self._hint())

    def _hint(self) -> str:
        return "year-month-day" if self._row.kind is Kind.DATE else self._row.unit


def pdf_of(sheet: Worksheet, about: tuple[str, ...]) -> bytes:
    """The worksheet on letter paper, with lines about it under the title; the same bytes every time."""
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=LETTER,
        leftMargin=MARGIN,
        rightMargin=MARGIN,
        topMargin=MARGIN,
        bottomMargin=MARGIN,
        title=sheet.title,
        subject=sheet.canonical,
        invariant=1,
    )
    story: list[Flowable] = [Paragraph(escape(sheet.title), _TITLE)]
    story += [Paragraph(escape(line), _HELP) for line in (*about, "A question with * has to be answered.")]
    flowables = [list(_row(place, row)) for place, row in enumerate(sheet.rows)]
    for row, drawn in zip(sheet.rows, flowables, strict=True):
        story += drawn if row.kind is Kind.SECTION else [KeepTogether(drawn)]
    document.build(story, onFirstPage=_foot(sheet), onLaterPages=_foot(sheet))
    return out.getvalue()


def _foot(sheet: Worksheet) -> Any:
    def draw(canvas: Any, document: Any) -> None:
        canvas.setFont("Helvetica", 8)
        canvas.setFillColor(QUIET)
        canvas.drawString(MARGIN, 0.45 * inch, sheet.canonical)
        canvas.drawRightString(LETTER[0] - MARGIN, 0.45 * inch, f"page {document.page}")

    return draw


def _row(place: int, row: Row) -> Iterator[Flowable]:
    style = _SECTION if row.kind is Kind.SECTION else _PLAIN
    indent = INDENT * max(row.depth - 1, 0)
    words = escape(row.text) + (' <font color="#b3261e"><b>*</b></font>' if row.required else "")
    number = f"<b>{escape(row.number)}</b> &nbsp;" if row.number else ""
    yield Paragraph(number + words, ParagraphStyle("at", style, leftIndent=indent))
    notes = [f"<i>Only if {escape(row.when)}.</i>"] if row.when else []
    notes += [escape(each) for each in row.help]
    if row.kind is Kind.CALCULATED:
        notes.append("Calculated from the answers above; leave it empty.")
    inner = ParagraphStyle("note", _HELP, leftIndent=INDENT * max(row.depth, 1))
    for note in notes:
        yield Paragraph(note, inner)
    if row.kind is Kind.ENCLOSED:
        yield _Field(row, f"q{place}", "enclosed")
    elif row.options:
        yield from (_Field(row, f"q{place}.{number}", each) for number, each in enumerate(row.options))
    elif row.kind in _SIZES:
        yield _Field(row, f"q{place}")
    if row.kind not in (Kind.SECTION, Kind.WORDS):
        yield Spacer(1, 7)
