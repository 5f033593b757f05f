"""Cuts a reading into what the encoder is run on: windows of whole sentences, each with the spans that are judged.

Rules
- A text of at most `WINDOW_PIECES` pieces is one window. A longer one is cut into windows of whole sentences with at
  most `PACKED_PIECES`, or one sentence; a sentence too long for a window is cut in overlapping stretches, so that
  nothing is only ever seen in halves.
- Every window is judged as a whole and sentence by sentence: one abusive sentence is not thinned by its neighbours.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from safelight.signals.text.e5.tokens import Tokenizer

WINDOW_PIECES = 80
PACKED_PIECES = 40
OVERLAP_PIECES = 20
SENTENCE_MIN_PIECES = 2
_SENTENCE_END = re.compile(r"(?<=[.!?…])\s+|(?<=[。！？；।॥؟۔])|\s*[\n\r\u2028\u2029|]+\s*|(?<=;)\s+")

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


def sentences(text: str) -> list[str]:
    """The sentences of `text`; at least one."""
    return [part for part in _SENTENCE_END.split(text) if part and not part.isspace()] or [text]


def cut(text: str, tokenizer: Tokenizer, known: Known) -> Cutting:
    """Cut `text`. `known` keeps the words already cut in this call. Linear in the length of `text`."""
    total, score, unknown = 0, 0.0, 0
    stretches: list[tuple[int, ...]] = []
    for sentence in sentences(text):
        pieces = tokenizer.cut_words(tokenizer.words(sentence), known)
        total += len(pieces.ids)
        score += pieces.score
        unknown += pieces.unknown
        stretches.extend(_stretches(pieces.ids))
    most = WINDOW_PIECES if total <= WINDOW_PIECES else PACKED_PIECES
    return Cutting(tuple(_pack(stretches, most)), total, score, unknown)


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
