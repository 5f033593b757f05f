"""Copies that PDQ loses: cropped, turned by a few degrees, bordered, covered with text, pasted into another picture.

A picture is described by some hundred local features (ORB: a place, a size, a direction, and 256 bits of what is around
it). Two pictures are copies when enough features agree *and* one geometric transform explains where they all are.
Features alike by chance agree on no transform, which keeps false matches rare.

Rules of this module
- Which of many pictures are compared at all is left to `copy_index.py`.
- A match needs `MIN_AGREEING` features on one transform that turns, scales and moves, and does no more.
- The mirror image is tried as well, since features know their left from their right.
- Descriptors tell more of a picture than a hash does, so this is for small sets that the operator may hold; nothing
  here writes to a disk.

Source: Rublee et al., "ORB: an efficient alternative to SIFT or SURF" (2011); RANSAC as in OpenCV's
`estimateAffinePartial2D`.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from safelight.core.canonical import Json
from safelight.matching.pdq import Frame

MIN_AGREEING = 12
"""Features on one transform. `bench/copies.py` measures false matches with it."""
PROBED = 64
"""Features that `likeness` asks for: the strongest of each part of a picture."""
_STEPS_PER_PX = 16
_HEAD_BYTES = 6
_CELLS = 8
"""Along each side."""
_FEATURES_OF_A_CELL = 12
_PAIR_RADIUS_BITS = 60
_BETTER_THAN_NEXT = 0.85
"""Lowe's ratio: a feature that resembles two places alike says nothing."""
_TOLERANCE_PX = 4.0
_SCALES = (0.15, 6.0)
_MIN_SPREAD = 0.02
"""Share of the picture that the agreeing features must span: letters and logos recur, and are small."""


@dataclass(frozen=True, slots=True)
class Features:
    """What is compared of one picture."""

    points: NDArray[np.float32]
    """(n, 2): x and y in pixels of the shrunk picture. The strongest of each part of the picture come first."""
    bits: NDArray[np.uint8]
    """(n, 32)."""
    size: tuple[int, int]
    """Width and height of the shrunk picture."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A picture of the set that the one in hand shows."""

    number: int
    agreeing: int
    """Features that lie on one transform."""
    is_mirrored: bool
    turned_deg: float
    scale: float
    """With both brought to the same longer side."""

    def to_json(self) -> dict[str, Json]:
        """For a reviewer."""
        return {
            "agreeing": self.agreeing,
            "mirrored": self.is_mirrored,
            "turned_deg": round(self.turned_deg, 1) + 0.0,  # -0.0 is 0.0
            "scale": round(self.scale, 3),
        }


@dataclass(frozen=True, slots=True)
class Agreement:
    """What speaks for a copy: features of two pictures that one transform brings onto each other."""

    transform: NDArray[np.float64]
    """(2, 3): from places of the picture asked for to places of the known one."""
    here: NDArray[np.float32]
    """(n, 2), in the shrunk picture that was asked for."""
    there: NDArray[np.float32]
    """(n, 2), in the shrunk known picture."""
    places: int
    """Different ones, on the side that has fewer: features that stand at one place have one voice."""

    @property
    def scale(self) -> float:
        """How much larger the known picture shows it."""
        return float(np.hypot(self.transform[0, 0], self.transform[1, 0]))


@dataclass(frozen=True, slots=True)
class Effort:
    """How closely a picture is looked at."""

    longer_side_px: int
    found: int
    levels: int


FULL = Effort(longer_side_px=640, found=2_000, levels=10)
LIGHT = Effort(longer_side_px=384, found=500, levels=6)
"""Half of the time, and enough to compare one picture with one other."""


def features(frame: Frame, effort: Effort = FULL) -> Features:
    """The features of a picture; few or none where it has no detail."""
    scale = effort.longer_side_px / max(frame.shape[:2])
    size = (max(1, round(frame.shape[1] * scale)), max(1, round(frame.shape[0] * scale)))
    small = _resized_grey(frame, size)
    orb = cv2.ORB.create(nfeatures=effort.found, scaleFactor=1.2, nlevels=effort.levels, fastThreshold=8)
    found, bits = orb.detectAndCompute(small, np.empty(0, np.uint8))
    if not found:
        return Features(np.empty((0, 2), np.float32), np.empty((0, 32), np.uint8), size)
    points = np.array([point.pt for point in found], np.float32)
    kept = _spread_out(points, np.array([point.response for point in found], np.float32), size)
    return Features(points[kept], np.asarray(bits, np.uint8)[kept], size)


