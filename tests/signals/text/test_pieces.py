"""The encoder's vocabulary, packed: the files are those of the vocabulary that is installed, and a text is cut best."""

from dataclasses import replace
from functools import cache
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from safelight.core.errors import DetectorUnfit
from safelight.signals.text.e5.model_file import ModelFile, bundled_model
from safelight.signals.text.e5.pieces import IDS, TRIE, Vocabulary, open_pieces, pack
from safelight.signals.text.e5.tokens import Tokenizer

_UNKNOWN_BELOW_LEAST = 10.0


@cache
def _vocabulary() -> Vocabulary:
    return ModelFile(bundled_model()).vocabulary


@cache
def _tokenizer() -> Tokenizer:
    return Tokenizer(open_pieces(_vocabulary()))


@cache
def _plainly() -> tuple[list[str], dict[str, int]]:
    """Every piece by its id, and every id by its piece."""
    vocabulary = _vocabulary()
    edges = vocabulary.edges.tolist()
    texts = [vocabulary.words[start:stop].decode() for start, stop in pairwise(edges)]
    return texts, {text: index for index, text in enumerate(texts) if index != vocabulary.unknown}


def test_the_packed_files_are_what_the_installed_vocabulary_packs_to() -> None:
    folder = files("safelight.signals.text.e5")
    assert pack(_vocabulary()) == tuple(folder.joinpath(name).read_bytes() for name in (TRIE, IDS))


def test_another_vocabulary_is_refused() -> None:
    """Its ids would mean other pieces."""
    vocabulary = _vocabulary()
    for other in (
        replace(vocabulary, unknown=7),
        replace(vocabulary, words=vocabulary.words[:-1] + b"x"),
        replace(vocabulary, edges=np.delete(vocabulary.edges, 9)),
    ):
        with pytest.raises(DetectorUnfit, match="another"):
            open_pieces(other)


@settings(deadline=None)  # the first example opens the vocabulary
@given(st.text("abcdefgh▁éжы漢 ", min_size=1, max_size=12))
@example("<unk>")
@example("ab\0cd")
def test_a_word_is_cut_into_the_most_probable_pieces(text: str) -> None:
    """Against the same sum over every way to cut it, one character longer at a time."""
    tokenizer, (texts, ids), scores = _tokenizer(), _plainly(), _vocabulary().scores
    unknown = float(scores.min()) - _UNKNOWN_BELOW_LEAST
    for word in tokenizer.words(text):
        marked = f"▁{word}"
        best = [0.0]
        for end in range(1, len(marked) + 1):
            ways = [best[s] + float(scores[ids[marked[s:end]]]) for s in range(end) if marked[s:end] in ids]
            best.append(max([*ways, best[-1] + unknown]))
        cut = tokenizer.cut_words([word], {})
        assert cut.score == best[-1]
        if not cut.unknown:
            assert "".join(texts[index] for index in cut.ids) == marked
