"""Cuts text into pieces of the encoder's vocabulary: the most probable cut (unigram model, Viterbi), word by word.

No piece spans two words, so words are cut on their own, each spelling once a call; a word longer than
`WORD_MAX_CHARS` (scripts written without spaces, or noise) is cut in stretches, which bounds the time.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from safelight.signals.text.e5.pieces import Pieces

_SPACE = "▁"
WORD_MAX_CHARS = 64
_UNKNOWN_PENALTY = 10.0
_PIECE_MAX_CHARS = 16


@dataclass(frozen=True, slots=True)
class Cut:
    """A text as piece ids."""

    ids: tuple[int, ...]
    score: float
    """Log-probability of the cut: low for what is no language."""
    unknown: int
    """Pieces that the vocabulary does not know."""


class Tokenizer:
    """Cuts text as XLM-RoBERTa's SentencePiece model does. Safe to share between threads."""

    def __init__(self, pieces: Pieces) -> None:
        self._trie, self._ids, self._scores = pieces.trie, pieces.ids, pieces.scores
        self._unknown = pieces.unknown
        self._unknown_score = pieces.least - _UNKNOWN_PENALTY
        self._normal = pieces.normal

    def words(self, text: str) -> list[str]:
        """The words of `text` after the vocabulary's own normalisation, lone surrogates replaced."""
        clean = text.encode("utf-8", "replace").decode("utf-8").translate(self._normal)
        return clean.split()

    def cut_words(self, words: Iterable[str], known: dict[str, tuple[tuple[int, ...], float, int]]) -> Cut:
        """Cut each of `words`; `known` keeps the cuts of one call."""
        ids: list[int] = []
        total, unknown = 0.0, 0
        for word in words:
            found = known.get(word)
            if found is None:
                found = known[word] = self._cut(word)
            ids.extend(found[0])
            total += found[1]
            unknown += found[2]
        return Cut(tuple(ids), total, unknown)

    def _cut(self, word: str) -> tuple[tuple[int, ...], float, int]:
        marked = _SPACE + word
        ids: list[int] = []
        total, unknown = 0.0, 0
        for at in range(0, len(marked), WORD_MAX_CHARS):
            part = self._viterbi(marked[at : at + WORD_MAX_CHARS])
            ids.extend(part[0])
            total += part[1]
            unknown += part[2]
        return tuple(ids), total, unknown

    def _viterbi(self, text: str) -> tuple[list[int], float, int]:
        size = len(text)
        pieces, scores = self._trie.iter_prefixes_with_ids, self._scores
        best = [0.0] + [-1e30] * size
        back = [(0, -1)] * (size + 1)  # where the last piece up to here begins, and its place; -1: the unknown one
        for start in range(size):
            base = best[start]
            for piece, place in pieces(text[start : start + _PIECE_MAX_CHARS]):
                end, score = start + len(piece), base + scores[place]
                if score > best[end]:
                    best[end], back[end] = score, (start, place)
            if base + self._unknown_score > best[start + 1]:
                best[start + 1], back[start + 1] = base + self._unknown_score, (start, -1)
        ids: list[int] = []
        at = size
        while at > 0:
            at, place = back[at]
            ids.append(self._ids[place] if place >= 0 else self._unknown)
        ids.reverse()
        return ids, best[size], ids.count(self._unknown)
