"""However a text is made, reading it costs no more than its length allows; what that leaves out is told."""

import base64
import random
import string
import sys
from types import FrameType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safelight.core.limits import DEFAULT_LIMITS
from safelight.evaluation.transforms import TRANSFORMS
from safelight.signals.model import Passage
from safelight.signals.text.normalise import load, measured, read
from safelight.signals.text.numerals import whole
from safelight.signals.text.reading.leet import likelier
from safelight.signals.text.reading.repairs import MASKED
from safelight.signals.text.reading.styles import parted
from safelight.signals.text.reading.work import Work, bound
from safelight.signals.text.units import sentences
from tests.signals.text.test_normalise import ORDINARY

LONGEST = DEFAULT_LIMITS.prompt_max_chars
CALLS_PER_STEP = 8
"""Calls of functions, Python's own included, that one step stands for, at the most."""
STORY = (
    "The farmer walked home through the fields, and behind him came the old dog. He fed the cat and sat by the fire. "
)
PIECES = [
    "a1 ", "a.b", "<b", "&#", "r*m*v* ", "1!l|i ", "\\u00", "=4", "abcd efgh ", "()_|/\\-",
    "re-mo-ve ", "l33t", "****", "....--.- ", "zvkq", "qwertzu ", "aa", "\u0301", "\u200b",
    "ёжикщ ", "ъыь", "字", "ก", "🔥a", "'a'+'b'", "%41", "\n", "aA", "QUJD", "[a]", "тhe ", "ⓐⓑ",
    "\U000e0041", "ɐq", "11l1l1!! ", "ii!!11 ", "abababab", "Zm9v Zm9v ", "x\u0336", "a\u0301",
    "=", "<!--", "0x4a ", "1 0 1", "\x01",
]  # fmt: skip
HOSTILE = st.lists(
    st.tuples(
        st.one_of(st.sampled_from(PIECES), st.text(max_size=12), st.text("0123456789abcdef!@$|", max_size=40)),
        st.integers(1, 8_000),
    ),
    min_size=1,
    max_size=6,
).map(lambda parts: "".join((piece * times)[:LONGEST] for piece, times in parts)[:LONGEST])


def noise(alphabet: str) -> str:
    draw = random.Random(alphabet)
    return "".join(draw.choice(alphabet) for _ in range(LONGEST))


