"""Text written in another alphabet of signs: base64 and its kin, hex, binary, numbers, Morse, Braille, Alpha-Bravo.

Rules
- A run of signs is decoded in place where the result is text: valid UTF-8, nearly all letters, and either language or
  once more a code or a cipher (long, and letters and blanks only). Otherwise it stays.
- Linear: each run is decoded at most once for each code that its signs allow.
"""

import re
from collections.abc import Callable, Iterable

from safelight.signals.text.reading.bases import (
    BASE32,
    BASE64,
    BASE85,
    ONE_BASE64,
    WORDS_BASE64,
    from_base32,
    from_base64,
    from_base64_words,
    from_base85,
)
from safelight.signals.text.reading.signs import (
    BINARY,
    BRAILLE,
    HEX,
    MORSE,
    NUMBERS,
    SPELLED_RUN,
    from_binary,
    from_braille,
    from_hex,
    from_morse,
    from_numbers,
    from_spelling,
    written,
)
from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import flow, likeness
from safelight.signals.text.reading.work import Work

CLOSE = r"[A-Za-z0-9+/_=-]"
CLOSE_CUE = re.compile(
    rf"(?<!{CLOSE})(?={CLOSE}{{8}})[A-Z]?[a-z]*(?:[-_/][a-z]*)?[A-Z0-9+=]|[A-Za-z0-9+/_-]=++(?!{CLOSE})"
)
"""A long token that starts like a word and goes on unlike one; or one that ends as base64 does."""
ANY_DIGIT = re.compile(r"\d")
NUMBER_CUE = re.compile(
    r"[0-9A-Fa-fx]{1,6}[^\w]{1,3}[0-9A-Fa-fx]{1,6}[^\w]{1,3}[0-9A-Fa-fx]{1,6}\b|[01]{7}|(?:x?[0-9A-Fa-f]{2}){5}"
)
SIGN_CUE = re.compile(r"[.\-·•−–—_*]{1,6}[ /|\n][.\-·•−–—_*]|[\u2801-\u283f]{2}")
SPELLING_CUE = ("echo", "alpha", "alfa", "oscar", "tango", "romeo", "india")
"""No sentence of some length is spelled without one of these."""
SAMPLE_CHARS = 480
"""Of what was decoded, as much is asked whether it is language."""
LETTERS_BY_CHANCE = 4
"""Octets that hardly come out as nothing but letters by chance: each is one by less than a fifth."""
UNWRITTEN = re.compile(r"[\x00-\x07\x0e-\x1f\x7f-\x9f\ue000-\uf8ff\ufffd\U000f0000-\U0010ffff]")
"""What no decoded text holds: controls, private use, the replacement sign."""


def undo(text: str, work: Work) -> tuple[str, frozenset[Trick]]:
    """Decode one layer of codes; the tricks found. The same text and none where there is nothing."""
    tricks: set[Trick] = set()

    def by(trick: Trick, decode: Callable[[str], Iterable[str]]) -> Callable[[re.Match[str]], str]:
        def replace(match: re.Match[str]) -> str:
            for found in decode(match[0]) if work.may(len(match[0])) else ():
                if is_text(found):
                    tricks.add(trick)
                    tail = " " if match[0][-1:].isspace() else ""
                    return found + tail
            return match[0]

        return replace

    for cue, codes in _CODES:
        if cue(text):
            for pattern, trick, decode in codes:
                text = pattern.sub(by(trick, decode), text)
    return text, frozenset(tricks)


def _spells(text: str) -> bool:
    low = text.lower()
    return any(name in low for name in SPELLING_CUE)


def is_text(found: str) -> bool:
    """Whether what came out of a decoder is something that a person wrote, or once more a code or a cipher."""
    solid = sum(not c.isspace() for c in found)
    letters = sum(map(str.isalnum, found))
    if solid < 3 or UNWRITTEN.search(found):
        return False
    if not found.isascii():
        # Octets that are valid UTF-8 beyond ASCII are no accident; a few characters may be.
        return solid > 7 or likeness(found) > 0.3 or written(found)
    if solid > LETTERS_BY_CHANCE and written(found):
        return True
    sample = found[:SAMPLE_CHARS]
    if letters >= 3 and letters * 10 >= solid * 6 and (likeness(sample) > 0.45 or (solid > 5 and flow(sample) > 5)):
        return True
    return solid >= 12


_CODES: tuple[
    tuple[Callable[[str], object], tuple[tuple[re.Pattern[str], Trick, Callable[[str], Iterable[str]]], ...]], ...
] = (
    (
        lambda text: ANY_DIGIT.search(text) and NUMBER_CUE.search(text),
        ((BINARY, Trick.BINARY, from_binary), (HEX, Trick.HEX, from_hex), (NUMBERS, Trick.CODES, from_numbers)),
    ),
    (SIGN_CUE.search, ((MORSE, Trick.MORSE, from_morse), (BRAILLE, Trick.BRAILLE, from_braille))),
    (_spells, ((SPELLED_RUN, Trick.SPELLING_ALPHABET, from_spelling),)),
    (
        CLOSE_CUE.search,
        (
            (BASE32, Trick.BASE32, from_base32),
            (WORDS_BASE64, Trick.BASE64, from_base64_words),
            (BASE64, Trick.BASE64, from_base64),
            (ONE_BASE64, Trick.BASE64, from_base64),
        ),
    ),
    (BASE85.search, ((BASE85, Trick.BASE85, from_base85),)),
)
"""What has to be seen before which codes are tried, in this order."""
