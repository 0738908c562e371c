"""`placet form`: worksheets as text, HTML and PDF."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner

from questionnaires.content import load_content
from questionnaires.worksheet import Kind, Row, Worksheet, worksheet
from server.cli import placet
from server.worksheets.html import html_of
from server.worksheets.pdf import pdf_of
from server.worksheets.text import text_of

FORMS = {form.url.rpartition(":")[2]: form for form in load_content().forms}
VOID = {"input", "meta", "br"}


class Balanced(HTMLParser):
    """Notes tags that are not closed in order, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize("name", FORMS)
def test_each_form_is_printed_in_every_style(name: str) -> None:
    sheet = worksheet(FORMS[name])
    page = Balanced()
    page.feed(html_of(sheet, ("A plan",)))
    assert not page.open
    pdf, text = pdf_of(sheet, ("A plan",)), text_of(sheet, ("A plan",))
    assert pdf.startswith(b"%PDF-") and pdf == pdf_of(sheet, ("A plan",))
    for row in sheet.rows:
        words = row.text.upper() if row.kind is Kind.SECTION else row.text
        assert row.text in page.text and words in text
    fields = set(re.findall(rb"/T \(q(\d+)", pdf))
    answered = {str(place).encode() for place, row in enumerate(sheet.rows) if row.kind not in UNANSWERED}
    assert fields == answered


UNANSWERED = (Kind.SECTION, Kind.WORDS, Kind.CALCULATED)


def test_words_of_a_form_are_never_markup() -> None:
    evil = "<script>alert(1)</script> & <b>"
    rows = (Row(Kind.SECTION, evil, "1"), Row(Kind.ONE, evil, "1.1", 1, (evil,), evil, (evil,)), Row(Kind.WORDS, evil))
    sheet = Worksheet(evil, "urn:f|1", rows)
    page = Balanced()
    page.feed(html_of(sheet, (evil,)))
    assert page.text.count(evil) >= 7 and not page.open
    assert pdf_of(sheet, (evil,)).startswith(b"%PDF-")


def test_the_command_lists_prints_and_says_what_it_does_not_know(tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert "home-oxygen" in run(placet, ["form"]).output
    assert "The oxygen test" in run(placet, ["form", "home-oxygen", "--html"]).output
    out = tmp_path / "o.pdf"
    assert run(placet, ["form", "home-oxygen", "--pdf", "-o", str(out)]).exit_code == 0
    assert out.read_bytes().startswith(b"%PDF-")
    unknown = run(placet, ["form", "nothing"])
    assert unknown.exit_code == 2 and "home-oxygen" in unknown.output
    assert run(placet, ["form", "home-oxygen", "--plan", "none"]).exit_code == 2