def _resized_grey(frame: Frame, size: tuple[int, int]) -> NDArray[np.uint8]:
    """`frame` in grey, `size` (width, height). Halving in colour, then grey, is a fifth of the work of the reverse."""
    while all(whole % 2 == 0 and whole >= 2 * part for whole, part in zip(frame.shape[1::-1], size, strict=True)):
        frame = np.asarray(cv2.resize(frame, (frame.shape[1] // 2, frame.shape[0] // 2), interpolation=cv2.INTER_AREA))
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    way = cv2.INTER_AREA if size[0] < grey.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(grey, size, interpolation=way), np.uint8)


def _spread_out(points: NDArray[np.float32], strength: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.intp]:
    """The strongest points of each cell, so that a line of text laid over the picture does not take all places.

    The first of every cell comes before the second of any.
    """
    cells = np.minimum((points / np.array(size) * _CELLS).astype(int), _CELLS - 1) @ np.array([1, _CELLS])
    order = np.lexsort((-strength, cells))
    place = np.arange(len(order)) - np.searchsorted(cells[order], cells[order])
    kept = place < _FEATURES_OF_A_CELL
    order, place = order[kept], place[kept]
    return np.asarray(order[np.lexsort((-strength[order], place))], np.intp)


def packed(one: Features) -> bytes:
    """The features as bytes: width, height, number (16 bits each), then places in sixteenths of a pixel, then bits."""
    places = np.round(one.points * _STEPS_PER_PX).astype("<u2")
    return struct.pack("<3H", *one.size, len(places)) + places.tobytes() + one.bits.tobytes()


def packed_bytes(raw: bytes) -> int:
    """How long the packed features are that `raw` begins with. Raises struct.error."""
    return _HEAD_BYTES + int(struct.unpack_from("<3H", raw)[2]) * (4 + 32)


def unpacked(raw: bytes) -> Features:
    """What `packed` wrote. Raises ValueError for anything else."""
    width, height, count = struct.unpack_from("<3H", raw) if len(raw) >= _HEAD_BYTES else (0, 0, -1)
    if len(raw) != _HEAD_BYTES + count * (4 + 32):
        raise ValueError("these are no packed features")
    places = np.frombuffer(raw, "<u2", 2 * count, _HEAD_BYTES).reshape(count, 2)
    bits = np.frombuffer(raw, np.uint8, 32 * count, _HEAD_BYTES + 4 * count).reshape(count, 32)
    return Features((places / _STEPS_PER_PX).astype(np.float32), bits, (width, height))


class CopySet:
    """A handful of pictures in memory, each compared with what is asked. For more, see `copy_book.py`."""

    def __init__(self, pictures: Iterable[Features]) -> None:
        self._pictures = list(pictures)

    def __len__(self) -> int:
        """Pictures."""
        return len(self._pictures)

    def find(self, frame: Frame) -> list[Copy]:
        """Every picture of the set that `frame` shows, as it is or mirrored; the surest first."""
        copies = []
        for is_mirrored in (False, True):
            asked = features(np.ascontiguousarray(frame[:, ::-1]) if is_mirrored else frame)
            for number, known in enumerate(self._pictures):
                if copy := same_picture(asked, known, number, is_mirrored=is_mirrored):
                    copies.append(copy)
        return sorted(copies, key=lambda copy: -copy.agreeing)


def same_picture(asked: Features, known: Features, number: int = 0, *, is_mirrored: bool = False) -> Copy | None:
    """Whether one transform brings enough features of `asked` onto those of `known`."""
    found = agreement(asked, known)
    if found is None:
        return None
    turned = float(np.degrees(np.arctan2(found.transform[1, 0], found.transform[0, 0])))
    return Copy(number, found.places, is_mirrored, turned, found.scale)


def agreement(asked: Features, known: Features) -> Agreement | None:
    """The features of `asked` that one transform brings onto those of `known`; None where they are too few."""
    if min(len(asked.points), len(known.points)) < MIN_AGREEING:
        return None
    alike, nearest = _alike(asked.bits, known.bits)
    if len(alike) < MIN_AGREEING:
        return None
    here, there = asked.points[alike], known.points[nearest]
    cv2.setRNGSeed(1)
    transform, agree = cv2.estimateAffinePartial2D(
        here, there, method=cv2.RANSAC, ransacReprojThreshold=_TOLERANCE_PX, maxIters=2_000, confidence=0.999
    )
    if transform is None:
        return None  # type: ignore[unreachable] # OpenCV's types leave out that there may be none
    inside = agree.ravel().astype(bool)
    here, there = here[inside], there[inside]
    places = min(len(np.unique(np.round(side / 3), axis=0)) for side in (here, there))
    found = Agreement(np.asarray(transform, np.float64), here, there, places)
    if places < MIN_AGREEING or not _SCALES[0] <= found.scale <= _SCALES[1]:
        return None
    if min(_spread(here, asked.size), _spread(there, known.size)) < _MIN_SPREAD:
        return None
    return found


def likeness(asked: Features, known: Features) -> int:
    """How many of the first `PROBED` features of `asked` are like one of `known`, wherever they are.

    A seventh of the work of `same_picture`, and no proof: it says which of many pictures are worth that. Of the weakest
    copies of `bench/copies.py`, 99 in 100 have twelve and more (half of them 31); of other pictures, 90 in 100 at most
    seven.
    """
    return len(_alike(asked.bits[:PROBED], known.bits)[0]) if len(known.bits) >= MIN_AGREEING else 0


def _alike(asked: NDArray[np.uint8], known: NDArray[np.uint8]) -> tuple[NDArray[np.intp], NDArray[np.int32]]:
    """Which of the features `asked` resemble one of `known` (two at least) clearly more than any other, and which."""
    if not len(asked):
        return np.empty(0, np.intp), np.empty(0, np.int32)
    apart, nearest = cv2.batchDistance(asked, known, cv2.CV_32S, normType=cv2.NORM_HAMMING, K=2)
    first, second = apart[:, 0], apart[:, 1]
    alike = np.flatnonzero((first <= _PAIR_RADIUS_BITS) & (first < _BETTER_THAN_NEXT * second))
    return alike, np.asarray(nearest[alike, 0], np.int32)


def _spread(points: NDArray[np.float32], size: tuple[int, int]) -> float:
    """The share of the picture that the points span."""
    hull = cv2.convexHull(points)
    return float(cv2.contourArea(hull)) / (size[0] * size[1])
