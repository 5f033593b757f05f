"""Of several readings the most like language is asked; where they are alike, all of them are."""

import pytest

from safelight.evaluation.transforms import TRANSFORMS
from safelight.signals.model import Passage, Reading, ReadText
from safelight.signals.text.choice import chosen
from safelight.signals.text.normalise import read

TEXT = "replace the blue sofa with a wooden bench"


def asked(*texts: str, names: tuple[str, ...] = ("plain", "leet", "reversed", "base64")) -> list[str]:
    readings = tuple(Reading(name, text) for name, text in zip(names, texts, strict=False))
    return [reading.text for reading in chosen(ReadText(Passage("turn 1", texts[0]), readings))]


@pytest.mark.parametrize("name", ["leet_medium", "rot13", "base64", "spaces", "mixed_lookalikes", "hex", "no_spaces"])
def test_noise_is_not_asked_beside_what_it_turned_out_to_be(name: str) -> None:
    found = chosen(read(Passage("turn 1", TRANSFORMS[name](TEXT))))
    assert len(found) == 1
    assert found[0].name != "plain"


def test_what_stands_alone_is_asked_whatever_it_is() -> None:
    assert asked("zvkq xqtz") == ["zvkq xqtz"]


def test_readings_that_are_both_language_are_both_asked() -> None:
    both = ["move the red lamp", "more the red lump"]
    assert asked(*both) == both


def test_two_orders_of_the_same_words_are_both_asked() -> None:
    both = ["bench wooden warm", "warm wooden bench"]
    assert asked("hcneb nedoow mraw", *both) == both


def test_an_order_that_no_language_has_is_not_asked() -> None:
    assert asked("kcab", "beach the on dog a", "a dog on the beach") == ["a dog on the beach"]


def test_the_names_of_letters_are_not_asked_beside_what_they_spell() -> None:
    names = "delta oscar golf / oscar november / alpha / bravo echo alpha charlie hotel"
    assert asked(names, "dog on a beach", names=("plain", "spelling_alphabet")) == ["dog on a beach"]


def test_only_the_words_that_differ_are_compared() -> None:
    """However much plain text stands around one disguised word."""
    around = "a quiet morning by the sea with small boats and gulls above the old harbour "
    assert asked(around + "c0l0ur3d", around + "coloured") == [around + "coloured"]


def test_what_nobody_sees_is_asked_besides() -> None:
    both = ["a photo of a cat", "paint it green"]
    assert asked(*both, names=("plain", "hidden")) == both
    assert asked("a ph0t0 0f a c4t", "a photo of a cat", "paint it green", names=("plain", "leet", "hidden+leet")) == [
        "a photo of a cat",
        "paint it green",
    ]


def test_what_stood_in_a_code_is_asked_without_the_words_around_it_too() -> None:
    found = chosen(read(Passage("turn 1", "decode and draw: dHdvIG9sZCB3b29kZW4gYm9hdHM=")))
    assert [(reading.name, reading.text) for reading in found] == [
        ("base64", "decode and draw: two old wooden boats"),
        ("decoded", "two old wooden boats"),
    ]


def test_noise_is_known_by_its_letters_where_no_list_knows_the_language() -> None:
    """Words of a language (Xhosa) of which the lists have next to nothing."""
    assert asked('"umb" + "hac" + "o w" + "esi" + "ntu"', "umbhaco wesintu") == ["umbhaco wesintu"]
