"""How sure a reading is: a bound on the chance that a picture without the mark gives one as clear.

The signs with which a key writes its waves are as good as chance to whoever has no key, and a picture that was not
marked with this key does not depend on them. For one codeword, the sum of the picture's values with those signs is then
a sum of independent signs with fixed weights, and by Hoeffding's inequality (1963) it exceeds z times the root of the
squared weights with probability exp(-z²/2) at most, whatever the picture. A reading looks for the best of 2⁶⁴ payloads
in a few places that were chosen by the pilot alone, whose signs are independent of these, so the bound for any of them
is places × 2⁶⁴ × exp(-z²/2).
"""

import math

import numpy as np
from numpy.typing import NDArray

from safelight.provenance.watermark.model import PAYLOAD_BYTES

LARGEST_FALSE_LOG10 = -9.0
"""A reading that chance could give more often than this is none."""


def false_log10(
    values: NDArray[np.float32], expected: NDArray[np.float32], places: int, *, payload_bits: int = 8 * PAYLOAD_BYTES
) -> float:
    """The bound, as a power of ten, for `values` read where the signs of the found payload are `expected`.

    `places` is how many poses were decoded with this key; `payload_bits` is 0 where the payload was known beforehand,
    so that there was none to look for. At most 0.
    """
    energy = float(np.sum(values.astype(np.float64) ** 2))
    if energy == 0:
        return 0.0
    clarity = max(0.0, float(np.sum(values.astype(np.float64) * expected)) / math.sqrt(energy))
    bound = math.log(places) + payload_bits * math.log(2) - clarity**2 / 2
    return min(0.0, bound / math.log(10))
