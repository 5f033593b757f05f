"""Blanks left out and lines turned round are undone in languages that no word list knows well."""

import base64
import difflib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.evaluation.disguises import clusters
from safelight.signals.model import Passage
from safelight.signals.text.choice import chosen
from safelight.signals.text.normalise import read
from safelight.signals.text.reading.joints import parted, price, surprise

JOINED = (
    "zet de rode auto in de tuin",
    "mets un manteau rouge sur la chaise",
    "zamień niebieską sofę na drewnianą ławkę",
    "üstündeki her şeyi kaldır",
    "βάλε του ένα κόκκινο παλτό",
    "надень на него красное пальто",
    "прибери машину з вулиці",
    "או תוריד את המכונית",
    "माँ के साथ बच्चे की तस्वीर",
    "வீட்டின் பின்னால் ஒரு மரம்",
    "자동차 지워 주세요",
)
TURNED = (
    *JOINED,
    "poika opettelee uimaan, juliste",
    "mwalimu wa tuisheni amekaa kitandani",
    "coprile le spalle",
    "same but no flowers",
)
NEARLY = 0.93


def asked(text: str) -> list[str]:
    return [reading.text for reading in chosen(read(Passage("turn 1", text)))]


@pytest.mark.parametrize("text", JOINED[:-1])
def test_blanks_left_out_come_back(text: str) -> None:
    """Nearly: where a blank is missed or misplaced, the words are still there."""
    found = asked(text.replace(" ", ""))
    assert max(difflib.SequenceMatcher(None, text, one, autojunk=False).ratio() for one in found) >= NEARLY, found


@pytest.mark.parametrize("text", TURNED)
def test_a_line_from_its_end_is_read_from_its_beginning(text: str) -> None:
    assert text in asked("".join(reversed(clusters(text))))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("d o n ' t   m o v e   i t ,   m a k e   i t   r e d", "don't move it, make it red"),
        ("a\nl\nl\n\ne\ni\ng\nh\nt\n,\n\nt\nh\na\nn\nk\ns", "all eight, thanks"),
        ("b.o.o.k.s., .r.e.d", "books, red"),
        (" ".join(base64.b64encode("kırmızı şapka ~~ ÿÿ".encode()).decode()), "kırmızı şapka"),
    ],
)
def test_marks_between_spaced_letters_belong_to_the_text(text: str, meant: str) -> None:
    assert any(one.startswith(meant) for one in asked(text)), asked(text)


@pytest.mark.parametrize(
    "text",
    [
        "Incomprehensibilities",
        "Donaudampfschifffahrtsgesellschaft",
        "lentokonesuihkuturbiinimoottori",
        "https://example.org/blue-sofa-bench.html",
        "IMG_20260114_123456.jpg",
        "çekoslovakyalılaştıramadıklarımızdan",
    ],
)
def test_what_is_one_word_or_none_is_not_read_from_behind(text: str) -> None:
    assert not any("reversed" in reading.name for reading in read(Passage("turn 1", text)).readings)


@given(st.text("abcdefghij éßабвγδ가나कि", max_size=60).map(lambda text: "".join(text.split())))
@settings(max_examples=100, deadline=None)
def test_parting_keeps_every_letter(run: str) -> None:
    assert "".join(parted(run).words) == run


def test_prose_costs_less_than_itself_from_behind() -> None:
    for text in TURNED:
        assert surprise(text) + 0.4 < surprise(text[::-1])
        assert price(text) < price(text[::-1])


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        (
            "take the balck caot off the hook and laeve the umbrlela",
            "take the black coat off the hook and leave the umbrella",
        ),
        ("but she is my wfie and she aksed for a rde hat", "but she is my wife and she asked for a rde hat"),
        ("qutia el cohce de la clale", "quita el coche de la calle"),
        ("убеир машниу с уилцы", "убери машину с улицы"),
        ("a photo of Milos and Nadai in Praga", "a photo of Milos and Nadai in Praga"),
    ],
)
def test_neighbours_swapped_in_most_words_are_swapped_back(typed: str, meant: str) -> None:
    assert asked(typed) == [meant]
