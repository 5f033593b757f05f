"""How risky a stretch of text looks at a glance: one number a piece of the vocabulary, learned with the head.

It refuses nothing and explains nothing: it ranks the windows of a text that is too long to be read whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from safelight.core.errors import DetectorUnfit

CALMEST = -8
"""No piece counts as calmer: one full stop must not outweigh a verb."""


@dataclass(frozen=True, slots=True, eq=False)
class Risk:
    """The table: (vocabulary,) int8, greater is riskier."""

    table: NDArray[np.int8]

    def of(self, ids: Sequence[int]) -> float:
        """The greatest sum over any stretch of `ids`: what stands before and after takes nothing away."""
        sums = np.concatenate([[0], np.cumsum(np.maximum(self.table[np.asarray(ids)], CALMEST), dtype=np.int64)])
        return float((sums - np.minimum.accumulate(sums)).max())


def load_risk(name: str = "risk.npz") -> Risk:
    """The table out of the package. Raises DetectorUnfit when it is absent."""
    try:
        with (
            files("safelight.signals.text").joinpath("weights", name).open("rb") as stream,
            np.load(stream) as stored,
        ):
            return Risk(stored["table"])
    except (OSError, KeyError, ValueError) as error:
        raise DetectorUnfit(f"the text judgement's table cannot be read ({error}): install safelight again") from error
