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
from safelight.provenance.watermark.picture import Look, Plane, grey, levelled, shrunk

WORKING_PX = 512
_HIGHEST = 0.45
"""Periods a working pixel up to which the spectrum is kept."""
_NEIGHBOURS = 9
_LOUDEST = 2.5
"""No wave counts for more than this many times its neighbours."""
_TAPS = (-1, 0, 1, 2)


@dataclass(frozen=True, slots=True)
class Working:
    """A picture as it is looked at."""

    plane: Plane
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
    """(down, across): row i is frequency i periods a `rows` working pixels, the negative ones at the end."""
    rows: int
    columns: int

    def at(self, down: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.complex64]:
        """The waves of these frequencies, in periods a working pixel; zero where none is kept."""
        opposite = across < 0
        row = np.rint(np.where(opposite, -down, down) * self.rows).astype(np.intp)
        column = np.rint(np.abs(across) * self.columns).astype(np.intp)
        last = self.values.shape[1] - 1
        values = self.values[row % self.rows, np.minimum(column, last)]
        values[(column > last) | (np.abs(row) >= self.rows // 2)] = 0
        return np.asarray(np.where(opposite, np.conj(values), values), np.complex64)

    def between(self, down: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.complex64]:
        """Those of `at`, interpolated from four by four neighbours (Lanczos), at sixteen times the work."""
        rows, columns = down * self.rows, across * self.columns
        values = np.zeros(down.shape, np.complex64)
        for row in (np.floor(rows) + step for step in _TAPS):
            for column in (np.floor(columns) + step for step in _TAPS):
                weights = _lanczos(rows - row) * _lanczos(columns - column)
                values += self.at(row / self.rows, column / self.columns) * weights.astype(np.float32)
        return values


def spectrum(seen: Working, look: Look) -> Spectrum:
    """The spectrum of a picture."""
    height, width = seen.plane.shape
    rows, columns = (cv2.getOptimalDFTSize(2 * side) for side in (height, width))
    kept = int(_HIGHEST * columns) + 2
    lines = np.fft.rfft(levelled(seen.plane, look), columns, axis=1)[:, :kept]
    values = np.fft.fft(lines, rows, axis=0).astype(np.complex64)
    values *= _from_middle(height, np.fft.fftfreq(rows))[:, None]
    values *= _from_middle(width, np.arange(kept) / columns)
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
