"""From a picture to the waves in it, each against the noise around it.

Rules of this module
- A picture is looked at in at most `WORKING_PX` squared: the mark lies below that resolution.
- In the spectrum each frequency is divided by the mean size of its neighbours: a fence, a brick wall or the blocks of a
  compression stand out in a few frequencies, and must not shout down the others.
- Phases are counted from the middle of the picture, so that they hardly change between neighbouring frequencies and the
  nearest one can stand for any between them while the square is looked for. Once it is found, what lies between is
  interpolated: a fourteenth more of each wave on average.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from safelight.provenance.watermark.model import Picture
from safelight.provenance.watermark.picture import Look, grey, levelled, shrunk

WORKING_PX = 512
_HIGHEST = 0.45
"""Periods a working pixel up to which the spectrum is kept."""
_NEIGHBOURS = 9
_LOUDEST = 2.5
"""No wave counts for more than this many times its neighbours."""
_TAPS = np.arange(-1, 3)


@dataclass(frozen=True, slots=True)
class Working:
    """A picture as it is looked at."""

    plane: NDArray[np.uint8]
    scale: tuple[float, float]
    """Working pixels a pixel of the picture, down and across."""

    @property
    def side(self) -> float:
        """Of a square of as many pixels."""
        return float(np.sqrt(self.plane.size))


def working(picture: Picture) -> Working:
    """`picture` in grey, at most `WORKING_PX` squared."""
    plane = grey(picture)
    height, width = plane.shape
    shrink = min(1.0, WORKING_PX / float(np.sqrt(height * width)))
    size = (max(1, round(height * shrink)), max(1, round(width * shrink)))
    return Working(shrunk(plane, size), (size[0] / height, size[1] / width))


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The lower frequencies of a picture, each of about unit size."""

    values: NDArray[np.complex64]
    """(across, down): frequency j, i periods a `columns`, `rows` working pixels; the negative ones of i at the end."""
    rows: int
    columns: int

    def at(self, down: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.complex64]:
        """The waves of these frequencies, in periods a working pixel; zero where none is kept."""
        opposite = across < 0
        row = np.rint(np.where(opposite, -down, down) * self.rows).astype(np.intp)
        column = np.rint(np.abs(across) * self.columns).astype(np.intp)
        last = len(self.values) - 1
        values = self.values[np.minimum(column, last), row % self.rows]
        values[(column > last) | (np.abs(row) >= self.rows // 2)] = 0
        return np.asarray(np.where(opposite, np.conj(values), values), np.complex64)

    def between(self, down: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.complex64]:
        """Those of `at`, interpolated from four by four neighbours (Lanczos), at sixteen times the work."""
        rows, columns = down * self.rows, across * self.columns
        row = np.floor(rows)[..., None, None] + _TAPS[:, None]
        column = np.floor(columns)[..., None, None] + _TAPS
        weights = _lanczos(rows[..., None, None] - row) * _lanczos(columns[..., None, None] - column)
        near = self.at(*np.broadcast_arrays(row / self.rows, column / self.columns))
        return np.asarray(np.sum(near * weights, axis=(-2, -1)), np.complex64)


def spectrum(seen: Working, look: Look) -> Spectrum:
    """The spectrum of a picture."""
    height, width = seen.plane.shape
    rows, columns = (cv2.getOptimalDFTSize(2 * side) for side in (height, width))
    kept = int(_HIGHEST * columns) + 2
    lines = np.fft.rfft(levelled(seen.plane, look), columns, axis=1)[:, :kept]
    # Each frequency across in one piece of memory: the second transform takes half the time so.
    values = np.fft.fft(np.ascontiguousarray(lines.T), rows, axis=1).astype(np.complex64)
    values *= _from_middle(height, np.fft.fftfreq(rows))
    values *= _from_middle(width, np.arange(kept) / columns)[:, None]
    power = np.asarray(values.real**2 + values.imag**2, np.float32)
    around = cv2.blur(power, (_NEIGHBOURS, _NEIGHBOURS), borderType=cv2.BORDER_REFLECT_101)
    size = np.sqrt(around + np.float32(1e-3) * power.mean() + np.float32(1e-12))
    loudness = np.sqrt(power) / size
    values /= size * np.maximum(1, loudness / np.float32(_LOUDEST))
    return Spectrum(values, rows, columns)


def _lanczos(away: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.sinc(away) * np.sinc(away / 2))


def _from_middle(side: int, frequencies: NDArray[np.floating]) -> NDArray[np.complex64]:
    """What turns phases counted from the first pixel into phases counted from the middle."""
    return np.asarray(np.exp(2j * np.pi * frequencies * ((side - 1) / 2)), np.complex64)
