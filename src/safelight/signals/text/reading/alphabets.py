"""Alphabets in another order: shifts, mirrored shifts, the neighbouring key, the key of another layout."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from safelight.signals.text.reading.strange import DIGITS, ENOUGH
from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import lexicon, likeness, zipf


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to read a stretch."""

    text: str
    tricks: frozenset[Trick]


CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
GREEK = "αβγδεζηθικλμνξοπρστυφχψω"
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
RUSSIAN_KEYS = dict(zip("йцукенгшщзхъфывапролджэячсмитьбю", "qwertyuiop[]asdfghjkl;'zxcvbnm,.", strict=True))
RUSSIAN_TYPED = {ord(letter): key for letter, key in RUSSIAN_KEYS.items()}
LATIN_KEYS = {key: letter for letter, key in RUSSIAN_KEYS.items()}
LETTER_CODES = {chr(97 + at): at + 1 for at in range(26)} | {
    chr(sign): ord(letter) - 70 for sign, letter in ((s, chr(c)) for s, c in DIGITS.items())
}


@cache
def keys() -> NDArray[np.int64]:
    """(52, 53) the letter that each of 26 shifts, then of 26 mirrored shifts, reads for each code; 0 is no letter.

    Codes 27 to 52 are digits that stand for letters: no shift moves them.
    """
    plain = np.arange(26)
    rows = [np.concatenate(([0], (plain - shift) % 26 + 1, plain + 1)) for shift in range(26)]
    rows += [np.concatenate(([0], (25 - plain + shift) % 26 + 1, plain + 1)) for shift in range(26)]
    return np.array(rows)


@cache
def _table() -> NDArray[np.float32]:
    return np.frombuffer(lexicon().trigrams, np.uint8).astype(np.float32) - 128


def flows_of(codes: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n, letters) letter codes to (n,) means over trigrams, as `words.flow` for texts without double gaps."""
    gap = np.zeros((codes.shape[0], 1), np.int64)
    padded = np.concatenate([gap, codes, gap], axis=1)
    index = padded[:, :-2] * 729 + padded[:, 1:-1] * 27 + padded[:, 2:]
    inner = (padded[0, 1:-1] > 0) | (padded[0, :-2] > 0)
    found: NDArray[np.float32] = _table()[index][:, inner].mean(axis=1)
    return found


def apply_key(stretch: str, index: int, reverse: bool) -> tuple[str, frozenset[Trick]]:
    row = keys()[index]
    read = {96 + code: chr(96 + int(row[code])) for code in range(1, 27)}
    read |= {64 + code: chr(64 + int(row[code])) for code in range(1, 27)}
    trick = Trick.ROT13 if index == 13 else Trick.CAESAR if index < 26 else Trick.ATBASH
    return stretch.translate(read), frozenset({trick, Trick.REVERSED} if reverse else {trick})


def shifts(low: str, alphabet: str) -> Iterable[Candidate]:
    """The alphabets of other scripts are shifted and mirrored too; the best by words of a short sample."""
    sample = low[:60]
    longest = sorted(sample.split(), key=len)[-3:]
    best = None
    for read, trick in shifted(alphabet):
        # Looked up first: of any right reading at least one of three words is known.
        if any(zipf(word.translate(read)) > 2 for word in longest):
            score = likeness(sample.translate(read))
            if best is None or score > best[0]:
                best = (score, read, trick)
    if best is not None and best[0] > ENOUGH:
        yield Candidate(low.translate(best[1]), frozenset({best[2]}))


@cache
def shifted(alphabet: str) -> tuple[tuple[dict[int, str], Trick], ...]:
    """Every shift of an alphabet, then every mirrored one, as a table."""
    size = len(alphabet)
    return tuple(
        ({ord(source[(at + shift) % size]): alphabet[at] for at in range(size)}, trick)
        for source, trick in ((alphabet, Trick.CAESAR), (alphabet[::-1], Trick.ATBASH))
        for shift in range(size)
    )


@cache
def rot47() -> dict[int, int]:
    return {33 + code: 33 + (code + 47) % 94 for code in range(94)}


@cache
def next_keys() -> tuple[dict[int, int], dict[int, int]]:
    """Each letter typed one key to the right, or to the left."""
    right = {ord(b): ord(a) for row in ROWS for a, b in pairwise(row)}
    left = {ord(a): ord(b) for row in ROWS for a, b in pairwise(row)}
    return right | {ord("["): ord("p"), ord(";"): ord("l"), ord(","): ord("m")}, left
