"""Turns pieces of text into numbers: one run of the network a stretch of tokens, one thread, nothing kept.

What is left to others: where to cut a long text (`units.py`), and what the numbers mean (`head.py`).
"""

from collections.abc import Sequence

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from safelight.core.errors import DetectorUnfit
from safelight.signals.text.e5 import graph
from safelight.signals.text.e5.model_file import ModelFile, bundled_model, unpack
from safelight.signals.text.e5.tokens import Tokenizer

Numbers = NDArray[np.float32]


class Encoder:
    """multilingual-e5-small. Safe to share between threads."""

    def __init__(self) -> None:
        file = ModelFile(bundled_model())
        shape = file.shape
        self.tokenizer = Tokenizer(file.pieces)
        self.max_tokens = shape.max_tokens - 2
        self._ends = (file.pieces.begin, file.pieces.end)
        self._hidden, self._epsilon = shape.hidden, shape.epsilon
        self._words = file.blocks("emb.word").reshape(-1, shape.hidden // 32, 18)
        places = file.vector("emb.pos").reshape(-1, shape.hidden)
        self._places = (places + file.vector("emb.type")[: shape.hidden]).astype(np.float32)
        self._scale, self._shift = file.vector("emb.ln.w"), file.vector("emb.ln.b")
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(graph.build(file), options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise DetectorUnfit(
                f"onnxruntime cannot open the sentence encoder ({error}); see safelight doctor"
            ) from error

    def states(self, ids: Sequence[int]) -> Numbers:
        """(pieces, 2 × hidden): an early layer's state of each piece beside a late layer's; end marks are left out.

        Raises ValueError for no piece, or for more than `max_tokens`.
        """
        if not 0 < len(ids) <= self.max_tokens:
            raise ValueError(f"{len(ids)} pieces: between 1 and {self.max_tokens} are needed")
        framed = np.array([self._ends[0], *ids, self._ends[1]])
        x = unpack(self._words[framed].reshape(-1, 18)).reshape(len(framed), self._hidden)
        x = x + self._places[: len(framed)]
        x -= x.mean(axis=1, keepdims=True)
        x /= np.sqrt((x * x).mean(axis=1, keepdims=True) + self._epsilon)
        x = (x * self._scale + self._shift).astype(np.float32)
        early, late = self._session.run(["early", "late"], {"states": x[None]})
        both: Numbers = np.concatenate([early[0, 1:-1], late[0, 1:-1]], axis=1)
        return both
