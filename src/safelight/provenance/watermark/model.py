"""The words of the watermark: what goes in, what a reading says, and why there is none.

"No answer" is a value: a picture that is too small or holds nothing that we can read gives `NotRead`, with the reason.
"""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""(height, width) grey, (height, width, 3) RGB or (height, width, 4) RGBA; eight bits a channel."""

PAYLOAD_BYTES = 8
"""What a mark carries: a random id that means nothing without the register."""


class WhyNotRead(StrEnum):
    """Why a picture gave no payload. Stable: records and tests rely on the values."""

    TOO_SMALL = "too_small"
    """Smaller than anything in which a mark could be told from chance."""
    NOTHING_FOUND = "nothing_found"
    """No mark of the keys that were tried. It may never have had one, or have lost it."""
    DAMAGED = "damaged"
    """The pattern of a key is there, but the bits do not pass their check: unsure, never a guess."""


@dataclass(frozen=True, slots=True)
class NotRead:
    """No payload."""

    why: WhyNotRead
    key_id: str | None = None
    """With `DAMAGED`: whose pattern it seems to be."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A payload that passed its check."""

    payload: bytes
    """`PAYLOAD_BYTES` bytes."""
    key_id: str
    false_log10: float
    """Upper bound, as a power of ten, of the chance that a picture never marked with this key gives any reading at
    least as clear as this one (`confidence.py`): -30 means once in 10³⁰ pictures."""
    mirrored: bool
    """The picture in hand is the mirror image, left to right, of the one that was marked."""
    tile_px: tuple[float, float]
    """Height and width, in pixels of the picture in hand, of the square that the mark repeats. What was marked has the
    same square in whole pixels (`layout.tile_px`), so their quotient is how much the picture was resized."""
    turned_deg: float
    """By how much the picture in hand is turned against the one that was marked; 0 unless turns were searched."""
