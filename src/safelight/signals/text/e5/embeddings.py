"""From pieces to the numbers that the first layer takes: word, place and type, added and normalised."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from safelight.signals.text.e5.model_file import ModelFile, unpack

Numbers = NDArray[np.float32]


class Embeddings:
    """Those of one model file; the table of words stays packed, and only what is asked for is unpacked."""

    def __init__(self, file: ModelFile) -> None:
        shape = file.shape
        self._ends = (file.pieces.begin, file.pieces.end)
        self._hidden, self._epsilon = shape.hidden, shape.epsilon
        self._words = file.blocks("emb.word").reshape(-1, shape.hidden // 32, 18)
        places = file.vector("emb.pos").reshape(-1, shape.hidden)
        self._places = (places + file.vector("emb.type")[: shape.hidden]).astype(np.float32)
        self._scale, self._shift = file.vector("emb.ln.w"), file.vector("emb.ln.b")

    def framed(self, ids: Sequence[int]) -> Numbers:
        """(1, pieces + 2, hidden): the pieces between the two end marks."""
        framed = np.array([self._ends[0], *ids, self._ends[1]])
        x = unpack(self._words[framed].reshape(-1, 18)).reshape(len(framed), self._hidden)
        x = x + self._places[: len(framed)]
        x -= x.mean(axis=1, keepdims=True)
        x /= np.sqrt((x * x).mean(axis=1, keepdims=True) + self._epsilon)
        made: Numbers = (x * self._scale + self._shift).astype(np.float32)[None]
        return made
