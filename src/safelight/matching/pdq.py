"""PDQ, the perceptual hash of the field: 256 bits that near copies of a picture share but for a few.

Source: Meta, "The TMK+PDQF Video-Hashing Algorithm and the PDQ Image-Hashing Algorithm" (2019), and its reference
implementation. The steps: luma, two passes of a box filter along each side, 64 × 64 samples, a quality from how much
neighbouring samples differ, the 16 × 16 lowest frequencies of a cosine transform, and one bit for each that lies above
their median.

Rules of this module
- Written with OpenCV and numpy because the reference binding builds from source; tests hold it against that binding.
  Sums are made in another order, so a frequency that ties with the median may fall to its other side: one bit or two,
  where a match allows thirty-one.
- A hash is 32 bytes; as hex it reads like the reference's text form, so bit 0 is the last bit of the last byte.
- A picture without detail has no hash worth matching: `Unhashable` is an answer of its own, never "no match".
- Mirrored and turned forms are made from the frequencies, not from the pixels, so all eight cost as much as one.

Left to others: which matches count (`banks.py`), finding neighbours (`index/`).
"""

import weakref
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
"""(height, width, 3) RGB."""

HASH_BYTES = 32
MIN_QUALITY = 50
"""Below it the reference says not to match: skies, walls and flat drawings resemble each other."""
_SAMPLES = 64
_FREQUENCIES = 16
_MIN_SIDE_PX = 5
_ENOUGH_PX = 1024
"""Of the shorter side. A larger picture is first shrunk by a whole factor, as the reference's own tool does."""
_GRADIENT_STEPS_OF_FULL_QUALITY = 90
_LUMA = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue."""


class Turn(StrEnum):
    """How a copy may have been mirrored or turned; the names say what was done to the picture in hand."""

    NONE = "as it is"
    ROTATE_90 = "turned by 90°"
    ROTATE_180 = "turned by 180°"
    ROTATE_270 = "turned by 270°"
    MIRROR = "mirrored left to right"
    FLIP = "mirrored top to bottom"
    TRANSPOSE = "mirrored over the falling diagonal"
    TRANSVERSE = "mirrored over the rising diagonal"


class WhyUnhashable(StrEnum):
    """Why a picture has no hash to match."""

    TOO_SMALL = "too_small"
    NO_DETAIL = "no_detail"
    """Its quality is below `MIN_QUALITY`."""
    UNDECODABLE = "undecodable"
    """For callers that read files: what could not be read was not looked at."""


@dataclass(frozen=True, slots=True)
class Unhashable:
    """A picture that cannot be matched by PDQ."""

    why: WhyUnhashable
    quality: int = 0


@dataclass(frozen=True, slots=True)
class Pdq:
    """The hash of a picture in each of its eight forms."""

    quality: int
    """0 to 100, at least `MIN_QUALITY`."""
    forms: tuple[tuple[Turn, bytes], ...]
    """The first is the picture as it is; 32 bytes each."""

    @property
    def hash(self) -> bytes:
        """Of the picture as it is."""
        return self.forms[0][1]

    @property
    def hex(self) -> str:
        """64 digits, as exchanges write it."""
        return self.hash.hex()


def pdq(frame: Frame) -> Pdq | Unhashable:
    """The PDQ of `frame`, in its eight forms."""
    if min(frame.shape[:2]) < _MIN_SIDE_PX:
        return Unhashable(WhyUnhashable.TOO_SMALL)
    samples = _samples(frame)
    quality = _quality(samples)
    if quality < MIN_QUALITY:
        return Unhashable(WhyUnhashable.NO_DETAIL, quality)
    frequencies = np.asarray(_COSINES @ samples @ _COSINES.T, np.float32)
    return Pdq(quality, tuple((turn, _to_bits(form)) for turn, form in _turned(frequencies)))


def pdq_once(frame: Frame) -> Pdq | Unhashable:
    """As `pdq`, and not hashed anew while `frame`, which nobody writes to, is in memory: several rooms ask for it."""
    key = id(frame)
    if (held := _held.get(key)) and held[0]() is frame:
        return held[1]
    found = pdq(frame)
    _held[key] = weakref.ref(frame, lambda _: _held.pop(key, None)), found
    return found


_held: dict[int, tuple["weakref.ref[Frame]", Pdq | Unhashable]] = {}


def distance(one: bytes, other: bytes) -> int:
    """In how many of the 256 bits two hashes differ."""
    return (int.from_bytes(one) ^ int.from_bytes(other)).bit_count()


def _samples(frame: Frame) -> NDArray[np.float32]:
    """64 × 64 of the luma, smoothed by a box twice along each side."""
    shrink = min(frame.shape[:2]) // _ENOUGH_PX
    if shrink > 1:
        height, width = (side // shrink for side in frame.shape[:2])
        whole = frame[: height * shrink, : width * shrink]
        frame = np.asarray(cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    height, width = frame.shape[:2]
    # Luma and both passes of both boxes are linear, and only 64 × 64 of what they make is looked at: only that is made,
    # from a few rows at a time, which stay in the processor's cache.
    down, across = _side(height), _side(width)
    rows = np.empty((_SAMPLES, width * 3), np.float32)
    for row, (start, stop) in enumerate(down.spans):
        pixels = frame[start:stop].reshape(stop - start, -1).astype(np.float32)
        np.dot(down.shares[row, start:stop], pixels, out=rows[row])
    return np.asarray(rows.reshape(_SAMPLES, width, 3) @ _LUMA @ across.shares.T, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Side:
    """What each of the 64 samples along one side takes of the pixels: the box filter, twice."""

    shares: NDArray[np.float32]
    """(64, pixels)"""
    spans: tuple[tuple[int, int], ...]
    """Of each sample the first pixel that it takes anything of, and the one after the last."""


@lru_cache(maxsize=32)
def _side(pixels: int) -> _Side:
    window = (pixels + 2 * _SAMPLES - 1) // (2 * _SAMPLES)
    first = np.arange(pixels) - (window - 1) // 2
    start, stop = np.maximum(first, 0), np.minimum(first + window, pixels)
    share = 1 / (stop - start)  # at the edges only part of the window lies inside
    samples = ((np.arange(_SAMPLES) + 0.5) * pixels / _SAMPLES).astype(np.intp)
    steps = np.zeros((_SAMPLES, pixels + 1))
    for row, sample in enumerate(samples):
        inside = slice(start[sample], stop[sample])
        np.add.at(steps[row], start[inside], share[inside] * share[sample])
        np.add.at(steps[row], stop[inside], -share[inside] * share[sample])
    spans = tuple((int(start[start[at]]), int(stop[stop[at] - 1])) for at in samples)
    return _Side(steps.cumsum(axis=1)[:, :pixels].astype(np.float32), spans)


def _quality(samples: NDArray[np.float32]) -> int:
    """0 to 100: the steps between neighbours, each in whole percent of the full range, summed."""
    steps = (np.trunc(np.diff(samples, axis=axis) * np.float32(100) / np.float32(255)) for axis in (0, 1))
    total = sum(int(np.abs(step).sum()) for step in steps)
    return min(total // _GRADIENT_STEPS_OF_FULL_QUALITY, 100)


def _cosines() -> NDArray[np.float32]:
    """(16, 64): the lowest frequencies but the mean, of a type II cosine transform."""
    frequency, place = np.arange(1, _FREQUENCIES + 1)[:, None], np.arange(_SAMPLES)
    waves = np.sqrt(2 / _SAMPLES) * np.cos(np.pi / (2 * _SAMPLES) * frequency * (2 * place + 1))
    return np.asarray(waves, np.float32)


_COSINES = _cosines()
_MIRROR_SIGNS = np.where(np.arange(_FREQUENCIES) % 2 == 0, -1, 1).astype(np.float32)
"""Mirroring negates the odd frequencies, which stand at even places since the mean is left out."""


def _turned(frequencies: NDArray[np.float32]) -> tuple[tuple[Turn, NDArray[np.float32]], ...]:
    """The frequencies of the picture in each form; turns go against the clock."""
    transposed = frequencies.T
    across, down = _MIRROR_SIGNS, _MIRROR_SIGNS[:, None]
    return (
        (Turn.NONE, frequencies),
        (Turn.ROTATE_90, transposed * down),
        (Turn.ROTATE_180, frequencies * across * down),
        (Turn.ROTATE_270, transposed * across),
        (Turn.MIRROR, frequencies * across),
        (Turn.FLIP, frequencies * down),
        (Turn.TRANSPOSE, transposed),
        (Turn.TRANSVERSE, transposed * across * down),
    )


def _to_bits(frequencies: NDArray[np.float32]) -> bytes:
    values = frequencies.ravel()
    median = np.partition(values, values.size // 2 - 1)[values.size // 2 - 1]
    return np.packbits((values > median)[::-1]).tobytes()
