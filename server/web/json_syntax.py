"""Bytes to JSON values: UTF-8, one document, no key twice, decimals as written (RFC 8259).

    scan      before the parser, linear: how many values there are
    decode    the document as dicts, lists, strings, ints, Decimals, booleans and None; the parser bounds nesting itself

Nothing that was sent is quoted in a message: the place is given by line and column.
"""

from __future__ import annotations

import re
from typing import Any

import jiter

from profiles.issue import Issue
from server.errors import NotReadable, TooLarge, refusal
from server.web import limits
from server.web.json_shape import LIMIT, TOO_MUCH, too_deep

_NOT_STRUCTURE = bytes(set(range(256)) - set(b"{[,:"))
_PLACE = re.compile(r"^(?P<what>.*) at line (?P<line>\d+) column (?P<column>\d+)$", re.DOTALL)
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")

# how the parser's words begin -> what is wrong here, and how to mend it
_SYNTAX: tuple[tuple[str, str, str], ...] = (
    (
        "EOF while parsing a string",
        "the text ends inside a string",
        'Send the whole document; close the string with ".',
    ),
    (
        "EOF while parsing an object",
        "the text ends inside an object",
        "Send the whole document; close the object with }.",
    ),
    ("EOF while parsing a list", "the text ends inside an array", "Send the whole document; close the array with ]."),
    ("EOF while parsing", "the text ends where a value was expected", "Send the whole document."),
    ("trailing comma", "a comma is followed by nothing", "Remove the comma."),
    ("trailing characters", "something follows the end of the document", "Send one JSON object and nothing after it."),
    ("key must be a string", "a key in double quotes was expected", 'Write keys as "name".'),
    ("expected `:`", "a colon was expected after the key", "Write a colon between key and value."),
    ("expected `,` or", "a comma or the closing bracket was expected", "Separate members with a comma."),
    (
        "control character",
        "a control character stands unescaped inside a string",
        "Write it as an escape: \\n, \\r or \\t.",
    ),
    ("invalid escape", "an unknown escape", 'Allowed are \\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX.'),
    ("invalid unicode", "a character that is not UTF-8", "Encode the document as UTF-8."),
    ("unexpected end of hex escape", "half of a surrogate pair", "Write both \\uXXXX halves, or the character itself."),
    ("lone leading surrogate", "half of a surrogate pair", "Write both \\uXXXX halves, or the character itself."),
    ("invalid number", "a malformed number", "Write numbers as in 12, -3, 1.10 or 1e5."),
    ("number out of range", "a number with too many digits", f"Use at most {limits.NUMBER_DIGITS} significant digits."),
    ("Internal error", "a number that is too large", "Use an exponent of at most three digits."),
    ("expected ident", "an unknown word", "Outside strings only true, false and null are words."),
    ("expected value", "a value was expected", "Write an object, an array, a string, a number, true, false or null."),
)


def decode(body: bytes) -> tuple[Any, list[Issue]]:
    """The document in `body`, and a key given twice as an issue (the document then has the last of its values).

    Raises:
        NotReadable: the bytes are not one JSON document in UTF-8, or nested deeper than is read.
        TooLarge: more values than are read.
    """
    _check_encoding(body)
    scan(body)
    try:
        return _parse(body), []
    except ValueError as error:
        issue = _syntax_issue(str(error))
        if issue.rule != _TWICE:
            raise NotReadable([issue]) from None
    try:
        return _parse(body, catch_duplicate_keys=False), [issue]
    except ValueError as error:
        raise NotReadable([issue, _syntax_issue(str(error))]) from None


def scan(body: bytes) -> None:
    """Refuse a document of too many values before it is parsed; linear in the length of `body`, whatever is in it.

    Every value but the first follows one of ``{ [ , :``, so a document has at most as many values and keys as those.
    They are counted in the whole body first, and outside strings only when that was too many.

    Raises:
        TooLarge: more than `limits.NODES` values and keys.
    """
    if len(body) <= limits.NODES or len(body.translate(None, _NOT_STRUCTURE)) <= limits.NODES:
        return
    text = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    pieces = text.split(b'"', 2 * limits.NODES)
    outside = b"".join(pieces[::2])  # every second piece between quotes is not in a string
    if len(pieces) > 2 * limits.NODES or len(outside.translate(None, _NOT_STRUCTURE)) > limits.NODES:
        raise refusal(
            TooLarge,
            TOO_MUCH,
            f"The document has more than {limits.NODES} values and keys.",
            LIMIT,
            repair="Split the request; send large content as base64 in one attachment.",
        )


def _parse(body: bytes, *, catch_duplicate_keys: bool = True) -> Any:
    # Only keys are kept in the parser's cache: values may say something about a person.
    return jiter.from_json(
        body,
        float_mode="decimal",
        allow_inf_nan=False,
        cache_mode="keys",
        catch_duplicate_keys=catch_duplicate_keys,
    )


def _check_encoding(body: bytes) -> None:
    if not body.strip(b" \t\r\n"):
        raise _not_readable("The body is empty.", "RFC 8259 section 2", "Send one FHIR resource as JSON.")
    if body.startswith(_BYTE_ORDER_MARKS):
        raise _not_readable(
            "The body begins with a byte order mark.", "RFC 8259 section 8.1", "Send UTF-8 without a byte order mark."
        )
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        message = f"The body is not UTF-8: byte {error.start + 1} does not belong there."
        raise _not_readable(message, "RFC 8259 section 8.1", "Encode the document as UTF-8.") from None


_TWICE = "R4 json.html: a key stands once in an object"


def _syntax_issue(words: str) -> Issue:
    place = _PLACE.match(words)
    what = place["what"] if place else words
    where = f"line {place['line']}, column {place['column']}" if place else "an unknown place"
    if what.startswith("Detected duplicate key"):
        message = f"A key is given twice in the same object: the second one ends at {where}."
        return Issue("error", "structure", "", message, _TWICE, "Write every key once; repeat values in an array.")
    if what.startswith("recursion limit"):  # the parser's own, at about 200 levels
        return too_deep()
    for beginning, meaning, repair in _SYNTAX:
        if what.startswith(beginning):
            return Issue("error", "structure", "", f"Not JSON: {meaning}, at {where}.", "RFC 8259", repair)
    return Issue(
        "error", "structure", "", f"Not JSON at {where}.", "RFC 8259", "Check the document with a JSON parser."
    )


def _not_readable(message: str, rule: str, repair: str) -> Exception:
    return refusal(NotReadable, "structure", message, rule, repair=repair)
