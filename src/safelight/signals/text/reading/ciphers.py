"""Text turned round or written in a shifted alphabet: reversal, Caesar shifts, ROT13, ROT47, Atbash, wrong keyboards.

Rules
- Only stretches that look like no language are tried, so ordinary text costs one look at each of its words.
- All shifts of a stretch are scored at once by its letters in a row (`trigrams.bin`), the best few by their words.
- A stretch changes only where it becomes far more like language than it was.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from safelight.signals.text.reading.tricks import Trick
from safelight.signals.text.reading.words import MARKS, SCRIPTS_WITHOUT_SPACES, belief, lexicon, likeness, segment

TOKEN = re.compile(r"\S+")
CLUSTER = re.compile(rf"[\s\S][{MARKS}]*")
"""A letter with its marks."""
EDGES = "\"'“”‘’.,;:?!…()[]{}<>«»¿¡*_-"
DIGIT_IN_WORD = re.compile(r"[^\W\d_][0-9@$!]|[0-9@$][^\W\d_]")
DIGITS = str.maketrans("43105798@$!", "aeiostgbasi")
SIGNS_ONLY = re.compile(r"[ -~À-ɏ]{8,}")
NOT_LETTERS = re.compile(rf"[^\w\s{MARKS}]|[\d_]")
STRANGE = 0.45
"""Belief under which a word counts as unknown."""
USUAL = frozenset({Trick.REVERSED, Trick.ROT13})
"""What a few letters suffice for; other shifts find a short word by chance."""
SAMPLE_LETTERS = 160
"""Letters of a stretch that are scored; what they say holds for the stretch."""
GAIN = 0.3
ENOUGH = 0.5
LEAST_LETTERS = 6
CYRILLIC = "абвгдежзийклмнопрстуфхцчшщъыьэюя"
GREEK = "αβγδεζηθικλμνξοπρστυφχψω"
ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
RUSSIAN_KEYS = dict(zip("йцукенгшщзхъфывапролджэячсмитьбю", "qwertyuiop[]asdfghjkl;'zxcvbnm,.", strict=True))
LATIN_KEYS = {key: letter for letter, key in RUSSIAN_KEYS.items()}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to read a stretch."""

    text: str
    tricks: frozenset[Trick]


def undo(text: str, *, by_word: bool = False) -> tuple[str, frozenset[Trick]]:
    """Decipher every line, or stretch of one, that looks like no language; the tricks found.

    Reversed letters leave open whether the words stood in order: `by_word` says that they did.
    """
    tricks: set[Trick] = set()
    out: list[str] = []
    at = 0
    for begin, end, whole in _places(text):
        if begin < at:
            continue
        found = decipher(text[begin:end], by_word=by_word, whole=whole)
        if found is not None:
            out += [text[at:begin], found.text]
            tricks |= found.tricks
            at = end
    out.append(text[at:])
    return "".join(out), frozenset(tricks)


def undo_rot47(text: str) -> tuple[str, frozenset[Trick]]:
    """Lines so full of signs that ROT47 may have made them: before anybody reads the signs as letters."""
    lines = text.split("\n")
    for at, line in enumerate(lines):
        if SIGNS_ONLY.fullmatch(line) and _signs(line):
            turned = line.translate(_rot47())
            if worth(turned) > max(ENOUGH + 0.1, likeness(line) + GAIN):
                lines[at] = turned
    changed = "\n".join(lines)
    return changed, frozenset({Trick.ROT47} if changed != text else ())


def _signs(line: str) -> bool:
    """Whether a line is so full of signs and digits that ROT47 may have made it."""
    solid = sum(map(len, line.split()))
    return solid > 7 and sum(map(str.isalpha, line)) * 4 < solid * 3


def _places(text: str) -> Iterator[tuple[int, int, bool]]:
    """Where to look: a line that is strange for the most part, then the strange stretches in it."""
    spans = list(stretches(text))
    for line in re.finditer(r"[^\n]+", text) if spans else ():
        inside = [(begin, end) for begin, end in spans if line.start() <= begin < line.end()]
        strange = sum(end - begin for begin, end in inside)
        if strange * 5 >= 2 * (line.end() - line.start()):
            yield line.start(), line.end(), True
        for begin, end in inside:
            yield begin, min(end, line.end()), False


