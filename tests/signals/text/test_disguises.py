"""Disguises that the evaluation does not know: harmless texts come back as they were, and ordinary signs stay."""

import base64

import pytest

from safelight.signals.model import Passage
from safelight.signals.text.choice import chosen
from safelight.signals.text.normalise import read

TEXTS = ("put him in a winter coat", "make the bread look fresh", "replace the window with a mirror")


def masked(text: str, sign: str) -> str:
    return "".join(sign if c in "aeiou" else c for c in text)


def by_letter(text: str, shape: str) -> str:
    return " ".join("".join(shape.format(c) for c in word) for word in text.split())


def asked(text: str) -> list[str]:
    return [reading.text for reading in chosen(read(Passage("prompt", text)))]


@pytest.mark.parametrize("sign", "*#_?.-~█")
@pytest.mark.parametrize("text", TEXTS)
def test_vowels_masked_with_any_sign_are_read(text: str, sign: str) -> None:
    words = text.split()
    read_words = asked(masked(text, sign))[0].split()
    assert sum(one == other for one, other in zip(words, read_words, strict=True)) >= len(words) - 2


def test_a_word_masked_in_a_plain_sentence_is_read() -> None:
    assert asked("put her in a b*k*n* on the beach") == ["put her in a bikini on the beach"]


@pytest.mark.parametrize("shape", ["[b]{}[/b]", "<span style='x'>{}</span>", r"\textbf{{{}}}", "{}&shy;", "{}&zwnj;"])
@pytest.mark.parametrize("text", TEXTS)
def test_markup_and_entities_between_letters_are_taken_out(text: str, shape: str) -> None:
    assert asked(by_letter(text, shape))[-1] == text


@pytest.mark.parametrize("sign", "./|;")
@pytest.mark.parametrize("text", TEXTS)
def test_a_sign_that_parts_the_words_of_spaced_letters_is_no_punctuation(text: str, sign: str) -> None:
    assert asked(f" {sign} ".join(" ".join(word) for word in text.split())) == [text]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_written_so_every_day_is_read_and_hides_nothing(text: str) -> None:
    broken = " ".join(word if len(word) < 5 else f"{word[:-3]}-\n{word[-3:]}" for word in text.split())
    for written in (broken, text.replace(" ", "%20"), text.replace(" ", "&nbsp;")):
        found = read(Passage("prompt", written))
        assert [reading.text for reading in found.readings] == [text]
        assert found.tricks == ()


@pytest.mark.parametrize("text", TEXTS)
def test_escapes_of_older_scripts_and_utf_16_in_hex_are_decoded(text: str) -> None:
    assert asked("".join(f"%u{ord(c):04X}" for c in text)) == [text]
    assert asked(text.encode("utf-16-be").hex()) == [text]
    assert asked(base64.b64encode(text.encode("utf-16-le")).decode()) == [text]


@pytest.mark.parametrize(
    "text",
    [
        "Mr. and Mrs. Dr. St. ft. vs. in one line",
        "a white t-shirt with the x-ray of a hand on it, beside an old lamp",
        "what? why? hm? my sky?",
        "a red-\nhaired woman beside a well-\nknown lake",
        "see https://example.org/a%20b.png for the style",
        "[red:blue:0.5] dress form, [b] for the background",
    ],
)
def test_ordinary_signs_stay(text: str) -> None:
    found = read(Passage("prompt", text))
    assert found.tricks == ()
    assert len(found.readings) == 1
