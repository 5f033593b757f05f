"""Finding the square again: its size, its place, whether the picture is a mirror image and, if asked, how it is turned.

Rules of this module
- Only the pilot is looked at here, never a bit: `confidence.py` rests on that.
- Every size between the smallest and the largest is tried, in steps within which no wave is lost. For each, one
  transform gives how well the pilot fits at every place of the square.
- It is tried twice, once with all waves and once with the coarse ones first: after strong shrinking or compression the
  fine ones are noise.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from safelight.provenance.watermark.layout import SAMPLES, WAVES, Layout, fading, on_grid
from safelight.provenance.watermark.spectrum import Spectrum

_SMALLEST_PX, _LARGEST_PX = 28.0, 330.0
"""Of the square, in working pixels."""
_MOST_SQUARES = 12.5
"""Along a side. A marked picture has seven; more if it is shown inside a larger one."""
_STEP = 0.5
"""By how much, in periods over the whole picture, a typical wave may move from one pose to the next."""
_TYPICAL_RADIUS = 14.0
_EARS = (fading(9.0), fading(30.0))
_STRIDES = (2, 1)
"""With only the coarse waves, every other size is close enough."""
_BATCH = 64
_LARGEST_TURN = float(np.radians(5.0))


@dataclass(frozen=True, slots=True)
class Pose:
    """How the square may lie in the working picture."""

    down_px: float
    """Its height, in working pixels."""
    across_px: float
    mirrored: bool
    turned: float = 0.0
    """Radians, from down to across."""


@dataclass(frozen=True, slots=True)
class Found:
    """A pose in which the pilot stands out."""

    pose: Pose
    ear: int
    """Which of the two weightings heard it."""
    shift: tuple[float, float]
    """Where in the square the middle of the picture lies, in samples, with the sign of the correlation."""
    clarity: float
    """Height of the pilot's peak, in standard deviations of what chance gives."""


def search(seen: Spectrum, side: float, keyed: Layout, count: int, *, turns: bool = False) -> list[Found]:
    """The `count` clearest poses, clearest first, in a working picture of `side` squared, each close pose once."""
    bend = _STEP / (side * _TYPICAL_RADIUS)
    found = [one for ear in range(len(_EARS)) for one in _correlated(seen, keyed, _poses(side, turns, ear), ear)]
    return list(islice(_apart(sorted(found, key=lambda one: -one.clarity), bend), count))


def refined(seen: Spectrum, side: float, keyed: Layout, found: Found) -> Found:
    """The clearest pose close to `found`, each side and the turn by itself, and its place between samples."""
    bend = _STEP / (side * _TYPICAL_RADIUS)
    for step in (bend / 2, bend / 4):
        pose = found.pose
        close = [
            replace(pose, down_px=1 / (1 / pose.down_px + down), across_px=1 / (1 / pose.across_px + across))
            for down in (-step, 0, step)
            for across in (-step, 0, step)
        ]
        if pose.turned:
            aside = step * pose.across_px
            close += [replace(one, turned=pose.turned + turn) for turn in (-aside, aside) for one in close]
        found = max(_correlated(seen, keyed, close, found.ear), key=lambda one: one.clarity)
    return _between_samples(seen, keyed, found)


def straightened(seen: Spectrum, found: Found) -> NDArray[np.complex64]:
    """(waves,): the waves of the square, their phases counted from its corner."""
    waves = waves_in(seen.between, [found.pose], np.arange(len(WAVES)))[0]
    return np.asarray(waves * _phases(WAVES, found.shift), np.complex64)


_Waves = Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.complex64]]
"""`Spectrum.at` or `Spectrum.between`."""


def waves_in(seen: _Waves, poses: Sequence[Pose], places: NDArray[np.intp]) -> NDArray[np.complex64]:
    """(poses, places): the picture's waves where those of the square would lie in each pose."""
    mirrored = np.array([pose.mirrored for pose in poses])[:, None]
    turned = np.array([pose.turned for pose in poses])[:, None]
    down = WAVES[places, 0] / np.array([pose.down_px for pose in poses])[:, None]
    across = WAVES[places, 1] / np.array([pose.across_px for pose in poses])[:, None]
    down = np.where(mirrored, -down, down)
    if turned.any():
        sine, cosine = np.sin(turned), np.cos(turned)
        down, across = down * cosine + across * sine, across * cosine - down * sine
    values = seen(down, across)
    return np.asarray(np.where(mirrored, np.conj(values), values), np.complex64)


@lru_cache(maxsize=4)  # most pictures have the same working size, and then the same poses
def _poses(side: float, turns: bool, ear: int) -> tuple[Pose, ...]:
    """All to try, from small squares to large ones."""
    bend = _STEP / (side * _TYPICAL_RADIUS)
    finest, coarsest = 1 / max(_SMALLEST_PX, side / _MOST_SQUARES), 1 / _LARGEST_PX
    sizes = 1 / np.linspace(finest, coarsest, int((finest - coarsest) / bend) + 1)
    poses = []
    for size in sizes[:: _STRIDES[ear]]:
        count = int(_LARGEST_TURN / (bend * size)) if turns else 0
        angles = np.linspace(-_LARGEST_TURN, _LARGEST_TURN, 2 * count + 1) if count else (0.0,)
        poses += [Pose(float(size), float(size), way, float(turn)) for turn in angles for way in (False, True)]
    return tuple(poses)


def _correlated(seen: Spectrum, keyed: Layout, poses: Sequence[Pose], ear: int) -> Iterator[Found]:
    """The best place of the pilot in each pose."""
    expected = np.conj(keyed.pilot_phase) * _EARS[ear][keyed.pilot]
    for start in range(0, len(poses), _BATCH):
        batch = poses[start : start + _BATCH]
        fits = waves_in(seen.at, batch, keyed.pilot) * expected
        peaks = on_grid(fits, WAVES[keyed.pilot]).reshape(len(batch), -1)
        best = peaks.argmax(axis=1)
        heights = peaks[np.arange(len(batch)), best] / np.sqrt(np.mean(peaks**2, axis=1) + np.float32(1e-20))
        for pose, at, height in zip(batch, best, heights, strict=True):
            yield Found(pose, ear, (float(at // SAMPLES), float(at % SAMPLES)), float(height))


def _apart(found: Sequence[Found], bend: float) -> Iterator[Found]:
    """Those that are no neighbours of a clearer one."""
    kept: list[Pose] = []
    for one in found:
        pose = one.pose
        if any(
            pose.mirrored is other.mirrored
            and abs(1 / pose.down_px - 1 / other.down_px) < 2.5 * bend
            and abs(pose.turned - other.turned) < 2.5 * bend * pose.down_px
            for other in kept
        ):
            continue
        kept.append(pose)
        yield one


def _between_samples(seen: Spectrum, keyed: Layout, found: Found) -> Found:
    fits = waves_in(seen.at, [found.pose], keyed.pilot)[0] * np.conj(keyed.pilot_phase) * _EARS[found.ear][keyed.pilot]
    aside = np.linspace(-0.5, 0.5, 5)
    shifts = [(found.shift[0] + down, found.shift[1] + across) for down in aside for across in aside]
    heights = [float(np.sum((fits * _phases(WAVES[keyed.pilot], shift)).real)) for shift in shifts]
    return replace(found, shift=shifts[int(np.argmax(heights))])


def _phases(waves: NDArray[np.intp], shift: tuple[float, float]) -> NDArray[np.complex128]:
    return np.asarray(np.exp(2j * np.pi * (waves @ np.array(shift)) / SAMPLES), np.complex128)
