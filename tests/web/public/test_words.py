"""Eight languages, whole and alike: no key is missing or left over, and none is the English one by mistake."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import safelight.web.public
from safelight.cases.draft import ContactKind, Matter, Missing, Reporter
from safelight.cases.reporter_model import PublicStep
from safelight.core.errors import NotStartable
from safelight.web.public.reports import words as module
from safelight.web.public.reports.form import STEP_OF_MISSING, Step
from safelight.web.public.reports.words import LANGUAGES, Words, load_words, packaged_texts, wished_language

WORDS = load_words()
TEMPLATES = Path(safelight.web.public.__file__).parent / "templates" / "report"
ALIKE = {"direction", "receipt_code", "receipt_pin", "status_code_hint", "contest_send", "yes", "no", "status_now"}
"""Keys whose words may be the same in two languages."""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_every_key_in_its_own_words(language: str) -> None:
    english, words = WORDS["en"].texts, WORDS[language].texts
    assert words.keys() == english.keys()
    assert all(text.strip() for text in words.values())
    if language != "en":
        assert {key for key in words if words[key] == english[key]} <= ALIKE


@pytest.mark.parametrize("language", LANGUAGES)
def test_words_hold_no_markup_and_read_in_their_direction(language: str) -> None:
    words = WORDS[language]
    assert not any(re.search(r"[<>&]", text) for text in words.texts.values())
    assert words.direction == ("rtl" if language == "ar" else "ltr")


@pytest.mark.parametrize(
    ("language", "place", "said"),
    [
        ("en", "US, 001", "United States, world"),
        ("en", "001", "World"),
        ("ar", "GB", "المملكة المتحدة"),
        ("ar", "US, 001", "الولايات المتحدة، العالم"),
        ("pl", "001", "Świat"),
        ("hi", "Wales and the Marches, GB", "Wales and the Marches, यूनाइटेड किंगडम"),
    ],
)
def test_places_that_have_a_code_are_named_in_the_reader_s_language(language: str, place: str, said: str) -> None:
    assert WORDS[language].place(place) == said


def test_a_moment_has_the_commas_of_its_language() -> None:
    at = datetime(2026, 11, 23, 0, 3, tzinfo=UTC)
    assert WORDS["en"].moment(at) == "23 November 2026, 00:03 UTC"
    assert WORDS["ar"].moment(at) == "23 نوفمبر 2026، 00:03 UTC"


@pytest.mark.parametrize("language", [one for one in LANGUAGES if WORDS[one].direction == "rtl"])
def test_a_telephone_number_keeps_its_order_where_words_go_from_right_to_left(language: str) -> None:
    """Unicode, UAX 9: groups of digits after Arabic letters are set from right to left, unless they are isolated."""
    assert "\u20660800 1111\u2069" in WORDS[language]("help_call", number="0800 1111")


def test_every_code_of_the_engine_has_words() -> None:
    keys = WORDS["en"].texts.keys()
    assert {f"missing_{element}" for element in Missing} <= keys
    assert {f"step_{step}" for step in PublicStep} <= keys
    assert {f"matter_{matter}" for matter in Matter} <= keys
    assert {f"who_{reporter}" for reporter in Reporter} <= keys
    assert {f"contact_{kind}" for kind in ContactKind} <= keys
    assert set(STEP_OF_MISSING) == set(Missing)
    assert all((TEMPLATES / f"{step}.html").is_file() for step in Step)


def test_no_key_is_there_for_nothing() -> None:
    source = "".join(
        path.read_text("utf-8") for path in [*TEMPLATES.glob("*.html"), *Path(module.__file__).parent.glob("*.py")]
    )
    built = ("missing_", "step_", "matter_", "who_", "contact_")
    unused = [
        key for key in WORDS["en"].texts if not key.startswith(built) and not re.search(rf"['\"]{key}['\"]", source)
    ]
    assert not unused


@pytest.mark.parametrize(
    ("wish", "language"),
    [
        ("", "en"),
        ("cy-GB,cy;q=0.9,en;q=0.8", "cy"),
        ("pt-BR, ar;q=0.4, hi;q=0.7", "hi"),
        ("fr;q=0, de;q=0.1", "de"),
        ("fr;q=0", "en"),
        ("*", "en"),
        ("de-CH-1996", "de"),
        ("\x00,,;;q=", "en"),
    ],
)
def test_the_browsers_wish_is_taken(wish: str, language: str) -> None:
    assert wished_language(wish) == language


@given(st.text())
def test_any_wish_gives_a_language_of_ours(wish: str) -> None:
    assert wished_language(wish) in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
def test_moments_say_their_zone(language: str) -> None:
    moment = WORDS[language].moment(datetime(2026, 11, 22, 23, 5, tzinfo=UTC))
    assert "2026" in moment
    assert "23:05 UTC" in moment


def test_a_language_that_is_not_whole_stops_the_start() -> None:
    def without_one(language: str) -> Mapping[str, str]:
        texts = packaged_texts(language)
        return {key: text for key, text in texts.items() if (language, key) != ("pl", "back")}

    with pytest.raises(NotStartable, match=r"'pl'.*back"):
        load_words(without_one)


def test_a_language_that_fills_in_something_else_stops_the_start() -> None:
    def with_another(language: str) -> Mapping[str, str]:
        return {**packaged_texts(language), **({"help_in": "{PLACE}"} if language == "ar" else {})}

    with pytest.raises(NotStartable, match="help_in"):
        load_words(with_another)


def test_words_are_filled_in() -> None:
    words = Words("en", {"greeting": "Step {number} of {total}"})
    assert words("greeting", number=1, total=8) == "Step 1 of 8"
