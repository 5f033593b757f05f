"""Where a text is no language: the stretches that are tried, and how much like language what comes out is."""

import re
from collections.abc import Iterator

from safelight.signals.text.reading.words import MARKS, SCRIPTS_WITHOUT_SPACES, belief, likeness, segment

Span = tuple[int, int]
TOKEN = re.compile(r"\S+")
EDGES = "\"'“”‘’.,;:?!…()[]{}<>«»¿¡*_-"
DIGIT_IN_WORD = re.compile(r"[^\W\d_][0-9@$!]|[0-9@$][^\W\d_]")
DIGITS = str.maketrans("43105798@$!", "aeiostgbasi")
NOT_LETTERS = re.compile(rf"[^\w\s{MARKS}]|[\d_]")
STRANGE = 0.45
"""Belief under which a word counts as unknown."""
GAIN = 0.3
ENOUGH = 0.5
LEAST_LETTERS = 6
SAMPLE_LETTERS = 160
"""Letters of a stretch that are scored; what they say holds for the stretch."""


def stretches(text: str) -> tuple[Span, ...]:
    """Where words follow one another that no language knows; a known word in between, if short, belongs to them."""
    return tuple(_stretches(text))


def _stretches(text: str) -> Iterator[Span]:
    begin = last = -1
    letters = known = 0
    seen: dict[str, tuple[str, float]] = {}
    for token in TOKEN.finditer(text):
        key = token[0]
        if key not in seen:
            stripped = key.casefold().strip(EDGES)
            seen[key] = (stripped, belief(stripped))
        word, trust = seen[key]
        if trust < STRANGE:
            size = sum(map(str.isalpha, word)) if not word.isalpha() else len(word)
            if not size:
                continue
            if begin < 0:
                begin, letters = token.start(), 0
            letters += size
            last = token.end()
            known = 0
        elif begin >= 0:
            size = len(word)
            known += 1 + (size > 4) + (trust > 0.9 and size > 2)
            if known > 2:
                if letters >= LEAST_LETTERS:
                    yield begin, last
                begin = -1
    if begin >= 0 and letters >= LEAST_LETTERS:
        yield begin, last


def worth(text: str, *, digits: bool = True) -> float:
    """0 to 1: likeness, where need be with `digits` read as letters, or with joined letters parted."""
    sample = text[: 3 * SAMPLE_LETTERS]
    solid = sum(map(len, sample.split()))
    value, letters = likeness(sample), solid - len(NOT_LETTERS.findall(sample))
    if digits and letters < solid and DIGIT_IN_WORD.search(sample):
        lettered = sample.translate(DIGITS)
        if (other := 0.95 * likeness(lettered)) > value:
            value, letters = other, solid - len(NOT_LETTERS.findall(lettered))
    if value < 0.85 and letters > 10 and sample.strip().count(" ") * 25 < len(sample):
        run = "".join(c for c in sample.casefold() if c.isalpha())
        if not SCRIPTS_WITHOUT_SPACES.search(run):
            value = segment(run[:SAMPLE_LETTERS]).likeness
    # Signs among the letters are punctuation, or what a wrong cipher makes.
    return value * min(1.0, 1.2 * letters / solid) if solid else 0.0
