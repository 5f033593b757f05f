"""The layers of the encoder that were trained further here, as they are stored: `weights/layers.npz`.

Matrices are kept as bytes with one scale an output, since that is how they are run (`graph.py`); the rest in half
precision. Made by `training/train_meaning.py`.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from safelight.core.errors import DetectorUnfit

RANGE = 63
"""The greatest byte: two products stay within 16 bits, so machines with and without VNNI get the same sums."""

Numbers = NDArray[np.float32]


def quantised(weights: Numbers) -> tuple[NDArray[np.int8], Numbers]:
    """Bytes and scales of a matrix (inputs, outputs), one scale an output."""
    scales = (np.abs(weights).max(axis=0) / RANGE).astype(np.float32)
    return np.rint(weights / scales).astype(np.int8), scales


def packed(layers: Mapping[str, Numbers]) -> dict[str, NDArray[Any]]:
    """`layers`, named as in the packed model file, as they are stored."""
    made: dict[str, NDArray[Any]] = {}
    for name, array in layers.items():
        if array.ndim == 2:
            made[f"{name}.q"], made[f"{name}.s"] = quantised(array)
        else:
            made[name] = array.astype(np.float32)
    return made


def stored() -> dict[str, NDArray[Any]]:
    """What `packed` made, out of the package. Raises DetectorUnfit when it is absent."""
    try:
        with (
            files("safelight.signals.text").joinpath("weights", "layers.npz").open("rb") as stream,
            np.load(stream) as found,
        ):
            return {name: found[name] for name in found.files}
    except (OSError, ValueError) as error:
        raise DetectorUnfit(
            f"the encoder's trained layers cannot be read ({error}): install safelight again"
        ) from error
