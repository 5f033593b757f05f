"""What holds a list back until somebody has looked: lists are made by people and machines, and both err.

- Flood: a list that grows tenfold at one go.
- Poison: a hash that everyday pictures would match, so that one line of a list could refuse half of the world.
- Nonsense: a PDQ hash with far more or far fewer ones than the half that every real one has.

Only what is new is held back; what the bank held before goes on matching. A list that comes in pages is judged as one.
"""

from collections.abc import Sequence

from safelight.matching.everyday import EVERYDAY
from safelight.matching.pdq import distance

_GROWTH = 10
_MIN_HASHES_FOR_GROWTH = 100
"""A list with fewer may grow as it likes."""
_ONES = range(96, 161)
"""A PDQ hash compares with a median, so half of its 256 bits are ones but for ties."""


def is_nonsense(pdq_hash: bytes) -> bool:
    """Whether no picture with detail can have this hash."""
    return int.from_bytes(pdq_hash).bit_count() not in _ONES


def why_hold_back(held: int, new: int, pdqs: Sequence[bytes], threshold_bits: int) -> str:
    """Why `new` hashes for a bank that held `held` before them are not to count yet; empty where nothing speaks so.

    `pdqs` are those that are to be held against everyday pictures.
    """
    if held >= _MIN_HASHES_FOR_GROWTH and new > held * (_GROWTH - 1):
        return f"flood: {new} new hashes for a list of {held}"
    for name, everyday in EVERYDAY.items():
        near = sum(distance(one, everyday) <= threshold_bits for one in pdqs)
        if near:
            return f"poison: {near} of the new hashes would match an everyday picture ({name})"
    return ""
