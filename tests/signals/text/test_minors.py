"""Words and ages: codes and numbers only, no sentence about a child."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.signals.text.minors import Minors

MINORS = Minors()
UNITS = [
    "{} years old",
    "{}yo",
    "{}-year-old",
    "{} ans",
    "{} Jahre alt",
    "{} años",
    "{}歳",
    "{}岁",
    "{} лет",
    "aged {}",
]


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("years", [1, 9, 13, 17])
def test_a_number_below_eighteen_with_a_unit_is_a_child(unit: str, years: int) -> None:
    assert MINORS.look(unit.format(years)).score == 1.0


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("years", [18, 25, 60])
def test_an_adult_age_is_not(unit: str, years: int) -> None:
    assert MINORS.look(unit.format(years)).score == 0.0


@pytest.mark.parametrize("text", ["fourteen years old", "fourteen-year-old", "十三歳", "١٢ سنة", "१२ साल"])
def test_ages_in_words_and_in_other_digits_count(text: str) -> None:
    assert MINORS.look(text).score == 1.0


@pytest.mark.parametrize("lang", sorted(MINORS.words))
def test_every_word_of_the_lexicon_is_found_inside_a_text(lang: str) -> None:
    for word in MINORS.words[lang]:
        assert MINORS.look(f"... {word} ...").score == 1.0, word


@pytest.mark.parametrize("text", ["3 apples", "in 10 minutes", "a 25 year old oak", "version 1.16", "the 12 apostles"])
def test_a_number_of_other_things_is_no_age(text: str) -> None:
    assert MINORS.look(text).score == 0.0


def test_a_word_of_another_language_needs_support() -> None:
    assert MINORS.look("a red barn").needs_support
    assert not MINORS.look("a child by the barn").needs_support


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_has_an_answer(text: str) -> None:
    assert MINORS.look(text).score in {0.0, 0.6, 1.0}
