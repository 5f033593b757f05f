"""What the encoder's states mean: a small trained network, one answer a label and one for the kind of move.

Each token's state is turned into features; over a span the greatest and the mean of each feature are taken, so that one
word can decide and the rest can weigh; two layers more give the answers. The weights are made by
`training/train_meaning.py`; what they were measured to do stands in docs/models/text-meaning.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from safelight.core.errors import DetectorUnfit
from safelight.signals.text.kinds import Kind

Numbers = NDArray[np.float32]
LABELS = ("undress", "sexual", "minor", "person")
"""The columns of the answer, each from 0 to 1."""
UNDRESS, SEXUAL, MINOR, PERSON = range(len(LABELS))
KINDS = tuple(Kind)


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """Standardise, features by token, pool, hidden layer, answers. Arrays are float32."""

    centre: Numbers
    spread: Numbers
    token: Numbers
    token_bias: Numbers
    inner: Numbers
    inner_bias: Numbers
    outer: Numbers
    outer_bias: Numbers

    def features(self, states: Numbers) -> Numbers:
        """(tokens, features) from (tokens, width)."""
        standard = (states - self.centre) / self.spread
        made: Numbers = np.maximum(standard @ self.token + self.token_bias, 0.0)
        return made

    def logits(self, features: Numbers, spans: Sequence[tuple[int, int]]) -> Numbers:
        """(spans, labels + kinds) before squashing."""
        pooled = np.stack([pool(features[start:stop]) for start, stop in spans])
        hidden = np.maximum(pooled @ self.inner + self.inner_bias, 0.0)
        answer: Numbers = hidden @ self.outer + self.outer_bias
        return answer

    def arrays(self) -> dict[str, Numbers]:
        """By name, as they are stored."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def pool(features: Numbers) -> Numbers:
    """(2 × features,): the greatest of each over the tokens, then the mean."""
    return np.concatenate([features.max(axis=0), features.mean(axis=0)])


def squash(x: Numbers) -> Numbers:
    """The logistic function, without overflow."""
    result: Numbers = (0.5 * (1.0 + np.tanh(0.5 * x))).astype(np.float32)
    return result


def load_head(name: str = "meaning.npz") -> Head:
    """The trained head out of the package. Raises DetectorUnfit when it is absent or of another shape."""
    try:
        with (
            files("safelight.signals.text").joinpath("weights", name).open("rb") as stream,
            np.load(stream) as stored,
        ):
            head = Head(**{field.name: stored[field.name].astype(np.float32) for field in fields(Head)})
    except (OSError, KeyError, ValueError) as error:
        raise DetectorUnfit(
            f"the text judgement's weights cannot be read ({error}): install safelight again"
        ) from error
    if head.outer.shape[1] != len(LABELS) + len(KINDS):
        raise DetectorUnfit("the text judgement's weights are of another release: install safelight again")
    return head
