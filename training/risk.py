"""Learns the table of risk by piece: log-odds where it was seen, a line over the encoder's vectors elsewhere."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from safelight.signals.text.e5.model_file import ModelFile, bundled_model, unpack
from safelight.signals.text.e5.tokens import Tokenizer

_SMOOTH = 0.05
_DOUBT = 2.0
"""Occurrences that half a piece's odds are believed at."""
_ENOUGH = 3
_RIDGE = 0.3
_SCALE = 16.0


def learn(texts: Sequence[str], risky: Sequence[bool]) -> NDArray[np.int8]:
    """(vocabulary,) int8 from texts and whether each is an attack.

    A piece that the texts hold counts by its log-odds; one that they do not, by where its vector lies on the line that
    fits the log-odds of the others.
    """
    file = ModelFile(bundled_model())
    tokenizer = Tokenizer(file.pieces)
    hidden = file.shape.hidden
    words = unpack(file.blocks("emb.word")).reshape(-1, hidden).astype(np.float32)
    known: dict[str, tuple[tuple[int, ...], float, int]] = {}
    counts = np.zeros((2, len(words)), np.float64)
    for text, risk in zip(texts, risky, strict=True):
        counts[int(risk), list(set(tokenizer.cut_words(tokenizer.words(text), known).ids))] += 1
    share = (counts + _SMOOTH) / (counts.sum(axis=1, keepdims=True) + _SMOOTH * len(words))
    odds = np.log(share[1] / share[0])
    total = counts.sum(axis=0)
    odds *= total / (total + _DOUBT)
    seen = np.flatnonzero(total >= _ENOUGH)
    centre = words[seen].mean(axis=0)
    x = words[seen] - centre
    gram = x.T @ x + _RIDGE * np.trace(x.T @ x) / hidden * np.eye(hidden)
    line = np.linalg.solve(gram, x.T @ (odds[seen] - odds[seen].mean()))
    guess = (words - centre) @ line
    table = np.where(total >= 1, odds, 0.5 * np.clip(guess, -2, 2))
    return np.clip(np.rint(table * _SCALE), -127, 127).astype(np.int8)
