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
from safelight.provenance.watermark.picture import Look, Plane, details, grey, levelled, liveliness, shrunk

MIN_SIDE_PX = 128
LEAST_PSNR_DB = 42.1
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
_ROWS_AT_ONCE = 32


def can_carry(height: int, width: int) -> bool:
    """Whether a picture of this size, in pixels, can be marked."""
    return min(height, width) >= MIN_SIDE_PX


def embed(picture: Picture, payload: bytes, key: WatermarkKey) -> Picture:
    """A copy of `picture`, same shape, that carries `payload`. Raises NotMarkable where `can_carry` says no."""
    if len(payload) != PAYLOAD_BYTES:
        raise ValueError(f"a watermark carries {PAYLOAD_BYTES} bytes, not {len(payload)}")
    full = grey(picture)
    height, width = full.shape
    if not can_carry(height, width):
        raise NotMarkable(
            f"a picture of {width} × {height} pixels is too small for a watermark; each side must have {MIN_SIDE_PX}"
        )
    step = SAMPLES / tile_px(height, width)
    plane = shrunk(full, (round(height * step), round(width * step)))
    amplitudes = layout(key).amplitudes(encode(payload, key))
    change = _change(plane, _placed(amplitudes, levelled(plane, Look.FAINT)))
    added = np.asarray(cv2.resize(change, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    return _added(picture, added, _within_bound(plane, change, added))


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


def _change(plane: Plane, amplitudes: NDArray[np.complex64]) -> Plane:
    """What is added to `plane`, before the bound."""
    change = np.float32(_QUIET) * _repeated(amplitudes * _QUIET_WAVES, plane.shape)
    loud = np.minimum(np.float32(_LOUD) * liveliness(details(plane)), np.float32(_LOUDEST))
    change += loud * _repeated(amplitudes * _LOUD_WAVES, plane.shape)
    to_the_end = np.minimum(plane, 255 - plane)
    return change * (1 + np.float32(_AT_THE_END) * np.exp(to_the_end / np.float32(-_END_LEVELS)))


def _repeated(amplitudes: NDArray[np.complex64], size: tuple[int, ...]) -> Plane:
    """(height, width) of squares side by side, with a root mean square of 1."""
    square = on_grid(np.asarray(amplitudes, np.complex64), WAVES)
    height, width = size
    times = (-(-height // SAMPLES), -(-width // SAMPLES))
    return np.asarray(np.tile(square / square.std(), times)[:height, :width], np.float32)


def _within_bound(plane: Plane, change: Plane, added: Plane) -> float:
    """The factor that keeps `added` within `LEAST_PSNR_DB`, with what rounding adds and clipping takes."""
    most = float(np.sqrt((255 / 10 ** (LEAST_PSNR_DB / 20)) ** 2 - 1 / 12))
    grown = _root_mean_square(added) / max(_root_mean_square(change), 1e-6)
    factor = 1.0
    for _ in range(2):  # less is lost at the end of the scale once the change is smaller
        left = np.clip(plane + np.float32(factor) * change, 0, 255) - plane
        factor *= min(1.0, most / max(grown * _root_mean_square(left), 1e-6))
    return factor


def _root_mean_square(plane: Plane) -> float:
    return float(cv2.norm(plane)) / float(np.sqrt(plane.size))


def _added(picture: Picture, change: Plane, factor: float) -> Picture:
    """`picture` with `factor` × `change`, rounded, on each colour, held between 0 and 255.

    In unsigned bytes, what darkens apart from what brightens, and a few rows at a time, which stay in the processor's
    cache: a third of the time of one sum in floating point.
    """
    made = np.empty_like(picture, order="C")
    grey_128 = np.full((_ROWS_AT_ONCE, change.shape[1]), 128, np.uint8)
    for top in range(0, len(picture), _ROWS_AT_ONCE):
        rows = slice(top, top + _ROWS_AT_ONCE)
        middle = cv2.convertScaleAbs(change[rows], alpha=factor, beta=128)  # rounds; the change is far below 128
        up, down = cv2.subtract(middle, grey_128[: len(middle)]), cv2.subtract(grey_128[: len(middle)], middle)
        if picture.ndim == 3:
            alpha = [np.zeros_like(up)] * (picture.shape[2] - 3)
            up, down = cv2.merge([up, up, up, *alpha]), cv2.merge([down, down, down, *alpha])
        made[rows] = cv2.subtract(cv2.add(np.ascontiguousarray(picture[rows]), up), down)
    return made
