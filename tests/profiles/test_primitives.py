"""R4 primitives: which JSON values each type takes (cases in primitives/*.json), in linear time."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from time import process_time
from typing import Any

import pytest

from profiles.primitives import MAX_STRING, PRIMITIVES

CASES = [
    pytest.param(kind, case, id=f"{kind}: {case['description']}")
    for path in sorted((Path(__file__).parent / "primitives").glob("*.json"))
    for table in [json.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)]
    for kind in table["types"]
    for case in table["cases"]
]


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_a_value_is_fine_or_has_a_reason(kind: str, case: dict[str, Any]) -> None:
    reason = PRIMITIVES[kind](case["value"])
    assert (reason is None) is case["fine"], reason


def test_every_primitive_has_fine_and_wrong_cases() -> None:
    seen = {(param.values[0], param.values[1]["fine"]) for param in CASES}  # type: ignore[index, call-overload]
    assert seen == {(kind, fine) for kind in PRIMITIVES for fine in (True, False)}


@pytest.mark.parametrize("kind", sorted(PRIMITIVES))
def test_a_reason_never_quotes_the_value(kind: str) -> None:
    secret = "Zzyzx \x07 Zzyzx"
    assert "Zzyzx" not in (PRIMITIVES[kind](secret) or "")


@pytest.mark.parametrize("kind", ["string", "markdown"])
def test_a_string_has_at_most_a_mebi_character(kind: str) -> None:
    assert PRIMITIVES[kind]("a" * MAX_STRING) is None
    assert PRIMITIVES[kind]("a" * (MAX_STRING + 1)) is not None


@pytest.mark.parametrize("value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")])
def test_a_decimal_is_finite(value: object) -> None:
    assert PRIMITIVES["decimal"](value) == "must be a finite number"


def test_a_decimal_may_be_a_float_where_the_decoder_made_one() -> None:
    assert PRIMITIVES["decimal"](1.5) is None


def test_twenty_megabytes_of_base64_are_read() -> None:
    assert PRIMITIVES["base64Binary"]("QUJD" * (5 * 2**20)) is None


HOSTILE = {
    "digits": "1" * 100,
    "blanks": " " * 100,
    "blank-separated letters": "a " * 50,
    "no-break spaces": "a\u00a0" * 50,
    "arcs of an oid": "urn:oid:2" + ".1" * 46 + ".",
    "decimals of a second": "2024-02-28T10:00:00." + "1" * 80,
    "padding": "QQ==" * 25,
    "one wrong letter at the end": "QUJD" * 24 + "QUJ-",
    "surrogates": "\ud800" * 100,
}


@pytest.mark.parametrize("kind", sorted(PRIMITIVES))
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_ten_times_the_text_takes_about_ten_times_the_time(kind: str, hostile: str) -> None:
    check = PRIMITIVES[kind]
    small = _stretched(hostile, 100_000)
    large = _stretched(hostile, 1_000_000)
    assert _seconds(check, large) < 40 * max(_seconds(check, small), 50e-6)  # quadratic would be a hundred times


def _stretched(text: str, size: int) -> str:
    """`text` with its second half repeated up to `size`, so that its beginning and end stay what they are."""
    half = len(text) // 2
    return text[:half] + text[half : half + 2] * (size // 2) + text[half:]


def _seconds(check: Callable[[object], object], value: object) -> float:
    best = float("inf")
    for _ in range(3):
        begin = process_time()
        check(value)
        best = min(best, process_time() - begin)
    return best