def stretches(text: str) -> Iterator[tuple[int, int]]:
    """Where words follow one another that no language knows; a known word in between, if short, belongs to them."""
    begin = last = -1
    letters = known = 0
    for token in TOKEN.finditer(text):
        word = token[0].casefold().strip(EDGES)
        trust = belief(word)
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


def decipher(stretch: str, *, by_word: bool = False, whole: bool = True) -> Candidate | None:
    """The most likely reading of a stretch, or None where nothing is better than what it is."""
    before = worth(stretch, digits=False)
    letters = sum(map(str.isalpha, stretch[: 2 * SAMPLE_LETTERS]))
    alone = not whole and " " not in stretch.strip()
    best, best_worth = None, max(ENOUGH, before + GAIN) + (0.25 if alone else 0.0)
    for candidate in _alone(stretch) if alone else _candidates(stretch, by_word):
        value = worth(candidate.text)
        if letters < 14 and not candidate.tricks <= USUAL:
            value -= 0.2
        elif not candidate.tricks <= USUAL:
            value -= 0.05
        if value > best_worth:
            best, best_worth = candidate, value
            if value > 0.9:
                break
    return best


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


def _alone(word: str) -> Iterator[Candidate]:
    """Readings of a single word inside a plain text: a shift of every kind would find a word by chance."""
    for text, tricks in ((word, frozenset[Trick]()), (word[::-1], frozenset({Trick.REVERSED}))):
        if tricks:
            yield Candidate(text, tricks)
        yield Candidate(codecs.encode(text, "rot13"), tricks | {Trick.ROT13})


def _candidates(stretch: str, by_word: bool) -> Iterator[Candidate]:
    """Readings worth checking by their words, cheapest first."""
    bases = [stretch]
    if DIGIT_IN_WORD.search(stretch):
        bases.append(stretch.translate(DIGITS))
    for base in bases:
        extra = frozenset({Trick.LEET}) if base is not stretch else frozenset()
        back = _backwards(base, by_word)
        yield Candidate(back, extra | {Trick.REVERSED})
        if not by_word and back != base[::-1]:
            yield Candidate(base[::-1], extra | {Trick.REVERSED})
        for candidate in _latin(base, by_word):
            yield Candidate(candidate.text, candidate.tricks | extra)
    low = stretch.casefold()
    for alphabet in (CYRILLIC, GREEK):
        if sum(c in alphabet for c in low[:SAMPLE_LETTERS]) * 2 > min(len(low), SAMPLE_LETTERS):
            yield from _shifts(low, alphabet)
    if any(c in RUSSIAN_KEYS for c in low[:SAMPLE_LETTERS]):
        yield Candidate("".join(RUSSIAN_KEYS.get(c, c) for c in low), frozenset({Trick.KEYBOARD}))
    elif low.isascii():
        yield Candidate("".join(LATIN_KEYS.get(c, c) for c in low), frozenset({Trick.KEYBOARD}))


def _backwards(stretch: str, by_word: bool) -> str:
    """From the last letter to the first, marks kept on their letters; or each word so."""
    return _each_reversed(stretch) if by_word else "".join(reversed(CLUSTER.findall(stretch)))


def _each_reversed(stretch: str) -> str:
    return re.sub(r"\S+", lambda word: "".join(reversed(CLUSTER.findall(word[0]))), stretch)


def _latin(stretch: str, by_word: bool) -> Iterator[Candidate]:
    """The shifts, mirrored or not, forwards or backwards, whose letters follow one another best."""
    sample = stretch[:SAMPLE_LETTERS].lower()
    codes = np.array([_CODES.get(c, 0) for c in sample], np.int64)
    if (codes > 0).sum() < LEAST_LETTERS or (codes > 0).sum() * 2 < len(codes):
        return
    keys = _keys()
    for reverse in (False, True):
        scores = _flows(keys[:, codes[::-1] if reverse else codes])
        for index in np.argsort(-scores)[:2]:
            if scores[index] > 0 and index != 0:
                yield Candidate(*_apply(_backwards(stretch, by_word) if reverse else stretch, int(index), reverse))
    for swap in _neighbours():
        yield Candidate(stretch.lower().translate(swap), frozenset({Trick.KEYBOARD}))


_CODES = {chr(97 + at): at + 1 for at in range(26)} | {
    chr(sign): ord(letter) - 70 for sign, letter in ((s, chr(c)) for s, c in DIGITS.items())
}


@cache
def _keys() -> NDArray[np.int64]:
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
