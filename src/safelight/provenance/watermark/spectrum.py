"""From a picture to the waves in it, each against the noise around it.

Rules of this module
- A picture is looked at in grey, shrunk to at most `WORKING_PX` squared: the mark lies below that resolution.
- What is steady (light, shade) is taken out, and each place is divided by how lively its surroundings are, since the
  mark was made stronger there by the same measure (`embed.py`).
- In the spectrum each frequency is divided by the mean size of its neighbours: a fence, a brick wall or the blocks of a
  compression stand out in a few frequencies, and must not shout down the others.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from safelight.provenance.watermark.model import Picture

Plane = NDArray[np.float32]

WORKING_PX = 512
_HIGHEST = 0.34
"""Periods a working pixel up to which the spectrum is kept."""
_STEADY_PX = 4.0
_LIVELY_PX = 9
_QUIET = 0.6
"""Grey levels that are added to the liveliness: what rounding alone leaves in a flat surface."""
_CLIP = 3.0
_NEIGHBOURS = 9


def grey(picture: Picture) -> NDArray[np.uint8]:
    """Luma (ITU-R BT.601), which is also what JPEG keeps best."""
    if picture.ndim == 2:
        return picture
    code = cv2.COLOR_RGB2GRAY if picture.shape[2] == 3 else cv2.COLOR_RGBA2GRAY
    return np.asarray(cv2.cvtColor(picture, code), np.uint8)


def details(plane: Plane) -> Plane:
    """What is left when the steady part is taken out, in grey levels."""
    return np.asarray(plane - cv2.GaussianBlur(plane, (0, 0), _STEADY_PX), np.float32)


def liveliness(detail: Plane) -> Plane:
    """How strong the details around each place are, in grey levels."""
    return np.asarray(cv2.blur(np.abs(detail), (_LIVELY_PX, _LIVELY_PX)), np.float32)


def levelled(plane: Plane) -> Plane:
    """The details, equally strong everywhere."""
    detail = details(plane)
    return np.clip(detail / (liveliness(detail) + np.float32(_QUIET)), -_CLIP, _CLIP)


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The lower frequencies of a picture, phases counted from its middle."""

    values: NDArray[np.complex64]
    """(down, across): row i is frequency i periods a `rows` working pixels, negative ones at the end."""
    rows: int
    columns: int
    scale: tuple[float, float]
    """Working pixels a pixel, down and across."""
    size: tuple[int, int]
    """Of the working picture."""


def spectrum(picture: Picture) -> Spectrum:
    """The spectrum of `picture`."""
    plane = grey(picture)
    height, width = plane.shape
    shrink = min(1.0, WORKING_PX / float(np.sqrt(height * width)))
    size = (max(1, round(height * shrink)), max(1, round(width * shrink)))
    if shrink < 1:
        plane = np.asarray(cv2.resize(plane, size[::-1], interpolation=cv2.INTER_AREA), np.uint8)
    level = levelled(plane.astype(np.float32))
    rows, columns = (cv2.getOptimalDFTSize(2 * side) for side in size)
    kept = int(_HIGHEST * columns) + 2
    lines = np.fft.rfft(level, columns, axis=1)[:, :kept]
    values = np.fft.fft(lines, rows, axis=0).astype(np.complex64)
    values *= _middle(size[0], np.fft.fftfreq(rows))[:, None]
    values *= _middle(size[1], np.arange(kept) / columns)
    power = (values.real**2 + values.imag**2).astype(np.float32)
    around = cv2.blur(power, (_NEIGHBOURS, _NEIGHBOURS), borderType=cv2.BORDER_REFLECT_101)
    values /= np.sqrt(around + np.float32(1e-3) * around.mean() + np.float32(1e-12))
    return Spectrum(values, rows, columns, (size[0] / height, size[1] / width), size)


def _middle(side: int, frequencies: NDArray[np.floating]) -> NDArray[np.complex64]:
    """What turns phases counted from the first pixel into phases counted from the middle."""
    return np.asarray(np.exp(2j * np.pi * frequencies * ((side - 1) / 2)), np.complex64)
