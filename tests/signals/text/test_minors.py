"""Words and ages: codes and numbers only, no sentence about a child."""

import tomllib
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.signals.text.minors import ANY, Minors

MINORS = Minors()
LEXICON = tomllib.loads(files("safelight.signals.text.lexicon").joinpath("minors.toml").read_text(encoding="utf-8"))
LANGUAGES = sorted(LEXICON.keys() - {ANY})
STARRED = [(lang, word) for lang in LANGUAGES for word in LEXICON[lang]["child"] if word.endswith("*")]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_word_of_the_lexicon_is_found_inside_a_text(lang: str) -> None:
    for word in MINORS.words[lang]:
        assert MINORS.look(f"... {word} ...").score == 1.0, word


@pytest.mark.parametrize("lang", LANGUAGES)
def test_marks_and_case_hide_no_word(lang: str) -> None:
    for word in MINORS.words[lang]:
        for text in (f"({word})", f"“{word}”, {word}!", word.title(), f"#{word}?"):
            assert MINORS.look(text).score == 1.0, text


@given(st.sampled_from(STARRED), st.text("abcdefghijklmnopqrstuvwxyz", max_size=4))
@settings(max_examples=300, deadline=None)
def test_a_beginning_is_found_with_any_ending(starred: tuple[str, str], ending: str) -> None:
    assert MINORS.look(f"- {starred[1].removesuffix('*')}{ending} -").score == 1.0


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_word_left_open_is_never_taken_for_nothing(lang: str) -> None:
    for kind in ("young", "kin"):
        for word in LEXICON[lang].get(kind, ()):
            assert MINORS.look(f"... {word.removesuffix('*')} ...").score >= 0.6, word


@pytest.mark.parametrize(
    "word", [word for lists in LEXICON.values() for word in lists.get("not", ()) if not word.endswith("*")]
)
def test_a_figure_of_speech_is_no_child(word: str) -> None:
    assert MINORS.look(f"... {word} ...").score == 0.0


def test_every_language_of_the_lexicon_has_words_numbers_and_units() -> None:
    for lang in LANGUAGES:
        assert len(LEXICON[lang]["child"]) >= 20, lang
        assert len(LEXICON[lang]["numbers"]) == 18, lang
        assert LEXICON[lang]["age"], lang


@pytest.mark.parametrize("text", ["little girls", "first grader", "teenagers", "shcoolgirl"])
def test_phrases_plurals_and_changed_over_letters_are_found(text: str) -> None:
    assert MINORS.look(text).score == 1.0


@pytest.mark.parametrize(
    "text",
    [
        "girls' night", "college girl", "boy band", "daddy", "boyfriend", "girlfriend", "baby blue", "kid leather",
        "baby shower", "babydoll", "gaming", "copilot", "infantry", "teeny tiny", "30 year old woman",
        "class of 2015", "junge Frau", "大学3年生", "대학교 3학년", "딸기", "아이스크림", "1990年生まれ",
    ],
)  # fmt: skip
def test_words_of_adults_and_things_are_no_child(text: str) -> None:
    assert MINORS.look(text).score == 0.0


def test_a_relation_is_left_open_and_nothing_beside_an_adults_age() -> None:
    relation = next(word for word in LEXICON["en"]["kin"] if " " not in word and not word.endswith("*"))
    assert MINORS.look(relation).score == 0.6
    assert MINORS.look(f"{relation}, aged 30").score == 0.0
    assert MINORS.look(f"{relation}, aged 13").score == 1.0


def test_a_name_is_not_mistaken_for_the_word_with_a_tilde() -> None:
    assert MINORS.look("Nina").needs_support


def test_a_word_of_another_language_needs_support() -> None:
    assert MINORS.look("a red barn").needs_support
    assert not MINORS.look("a child by the barn").needs_support


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_has_an_answer(text: str) -> None:
    assert MINORS.look(text).score in {0.0, 0.6, 1.0}
