"""Where joined words part, and how far from language letters are, in every language of the encoder's vocabulary.

Rules
- The encoder's vocabulary (a hundred languages, in pieces of words) and the lists of whole words (`words.py`) are read
  side by side, both as natural log-probabilities: what inflects or compounds is in no list, but its pieces are known.
- Linear: at each letter the pieces and words that begin there are looked up, none longer than a bound.
- Nothing here decides whether a trick was used.
"""

from dataclasses import dataclass
from functools import cache
from math import log

from safelight.signals.text.e5.model_file import ModelFile, bundled_model
from safelight.signals.text.e5.pieces import Pieces
from safelight.signals.text.reading.words import LONGEST_WORD, lexicon

BEGIN = "▁"
"""How the vocabulary marks a piece that begins a word."""
LONGEST_PIECE = 16
PARTING_STEPS_PER_LETTER = 8
SURPRISE_STEPS_PER_LETTER = 4
LISTED_PRICE = 2.0
"""What a listed word pays: its frequency is that in one language, the vocabulary's are over all."""
UNKNOWN_PRICE = 10.0
"""Below the least probable piece, for a letter that no piece has; as in `e5/tokens.py`."""
PER_BILLION = 9
"""Zipf frequencies are logarithms of uses in so many powers of ten."""
SURPRISE_CHARS = 400
"""Of a longer text, as much is looked at."""


@dataclass(frozen=True, slots=True)
class Parted:
    """A run of letters, cut into words."""

    words: tuple[str, ...]
    price: float
    """How improbable the words are: nats a letter."""
    gain: float
    """How much less improbable than the run as one word: nats a letter."""


@cache
def vocabulary() -> Pieces:
    """Open the encoder's vocabulary: about 25 ms, once. Raises DetectorUnfit."""
    return ModelFile(bundled_model()).pieces


@cache
def _word_prices() -> tuple[float, ...]:
    """The log-probability of a listed word, by its byte in `words.zipf`."""
    return tuple((code / 25 - PER_BILLION) * log(10) - LISTED_PRICE for code in range(256))


def parted(run: str) -> Parted:
    """The most likely words of a run of letters without blanks. Not for scripts that are written so."""
    low = _in_small_letters(run)
    pieces, listed, prices = vocabulary(), lexicon(), _word_prices()
    find, scores, find_word, codes = (
        pieces.trie.iter_prefixes_with_ids,
        pieces.scores,
        listed.trie.iter_prefixes_with_ids,
        listed.zipf,
    )
    unknown = pieces.least - UNKNOWN_PRICE
    size = len(low)
    never = -1e30
    # Two states at each letter: inside a word of pieces, which may go on, or behind a listed word, which is whole.
    inside, behind = [never] * (size + 1), [0.0] + [never] * size
    inside_from: list[tuple[int, bool]] = [(0, True)] * (size + 1)
    behind_from = [0] * (size + 1)
    for at in range(size):
        so_far = inside[at]
        if so_far > never:
            for piece, place in find(low[at : at + LONGEST_PIECE]):
                end, score = at + len(piece), so_far + scores[place]
                if score > inside[end]:
                    inside[end], inside_from[end] = score, (at, False)
        best = max(so_far, behind[at])
        for piece, place in find(BEGIN + low[at : at + LONGEST_PIECE - 1]):
            end, score = at + len(piece) - 1, best + scores[place]
            if end > at and score > inside[end]:
                inside[end], inside_from[end] = score, (at, True)
        for word, place in find_word(low[at : at + LONGEST_WORD]):
            end, score = at + len(word), best + prices[codes[place]]
            if score > behind[end]:
                behind[end], behind_from[end] = score, at
        if best + unknown > inside[at + 1]:
            inside[at + 1], inside_from[at + 1] = best + unknown, (at, at == 0)
    words: list[str] = []
    end = stop = size
    while end:
        if behind[end] >= inside[end]:
            begin, begins = behind_from[end], True
        else:
            begin, begins = inside_from[end]
        if begins:
            words.append(run[begin:stop])
            stop = begin
        end = begin
    whole = max(inside[size], behind[size])
    return Parted(tuple(reversed(words)), -whole / max(1, size), (whole - _alone(low)) / max(1, size))


def price(text: str) -> float:
    """As `surprise`, whatever the blanks of `text`: the letters cut into the words that are likeliest."""
    return parted("".join(text[:SURPRISE_CHARS].split())).price


def surprise(text: str) -> float:
    """How improbable the letters of `text` are as the words that they stand in: nats a letter, about 3 for prose in any
    language and 5 for noise. Linear; of a long text the beginning.
    """
    words = text[:SURPRISE_CHARS].casefold().split()
    letters = sum(map(len, words))
    return -sum(map(_alone, words)) / letters if letters else 0.0


def _in_small_letters(run: str) -> str:
    """`run` case-folded where each letter stays one."""
    low = run.casefold()
    return low if len(low) == len(run) else "".join(c if len(c.lower()) > 1 else c.lower() for c in run)


def _alone(word: str) -> float:
    """The log-probability of a word as pieces."""
    pieces = vocabulary()
    find, scores = pieces.trie.iter_prefixes_with_ids, pieces.scores
    unknown = pieces.least - UNKNOWN_PRICE
    marked = BEGIN + word
    best = [0.0] + [-1e30] * len(marked)
    for at in range(len(marked)):
        so_far = best[at]
        for piece, place in find(marked[at : at + LONGEST_PIECE]):
            end = at + len(piece)
            if so_far + scores[place] > best[end]:
                best[end] = so_far + scores[place]
        if so_far + unknown > best[at + 1]:
            best[at + 1] = so_far + unknown
    return best[-1]
