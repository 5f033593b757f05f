"""Cuts text into pieces of the encoder's vocabulary: the most probable cut (unigram model, Viterbi), word by word.

No piece spans two words, so words are cut on their own, each spelling once a call; a word longer than
`WORD_MAX_CHARS` (scripts written without spaces, or noise) is cut in stretches, which bounds the time.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from safelight.signals.text.e5.model_file import Pieces

_SPACE = "▁"
WORD_MAX_CHARS = 64
_UNKNOWN_PENALTY = 10.0


@dataclass(frozen=True, slots=True)
class Cut:
    """A text as piece ids."""

    ids: tuple[int, ...]
    starts: tuple[int, ...]
    """For each piece the index of the word that it belongs to."""
    score: float
    """Log-probability of the cut: low for what is no language."""
    unknown: int
    """Pieces that the vocabulary does not know."""


class Tokenizer:
    """Cuts text as XLM-RoBERTa's SentencePiece model does. Safe to share between threads."""

    def __init__(self, pieces: Pieces) -> None:
        scores = pieces.scores.tolist()
        self._scores: list[float] = scores
        self._ids = {text: index for index, text in enumerate(pieces.text) if text and index != pieces.unknown}
        self._longest: dict[str, int] = {}
        """Letters of the longest piece by its first one: few scripts have pieces as long as Latin ones."""
        for text in self._ids:
            self._longest[text[0]] = max(len(text), self._longest.get(text[0], 0))
        self._unknown = pieces.unknown
        self._unknown_score = min(scores) - _UNKNOWN_PENALTY
        self._normal = pieces.normal

    def words(self, text: str) -> list[str]:
        """The words of `text` after the vocabulary's own normalisation, lone surrogates replaced."""
        clean = text.encode("utf-8", "replace").decode("utf-8").translate(self._normal)
        return clean.split()

    def cut_words(self, words: Iterable[str], known: dict[str, tuple[tuple[int, ...], float, int]]) -> Cut:
        """Cut each of `words`; `known` keeps the cuts of one call."""
        ids: list[int] = []
        starts: list[int] = []
        total, unknown = 0.0, 0
        for position, word in enumerate(words):
            found = known.get(word)
            if found is None:
                found = known[word] = self._cut(word)
            ids.extend(found[0])
            starts.extend([position] * len(found[0]))
            total += found[1]
            unknown += found[2]
        return Cut(tuple(ids), tuple(starts), total, unknown)

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
        known, scores, longest = self._ids, self._scores, self._longest
        best = [0.0] + [-1e30] * size
        back: list[tuple[int, int]] = [(0, -1)] * (size + 1)
        for start in range(size):
            base = best[start]
            for end in range(start + 1, min(size, start + min(16, longest.get(text[start], 0))) + 1):
                piece = known.get(text[start:end])
                if piece is not None and base + scores[piece] > best[end]:
                    best[end] = base + scores[piece]
                    back[end] = (start, piece)
            if base + self._unknown_score > best[start + 1]:
                best[start + 1] = base + self._unknown_score
                back[start + 1] = (start, self._unknown)
        ids: list[int] = []
        at = size
        while at > 0:
            at, piece_id = back[at]
            ids.append(piece_id)
        ids.reverse()
        return ids, best[size], ids.count(self._unknown)
