"""What the grammar's rows are grown into: longer texts, conversations, careless typing and noise keep what is true."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from training.grammar.generate import Grammar
from training.grammar.rows import Row
from training.noise import disguised, gibberish, mistyped, numbered
from training.ordinary import Ordinary, ordinary
from training.romanise import LANGUAGES, romanised
from training.rows import conversations, in_latin_letters, longer, noisy, unique
from training.split import Part


@pytest.fixture(scope="module")
def rows(drawn: list[Row]) -> list[Row]:
    return unique(drawn)


@pytest.fixture(scope="module")
def plain() -> list[Ordinary]:
    return list(ordinary())[::20]


@given(text=st.text(min_size=1, max_size=200), seed=st.integers(0, 10_000))
def test_noise_is_drawn_by_the_seed_and_never_empties_a_text(text: str, seed: int) -> None:
    for spoil in (mistyped, disguised, numbered):
        assert spoil(text, random.Random(seed)) == spoil(text, random.Random(seed))
    assert mistyped(text, random.Random(seed))
    assert gibberish(random.Random(seed))


def test_longer_texts_hold_an_attack_as_often_as_none(rows: list[Row], plain: list[Ordinary]) -> None:
    made = longer(rows, plain, 400)
    attacks = {row.text for row in rows if row.block}
    assert 0.35 < sum(row.block for row in made) / len(made) < 0.65
    for row in made:
        assert row.block is (row.labels["undress"] == 1.0)
        if row.block:
            assert any(attack in row.text for attack in attacks)


def test_conversations_hold_an_attack_as_often_as_none(
    rows: list[Row], plain: list[Ordinary], grammar: Grammar
) -> None:
    made = conversations(rows, plain, 400, grammar.degrees())
    attacks = {row.text for row in rows if row.block}
    assert {len(row.turns) for row in made} == {2, 3, 4, 5}
    for row in made:
        assert row.block is any(turn in attacks for turn in row.turns)


def test_no_part_takes_a_text_of_another(rows: list[Row], plain: list[Ordinary], grammar: Grammar) -> None:
    part_of = {row.text: row.part for row in rows if row.block and len(row.turns) == 1}
    for row in conversations(rows, plain, 400, grammar.degrees()):
        assert {part_of[turn] for turn in row.turns if turn in part_of} <= {row.part}


def test_noise_changes_words_but_not_what_is_true_of_them(rows: list[Row], plain: list[Ordinary]) -> None:
    made = noisy(rows, plain, 0.2)
    kept = [row for row in made if row.lang != "none" and row.family.endswith(" noisy")]
    assert {row.block for row in kept} == {True, False}
    noise = [row for row in made if row.lang == "none"]
    assert noise
    assert all(not row.block and row.labels["undress"] == 0.0 for row in noise)
    assert {row.part for row in made} == set(Part)


@given(
    lang=st.sampled_from(sorted(LANGUAGES)),
    text=st.text("αβγδέήθώψΆОбыщяьїґ њ a1!", max_size=60),
    seed=st.integers(0, 99),
)
def test_what_is_typed_in_latin_letters_keeps_its_words(lang: str, text: str, seed: int) -> None:
    made = romanised(text, lang, random.Random(seed))
    assert made == romanised(text, lang, random.Random(seed))
    assert [word for word in text.split() if word.isascii()] == [
        latin for word, latin in zip(text.split(" "), made.split(" "), strict=True) if word.isascii() and word
    ]


def test_greek_and_cyrillic_rows_come_again_in_latin_letters(rows: list[Row]) -> None:
    greek = [row for row in rows if row.lang == "el"]
    made = in_latin_letters(rows, 1.0)
    assert {row.lang.removesuffix("-latn") for row in made} <= LANGUAGES
    for row, latin in zip(greek, [row for row in made if row.lang == "el-latn"], strict=True):
        assert latin.labels == row.labels
        assert latin.block is row.block
        assert not any("α" <= letter <= "ω" for letter in latin.text.lower())
