"""Where the bits of the mark stand: waves of a square that the mark repeats all over the picture.

Rules of this module
- The square is `SAMPLES` samples a side. Its side in pixels grows with the picture (`tile_px`), so that shrinking a
  large picture for a screen hurts no more than shrinking a small one. It is odd, so that the 8 × 8 blocks of a JPEG
  lie differently on each repetition, and what one loses another keeps.
- Only waves between `_LOWEST` and `_HIGHEST` periods a square are used: coarser ones show, finer ones are the first
  that compression and shrinking destroy.
- One wave in `_PILOT_ONE_IN` is the *pilot*: known to whoever has the key, so that the square can be found. The others
  carry two code bits each, in their cosine and in their sine. Which is which, and every sign, comes from the key.
- Each code bit stands once in each ring of neighbouring frequencies, so losing the finest rings hurts all bits alike.

Left to others: how strong the mark is where (`embed.py`), finding the square again (`search.py`).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from safelight.provenance.watermark.code import CODE_BITS
from safelight.provenance.watermark.key import WatermarkKey

SAMPLES = 64
_LOWEST, _HIGHEST = 3.0, 22.0
_PILOT_ONE_IN = 5
_Sides = tuple[tuple[int, float], ...]
_TILE_SIDES: _Sides = ((256, 125.0), (512, 150.0), (1024, 180.0))
"""Side of a square picture, side of its squares, in pixels. Below the first it stays, above the last it grows alike:
a small picture is mostly seen as it is, a large one shrunk."""
_DENSE_TILE_SIDES: _Sides = ((512, 110.0), (1024, 180.0))
"""The same for a dense texture such as a lawn, which is loudest in coarse waves; a large one has room for either."""


def tile_px(height: int, width: int, *, dense: bool = False) -> int:
    """The side of the square, in pixels, that a picture of this size is marked with; `dense`: lively everywhere."""
    side = float(np.sqrt(height * width))
    table = _DENSE_TILE_SIDES if dense else _TILE_SIDES
    sizes, tiles = [size for size, _ in table], [tile for _, tile in table]
    return round(float(np.interp(side, sizes, tiles)) * max(1.0, side / sizes[-1])) | 1


def _waves() -> NDArray[np.intp]:
    """(waves, 2): periods down and across a square, one of each pair of opposite ones, from coarse to fine."""
    reach = int(_HIGHEST)
    down, across = (axis.ravel() for axis in np.mgrid[-reach : reach + 1, 0 : reach + 1])
    radius = np.hypot(down, across)
    used = (radius >= _LOWEST) & (radius <= _HIGHEST) & ((across > 0) | (down > 0))
    waves = np.stack([down[used], across[used]], axis=1)
    return np.asarray(waves[np.argsort(radius[used], kind="stable")], np.intp)


WAVES = _waves()
RADII = np.hypot(WAVES[:, 0], WAVES[:, 1]).astype(np.float32)
"""Periods a square of each wave, whatever its direction."""
_PILOT_COUNT = len(WAVES) // _PILOT_ONE_IN


def fading(radius: float) -> NDArray[np.float32]:
    """(waves,): weights that fall with the frequency, to 1/e at `radius` periods a square."""
    return np.asarray(np.exp(-((RADII / np.float32(radius)) ** 2)), np.float32)


def on_grid(values: NDArray[np.complex64], waves: NDArray[np.intp]) -> NDArray[np.float32]:
    """(…, SAMPLES, SAMPLES): what the `waves` (count, 2) with amplitudes `values` (…, count) add up to."""
    grid = np.zeros((*values.shape[:-1], SAMPLES, SAMPLES // 2 + 1), np.complex64)
    down, across = waves[:, 0], waves[:, 1]
    grid[..., down % SAMPLES, across] = values
    alone = across == 0  # there the real transform wants both of a pair of opposite waves
    grid[..., -down[alone] % SAMPLES, 0] = np.conj(values[..., alone])
    return np.asarray(np.fft.irfft2(grid, (SAMPLES, SAMPLES), axes=(-2, -1)), np.float32)


@dataclass(frozen=True, slots=True)
class Layout:
    """What a key makes of the waves."""

    pilot: NDArray[np.intp]
    """Places in `WAVES`."""
    pilot_phase: NDArray[np.complex64]
    """One of ±1±i, over √2, for each wave of the pilot."""
    carriers: NDArray[np.intp]
    """Places in `WAVES` of those that carry bits; the cosines come first, then the sines of the same waves."""
    bit_of: NDArray[np.intp]
    """For each cosine, then each sine, which code bit it carries."""
    sign_of: NDArray[np.float32]
    """By what its bit is multiplied there: +1 or -1."""

    def amplitudes(self, code_bits: NDArray[np.float32]) -> NDArray[np.complex64]:
        """(waves,): the amplitude of each wave, all of length 1."""
        amplitudes = np.empty(len(WAVES), np.complex64)
        amplitudes[self.pilot] = self.pilot_phase
        parts = (code_bits[self.bit_of] * self.sign_of).reshape(2, -1) / np.sqrt(2)
        amplitudes[self.carriers] = parts[0] + 1j * parts[1]
        return amplitudes

    def values(self, seen: NDArray[np.complex64]) -> NDArray[np.float32]:
        """(rows, places): the cosines, then the sines, of the carriers among `seen` (rows, waves), signs undone."""
        carriers = seen[:, self.carriers]
        return np.asarray(np.concatenate([carriers.real, carriers.imag], axis=1) * self.sign_of, np.float32)

    def soft_bits(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """(rows, CODE_BITS): the sum of the `values` (rows, places) of each code bit."""
        sums = [np.bincount(self.bit_of, weights=row, minlength=CODE_BITS) for row in values]
        return np.asarray(np.stack(sums), np.float32)


@lru_cache(maxsize=32)
def layout(key: WatermarkKey) -> Layout:
    """The layout of `key`; always the same."""
    # One wave of the pilot among each `_PILOT_ONE_IN` neighbours in frequency, drawn by the key.
    drawn = (_draws(key, "pilot", _PILOT_COUNT) % _PILOT_ONE_IN).astype(np.intp)
    pilot = np.arange(_PILOT_COUNT) * _PILOT_ONE_IN + drawn
    phases = _signs(key, "phases", 2 * _PILOT_COUNT).reshape(2, -1)
    carriers = np.setdiff1d(np.arange(len(WAVES)), pilot)
    places = 2 * len(carriers)
    # Cosine and sine of a wave are neighbours in frequency: rings of `CODE_BITS` places hold every code bit once.
    rings = (
        np.argsort(_draws(key, f"ring {ring}", CODE_BITS), kind="stable") for ring in range(-(-places // CODE_BITS))
    )
    in_order = np.concatenate(list(rings))[:places]
    return Layout(
        pilot=pilot,
        pilot_phase=np.asarray((phases[0] + 1j * phases[1]) / np.sqrt(2), np.complex64),
        carriers=carriers.astype(np.intp),
        bit_of=np.concatenate([in_order[0::2], in_order[1::2]]),
        sign_of=_signs(key, "signs", places),
    )


def _draws(key: WatermarkKey, purpose: str, count: int) -> NDArray[np.uint64]:
    return np.frombuffer(key.stream(purpose, 8 * count), "<u8").astype(np.uint64)


def _signs(key: WatermarkKey, purpose: str, count: int) -> NDArray[np.float32]:
    bits = np.unpackbits(np.frombuffer(key.stream(purpose, -(-count // 8)), np.uint8))[:count]
    return np.asarray(1 - 2.0 * bits, np.float32)
