"""Text turned round or written in a shifted alphabet: reversal, Caesar shifts, ROT13, ROT47, Atbash, wrong keyboards.

Rules
- Only stretches that look like no language are tried, so ordinary text costs one look at each of its words.
- All shifts of a stretch are scored at once by its letters in a row (`trigrams.bin`), the best few by their words.
- A stretch changes only where it becomes far more like language than it was.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import belief, lexicon, likeness, segment

TOKEN = re.compile(r"[^\W\d_](?:[^\W_]|['’])*|[^\s]")
LATIN_WORD = re.compile(r"[A-Za-z]+")
SAMPLE_LETTERS = 160
"""Letters of a stretch that are scored; what they say holds for the stretch."""
GAIN = 0.3
ENOUGH = 0.5
LEAST_LETTERS = 6
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
GREEK = "αβγδεζηθικλμνξοπρστυφχψω"
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
RUSSIAN_KEYS = dict(zip("йцукенгшщзхъфывапролджэячсмитьбю", "qwertyuiop[]asdfghjkl;'zxcvbnm,.", strict=True))


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to read a stretch."""

    text: str
    tricks: frozenset[Trick]


def undo(text: str) -> tuple[str, frozenset[Trick]]:
    """Decipher every stretch that looks like no language; the tricks found."""
    tricks: set[Trick] = set()
    out: list[str] = []
    at = 0
    for begin, end in stretches(text):
        found = decipher(text[begin:end])
        if found is not None:
            out += [text[at:begin], found.text]
            tricks |= found.tricks
            at = end
    out.append(text[at:])
    return "".join(out), frozenset(tricks)


def stretches(text: str) -> Iterator[tuple[int, int]]:
    """Where words follow one another that no language knows; a known word in between, if short, belongs to them."""
    begin = last = -1
    letters = known = 0
    for token in re.finditer(r"[^\W\d_]\S*|\S+", text):
        word = token[0].casefold().strip(".,;:!?\"'()[]{}")
        size = len(word)
        if not any(map(str.isalpha, word)):
            continue
        trust = belief(word)
        if trust < 0.45:
            if begin < 0:
                begin, letters = token.start(), 0
            letters += size
            last = token.end()
            known = 0
        elif begin >= 0:
            known += 1 + (size > 4) + (trust > 0.9 and size > 2)
            if known > 2:
                if letters >= LEAST_LETTERS:
                    yield begin, last
                begin = -1
    if begin >= 0 and letters >= LEAST_LETTERS:
        yield begin, last


def decipher(stretch: str) -> Candidate | None:
    """The most likely reading of a stretch, or None where nothing is better than what it is."""
    before = worth(stretch)
    best, best_worth = None, max(ENOUGH, before + GAIN)
    for candidate in _candidates(stretch):
        value = worth(candidate.text)
        if value > best_worth:
            best, best_worth = candidate, value
            if value > 0.85:
                break
    return best


def worth(text: str) -> float:
    """Likeness, after joined letters were parted where there are next to no blanks."""
    sample = text[: 3 * SAMPLE_LETTERS]
    value = likeness(sample)
    if value < ENOUGH and len(sample) > 12 and sample.count(" ") * 12 < len(sample):
        letters = "".join(LATIN_WORD.findall(sample)).casefold()
        if len(letters) > 10:
            parts, inside = segment(letters)
            if inside > 0.95 and len(parts) * 3 <= len(letters):
                value = max(value, 0.9 * likeness(" ".join(parts)))
    return value


def _candidates(stretch: str) -> Iterator[Candidate]:
    """Readings worth checking by their words, cheapest first."""
    back = stretch[::-1]
    yield Candidate(back, frozenset({Trick.REVERSED}))
    yield Candidate(_each_reversed(stretch), frozenset({Trick.REVERSED}))
    yield from _latin(stretch)
    low = stretch.casefold()
    for alphabet in (CYRILLIC, GREEK):
        if sum(c in alphabet for c in low[:SAMPLE_LETTERS]) * 2 > min(len(low), SAMPLE_LETTERS):
            yield from _shifts(low, alphabet)
    if any(c in RUSSIAN_KEYS for c in low[:SAMPLE_LETTERS]):
        yield Candidate("".join(RUSSIAN_KEYS.get(c, c) for c in low), frozenset({Trick.KEYBOARD}))
    if stretch.isascii() and not stretch.isalpha():
        yield Candidate(stretch.translate(_rot47()), frozenset({Trick.ROT47}))


