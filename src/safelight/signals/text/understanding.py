"""Understands one text: the strongest part of it and the whole, as scores and as a kind of move.

What is left to others: which readings there are (`reading`), conversations and signals (`meaning.py`).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from safelight.signals.text.e5.encoder import Encoder
from safelight.signals.text.head import DEGREE, KINDS, LABELS, MINOR, SEXUAL, UNDRESS, Head, squash
from safelight.signals.text.kinds import Kind
from safelight.signals.text.minors import Minors
from safelight.signals.text.units import Known, cut

Numbers = NDArray[np.float32]
WINDOWS_MAX = 12
"""Windows of one text that the encoder is run on."""
AMBIGUOUS_SUPPORT = 0.3
"""What the head must at least say before an ambiguous word counts as a child."""


@dataclass(frozen=True, slots=True)
class Understanding:
    """What one text was taken to mean; scores from 0 to 1."""

    undress: float = 0.0
    sexual: float = 0.0
    minor: float = 0.0
    person: float = 0.0
    garment: float = 0.0
    degree: float = 0.0
    kind: Kind = Kind.NONE
    gibberish: float = 0.0
    unknown_language: float = 0.0


class Reader:
    """Encoder, head and lexicon together. Safe to share between threads."""

    def __init__(self, encoder: Encoder, head: Head, minors: Minors) -> None:
        self._encoder, self._head, self._minors = encoder, head, minors

    def understand(self, text: str, known: Known) -> Understanding:
        """Read `text`; `known` keeps the words already cut in this call."""
        cutting = cut(text, self._encoder.tokenizer, known)
        if not cutting.windows:
            return Understanding()
        parts: list[Numbers] = []
        for window in cutting.windows[:WINDOWS_MAX]:
            features = self._head.features(self._encoder.states(window.ids).tokens)
            parts.append(self._head.logits(features, window.spans))
        logits = np.concatenate(parts)
        scores = squash(logits[:, : len(LABELS)])
        top = scores.max(axis=0)
        decisive = int(np.argmax(np.maximum(scores[:, UNDRESS], scores[:, SEXUAL])))
        kinds = logits[decisive, len(LABELS) :]
        found = self._minors.look(text)
        supported = not found.needs_support or top[MINOR] >= AMBIGUOUS_SUPPORT
        return Understanding(
            undress=float(top[UNDRESS]),
            sexual=float(top[SEXUAL]),
            minor=max(
                float(top[MINOR]) if found.score else min(float(top[MINOR]), 0.45), found.score if supported else 0.0
            ),
            person=float(top[3]),
            garment=float(top[4]),
            degree=float(scores[0, DEGREE]),
            kind=KINDS[1 + int(np.argmax(kinds[1:]))],
            gibberish=0.0,
            unknown_language=cutting.unknown / max(cutting.pieces, 1),
        )
