"""What the XHTML of a narrative may hold (R4 narrative.html, txt-1, txt-2), and that it is safe to show to a person.

expat reads it once, with a handler for opening tags and one for text that leaves at the first content; linear in the
size of the text whatever it nests or repeats.
"""

from __future__ import annotations

import re
from xml.parsers import expat

_XHTML = "http://www.w3.org/1999/xhtml"

# txt-1: HTML 4.0 chapters 7-11 (without 9.4) and 15, links and images; nothing deprecated, active or of a form.
_TAGS = """
    a abbr acronym address area b bdo big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 h4
    h5 h6 hr i img kbd li map ol p pre q samp small span strong sub sup table tbody td tfoot th thead tr tt ul var
"""
_PLAIN_ATTRIBUTES = """
    abbr accesskey align alt axis bgcolor border cellhalign cellpadding cellspacing cellvalign char charoff charset
    class colspan compact coords dir frame headers height hreflang hspace id ismap lang name nohref nowrap rel rev
    rowspan rules scope shape span start summary tabindex title type valign value vspace width xml:lang xml:space
"""
TAGS = frozenset(_TAGS.split())
PLAIN_ATTRIBUTES = frozenset(_PLAIN_ATTRIBUTES.split())
LINKS = frozenset(("cite", "href", "longdesc", "usemap"))

_SCHEME = re.compile(r"[a-z][a-z0-9+.\-]*:")
_LINK_SCHEMES = ("http:", "https:", "mailto:", "tel:", "urn:")
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|bmp|webp)[;,]")
_STYLE_FUNCTION = re.compile(r"""(?:url|image|image-set|src)\(\s*["']?\s*([^"')]*)""")
_ACTIVE_STYLE = ("\\", "@", "/*", "expression(", "javascript:", "behavior", "-moz-binding")
_INVISIBLE = re.compile(r"[\x00-\x20\x7f-\xa0\u200b-\u200f\u2028\u2029\ufeff]+")
_SHOWABLE = re.compile(r"[A-Za-z][A-Za-z0-9:\-]{0,19}")

NOT_TEXT = "must be a string holding one <div>"
EMPTY = "must have text or an image"


def problem_in(div: str) -> str | None:
    """What is wrong with the narrative `div`, or None; names tags and attributes, never text."""
    if not isinstance(div, str):
        return NOT_TEXT
    if "<!DOCTYPE" in div or "<?" in div:
        return "must not have a DOCTYPE, an entity declaration or a processing instruction"
    try:
        return None if _Reading().finds_content(div) else EMPTY
    except _Unsafe as problem:
        return problem.reason
    except UnicodeEncodeError:
        return "must not contain half a surrogate pair"
    except expat.ExpatError as broken:
        return f"must be well-formed XHTML without HTML entities (line {broken.lineno}, column {broken.offset + 1})"


class _Unsafe(Exception):
    """A reason on its way out of expat's callbacks."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Reading:
    """One narrative read tag by tag; the first problem is raised."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._has_content = False

    def finds_content(self, div: str) -> bool:
        parser = self._parser
        parser.StartElementHandler = self._root
        parser.CharacterDataHandler = self._text
        try:
            parser.Parse(div, True)
        finally:  # else parser and handlers keep each other alive until the next garbage collection
            parser.StartElementHandler = parser.CharacterDataHandler = None
        return self._has_content

    def _root(self, tag: str, attributes: dict[str, str]) -> None:
        if tag != "div" or attributes.get("xmlns") != _XHTML:
            raise _Unsafe(f'must be one <div xmlns="{_XHTML}">')
        self._element(tag, attributes)
        self._parser.StartElementHandler = self._element

    def _element(self, tag: str, attributes: dict[str, str]) -> None:
        if tag not in TAGS:
            raise _Unsafe(f"must not contain <{tag}>" if _SHOWABLE.fullmatch(tag) else "must not contain that tag")
        for name, value in attributes.items():
            if name in PLAIN_ATTRIBUTES or _is_plain_value(name, value):
                continue
            problem = _value_problem(name, value)
            if problem:
                raise _Unsafe(problem)
        if tag == "img" and "src" in attributes:
            self._has_content = True

    def _text(self, text: str) -> None:
        if text.strip(" \t\r\n"):
            self._has_content = True
            self._parser.CharacterDataHandler = None


def _is_plain_value(name: str, value: str) -> bool:
    """True for the links and styles nearly everybody writes, whose safety needs no second look."""
    if name == "href":
        return ":" not in value or value.startswith(("https://", "http://"))
    return name == "style" and not ("(" in value or "@" in value or "\\" in value)


def _value_problem(name: str, value: str) -> str | None:
    """What is unsafe in the value of an attribute other than the plain ones."""
    if name == "style":
        return _style_problem(value)
    if name == "src":
        return None if _is_local_image(value) else "must not load an image from outside"
    if name == "xmlns":
        return None if value == _XHTML else f"must have no namespace but {_XHTML}"
    if name in LINKS:
        return None if _is_safe_link(value) else f"must not have a {name} other than a link to read"
    return f"must not have the attribute {_shown(name)}"


def _is_safe_link(value: str) -> bool:
    target = _INVISIBLE.sub("", value).lower()
    return target.startswith(_LINK_SCHEMES) or not _SCHEME.match(target)


def _is_local_image(value: str) -> bool:
    target = _INVISIBLE.sub("", value).lower()
    if target.startswith("data:"):
        return _IMAGE.match(target) is not None
    return not target.startswith(("//", "\\", "/\\")) and not _SCHEME.match(target)


def _style_problem(value: str) -> str | None:
    style = value.lower()
    if any(sign in style for sign in _ACTIVE_STYLE):
        return "must not have active content in a style"
    if "(" in style and not all(_is_local_image(target) for target in _STYLE_FUNCTION.findall(style)):
        return "must not load a style or image from outside"
    return None


def _shown(name: str) -> str:
    return name if _SHOWABLE.fullmatch(name) else "of that name"
