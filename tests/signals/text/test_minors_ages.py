"""Ages and classes in digits and words of every language: numbers only, no sentence about a child."""

import tomllib
import unicodedata
from importlib.resources import files

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.signals.text.ages import Age, Ages
from safelight.signals.text.phrases import SPACELESS, fold

LEXICON = tomllib.loads(files("safelight.signals.text.lexicon").joinpath("minors.toml").read_text(encoding="utf-8"))
AGES = Ages(LEXICON)
UNSURE = {fold(word) for lists in LEXICON.values() for word in lists.get("ambiguous", ())}
UNITS = [
    "{} years old", "{}yo", "{} y.o.", "{}-year-old", "{} ans", "{} Jahre alt", "{} años", "{}歳", "{}岁", "{} лет",
    "{}살", "{} ปี", "{} साल", "{} سنة", "{} ዓመት", "{} tuổi", "{} yaşında", "aged {}",
    "umri wa miaka {}", "{} mlwydd oed",
]  # fmt: skip
ZEROS = [chr(code) for code in range(0x660, 0x20000) if unicodedata.decimal(chr(code), -1) == 0 and chr(code) != "0"]


def sure_units(lang: str) -> list[str]:
    """Units of `lang` that are sure, as they are written."""
    return [unit.removesuffix("*") for unit in LEXICON[lang]["age"] if fold(unit) not in UNSURE]


SPOKEN = [
    (lang, number, word)
    for lang in sorted(LEXICON)
    for number, spelled in enumerate(LEXICON[lang].get("numbers", ()))
    for word in spelled.split("|")
    if sure_units(lang)
]


@given(st.sampled_from(UNITS), st.integers(0, 17), st.sampled_from(["0", *ZEROS]))
@settings(max_examples=600, deadline=None)
def test_below_eighteen_is_seen_in_the_digits_of_every_script(unit: str, years: int, zero: str) -> None:
    spelled = "".join(chr(ord(zero) + int(digit)) for digit in str(years))
    assert AGES.read(unit.format(spelled)) is Age.CHILD


@given(st.sampled_from(UNITS), st.integers(18, 99), st.sampled_from(["0", *ZEROS]))
@settings(max_examples=600, deadline=None)
def test_from_eighteen_on_it_is_an_adult(unit: str, years: int, zero: str) -> None:
    spelled = "".join(chr(ord(zero) + int(digit)) for digit in str(years))
    assert AGES.read(unit.format(spelled)) is Age.ADULT


@pytest.mark.parametrize("lang", sorted({lang for lang, _, _ in SPOKEN}))
def test_numbers_below_eighteen_in_words_are_seen(lang: str) -> None:
    for known, number, word in SPOKEN:
        if known == lang and number:
            unit = sure_units(lang)[0]
            before = LEXICON[lang]["age"] == ["iminyaka"]
            text = f"{unit} {word}" if before else f"{word} {unit}"
            assert AGES.read(f"... {text} ...") is Age.CHILD, text


def test_numbers_in_words_are_known_in_many_languages() -> None:
    assert len({lang for lang, _, _ in SPOKEN}) >= 60


@pytest.mark.parametrize(
    "text",
    [
        "fourteen-year-old", "fünfzehnjährig", "пятнадцатилетняя", "12-летняя", "kaksitoistavuotias",
        "十三歳", "١٢ سنة", "१२ साल", "ዕድሜ ፲፪", "年龄：12", "under 18", "turned twelve", "열두 살", "สิบสองปี",
        "girl of twelve", "a boy of 9", "小6の", "中1",
        "grade 7", "7th grade", "7. Klasse", "7 класс", "lớp 7", "小学3年生", "二年级", "초등학교 3학년",
    ],
)  # fmt: skip
def test_grown_together_spoken_and_school_ages_are_seen(text: str) -> None:
    assert AGES.read(text) is Age.CHILD


@pytest.mark.parametrize(
    "text",
    [
        "18 year old", "twenty five years old", "二十三岁", "二十三歳", "ยี่สิบสองปี", "vingt-cinq ans",
        "treinta y cinco años", "двадцать пять лет", "30.5 years old", "10,000 years old", "16세기", "3세트",
        "10 years ago", "10 лет назад", "size 12", "12 cm", "12 roses", "grade A", "year 2012", "4k", "8k", "16:9",
        "16 mm", "3 apples", "in 10 minutes", "under 12 minutes", "version 1.16", "the 12th apostle", "16th century",
        "turning on the lights", "a 25 year old oak", "a girl of 25", "girl of the year", "最小6", "中2病",
    ],
)  # fmt: skip
def test_larger_numbers_and_numbers_of_other_things_are_no_childs_age(text: str) -> None:
    assert AGES.read(text) <= Age.ADULT


@given(
    st.lists(st.sampled_from(["12", "十", "สิบ", "years", "old", "岁", "aged", "twenty", "dix", "살", " "]), max_size=60)
)
@settings(max_examples=100, deadline=None)
def test_any_order_of_words_of_age_has_an_answer(parts: list[str]) -> None:
    assert AGES.read("".join(parts)) in Age
    assert AGES.read(" ".join(parts)) in Age


def test_words_of_scripts_without_spaces_are_read_without_spaces() -> None:
    for lang, number, word in SPOKEN:
        if SPACELESS.search(word) and number and lang in {"zh", "th", "lo", "km", "my"}:
            assert AGES.read(word + sure_units(lang)[0]) is Age.CHILD, word
