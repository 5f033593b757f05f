"""How risky a stretch of text looks at a glance: one number a piece of the vocabulary, learned with the head.

It refuses nothing and explains nothing: it ranks the windows of a text that is too long to be read whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from safelight.core.errors import DetectorUnfit

STRONGEST = 5
"""Pieces of a window that count."""


@dataclass(frozen=True, slots=True, eq=False)
class Risk:
    """The table: (vocabulary,) int8, greater is riskier."""

    table: NDArray[np.int8]

    def of(self, ids: Sequence[int]) -> float:
        """The sum of the strongest pieces of `ids`."""
        risks = np.sort(self.table[np.asarray(ids)])[-STRONGEST:]
        return float(risks.sum(dtype=np.int64))


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
