"""Which of some thousand registered pictures a picture may be a copy of: a quick look before the exact one.

Each 256-bit feature is filed under six keys of eighteen of its bits. A copy's features differ from the original's in
some thirty bits, so about one key in ten is the same: of hundreds of features dozens meet, while those of another
picture meet by chance. What many features share (corners, letters) says little, so a meeting counts by how rare its key
is. The pictures with far more than chance gives are then compared feature by feature (`copies.same_picture`), and only
that decides.

Rules of this module
- It may miss, never invent: whatever it names is verified. `bench/copies.py` measures what it misses.
- Mirror images are registered as pictures of their own, so that what is looked at is described once.

Source of the idea: locality-sensitive hashing by sampling bits (Indyk, Motwani, 1998).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from safelight.matching.copies import Copy, Effort, Features, features, same_picture
from safelight.matching.pdq import Frame

REGISTERED = Effort(longer_side_px=640, found=2_000, levels=10)
"""How closely a picture is looked at when it is registered: once."""
ASKED = Effort(longer_side_px=512, found=1_000, levels=8)
"""And when it is asked for: at every upload and output."""
_TABLES = 6
_KEY_BITS = 18
_SEED = 20261122
_CANDIDATES = 4
_DEVIATIONS = 5.0
"""By so many standard deviations a candidate meets more than pictures do by chance: of pictures that are in no set the
nearest has at most five, of the hard copies that we tried nine in ten have more than twelve."""
_FEW_SIDES = 128
"""Up to which chance cannot be told, and the first few are compared in any case."""
_CROWDED = 60
_CROWDED_TIMES_MEAN = 8
_BATCH_ROWS = 100_000


@dataclass(frozen=True, slots=True)
class Registered:
    """One picture as it is registered."""

    bank: int
    item: int
    plain: Features
    mirrored: Features


@dataclass(frozen=True, slots=True)
class FoundCopy:
    """A registered picture that the one in hand shows."""

    bank: int
    item: int
    copy: Copy


def describe(frame: Frame) -> tuple[Features, Features]:
    """What is registered of a picture: its features, and those of its mirror image."""
    return features(frame, REGISTERED), features(np.ascontiguousarray(frame[:, ::-1]), REGISTERED)


class CopyIndex:
    """Made once for a set of pictures; a change of the set is another index."""

    def __init__(self, pictures: Sequence[Registered]) -> None:
        self._pictures = pictures
        self._sides = [side for one in pictures for side in (one.plain, one.mirrored)]
        counts = [len(side.points) for side in self._sides]
        self._owner = np.repeat(np.arange(len(counts), dtype=np.uint32), counts)
        bits = np.concatenate([side.bits for side in self._sides]) if counts else np.empty((0, 32), np.uint8)
        self._tables = [_filed(keys) for keys in _keys(bits)] if counts else []  # 12 MB, however few there are
        self._crowded = max(_CROWDED, _CROWDED_TIMES_MEAN * len(bits) >> _KEY_BITS)

    def __len__(self) -> int:
        """Pictures."""
        return len(self._pictures)

    def find(self, frame: Frame) -> list[FoundCopy]:
        """The registered pictures that `frame` shows, as they are or mirrored; the surest first."""
        return self.find_features(features(frame, ASKED)) if len(self) else []

    def find_features(self, asked: Features) -> list[FoundCopy]:
        """As `find`, for a picture that was described."""
        found = []
        for side in self._candidates(asked):
            one, is_mirrored = self._pictures[side // 2], bool(side % 2)
            if copy := same_picture(asked, self._sides[side], side // 2, is_mirrored=is_mirrored):
                found.append(FoundCopy(one.bank, one.item, copy))
        return sorted(found, key=lambda one: -one.copy.agreeing)

    def _candidates(self, asked: Features) -> list[int]:
        """Pictures, as they are or mirrored, that share far more keys than chance gives."""
        if not len(asked.points) or not self._sides:
            return []
        met = np.zeros(len(self._sides))
        for keys, (rows, offsets) in zip(_keys(asked.bits), self._tables, strict=True):
            starts = offsets.take(keys)
            sizes = offsets.take(keys + 1) - starts
            sizes[sizes > self._crowded] = 0
            ends = np.cumsum(sizes)
            places = np.arange(int(ends[-1])) + np.repeat(starts - ends + sizes, sizes)
            rarity = np.repeat(1 / np.sqrt(np.maximum(sizes, 1)), sizes)
            met += np.bincount(self._owner.take(rows.take(places)), rarity, len(met))
        order = np.argsort(-met, kind="stable")
        best, others = order[:_CANDIDATES], met[order[_CANDIDATES:]]
        enough = 0.0
        if len(met) > _FEW_SIDES:
            enough = float(np.median(met) + _DEVIATIONS * others.std())
        return [int(side) for side in best if met[side] > enough]


def _keys(bits: NDArray[np.uint8]) -> list[NDArray[np.intp]]:
    """Of each table, the key of every row."""
    sampled = np.stack([np.random.default_rng(_SEED + table).permutation(256)[:_KEY_BITS] for table in range(_TABLES)])
    keys = np.empty((len(bits), _TABLES), np.intp)
    for start in range(0, len(bits), _BATCH_ROWS):
        plain = np.unpackbits(bits[start : start + _BATCH_ROWS], axis=1).take(sampled.ravel(), axis=1)
        packed = np.packbits(plain.reshape(-1, _KEY_BITS), axis=1).astype(np.intp)
        key = (packed[:, 0] << 16 | packed[:, 1] << 8 | packed[:, 2]) >> (24 - _KEY_BITS)
        keys[start : start + _BATCH_ROWS] = key.reshape(-1, _TABLES)
    return [np.ascontiguousarray(keys[:, table]) for table in range(_TABLES)]


def _filed(keys: NDArray[np.intp]) -> tuple[NDArray[np.uint32], NDArray[np.intp]]:
    """Rows sorted by key, and where each key begins, with the end."""
    sizes = np.bincount(keys, minlength=1 << _KEY_BITS)
    return np.argsort(keys, kind="stable").astype(np.uint32), np.concatenate([[0], np.cumsum(sizes)])
