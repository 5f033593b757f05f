"""Finding the square again: its size, its place, and whether the picture is a mirror image."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from safelight.provenance.watermark.layout import SAMPLES, WAVES, Layout
from safelight.provenance.watermark.spectrum import Spectrum

_SMALLEST_PX, _LARGEST_PX = 28.0, 330.0
_STEP = 0.5
_TYPICAL_RADIUS = 12.0
_BATCH = 64


@dataclass(frozen=True, slots=True)
class Pose:
    """How the square may lie in the working picture."""

    down_px: float
    """Its height, in working pixels."""
    across_px: float
    mirrored: bool
    turned: float = 0.0
    """Radians."""


@dataclass(frozen=True, slots=True)
class Found:
    """A pose in which the pilot stands out."""

    pose: Pose
    shift: tuple[float, float]
    """Where the middle of the picture lies in the square, in samples."""
    clarity: float
    """Height of the pilot's peak, in standard deviations of what chance gives."""


def sizes(seen: Spectrum) -> NDArray[np.float64]:
    """The sides to try, close enough together that none between them is missed."""
    side = float(np.sqrt(seen.size[0] * seen.size[1]))
    bend = _STEP / (side * _TYPICAL_RADIUS)
    count = int((1 / _SMALLEST_PX - 1 / _LARGEST_PX) / bend) + 1
    return 1 / np.linspace(1 / _SMALLEST_PX, 1 / _LARGEST_PX, count)


def waves_at(seen: Spectrum, pose: Pose, places: NDArray[np.intp]) -> NDArray[np.complex64]:
    """(places,): the picture's waves where those of the square would lie in this pose."""
    down = WAVES[places, 0] / pose.down_px
    across = WAVES[places, 1] / pose.across_px
    if pose.mirrored:
        down = -down
    if pose.turned:
        sine, cosine = np.sin(pose.turned), np.cos(pose.turned)
        down, across = down * cosine + across * sine, across * cosine - down * sine
    values = _sampled(seen, down, across)
    return np.asarray(np.conj(values), np.complex64) if pose.mirrored else values


def _sampled(seen: Spectrum, down: NDArray[np.float64], across: NDArray[np.float64]) -> NDArray[np.complex64]:
    opposite = across < 0
    down, across = np.where(opposite, -down, down), np.abs(across)
    row = np.rint(down * seen.rows).astype(np.intp)
    column = np.rint(across * seen.columns).astype(np.intp)
    outside = (column >= seen.values.shape[1]) | (np.abs(row) >= seen.rows // 2)
    values = seen.values[row % seen.rows, np.minimum(column, seen.values.shape[1] - 1)]
    values[outside] = 0
    return np.asarray(np.where(opposite, np.conj(values), values), np.complex64)


def correlate(seen: Spectrum, keyed: Layout, poses: list[Pose]) -> list[Found]:
    """The best place of the pilot in each pose."""
    found = []
    down, across = WAVES[keyed.pilot, 0], WAVES[keyed.pilot, 1]
    alone = across == 0
    for start in range(0, len(poses), _BATCH):
        some = poses[start : start + _BATCH]
        grid = np.zeros((len(some), SAMPLES, SAMPLES // 2 + 1), np.complex64)
        against = np.stack([waves_at(seen, pose, keyed.pilot) for pose in some]) * np.conj(keyed.pilot_phase)
        grid[:, down % SAMPLES, across] = against
        grid[:, -down[alone] % SAMPLES, 0] = np.conj(against[:, alone])
        peaks = np.fft.irfft2(grid, (SAMPLES, SAMPLES), axes=(1, 2)).reshape(len(some), -1)
        spread = np.sqrt(np.mean(peaks**2, axis=1) + 1e-20)
        best = peaks.argmax(axis=1)
        for pose, at, peak, chance in zip(some, best, peaks[np.arange(len(some)), best], spread, strict=True):
            found.append(Found(pose, (float(at // SAMPLES), float(at % SAMPLES)), float(peak / chance)))
    return found


def search(seen: Spectrum, keyed: Layout, count: int) -> list[Found]:
    """The `count` clearest poses."""
    poses = [Pose(float(s), float(s), m) for s in sizes(seen) for m in (False, True)]
    return sorted(correlate(seen, keyed, poses), key=lambda one: -one.clarity)[:count]


def refine(seen: Spectrum, keyed: Layout, found: Found) -> Found:
    """The clearest pose close to `found`, with each side by itself."""
    side = float(np.sqrt(seen.size[0] * seen.size[1]))
    reach = _STEP / (side * _TYPICAL_RADIUS)
    for step in (reach / 2, reach / 4):
        around = [
            replace(found.pose, down_px=1 / (1 / found.pose.down_px + i), across_px=1 / (1 / found.pose.across_px + j))
            for i in (-step, 0, step)
            for j in (-step, 0, step)
        ]
        found = max(correlate(seen, keyed, around), key=lambda one: one.clarity)
    return found


def turned_back(values: NDArray[np.complex64], shift: tuple[float, float]) -> NDArray[np.complex64]:
    """The waves with their phases counted from the corner of the square."""
    phase = 2j * np.pi * (WAVES[:, 0] * shift[0] + WAVES[:, 1] * shift[1]) / SAMPLES
    return np.asarray(values * np.exp(phase), np.complex64)
