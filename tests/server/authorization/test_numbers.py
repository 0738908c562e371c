"""Authorization numbers: readable aloud, checked, never guessed (PF-1)."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from server.authorization.numbers import ALPHABET, as_number, check_character, new_number

drawn = st.text(alphabet=ALPHABET, min_size=12, max_size=12)


def test_a_number_has_no_character_that_sounds_or_looks_like_another():
    assert not set("01OIAEU") & set(ALPHABET)
    assert set(new_number()) <= set(ALPHABET) | {"-"}


def test_ten_thousand_numbers_are_all_different():
    assert len({new_number() for _ in range(10_000)}) == 10_000


def test_a_number_is_known_however_it_is_typed():
    number = new_number()
    assert as_number(number.lower()) == number
    assert as_number(number.replace("-", "")) == number
    assert as_number(f"  {number.replace('-', ' ')} ") == number


@given(drawn, st.integers(0, 12), st.sampled_from(ALPHABET))
def test_every_single_wrong_character_is_found(text, place, wrong):
    full = text + check_character(text)
    changed = full[:place] + wrong + full[place + 1 :]
    assert (as_number(changed) is None) == (changed != full)


@given(drawn)
def test_every_swap_of_two_characters_is_found(text):
    full = text + check_character(text)
    for first, second in combinations(range(len(full)), 2):
        swapped = list(full)
        swapped[first], swapped[second] = swapped[second], swapped[first]
        assert (as_number("".join(swapped)) is None) == ("".join(swapped) != full)


@given(st.text(max_size=30))
def test_any_text_is_a_number_or_none(text):
    number = as_number(text)
    assert number is None or as_number(number) == number
