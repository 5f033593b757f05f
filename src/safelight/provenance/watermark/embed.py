"""Writing the mark: a repeated square of keyed waves, added to the brightness, stronger where the picture hides it.

(1) bits       payload and check, coded
(2) place      where the square begins: where the picture itself agrees with it best, which costs nothing
(3) strength   a quiet part everywhere, so that flat pictures carry it, and a loud part where details hide it
(4) bound      never worse than `LEAST_PSNR_DB`
(5) add        to red, green and blue alike, so that colours stay; alpha is not touched
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from safelight.provenance.watermark.code import encode
from safelight.provenance.watermark.errors import NotMarkable
from safelight.provenance.watermark.key import WatermarkKey
from safelight.provenance.watermark.layout import RADII, SAMPLES, WAVES, fading, layout, on_grid, tile_px
from safelight.provenance.watermark.model import PAYLOAD_BYTES, Picture
from safelight.provenance.watermark.picture import (
    Plane,
    checked,
    is_dense,
    liveliness,
    quickly_levelled,
    quickly_shrunk,
)

MIN_SIDE_PX = 128
LEAST_PSNR_DB = 42.1
_MOST_SQUARED = (255 / 10 ** (LEAST_PSNR_DB / 20)) ** 2
_WORTH_ANOTHER = 1.02
"""By how much more must fit for the mark to be drawn again."""
_QUIET = 1.6
"""Grey levels (root mean square) of the part that is everywhere."""
_QUIET_WAVES = fading(12.0)
"""In a flat surface only coarse waves outlive compression."""
_LOUD = 0.4
"""Of the loud part, by the mean size of the details around."""
_LOUDEST = 4.0
_LOUD_WAVES = np.sqrt(RADII)
"""Details are mostly coarse themselves, so fine waves stand out better among them."""
_AT_THE_END = 0.7
"""By how much more is added in black and white, where half of it is lost at the end of the scale."""
_END_LEVELS = 2.0
_IN_DARK_LINES, _DARK_LEVELS = 2.0, 30.0
"""By how much louder it may be where details are dark: of black on white, nothing else outlives being brightened."""
_LEVELS = np.arange(256)
_BY_LEVEL = (1 + _AT_THE_END * np.exp(-np.minimum(_LEVELS, 255 - _LEVELS) / _END_LEVELS)).astype(np.float32)
_LOUDEST_BY_LEVEL = (_LOUDEST * (1 + _IN_DARK_LINES * np.exp(-_LEVELS / _DARK_LEVELS))).astype(np.float32)
_ROWS_AT_ONCE = 64


def can_carry(height: int, width: int) -> bool:
    """Whether a picture of this size, in pixels, can be marked."""
    return min(height, width) >= MIN_SIDE_PX


def embed(picture: Picture, payload: bytes, key: WatermarkKey) -> Picture:
    """A copy of `picture`, same shape, that carries `payload`. Raises NotMarkable where `can_carry` says no."""
    if len(payload) != PAYLOAD_BYTES:
        raise ValueError(f"a watermark carries {PAYLOAD_BYTES} bytes, not {len(payload)}")
    picture = checked(picture)
    height, width = picture.shape[:2]
    if not can_carry(height, width):
        raise NotMarkable(
            f"a picture of {width} × {height} pixels is too small for a watermark; each side must have {MIN_SIDE_PX}"
        )
    plane = _plan(picture, dense=False)
    lively = liveliness(plane)
    if is_dense(lively):
        plane = _plan(picture, dense=True)
        lively = liveliness(plane)
    amplitudes = layout(key).amplitudes(encode(payload, key))
    change = _change(plane, lively, _placed(amplitudes, quickly_levelled(plane)))
    added = np.asarray(cv2.resize(change, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    factor = _within_bound(plane, change, added)
    made = _added(picture, added, factor)
    # At the ends of the scale more is lost than the small plane shows, above all around thin lines: it is made up for.
    room = _room(picture, made) if factor < 1 else 1.0
    return _added(picture, added, min(1.0, factor * room)) if room > _WORTH_ANOTHER else made


def _plan(picture: Picture, *, dense: bool) -> NDArray[np.uint8]:
    """`picture` in grey, small enough that its squares have `SAMPLES` pixels a side."""
    height, width = picture.shape[:2]
    step = SAMPLES / tile_px(height, width, dense=dense)
    return quickly_shrunk(picture, (round(height * step), round(width * step)))


def _placed(amplitudes: NDArray[np.complex64], level: Plane) -> NDArray[np.complex64]:
    """The waves, moved to where the picture resembles them most.

    A reader looks for the square everywhere anyway. Among its 64 × 64 places the best one adds about four standard
    deviations of the picture's own noise to the mark, as much as marking a lively picture half as strongly again.
    """
    rows, columns = (side // SAMPLES for side in level.shape)
    whole = level[: rows * SAMPLES, : columns * SAMPLES]
    folded = whole.reshape(rows, SAMPLES, columns, SAMPLES).sum(axis=(0, 2))
    own = np.fft.rfft2(folded)[WAVES[:, 0] % SAMPLES, WAVES[:, 1]]
    own /= np.sqrt(_running_mean(np.abs(own) ** 2, len(own) // 8) + 1e-9)
    resemblance = on_grid(np.asarray(own * np.conj(amplitudes), np.complex64), WAVES)
    place = np.array(divmod(int(resemblance.argmax()), SAMPLES))
    return np.asarray(amplitudes * np.exp(-2j * np.pi * (WAVES @ place) / SAMPLES), np.complex64)


def _running_mean(values: NDArray[np.floating], reach: int) -> NDArray[np.floating]:
    window = 2 * reach + 1
    return np.convolve(np.pad(values, reach, mode="edge"), np.full(window, 1 / window), "valid")


def _change(plane: NDArray[np.uint8], lively: Plane, amplitudes: NDArray[np.complex64]) -> Plane:
    """What is added to `plane`, before the bound."""
    loud = np.minimum(np.float32(_LOUD) * lively, np.asarray(cv2.LUT(plane, _LOUDEST_BY_LEVEL)))
    change = loud * _repeated(amplitudes * _LOUD_WAVES, plane.shape)
    change += np.float32(_QUIET) * _repeated(amplitudes * _QUIET_WAVES, plane.shape)
    change *= np.asarray(cv2.LUT(plane, _BY_LEVEL))
    return np.asarray(change, np.float32)


def _repeated(amplitudes: NDArray[np.complex64], size: tuple[int, ...]) -> Plane:
    """(height, width) of squares side by side, with a root mean square of 1."""
    square = on_grid(np.asarray(amplitudes, np.complex64), WAVES)
    height, width = size
    times = (-(-height // SAMPLES), -(-width // SAMPLES))
    return np.asarray(np.tile(square / square.std(), times)[:height, :width], np.float32)


def _within_bound(plane: NDArray[np.uint8], change: Plane, added: Plane) -> float:
    """The factor that keeps `added` within `LEAST_PSNR_DB`, with what rounding adds and clipping takes."""
    most = float(np.sqrt(_MOST_SQUARED - 1 / 12))
    grown = _root_mean_square(added) / max(_root_mean_square(change), 1e-6)
    above = (255 - plane).astype(np.float32)
    below = above - 255
    left = np.empty_like(change)
    factor = 1.0
    for _ in range(2):  # less is lost at the end of the scale once the change is smaller
        np.multiply(change, np.float32(factor), out=left)
        np.minimum(left, above, out=left)
        np.maximum(left, below, out=left)
        factor *= min(1.0, most / max(grown * _root_mean_square(left), 1e-6))
    return factor


def _room(picture: Picture, made: Picture) -> float:
    """By how much more could be added. Ends of the scale can only take from that, so the bound holds then too."""
    colours = picture.size if picture.ndim == 2 else 3 * picture.shape[0] * picture.shape[1]
    squared = float(cv2.norm(picture, made, cv2.NORM_L2SQR)) / colours
    return float(np.sqrt(max(0.0, _MOST_SQUARED - 1 / 12) / max(squared - 1 / 12, 1e-6)))


def _root_mean_square(plane: Plane) -> float:
    return float(cv2.norm(plane)) / float(np.sqrt(plane.size))


def _added(picture: Picture, change: Plane, factor: float) -> Picture:
    """`picture` with `factor` × `change`, rounded, on each colour, held between 0 and 255.

    In unsigned bytes, what darkens apart from what brightens, and a few rows at a time, which stay in the processor's
    cache: a third of the time of one sum in floating point.
    """
    made = np.empty_like(picture)
    grey_128 = np.full((_ROWS_AT_ONCE, change.shape[1]), 128, np.uint8)
    for top in range(0, len(picture), _ROWS_AT_ONCE):
        rows = made[top : top + _ROWS_AT_ONCE]
        # Rounds; the change is far below 128.
        middle = np.asarray(cv2.convertScaleAbs(change[top : top + _ROWS_AT_ONCE], alpha=factor, beta=128), np.uint8)
        middle_grey = grey_128[: len(middle)]
        up, down = (
            _on_channels(np.asarray(one, np.uint8), picture)
            for one in (cv2.subtract(middle, middle_grey), cv2.subtract(middle_grey, middle))
        )
        cv2.add(picture[top : top + _ROWS_AT_ONCE], up, dst=rows)
        cv2.subtract(rows, down, dst=rows)
    return made


def _on_channels(plane: NDArray[np.uint8], picture: Picture) -> NDArray[np.uint8]:
    """`plane` on each colour of `picture`, and nothing on alpha."""
    if picture.ndim == 2:
        return plane
    if picture.shape[2] == 3:
        return np.asarray(cv2.cvtColor(plane, cv2.COLOR_GRAY2RGB), np.uint8)
    return np.asarray(cv2.merge([plane, plane, plane, np.zeros_like(plane)]), np.uint8)
