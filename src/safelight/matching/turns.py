"""The hash of a mirrored or turned picture, worked out from the hash alone.

Mirroring negates some of the frequencies behind a PDQ hash and turning swaps their axes (`pdq.py`). A bit says whether
a frequency lies above the median, which is near zero, so negating a frequency turns its bit over. The hash that comes
out is off by the frequencies between the median and its negative: seven bits on average and eighteen at most over
seventy pictures, where a copy may be thirty-one away. So it is for where the picture is gone; who has it asks `pdq`.
"""

import numpy as np
from numpy.typing import NDArray

from safelight.matching.pdq import HASH_BYTES, Turn

_SIDE = 16
_ODD = np.arange(_SIDE) % 2 == 0
"""The odd frequencies stand at even places: the mean is left out."""


def turned(pdq_hash: bytes) -> tuple[tuple[Turn, bytes], ...]:
    """The hash in its eight forms, near what the picture so turned would have. Raises ValueError."""
    if len(pdq_hash) != HASH_BYTES:
        raise ValueError("a PDQ hash has 32 bytes")
    # Bit 0 is the last bit of the last byte: in this order, rows are frequencies down and columns across.
    bits = np.unpackbits(np.frombuffer(pdq_hash, np.uint8))[::-1].reshape(_SIDE, _SIDE).astype(np.bool_)
    across, down = _ODD[None, :], _ODD[:, None]
    swapped = bits.T
    forms = (
        (Turn.NONE, bits),
        (Turn.ROTATE_90, swapped ^ down),
        (Turn.ROTATE_180, bits ^ across ^ down),
        (Turn.ROTATE_270, swapped ^ across),
        (Turn.MIRROR, bits ^ across),
        (Turn.FLIP, bits ^ down),
        (Turn.TRANSPOSE, swapped),
        (Turn.TRANSVERSE, swapped ^ across ^ down),
    )
    return tuple((turn, _packed(form)) for turn, form in forms)


def _packed(bits: NDArray[np.bool_]) -> bytes:
    return np.packbits(bits.ravel()[::-1]).tobytes()
