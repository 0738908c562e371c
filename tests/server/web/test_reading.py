"""The strict reader: what is read comes through unchanged, what is not is refused with every problem named."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from server.errors import NotReadable, NotSupported, Refusal, TooLarge
from server.web import limits
from server.web.reading import parse_resource


def body(**elements: Any) -> bytes:
    return json.dumps({"resourceType": "Basic", **elements}).encode()


def nested(levels: int) -> bytes:
    return b'{"resourceType":"Basic","a":' + b'{"a":' * (levels - 1) + b"1" + b"}" * levels


def refused(raw: bytes) -> Refusal:
    with pytest.raises(Refusal) as caught:
        parse_resource(raw)
    return caught.value


# ---- what is read ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1.10", Decimal("1.10")),
        ("0.00000001", Decimal("1E-8")),
        ("1.0e2", Decimal("1.0E+2")),
        ("-0.0", Decimal("-0.0")),
        ("12345678901234567.8", Decimal("12345678901234567.8")),
        ("999999999999999999", 999999999999999999),
        ("-7", -7),
    ],
)
def test_numbers_keep_every_digit(text: str, value: Decimal | int) -> None:
    read = parse_resource(b'{"resourceType":"Basic","n":%s}' % text.encode())["n"]

    assert read == value and str(read) == str(value) and type(read) is type(value)


@pytest.mark.parametrize(
    "raw",
    [
        body(text='tab\t line\r\n feed, quote " backslash \\ solidus / é 😀 \u2028 \u200b'),
        b'{"resourceType":"Basic","a":"\\u00e9\\ud83d\\ude00"}',
        b' \r\n\t{"resourceType" : "Basic"} \n',
        body(flag=True, other=False, list=["a", {"b": ["c"]}]),
        b'{"resourceType":"Patient","given":["Ann",null],"_given":[null,{"id":"a"}]}',
        b'{"resourceType":"Patient","birthDate":"1970-01-01","_birthDate":{"id":"a"}}',
        nested(limits.NESTING),
        body(list=["x"] * limits.ARRAY_ELEMENTS),
        body(**{f"a{number}": "x" for number in range(limits.OBJECT_KEYS - 1)}),
        body(text="x" * limits.STRING_CHARACTERS),
        body(data="A" * (limits.STRING_CHARACTERS + 4)),
        b'{"resourceType":"Bundle","entry":[%s]}' % b",".join([b'{"id":"a"}'] * 1000),
        body(text="many , : [ { in a text " * 30_000),
    ],
    ids=lambda raw: f"{raw[:40]!r} {len(raw)}",
)
def test_proper_fhir_json_is_read(raw: bytes) -> None:
    assert parse_resource(raw) == json.loads(raw)


# ---- what is not -----------------------------------------------------------------------------------------------------

NOT_JSON: tuple[tuple[bytes, str], ...] = (
    (b"", "empty"),
    (b" \n ", "empty"),
    (b"\xef\xbb\xbf{}", "byte order mark"),
    ('{"resourceType":"Basic"}'.encode("utf-16"), "byte order mark"),
    ('{"resourceType":"Basic","a":"é"}'.encode("utf-16-le"), "not UTF-8"),
    ('{"resourceType":"Basic"}'.encode("utf-16-le"), "Not JSON"),
    ('{"a":"é"}'.encode("latin-1"), "byte 7"),
    (b'{"a":"\xed\xa0\x80"}', "not UTF-8"),
    (b'{"a":"\xc0\xaf"}', "not UTF-8"),
    (b"{", "ends inside an object, at line 1, column 1"),
    (b'{"a"', "ends inside an object"),
    (b'{"a":["b"', "ends inside an array"),
    (b'{"a":"b', "ends inside a string"),
    (b'{"a":', "ends where a value was expected"),
    (b'{"a":1}\n{"b":2}', "something follows the end of the document, at line 2, column 1"),
    (b'{"a":1,}', "comma is followed by nothing"),
    (b'{"a":[1,]}', "comma is followed by nothing"),
    (b'{"a" 1}', "a colon was expected"),
    (b'{"a":1 "b":2}', "a comma or the closing bracket"),
    (b"{a:1}", "a key in double quotes"),
    (b"{'a':1}", "a key in double quotes"),
    (b'{"a":NaN}', "a value was expected"),
    (b'{"a":Infinity}', "a value was expected"),
    (b'{"a":-Infinity}', "malformed number"),
    (b'{"a":tru}', "unknown word"),
    (b'{"a":01}', "malformed number"),
    (b'{"a":1.}', "malformed number"),
    (b'{"a":.5}', "a value was expected"),
    (b'{"a":+1}', "a value was expected"),
    (b'{"a":0x10}', "a comma or the closing bracket"),
    (b'{"a":1e99999999999999999999}', "a number that is too large"),
    (b'{"a":1%s}' % (b"0" * 5000), "too many digits"),
    (b'{"a":"\x01"}', "control character stands unescaped"),
    (b'{"a":"line\nfeed"}', "control character stands unescaped"),
    (b'{"a":"\\x"}', "unknown escape"),
    (b'{"a":"\\ud800"}', "half of a surrogate pair"),
    (b'{"a":"\\udc00 b"}', "half of a surrogate pair"),
    (b'{"\\ud800":1}', "half of a surrogate pair"),
    (b"/* note */ {}", "a value was expected"),
    (b"<Bundle/>", "a value was expected"),
)


@pytest.mark.parametrize(("raw", "words"), NOT_JSON, ids=[str(raw[:30]) for raw, _ in NOT_JSON])
def test_what_is_not_json_is_refused_with_its_place(raw: bytes, words: str) -> None:
    refusal = refused(raw)

    assert type(refusal) is NotReadable
    assert words in refusal.issues[0].message
    assert refusal.issues[0].repair


NOT_FHIR: tuple[tuple[bytes, str, str], ...] = (
    (b"[]", "", "not a JSON object"),
    (b"null", "", "not a JSON object"),
    (b'"text"', "", "not a JSON object"),
    (b"{}", "", "no resourceType"),
    (b'{"resourceType":{"$ne":""}}', "", "no resourceType"),
    (b'{"resourceType":"basic; drop"}', "", "no resourceType"),
    (body(a={}), "Basic.a", "An empty object"),
    (body(a=[]), "Basic.a", "An empty array"),
    (body(a=""), "Basic.a", "An empty string"),
    (body(a=[""]), "Basic.a[0]", "An empty string"),
    (body(a=None), "Basic.a", "null is not a value"),
    (body(_a=None), "Basic.a", "null is not a value"),
    (body(a=["x", None]), "Basic.a[1]", "null without a counterpart"),
    (body(a=["x", None], _a=[{"id": "b"}]), "Basic.a[1]", "null without a counterpart"),
    (body(_a=[None]), "Basic.a[0]", "null without a counterpart"),
    (body(a=[None], _a={"id": "b"}), "Basic.a[0]", "null without a counterpart"),
    (body(a=[["x"]]), "Basic.a[0]", "directly in an array"),
    (body(a={"$ne": ""}), "Basic.a", "not the name"),
    (body(**{"a.b": "x"}), "Basic", "not the name"),
    (body(**{"": "x"}), "Basic", "not the name"),
    (body(__a="x"), "Basic", "not the name"),
    (body(**{"a" * 65: "x"}), "Basic", "not the name"),
    (body(a={"b": [{"c\u0000": "x"}]}), "Basic.a.b[0]", "not the name"),
    (b'{"resourceType":"Basic","a":"x\\u0000y"}', "Basic.a", "control character"),
    (b'{"resourceType":"Basic","a":["\\u001b"]}', "Basic.a[0]", "control character"),
    (body(a=10**18), "Basic.a", "too many digits"),
    (b'{"resourceType":"Basic","a":[1.000000000000000000]}', "Basic.a[0]", "too many digits"),
    (b'{"resourceType":"Basic","a":1e400}', "Basic.a", "too large or too small"),
    (b'{"resourceType":"Basic","a":1e-400}', "Basic.a", "too large or too small"),
    (b'{"resourceType":"Basic","a":1e99999999}', "Basic.a", "too large or too small"),
    (nested(limits.NESTING + 1), "Basic" + ".a" * limits.NESTING, "deeper than 64 levels"),
    (body(a="x" * (limits.STRING_CHARACTERS + 1)), "Basic.a", "longer than 1048576"),
)


@pytest.mark.parametrize(("raw", "expression", "words"), NOT_FHIR, ids=[str(raw[:60]) for raw, _, _ in NOT_FHIR])
def test_what_fhir_json_does_not_allow_is_refused_at_its_element(raw: bytes, expression: str, words: str) -> None:
    refusal = refused(raw)

    assert type(refusal) is NotReadable
    assert [(issue.expression, words in issue.message) for issue in refusal.issues] == [(expression, True)]
    assert refusal.issues[0].repair


@pytest.mark.parametrize(
    ("raw", "expression"),
    [
        (body(a=["x"] * (limits.ARRAY_ELEMENTS + 1)), "Basic.a"),
        (body(**{f"a{number}": "x" for number in range(limits.OBJECT_KEYS)}), "Basic"),
        (b'{"resourceType":"Bundle","entry":[%s]}' % b",".join([b'{"id":"a"}'] * 1001), "Bundle.entry"),
        (b'{"resourceType":"Claim","item":[%s]}' % b",".join([b'{"sequence":1}'] * 1000), "Claim.item"),
    ],
    ids=["elements", "keys", "entries", "lines"],
)
def test_longer_lists_than_are_read_are_not_supported(raw: bytes, expression: str) -> None:
    refusal = refused(raw)

    assert type(refusal) is NotSupported
    assert [(issue.code, issue.expression) for issue in refusal.issues] == [("too-costly", expression)]


def test_every_problem_is_named_at_once() -> None:
    raw = b'{"resourceType":"Basic","a":"","a":"","b":{"$gt":1},"c":[null],"d":{"e":{}},"f":1e999}'

    refusal = refused(raw)

    assert "twice" in refusal.issues[0].message and "line 1, column 36" in refusal.issues[0].message
    assert [issue.expression for issue in refusal.issues[1:]] == [
        "Basic.a",
        "Basic.c[0]",
        "Basic.f",
        "Basic.b",
        "Basic.d.e",
    ]


def test_a_long_list_of_problems_is_cut() -> None:
    refusal = refused(body(a=[{"b": ""}] * 500))

    assert len(refusal.issues) == limits.PROBLEMS + 1
    assert refusal.issues[-1].message.startswith("More than 100 problems")


@pytest.mark.parametrize("secret", ["SMITH", "123-45-6789"])
def test_nothing_that_was_sent_is_quoted(secret: str) -> None:
    raws = [
        f'{{"{secret}":1,"{secret}":2}}',
        f'{{"a":"{secret}\\x"}}',
        f'{{"a":"{secret}\x01"}}',
        f'{{"resourceType":"{secret} {secret}"}}',
        f'{{"resourceType":"Basic","{secret}-":"{secret}\\u0000"}}',
    ]

    for issue in (issue for raw in raws for issue in refused(raw.encode()).issues):
        assert secret not in f"{issue.message}{issue.repair}{issue.expression}"


# ---- burdens ---------------------------------------------------------------------------------------------------------

BURDENS: tuple[tuple[bytes, type[Refusal]], ...] = (
    (b"[" * 400_000, NotReadable),
    (b'{"a":' * 2_000_000, TooLarge),
    (b'{"a":' * 90_000 + b"1" + b"}" * 90_000, NotReadable),
    (b"[" + b"[]," * 3_000_000 + b"[]]", TooLarge),
    (b'{"resourceType":"Basic","a":[' + b'"",' * 3_000_000 + b'""]}', TooLarge),
    (b'"' * 10_000_000, NotReadable),
    (b"\\" * 10_000_000, NotReadable),
    (b'{"a":"' + b"\\" * 9_999_000 + b'"}', NotReadable),
    (b'{"a":' + b"1" * 9_000_000 + b"}", NotReadable),
    (b'{"a":1.' + b"1" * 9_000_000 + b"}", NotReadable),
    (b" " * 10_000_000, NotReadable),
    (b",:" * 5_000_000, TooLarge),
    (b"{" + b",".join(b'"a":1' for _ in range(200_000)) + b"}", NotReadable),
)


@pytest.mark.parametrize(("raw", "kind"), BURDENS, ids=[f"{raw[:12]!r} {len(raw)}" for raw, _ in BURDENS])
def test_ten_megabytes_made_to_hurt_are_refused_soon(raw: bytes, kind: type[Refusal]) -> None:
    started = time.process_time()

    refusal = refused(raw)

    assert isinstance(refusal, kind)
    assert time.process_time() - started < 3  # linear: a second on a slow machine, hours if it were not


# ---- anything at all -------------------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=True)
    | st.text(max_size=20)
    | st.sampled_from(["", "\x00", "$ne", "Bundle"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["resourceType", "a", "_a", "$gt", "a.b", "entry", ""]) | st.text(max_size=5), inner
        )
    ),
    max_leaves=20,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """JSON of a resource with a few bytes replaced, cut out or put in."""
    raw = bytearray(
        json.dumps({"resourceType": "Basic", "a": draw(JSON)}, ensure_ascii=draw(st.booleans())).encode(
            "utf-8", "surrogatepass"
        )
    )
    for _ in range(draw(st.integers(0, 3))):
        start = draw(st.integers(0, len(raw)))
        raw[start : start + draw(st.integers(0, 3))] = draw(
            st.binary(max_size=3) | st.sampled_from([b'"', b"\\", b"[", b"}", b"\\u"])
        )
    return bytes(raw)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=300) | damaged())
@example(b'{"resourceType":"Basic","a":1e9999999999999999999999}')
@example(b"\xff\xfe{\x00}\x00")
def test_whatever_comes_is_read_or_refused(raw: bytes) -> None:
    try:
        resource = parse_resource(raw)
    except Refusal as refusal:
        assert refusal.issues and all(issue.refuses and issue.message and issue.repair for issue in refusal.issues)
    else:
        assert isinstance(resource["resourceType"], str)
        assert resource == json.loads(raw, parse_float=Decimal)