def _each_reversed(stretch: str) -> str:
    return re.sub(r"[^\W_](?:[^\W_]|['’])*", lambda word: word[0][::-1], stretch)


def _latin(stretch: str) -> Iterator[Candidate]:
    """The shifts, mirrored or not, forwards or backwards, whose letters follow one another best."""
    sample = stretch[:SAMPLE_LETTERS].lower()
    codes = np.array([ord(c) - 96 if "a" <= c <= "z" else 0 for c in sample], np.int64)
    if (codes > 0).sum() < LEAST_LETTERS or (codes > 0).sum() * 2 < len(codes):
        return
    keys = _keys()
    for reverse in (False, True):
        scores = _flows(keys[:, codes[::-1] if reverse else codes])
        for index in np.argsort(-scores)[:2]:
            if scores[index] < 0 or (index == 0):
                continue
            yield Candidate(*_apply(stretch[::-1] if reverse else stretch, int(index), reverse))
    for swap in _neighbours():
        yield Candidate(stretch.lower().translate(swap), frozenset({Trick.KEYBOARD}))


@cache
def _keys() -> NDArray[np.int64]:
    """(52, 27) the letter that each of 26 shifts, then of 26 mirrored shifts, reads for each letter; 0 is no letter."""
    plain = np.arange(26)
    rows = [np.concatenate(([0], (plain - shift) % 26 + 1)) for shift in range(26)]
    rows += [np.concatenate(([0], (25 - plain + shift) % 26 + 1)) for shift in range(26)]
    return np.array(rows)


@cache
def _table() -> NDArray[np.float32]:
    return np.frombuffer(lexicon().trigrams, np.uint8).astype(np.float32) - 128


def _flows(codes: NDArray[np.int64]) -> NDArray[np.float32]:
    """(n, letters) letter codes to (n,) means over trigrams, as `words.flow` for texts without double gaps."""
    gap = np.zeros((codes.shape[0], 1), np.int64)
    padded = np.concatenate([gap, codes, gap], axis=1)
    index = padded[:, :-2] * 729 + padded[:, 1:-1] * 27 + padded[:, 2:]
    inner = (padded[0, 1:-1] > 0) | (padded[0, :-2] > 0)
    found: NDArray[np.float32] = _table()[index][:, inner].mean(axis=1)
    return found


def _apply(stretch: str, index: int, reverse: bool) -> tuple[str, frozenset[Trick]]:
    row = _keys()[index]
    read = {96 + code: chr(96 + int(row[code])) for code in range(1, 27)}
    read |= {64 + code: chr(64 + int(row[code])) for code in range(1, 27)}
    trick = Trick.ROT13 if index == 13 else Trick.CAESAR if index < 26 else Trick.ATBASH
    return stretch.translate(read), frozenset({trick, Trick.REVERSED} if reverse else {trick})


def _shifts(low: str, alphabet: str) -> Iterable[Candidate]:
    """The alphabets of other scripts are shifted and mirrored too; the best by words of a short sample."""
    size = len(alphabet)
    best = None
    for mirrored in (False, True):
        source = alphabet[::-1] if mirrored else alphabet
        for shift in range(size):
            read = {ord(source[(at + shift) % size]): alphabet[at] for at in range(size)}
            score = likeness(low[:60].translate(read))
            if best is None or score > best[0]:
                best = (score, read, Trick.ATBASH if mirrored else Trick.CAESAR)
    if best is not None and best[0] > ENOUGH:
        yield Candidate(low.translate(best[1]), frozenset({best[2]}))


@cache
def _rot47() -> dict[int, int]:
    return {33 + code: 33 + (code + 47) % 94 for code in range(94)}


@cache
def _neighbours() -> tuple[dict[int, int], dict[int, int]]:
    """Each letter typed one key to the right, or to the left."""
    right = {ord(b): ord(a) for row in ROWS for a, b in pairwise(row)}
    left = {ord(a): ord(b) for row in ROWS for a, b in pairwise(row)}
    return right | {ord("["): ord("p"), ord(";"): ord("l"), ord(","): ord("m")}, left
