"""What a value of each FHIR primitive type may be in JSON (R4 datatypes.html#primitive).

Every check takes the decoded JSON value and answers None when it is fine, else a short reason that never quotes it.
Checks are linear in the size of the value; the cheapest question that settles the usual case comes first.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from math import isfinite

Check = Callable[[object], str | None]

MAX_STRING = 1024 * 1024
MAX_INTEGER = 2**31 - 1

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_OID = re.compile(r"urn:oid:[0-2](?:\.(?:0|[1-9][0-9]*))+")
_UUID = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")

_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_PARTIAL_DATE = re.compile(r"[0-9]{4}(?:-(?:0[1-9]|1[0-2]))?")
_TIME = re.compile(_CLOCK)
_LOCAL_TIME = re.compile(rf"T{_CLOCK}")
_ZONED_TIME = re.compile(rf"T{_CLOCK}{_ZONE}")

_BASE64_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BLANKS = b" \t\r\n"


def _not_a(expected: str, value: object) -> str:
    return f"must be {expected}, not {_json_type(value)}"


def _json_type(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float() | Decimal():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
    return "an object"


def _boolean(value: object) -> str | None:
    return None if value is True or value is False else _not_a("true or false", value)


def _whole(value: object, least: int) -> str | None:
    if type(value) is int:
        return None if least <= value <= MAX_INTEGER else f"must be from {least} to {MAX_INTEGER}"
    if isinstance(value, (Decimal, float)):
        return "must be a whole number, without a decimal point"
    return _not_a("a whole number", value)


def _integer(value: object) -> str | None:
    return _whole(value, -MAX_INTEGER - 1)


def _unsigned_int(value: object) -> str | None:
    return _whole(value, 0)


def _positive_int(value: object) -> str | None:
    return _whole(value, 1)


def _decimal(value: object) -> str | None:
    if type(value) is int:
        return None
    if isinstance(value, Decimal):
        return None if value.is_finite() else "must be a finite number"
    if isinstance(value, float):
        return None if isfinite(value) else "must be a finite number"
    return _not_a("a number", value)


def _string(value: object) -> str | None:
    if type(value) is not str:
        return _not_a("a string", value)
    if not value or value.isspace():
        return "must have content besides whitespace"
    if len(value) > MAX_STRING:
        return f"must not be longer than {MAX_STRING} characters"
    return None if value.isprintable() else _unreadable(value)


def _unreadable(text: str) -> str | None:
    if _CONTROL.search(text):
        return "must not contain control characters other than tab, CR and LF"
    return "must not contain half a surrogate pair" if _SURROGATE.search(text) else None


def _code(value: object) -> str | None:
    if type(value) is not str:
        return _not_a("a string", value)
    if not value:
        return "must not be empty"
    if " " in value or not value.isprintable():
        if value != " ".join(value.split()):
            return "must not have blanks at its ends, two in a row, or whitespace other than blanks"
        return _string(value)
    return None if len(value) <= MAX_STRING else _string(value)


def _uri(value: object) -> str | None:
    if type(value) is not str:
        return _not_a("a string", value)
    if not value:
        return "must not be empty"
    if value.isprintable() and " " not in value:
        return None
    return "must not contain blanks" if len(value.split()) != 1 or value.strip() != value else _unreadable(value)


def _oid(value: object) -> str | None:
    if type(value) is not str:
        return _not_a("a string", value)
    return None if _OID.fullmatch(value) else "must be urn:oid: and numbers with dots between them"


def _uuid(value: object) -> str | None:
    if type(value) is not str:
        return _not_a("a string", value)
    return None if _UUID.fullmatch(value) else "must be urn:uuid: and a UUID in lower case"


def _id(value: object) -> str | None:
    if type(value) is not str:
        return _not_a("a string", value)
    return None if _ID.fullmatch(value) else "must be 1 to 64 of A-Z a-z 0-9 - ."


def _is_day(text: str) -> bool:
    """True for a YYYY-MM-DD of the calendar; the hyphens keep out the other ISO forms `fromisoformat` reads."""
    if len(text) != 10 or text[4] != "-" or text[7] != "-":
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _date(value: object) -> str | None:
    if type(value) is not str:
        return _not_a("a string", value)
    if _is_day(value) or (_PARTIAL_DATE.fullmatch(value) and not value.startswith("0000")):
        return None
    return "must be YYYY, YYYY-MM or YYYY-MM-DD, in the calendar"


def _date_time(value: object) -> str | None:
    if type(value) is not str:
        return _not_a("a string", value)
    if len(value) <= 10:
        return _date(value)
    if _ZONED_TIME.fullmatch(value, 10) and _is_day(value[:10]):
        return None
    if _LOCAL_TIME.fullmatch(value, 10):
        return "must have a time zone (Z or +hh:mm) after its time"
    return "must be YYYY, YYYY-MM, YYYY-MM-DD or YYYY-MM-DDThh:mm:ss with a time zone, in the calendar"


def _instant(value: object) -> str | None:
    if type(value) is not str:
        return _not_a("a string", value)
    if _ZONED_TIME.fullmatch(value, 10) and _is_day(value[:10]):
        return None
    return "must be YYYY-MM-DDThh:mm:ss with a time zone, in the calendar"


def _time(value: object) -> str | None:
    if type(value) is not str:
        return _not_a("a string", value)
    return None if _TIME.fullmatch(value) else "must be hh:mm:ss, from 00:00:00, without a time zone"


def _base64_binary(value: object) -> str | None:
    """Whole quanta of four characters, padded by at most two `=` at the end; whitespace anywhere is R4's leave."""
    if type(value) is not str:
        return _not_a("a string", value)
    if not value.isascii():
        return "must be base64"
    text = value.encode("ascii")
    strange = text.translate(None, _BASE64_ALPHABET)
    padding = strange.translate(None, _BLANKS)
    if padding not in (b"", b"=", b"=="):
        return "must be base64"
    if padding and b"=" in text.rstrip(b"=" + _BLANKS):
        return "must be base64 with = only at its end"
    size = len(text) - len(strange) + len(padding)
    return None if size and size % 4 == 0 else "must be base64 in whole groups of four characters"


PRIMITIVES: dict[str, Check] = {
    "base64Binary": _base64_binary,
    "boolean": _boolean,
    "canonical": _uri,
    "code": _code,
    "date": _date,
    "dateTime": _date_time,
    "decimal": _decimal,
    "id": _id,
    "instant": _instant,
    "integer": _integer,
    "markdown": _string,
    "oid": _oid,
    "positiveInt": _positive_int,
    "string": _string,
    "time": _time,
    "unsignedInt": _unsigned_int,
    "uri": _uri,
    "url": _uri,
    "uuid": _uuid,
}
