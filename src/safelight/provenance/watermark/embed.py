"""Writing the mark: a repeated square of keyed waves, added to the brightness, stronger where the picture hides it.

Rules of this module
- Red, green and blue change by the same amount, so colours stay and the mark survives greyscale; alpha is not touched.
- How strong the mark is at a place follows how lively the picture is around it, between a floor, so that flat pictures
  carry it too, and a ceiling. The whole is kept at `_LEAST_PSNR_DB` or better.
"""

import cv2
import numpy as np

from safelight.provenance.watermark.code import encode
from safelight.provenance.watermark.errors import NotMarkable
from safelight.provenance.watermark.key import WatermarkKey
from safelight.provenance.watermark.layout import SAMPLES, WAVES, layout, tile_px
from safelight.provenance.watermark.model import PAYLOAD_BYTES, Picture
from safelight.provenance.watermark.spectrum import Plane, details, grey, liveliness

MIN_SIDE_PX = 128
_FLOOR = 1.1
_FOLLOW = 0.25
_CEILING = 4.0
_LEAST_PSNR_DB = 42.5
_ROWS_AT_ONCE = 32


def can_carry(height: int, width: int) -> bool:
    """Whether a picture of this size can be marked."""
    return min(height, width) >= MIN_SIDE_PX


def embed(picture: Picture, payload: bytes, key: WatermarkKey) -> Picture:
    """A copy of `picture`, same shape, that carries `payload`. Raises NotMarkable where `can_carry` says no."""
    if len(payload) != PAYLOAD_BYTES:
        raise ValueError(f"a watermark carries {PAYLOAD_BYTES} bytes, not {len(payload)}")
    height, width = picture.shape[:2]
    if not can_carry(height, width):
        raise NotMarkable(
            f"a picture of {width} × {height} pixels is too small for a watermark; each side must have {MIN_SIDE_PX}"
        )
    plane = grey(picture)
    step = SAMPLES / tile_px(height, width)
    size = (round(height * step), round(width * step))
    small = np.asarray(cv2.resize(plane, size[::-1], interpolation=cv2.INTER_AREA), np.float32)
    lively = liveliness(details(small))
    strength = np.clip(np.float32(_FLOOR) + np.float32(_FOLLOW) * lively, 0, np.float32(_CEILING))
    change = strength * _repeated(_square(payload, key), size)
    root_mean_square = float(np.sqrt(np.mean(change**2)))
    most = 255 / 10 ** (_LEAST_PSNR_DB / 20)
    change *= np.float32(min(1.0, most / max(root_mean_square, 1e-6)))
    return _added(picture, np.asarray(cv2.resize(change, (width, height), interpolation=cv2.INTER_CUBIC), np.float32))


def _square(payload: bytes, key: WatermarkKey) -> Plane:
    """(SAMPLES, SAMPLES): the square, with a root mean square of 1."""
    keyed = layout(key)
    half = np.zeros((SAMPLES, SAMPLES // 2 + 1), np.complex64)
    amplitudes = keyed.square(encode(payload, key))
    down, across = WAVES[:, 0], WAVES[:, 1]
    half[down % SAMPLES, across] = amplitudes
    alone = across == 0  # the real transform wants both of a pair of opposite waves there
    half[-down[alone] % SAMPLES, 0] = np.conj(amplitudes[alone])
    square = np.fft.irfft2(half, (SAMPLES, SAMPLES))
    return np.asarray(square / square.std(), np.float32)


def _repeated(square: Plane, size: tuple[int, int]) -> Plane:
    times = [-(-side // SAMPLES) for side in size]
    return np.asarray(np.tile(square, times)[: size[0], : size[1]], np.float32)


def _added(picture: Picture, change: Plane) -> Picture:
    """`picture` with `change` on each colour, rounded and held between 0 and 255.

    A few rows at a time, which stay in the processor's cache: a quarter of the time of all at once.
    """
    made = np.empty_like(picture)
    for top in range(0, len(picture), _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        more = change[rows]
        if picture.ndim == 3:
            more = np.asarray(cv2.merge([more] * 3 + [np.zeros_like(more)] * (picture.shape[2] - 3)), np.float32)
        made[rows] = cv2.add(picture[rows], more, dtype=cv2.CV_8U)
    return made
