"""Cuts a reading into what the encoder is run on: windows of whole sentences, each with the spans that are judged.

Rules
- A text of at most `WINDOW_PIECES` pieces is one window. A longer one is cut into windows of whole sentences with at
  most `PACKED_PIECES`, or one sentence; a sentence too long for a window is cut in overlapping stretches, so that
  nothing is only ever seen in halves.
- Every window is judged as a whole and sentence by sentence: one abusive sentence is not thinned by its neighbours.
- A run of words that are no language stands in no window: a network that was trained on language answers anything at
  all to it. How far from language the worst run is, `Cutting.noise` tells. Addresses of pages are no such words.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from safelight.signals.text.e5.tokens import Tokenizer

WINDOW_PIECES = 80
PACKED_PIECES = 40
OVERLAP_PIECES = 20
SENTENCE_MIN_PIECES = 2
NOISE_MIN_PIECES = 16
NOISY_WORD = 4.4
"""Negative natural log-probability a byte from which a word may be noise. Words of languages lie far below; words in
capitals may lie above."""
NOISE = 5.2
"""The same for a run of such words that is certainly none of any language; of 22,000 prompts none reaches 5."""
NOISE_SPAN = 1.0
"""How far below `NOISE` the doubt begins."""
_ADDRESS = re.compile(r"https?://|www\.")
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？；।॥؟۔])|(?:(?<!\s)\s+)?[\n\r\u2028\u2029|]+\s*|(?<=;)\s+")

Span = tuple[int, int]
Known = dict[str, tuple[tuple[int, ...], float, int]]


@dataclass(frozen=True, slots=True)
class Window:
    """One run of the encoder."""

    ids: tuple[int, ...]
    spans: tuple[Span, ...]
    """Stretches of pieces to judge, the whole window first."""


@dataclass(frozen=True, slots=True)
class Cutting:
    """A reading in windows."""

    windows: tuple[Window, ...]
    pieces: int
    score: float
    """Log-probability of all pieces."""
    unknown: int
    noise: float
    """0 to 1: how unlike any language the worst run of words is; what is 1 stands in no window."""


def sentences(text: str) -> list[str]:
    """The sentences of `text`; at least one."""
    return [part for part in _SENTENCE_END.split(text) if part and not part.isspace()] or [text]


def cut(text: str, tokenizer: Tokenizer, known: Known) -> Cutting:
    """Cut `text`. `known` keeps the words already cut in this call. Linear in the length of `text`."""
    total, score, unknown, noise = 0, 0.0, 0, 0.0
    stretches: list[tuple[int, ...]] = []
    for sentence in sentences(text):
        words = tokenizer.words(sentence)
        pieces = tokenizer.cut_words(words, known)
        total += len(pieces.ids)
        score += pieces.score
        unknown += pieces.unknown
        kept: list[int] = []
        at = 0
        for start, stop, unlike in _noise(words, known):
            noise = max(noise, unlike)
            if unlike >= 1.0:
                kept.extend(pieces.ids[at:start])
                at = stop
        kept.extend(pieces.ids[at:])
        stretches.extend(_stretches(tuple(kept)))
    most = WINDOW_PIECES if total <= WINDOW_PIECES else PACKED_PIECES
    return Cutting(tuple(_pack(stretches, most)), total, score, unknown, noise)


def _noise(words: Sequence[str], known: Known) -> Iterator[tuple[int, int, float]]:
    """Runs of words that may be noise: first piece, one past the last, and how unlike language, from 0 to 1."""
    noisy = {word for word in set(words) if -known[word][1] >= NOISY_WORD * _size(word) and not _ADDRESS.match(word)}
    if not noisy:
        return
    run: list[str] = []
    at = 0
    for word in [*words, ""]:
        if word in noisy:
            run.append(word)
        elif run:
            pieces = sum(len(known[one][0]) for one in run)
            if pieces >= NOISE_MIN_PIECES:
                unlike = -sum(known[one][1] for one in run) / sum(map(_size, run))
                yield at, at + pieces, min(1.0, max(0.0, (unlike - NOISE) / NOISE_SPAN + 1.0))
            at += pieces
            run = []
        if word and word not in noisy:
            at += len(known[word][0])


def _size(word: str) -> int:
    """Bytes, with the blank before it."""
    return len(word.encode()) + 1


def _stretches(ids: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if len(ids) <= WINDOW_PIECES:
        if ids:
            yield ids
        return
    for start in range(0, len(ids) - OVERLAP_PIECES, WINDOW_PIECES - OVERLAP_PIECES):
        yield ids[start : start + WINDOW_PIECES]


def _pack(stretches: list[tuple[int, ...]], most: int) -> Iterator[Window]:
    held: list[tuple[int, ...]] = []
    size = 0
    for stretch in stretches:
        if held and size + len(stretch) > most:
            yield _window(held)
            held, size = [], 0
        held.append(stretch)
        size += len(stretch)
    if held:
        yield _window(held)


def _window(stretches: list[tuple[int, ...]]) -> Window:
    ids = tuple(piece for stretch in stretches for piece in stretch)
    spans: list[Span] = [(0, len(ids))]
    if len(stretches) > 1:
        at = 0
        for stretch in stretches:
            if len(stretch) >= SENTENCE_MIN_PIECES:
                spans.append((at, at + len(stretch)))
            at += len(stretch)
    return Window(ids, tuple(spans))