def filled(text: str) -> str:
    return (text * (LONGEST // max(1, len(text)) + 1))[:LONGEST]


FAMILIES = {
    "hex": noise("0123456789abcdef"),
    "letters": noise(string.ascii_lowercase),
    "words_of_letters": noise(string.ascii_lowercase + "     "),
    "anything": noise(string.printable),
    "digits": noise("0123456789 "),
    "base64": filled(base64.b64encode(noise(string.ascii_lowercase + " ").encode()).decode()),
} | {
    name: filled(TRANSFORMS[name](filled(STORY)[:8_000]))
    for name in (
        "no_spaces",
        "capitals",
        "words_reversed",
        "spaces",
        "split_lines",
        "one_dropped",
        "leet_drawn",
        "emoji",
    )
}


def calls_of(text: str) -> int:
    """Calls made while reading `text`, counted by the interpreter."""
    count = 0

    def note(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        read(Passage("turn 1", text))
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize(
    "text", ["0" * 31_999 + "2", "0101010" * 4_000 + "3", "0b1010101" * 3_000 + "2", "01 " * 10_000]
)
def test_bits_are_not_parted_in_every_way_there_is(text: str) -> None:
    """As sevens and eights these go in more ways than can ever be tried: that this comes to an end is the test."""
    assert read(Passage("turn 1", text)).readings


@pytest.mark.parametrize(
    ("word", "is_masked"),
    [
        ("b*k*n*", True),
        ("n*de", True),
        ("n**", True),
        ("n*", False),
        ("nude", False),
        ("*n*de", False),
        ("*" * 400_000, False),
        ("n" + "*" * 400_000 + "!", False),
        ("&#" * 200_000, False),
    ],
    ids=range(9),
)
def test_a_masked_word_is_known_at_one_look(word: str, *, is_masked: bool) -> None:
    """Were each sign looked at again for each other one, the long ones would take many minutes."""
    assert bool(MASKED.fullmatch(word)) is is_masked


@given(HOSTILE)
@settings(max_examples=40, deadline=None)
def test_no_text_costs_more_steps_than_its_length_allows(text: str) -> None:
    assert measured(Passage("turn 1", text))[1] <= bound(len(text))


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("end", ["", "é", "!a1"])
def test_no_pattern_runs_away(piece: str, end: str) -> None:
    """Where a regular expression goes over the same letters again and again, this test would not end."""
    text = "a" + filled(piece)[: LONGEST - 4] + end
    assert measured(Passage("turn 1", text))[1] <= bound(len(text))


@pytest.mark.slow
@given(HOSTILE)
@settings(max_examples=12, deadline=None)
def test_a_step_is_honest(text: str) -> None:
    """Counted by the interpreter and not by ourselves: the calls made stay in proportion to the steps allowed."""
    load()
    assert calls_of(text) <= CALLS_PER_STEP * bound(len(text))


@pytest.mark.slow
@pytest.mark.parametrize("name", FAMILIES)
def test_the_known_hostile_families_are_within_the_bound(name: str) -> None:
    load()
    text = FAMILIES[name]
    assert measured(Passage("turn 1", text))[1] <= bound(len(text))
    assert calls_of(text) <= CALLS_PER_STEP * bound(len(text))


def test_work_grows_with_the_length_and_no_faster() -> None:
    assert bound(2 * LONGEST) < 2 * bound(LONGEST)


def test_what_could_not_be_tried_is_told() -> None:
    """Noise that may be anything, more of it than can be tried."""
    draw = random.Random(1)
    words = (
        "".join(draw.choice(string.ascii_lowercase + "0123456789!@$") for _ in range(draw.randint(3, 9)))
        for _ in range(4000)
    )
    assert "unread" in read(Passage("turn 1", " ".join(words))).tricks


@pytest.mark.parametrize("text", ORDINARY)
def test_a_long_ordinary_text_is_read_whole(text: str) -> None:
    """32,000 characters of captions, in any language, leave nothing unread."""
    found = read(Passage("turn 1", filled(text + ". ")))
    assert "unread" not in found.tricks


def test_a_long_story_is_read_whole() -> None:
    draw = random.Random(2)
    words = STORY.split()
    story = " ".join(draw.choice(words) for _ in range(LONGEST // 5))
    assert read(Passage("turn 1", story[:LONGEST])).tricks == ()


def test_a_disguised_sentence_behind_much_noise_is_still_read() -> None:
    """Noise first does not use up what the disguise behind it needs."""
    draw = random.Random(3)
    places = (
        "".join(draw.choice("bcdfghjklmnpqrstvwxz") for _ in range(9)) + " the old dog sat by the fire."
        for _ in range(400)
    )
    text = " ".join(places) + " ercynpr gur oyhr fbsn jvgu n jbbqra orapu."
    found = " ".join(reading.text for reading in read(Passage("turn 1", text)).readings)
    assert "replace the blue sofa with a wooden bench" in found


def test_optional_work_goes_undone_in_silence() -> None:
    work = Work(0)
    assert not work.may(bound(0) + 1, optional=True)
    assert not work.unread
    assert not work.may(bound(0) + 1)
    assert work.unread


@pytest.mark.parametrize("sign", ["\ufdfa", "\ufdfb", "\u3316", "\u33af", "\u337f"])
def test_no_character_grows_a_text_to_more_than_six_times_its_length(sign: str) -> None:
    assert all(len(reading.text) <= 6 * 1000 for reading in read(Passage("turn 1", sign * 1000)).readings)


LONG = 300_000


@pytest.mark.parametrize(("unit", "told"), [("0", "0" * LONG), ("0:", " # :" * (LONG // 2)), ("9 ", "9 " * LONG)])
def test_a_long_number_is_looked_at_once(unit: str, told: str) -> None:
    """Were a row of digits looked at again from each of them, it would take many minutes."""
    assert whole(unit * LONG + "y") == told + "y"


@pytest.mark.parametrize(("gap", "count"), [(" ", 1), ("\t", 1), (" x", 1), ("\n", 2), (" |", 2)])
def test_a_long_gap_is_looked_at_once(gap: str, count: int) -> None:
    """As a long number."""
    assert len(sentences("a" + gap * LONG + "b")) == count


@pytest.mark.parametrize("unit", ["b\u0301", "b\u0301\u0302", "b_", "b,"])
def test_a_long_name_is_looked_at_once(unit: str) -> None:
    """As a long number; and what are no words stays as it is."""
    assert parted(unit * LONG + "_") == unit * LONG + "_"


@pytest.mark.parametrize("unit", ["a@", "l0", "|\\|", "<"])
def test_a_long_row_of_shapes_is_put_together_once(unit: str) -> None:
    """As a long number."""
    row = unit * LONG
    assert likelier(row, Work(LONG)) == row
