"""R4 narrative: the safe subset of XHTML (txt-1, txt-2), read in linear time."""

from __future__ import annotations

import gc
import json
from pathlib import Path
from time import process_time
from xml.parsers.expat import XMLParserType

import pytest

from profiles.narrative import problem_in

IG = Path(__file__).parents[3] / "shared" / "ig"


def div(inside: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>'


FINE = {
    "text": div("Referral"),
    "several elements": div(
        "<p>One <b>bold</b> word<br/></p><table border='1'><tr><td colspan=\"2\">x</td></tr></table>"
    ),
    "only an image": div('<img src="#picture" alt=""/>'),
    "an image as data": div('<img src="data:image/png;base64,iVBORw0KGgo="/>'),
    "an image beside the document": div('<img src="Binary/1"/>'),
    "a web link": div('<a href="https://example.org/a?b=c&amp;d=e">x</a>'),
    "a link with a colon in its fragment": div('<a href="page.html#Claim:item">x</a>'),
    "a mail link": div('<a href="mailto:pa@example.org">x</a>'),
    "an anchor": div('<a name="here">x</a>'),
    "a style": div('<span style="color: rgb(0, 0, 0); background: url(#a)">x</span>'),
    "text in CDATA": div("<![CDATA[<b>]]>"),
    "a comment": div("<!-- <script> is not one here -->x"),
    "a character reference": div("&#160;x &lt;"),
    "a greater-than sign in an attribute": div('<p title="a > b">x</p>'),
    "language and nested namespace": div('<div xmlns="http://www.w3.org/1999/xhtml" xml:lang="en">x</div>'),
    "a blank line around": "\n" + div("x") + "\n",
    "attributes of the root before the namespace": '<div class="a" xmlns="http://www.w3.org/1999/xhtml">x</div>',
}

WRONG = {
    "no div": ("<p xmlns='http://www.w3.org/1999/xhtml'>x</p>", "one <div"),
    "no namespace": ("<div>x</div>", "one <div"),
    "another namespace": ('<div xmlns="http://www.w3.org/2000/svg">x</div>', "one <div"),
    "another namespace within": (div('<div xmlns="http://www.w3.org/2000/svg">x</div>'), "namespace"),
    "a prefix bound within": (div('<p xmlns:x="http://www.w3.org/2000/svg">x</p>'), "xmlns:x"),
    "two divs": (div("x") + div("y"), "well-formed"),
    "plain text": ("Referral", "well-formed"),
    "nothing": ("", "well-formed"),
    "an empty div": (div(""), "text or an image"),
    "only blanks": (div(" \n<p>&#32;</p> "), "text or an image"),
    "an image without source": (div('<img alt="x"/>'), "text or an image"),
    "only a comment": (div("<!-- x -->"), "text or an image"),
    "an unclosed element": (div("<p>x"), "well-formed"),
    "an attribute twice": (div('<p id="a" id="b">x</p>'), "well-formed"),
    "an HTML entity": (div("&nbsp;x"), "HTML entities"),
    "a DOCTYPE": ("<!DOCTYPE div>" + div("x"), "DOCTYPE"),
    "an entity declaration": ('<!DOCTYPE div [<!ENTITY a "b">]>' + div("&a;"), "DOCTYPE"),
    "a processing instruction": (div("<?php x ?>x"), "processing instruction"),
    "an XML declaration": ('<?xml version="1.0"?>' + div("x"), "processing instruction"),
    "a script": (div("x<script>alert(1)</script>"), "<script>"),
    "a script in capitals": (div("x<SCRIPT>alert(1)</SCRIPT>"), "<SCRIPT>"),
    "a script after a tricky comment": (div('<!-- <a " -->x<script>1</script><!-- "> -->'), "<script>"),
    "a script with a prefix": (div('x<h:script xmlns:h="http://www.w3.org/1999/xhtml">1</h:script>'), "<h:script>"),
    "a style sheet": (div("<style>p {}</style>x"), "<style>"),
    "a form": (div("<form>x</form>"), "<form>"),
    "a frame": (div('x<iframe src="#a"></iframe>'), "<iframe>"),
    "an object": (div("<object>x</object>"), "<object>"),
    "a deprecated element": (div("<font>x</font>"), "<font>"),
    "inserted text (HTML 9.4)": (div("<ins>x</ins>"), "<ins>"),
    "an SVG image": (div("<svg>x</svg>"), "<svg>"),
    "an event handler": (div('<p onclick="alert(1)">x</p>'), "onclick"),
    "an event handler after a greater-than sign": (div('<p title="x>" onclick="alert(1)">x</p>'), "onclick"),
    "an event handler in apostrophes": (div("<p onclick='alert(1)'>x</p>"), "onclick"),
    "an unknown attribute": (div('<p data-x="1">x</p>'), "data-x"),
    "a script as link": (div('<a href="javascript:alert(1)">x</a>'), "href"),
    "a script as link in mixed case": (div('<a href=" JavaScript:alert(1)">x</a>'), "href"),
    "a script as link with a tab": (div('<a href="java&#9;script:alert(1)">x</a>'), "href"),
    "a script as link by character reference": (div('<a href="&#106;avascript&#58;alert(1)">x</a>'), "href"),
    "a page as data link": (div('<a href="data:text/html,x">x</a>'), "href"),
    "a citation that is a script": (div('<q cite="vbscript:x">x</q>'), "cite"),
    "an image from elsewhere": (div('<img src="https://example.org/a.png"/>'), "image from outside"),
    "an image from elsewhere without scheme": (div('<img src="//example.org/a.png"/>'), "image from outside"),
    "an image from elsewhere with backslashes": (div('<img src="\\\\example.org/a.png"/>'), "image from outside"),
    "an SVG as data image": (div('<img src="data:image/svg+xml,x"/>'), "image from outside"),
    "a style loading from elsewhere": (div('<p style="background:url(https://example.org/a)">x</p>'), "from outside"),
    "a style loading from elsewhere in quotes": (
        div("<p style=\"background: URL( '//example.org/a')\">x</p>"),
        "outside",
    ),
    "a style with an expression": (div('<p style="width: expression(alert(1))">x</p>'), "active content"),
    "a style with an escape": (div('<p style="background:u\\72l(x)">x</p>'), "active content"),
    "a style with an import": (div("<p style=\"@import 'a'\">x</p>"), "active content"),
    "half a surrogate pair": (div("\ud800"), "surrogate"),
    "a null character": (div("\0"), "well-formed"),
}


@pytest.mark.parametrize("text", FINE.values(), ids=FINE)
def test_a_narrative_of_the_safe_subset_is_fine(text: str) -> None:
    assert problem_in(text) is None


@pytest.mark.parametrize(("text", "said"), WRONG.values(), ids=WRONG)
def test_anything_else_has_a_reason(text: str, said: str) -> None:
    assert said in (problem_in(text) or "")


def test_a_value_that_is_no_string_has_a_reason() -> None:
    assert problem_in(["x"]) is not None  # type: ignore[arg-type]


@pytest.mark.parametrize("text", [div("Zzyzx&nbsp;"), div('<p onZzyzx-Zzyzx-Zzyzx-Zzyzx="1">Zzyzx</p>'), "Zzyzx"])
def test_a_reason_never_quotes_text(text: str) -> None:
    reason = problem_in(text)
    assert reason is not None
    assert "Zzyzx" not in reason


HOSTILE = {
    "depth": lambda n: div("<b>" * n + "x" + "</b>" * n),
    "depth unclosed": lambda n: div("<b>" * n),
    "attributes": lambda n: div("<p " + " ".join(f'a{i}="1"' for i in range(n)) + ">x</p>"),
    "plain attributes of many elements": lambda n: div('<p class="a" title="b">x</p>' * n),
    "styles": lambda n: div('<p style="' + "a:url(#x);" * n + '">x</p>'),
    "a style of open brackets": lambda n: div('<p style="' + "url(" * n + '">x</p>'),
    "a long scheme": lambda n: div('<a href="' + "a" * n + '">x</a>'),
    "invisible letters in a link": lambda n: div('<a href="' + "&#9;" * n + ':">x</a>'),
    "character references": lambda n: div("&#32;" * n),
    "a comment": lambda n: div("<!--" + "- " * n + "-->x"),
    "less-than signs": lambda n: "<" * n,
    "an unclosed tag": lambda n: div("<p " + "a " * n),
    "entity references": lambda n: div("&a" * n),
}


@pytest.mark.parametrize("made", HOSTILE.values(), ids=HOSTILE)
def test_ten_times_the_narrative_takes_about_ten_times_the_time(made) -> None:  # type: ignore[no-untyped-def]
    small, large = made(10_000), made(100_000)
    assert _seconds(large) < 40 * max(_seconds(small), 50e-6)  # quadratic would be a hundred times


def _seconds(text: str) -> float:
    best = float("inf")
    for _ in range(3):
        begin = process_time()
        problem_in(text)
        best = min(best, process_time() - begin)
    return best


def test_a_reading_leaves_no_parser_behind() -> None:
    gc.collect()
    gc.disable()
    try:
        for text in (div("x"), div("<script/>"), div("")):
            problem_in(text)
        assert not [one for one in gc.get_objects() if isinstance(one, XMLParserType)]
    finally:
        gc.enable()


@pytest.mark.skipif(not IG.is_dir(), reason="the official packages are not here")
def test_the_narratives_of_the_official_examples_are_fine() -> None:
    texts = [text for package in sorted(IG.glob("davinci*.tgz")) for text in _narratives_of_examples(package)]
    assert len(texts) > 100
    assert [problem for problem in map(problem_in, texts) if problem] == []


def _narratives_of_examples(package: Path) -> list[str]:
    import tarfile

    with tarfile.open(package) as archive:
        members = [one for one in archive.getmembers() if "/example/" in one.name and one.name.endswith(".json")]
        resources = [json.load(archive.extractfile(one)) for one in members]  # type: ignore[arg-type]
    return [div for resource in resources for div in _divs(resource)]


def _divs(node: object) -> list[str]:
    if isinstance(node, dict):
        own = [value for key, value in node.items() if key == "div" and isinstance(value, str)]
        return own + [div for value in node.values() for div in _divs(value)]
    return [div for value in node for div in _divs(value)] if isinstance(node, list) else []
