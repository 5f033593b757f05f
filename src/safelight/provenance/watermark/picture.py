"""How the mark looks at a picture: in grey, and at its fine, faint structure only.

Rules of this module
- The mark is a few grey levels strong, so edges and objects are its noise. A bilateral filter (Tomasi and Manduchi,
  1998) gives the picture without what is faint; the difference is the faint alone, edges left out (`Look.FAINT`).
  This is worth more than any other step: on drawings three times the clarity, on photographs a quarter more.
- Where everything is lively (noise, a lawn) that filter keeps nothing, and what is left without the steady part
  (`Look.ALL`) serves better.
- Both are divided by how lively their surroundings are, since the mark is stronger there.
"""

from enum import Enum

import cv2
import numpy as np
from numpy.typing import NDArray

from safelight.provenance.watermark.model import Picture

Plane = NDArray[np.float32]
"""(height, width), in grey levels unless said otherwise."""

_REACH_PX = 4.0
_WINDOW_PX = 9
_FAINT = 12.0
"""Grey levels: what differs by much more from its surroundings is an edge."""
_LIVELY = 15.0
_MOSTLY_LIVELY = 0.5
_ROUNDING = 0.6
"""Grey levels that rounding alone leaves in a flat surface."""
_CLIP = 3.0


class Look(Enum):
    """What of a picture is looked at."""

    FAINT = "faint"
    ALL = "all"


def grey(picture: Picture) -> NDArray[np.uint8]:
    """Luma (ITU-R BT.601), which is also what JPEG keeps best. Raises ValueError for what is no `Picture`."""
    if picture.dtype != np.uint8 or picture.size == 0:
        raise ValueError("a picture has eight bits a channel and at least one pixel")
    if picture.ndim == 2:
        return np.ascontiguousarray(picture)
    if picture.ndim != 3 or picture.shape[2] not in (3, 4):
        raise ValueError(f"a picture is grey, RGB or RGBA, not of shape {picture.shape}")
    code = cv2.COLOR_RGB2GRAY if picture.shape[2] == 3 else cv2.COLOR_RGBA2GRAY
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(picture), code), np.uint8)


def shrunk(plane: NDArray[np.uint8], size: tuple[int, int]) -> Plane:
    """`plane` in another, not larger size (height, width); made larger only by the rounding of sizes."""
    if plane.shape != size:
        plane = np.asarray(cv2.resize(plane, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    return plane.astype(np.float32)


def details(plane: Plane) -> Plane:
    """What is left when the steady part is taken out."""
    return np.asarray(plane - cv2.GaussianBlur(plane, (0, 0), _REACH_PX), np.float32)


def liveliness(detail: Plane) -> Plane:
    """How strong the details around each place are."""
    return np.asarray(cv2.blur(np.abs(detail), (_WINDOW_PX, _WINDOW_PX)), np.float32)


def mostly_lively(plane: Plane) -> bool:
    """Whether `Look.ALL` may see what `Look.FAINT` does not."""
    return bool(np.mean(np.abs(details(plane)) < _LIVELY) < _MOSTLY_LIVELY)


def levelled(plane: Plane, look: Look) -> Plane:
    """The structure of `plane` in which the mark is looked for, equally strong everywhere; no unit, within ±3."""
    if look is Look.FAINT:
        detail = np.asarray(plane - cv2.bilateralFilter(plane, _WINDOW_PX, _FAINT, _REACH_PX), np.float32)
    else:
        detail = details(plane)
    return np.clip(detail / (liveliness(detail) + np.float32(_ROUNDING)), -_CLIP, _CLIP)
