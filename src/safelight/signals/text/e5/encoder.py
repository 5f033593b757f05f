"""Turns pieces of text into numbers: one run of the network a stretch of tokens, one thread, nothing kept.

What is left to others: where to cut a long text (`units.py`), and what the numbers mean (`head.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safelight.core.errors import DetectorUnfit
from safelight.signals.sessions import open_session
from safelight.signals.text.e5 import graph
from safelight.signals.text.e5.embeddings import Embeddings
from safelight.signals.text.e5.model_file import ModelFile, bundled_model
from safelight.signals.text.e5.tokens import Tokenizer
from safelight.signals.text.e5.tuned import stored

Numbers = NDArray[np.float32]


class Encoder:
    """multilingual-e5-small, its layers trained further. Safe to share between threads."""

    def __init__(self, tuned: Mapping[str, NDArray[Any]] | None = None) -> None:
        """`tuned`: the layers as they were trained; one that is not there is the package's."""
        file = ModelFile(bundled_model())
        self.tokenizer = Tokenizer(file.pieces)
        self.max_tokens = file.shape.max_tokens - 2
        self._embeddings = Embeddings(file)
        try:
            self._session = open_session(graph.build(file, stored() if tuned is None else tuned))
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
        early, late = self._session.run(["early", "late"], {"states": self._embeddings.framed(ids)})
        both: Numbers = np.concatenate([early[0, 1:-1], late[0, 1:-1]], axis=1)
        return both
