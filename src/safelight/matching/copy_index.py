"""Which of a hundred thousand registered pictures a picture may be a copy of: a quick look before the exact one.

Each 256-bit feature is filed under six keys of eighteen of its bits. A copy's features differ from the original's in
some thirty bits, so about one key in ten is the same: of hundreds of features dozens meet, while those of another
picture meet by chance. What many features share (corners, letters) says little, so a meeting counts by how rare its key
is. The pictures with most are then compared feature by feature (`copies.same_picture`), and only that decides.

Rules of this module
- It may miss, never invent: whatever it names is verified. `bench/copies.py` measures what it misses.
- Mirror images are filed as pictures of their own, so that what is looked at is described once.
- A part is at most `MAX_PART` pictures and never changes; what was dropped is told to it at each question. Parts can be
  made into one without the features, and are in memory that processes share when they come from a disk
  (`copy_files.py`).
- Filed are numbers of pictures by key, in no order within a key: neither places nor which keys belong to one feature.
  Which bits make a key is the installation's secret.

Source of the idea: locality-sensitive hashing by sampling bits (Indyk, Motwani, 1998).
"""

import hashlib
import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from safelight.matching.copies import Effort, Features, features
from safelight.matching.frames import part_within
from safelight.matching.pdq import Frame

REGISTERED = Effort(longer_side_px=640, found=2_000, levels=10)
"""How closely a picture is looked at when it is registered: once."""
ASKED = Effort(longer_side_px=640, found=1_500, levels=8)
"""And when it is asked for: at every upload and output."""
MAX_PART = 16_384
"""Pictures; with their mirror images they are counted in sixteen bits."""
TABLES = 6
KEY_BITS = 18
FILED = 320
"""Features of each picture and of its mirror image."""
_CROWDED = 60
_CROWDED_SHARE = 0.01
"""A key with more sides, and with a larger share of all, is passed over: it costs most and says least."""
_MET_BY_COPIES = 0.03
"""Of the keys asked for, about so many are those of the picture itself, where it is a weak copy."""

Keys = NDArray[np.uint32]
"""(features, tables)."""
Places = NDArray[np.intp]


@dataclass(frozen=True, slots=True, order=True)
class Candidate:
    """A picture, as it is or mirrored, that is worth a look."""

    score: float
    number: int
    is_mirrored: bool


def describe(frame: Frame) -> tuple[Features, Features]:
    """What is registered of a picture: its features, and those of its mirror image."""
    return features(frame, REGISTERED), features(np.ascontiguousarray(frame[:, ::-1]), REGISTERED)


def asked_features(frame: Frame) -> Iterator[Features]:
    """What is looked for: the features of a picture, then those of the picture that it frames, if it does."""
    yield features(frame, ASKED)
    if (inner := part_within(frame)) is not None:
        yield features(inner, ASKED)


class Keying:
    """Which bits of a feature make its keys: a secret, so that keys on a disk are not bits of a known place."""

    def __init__(self, secret: bytes) -> None:
        def order(table: int) -> list[int]:
            digests = [hashlib.sha256(secret + bytes([table, bit])).digest() for bit in range(256)]
            return sorted(range(256), key=digests.__getitem__)[:KEY_BITS]

        self._sampled = np.array([order(table) for table in range(TABLES)]).ravel()

    @property
    def method(self) -> str:
        """Stands for everything that parts of one index must have in common."""
        return hashlib.sha256(f"1 {FILED} {REGISTERED} {self._sampled.tolist()}".encode()).hexdigest()[:16]

    def filed(self, one: Features) -> Keys:
        """The keys under which a registered picture is filed."""
        return self.asked(one.bits[:FILED])

    def asked(self, bits: NDArray[np.uint8]) -> Keys:
        """The keys of features."""
        plain = np.unpackbits(bits, axis=1).take(self._sampled, axis=1)
        packed = np.packbits(plain.reshape(-1, KEY_BITS), axis=1).astype(np.uint32)
        key = (packed[:, 0] << 16 | packed[:, 1] << 8 | packed[:, 2]) >> np.uint32(24 - KEY_BITS)
        return np.asarray(key.reshape(-1, TABLES), np.uint32)


@dataclass(frozen=True, slots=True)
class Part:
    """Some pictures, by the keys of their features."""

    numbers: NDArray[np.int64]
    """Of each picture, in the database."""
    marks: NDArray[np.uint64]
    """Of each picture: what tells it from another that had its number before a database was restored."""
    offsets: NDArray[np.uint32]
    """(tables, keys + 1): where each key begins in `sides`, and at last the end."""
    sides: NDArray[np.uint16]
    """(tables, entries): twice the picture's place in `numbers`, and one more for its mirror image."""

    def __len__(self) -> int:
        """Pictures, dropped ones included."""
        return len(self.numbers)

    @classmethod
    def build(cls, numbers: Sequence[int], marks: Sequence[int], keys: Sequence[tuple[Keys, Keys]]) -> "Part":
        """A part of pictures, each with its keys and those of its mirror image. Raises ValueError beyond `MAX_PART`."""
        sides = [side for both in keys for side in both]
        owners = np.repeat(np.arange(len(sides)), [len(side) for side in sides])
        filed = np.concatenate(sides) if sides else np.empty((0, TABLES), np.uint32)
        return cls._sorted(np.array(numbers, np.int64), np.array(marks, np.uint64), list(filed.T), [owners] * TABLES)

    @classmethod
    def merged(cls, parts: Sequence["Part"], alive: NDArray[np.int64]) -> "Part":
        """One part of several, without what is not among the numbers `alive` (sorted)."""
        kept = [np.isin(part.numbers, alive) for part in parts]
        first = np.cumsum([0, *(int(keep.sum()) for keep in kept)])
        keys: list[NDArray[np.uint32]] = []
        owners: list[NDArray[np.intp]] = []
        for table in range(TABLES):
            found = [_entries(part, keep, table) for part, keep in zip(parts, kept, strict=True)]
            keys.append(np.concatenate([key for key, _ in found]))
            owners.append(np.concatenate([owner + 2 * start for (_, owner), start in zip(found, first, strict=False)]))
        numbers = np.concatenate([part.numbers[keep] for part, keep in zip(parts, kept, strict=True)])
        marks = np.concatenate([part.marks[keep] for part, keep in zip(parts, kept, strict=True)])
        return cls._sorted(numbers, marks, keys, owners)

    @classmethod
    def _sorted(
        cls,
        numbers: NDArray[np.int64],
        marks: NDArray[np.uint64],
        keys: Sequence[NDArray[np.uint32]],
        owners: Sequence[NDArray[np.intp]],
    ) -> "Part":
        if len(numbers) > MAX_PART:
            raise ValueError(f"a part holds {MAX_PART} pictures at most")
        offsets = np.zeros((TABLES, (1 << KEY_BITS) + 1), np.uint32)
        sides = np.empty((TABLES, len(keys[0])), np.uint16)
        for table in range(TABLES):
            # One sort of key and picture together is several times as fast as an argsort.
            pairs = keys[table].astype(np.uint64) << np.uint64(16) | owners[table].astype(np.uint64)
            pairs.sort()
            sides[table] = pairs.astype(np.uint16)
            np.cumsum(np.bincount(keys[table], minlength=1 << KEY_BITS), out=offsets[table, 1:])
        return cls(numbers, marks, offsets, sides)

    def found(self, asked: Keys) -> tuple[Places, Places]:
        """Where the sides of the keys `asked` begin in each table, and how many they are: (features, tables) both."""
        starts = np.column_stack([self.offsets[table].take(asked[:, table]) for table in range(TABLES)])
        ends = np.column_stack([self.offsets[table].take(asked[:, table] + 1) for table in range(TABLES)])
        return starts.astype(np.intp), ends.astype(np.intp) - starts

    def scores(self, starts: Places, sizes: Places, worth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of each side, what the keys are worth, (features, tables), that it shares; `starts` and `sizes` as found."""
        met = np.zeros(2 * len(self))
        for table in range(TABLES):
            many = np.where(worth[:, table] > 0, sizes[:, table], 0)
            ends = np.cumsum(many)
            places = np.arange(int(ends[-1])) + np.repeat(starts[:, table] - ends + many, many)
            met += np.bincount(self.sides[table].take(places), np.repeat(worth[:, table], many), len(met))
        return met


def candidates(searched: Sequence[tuple[Part, Places]], asked: Keys, most: int) -> list[Candidate]:
    """The `most` sides that share most with `asked`, the likeliest first; none at the places that stand by their part.

    Each shared key adds the logarithm of how much likelier it is of a copy than of any picture. How rare a key is, is
    counted over all parts: counted in each, the same key would be worth more in a small part, and what meets there by
    chance would stand before the copy in a large one.
    """
    sides = 2 * sum(len(part) for part, _ in searched)
    if not sides or not len(asked):
        return []
    places = [part.found(asked) for part, _ in searched]
    sizes = np.sum([size for _, size in places], axis=0)
    worth = np.log1p(_MET_BY_COPIES * sides / np.maximum(sizes, 1))
    worth[sizes > max(_CROWDED, _CROWDED_SHARE * sides)] = 0
    best: list[Candidate] = []
    for (part, dead), (starts, size) in zip(searched, places, strict=True):
        met = part.scores(starts, size, worth)
        met[2 * dead] = met[2 * dead + 1] = 0
        first = np.argpartition(met, -min(most, len(met)))[-most:]
        best += [Candidate(float(met[at]), int(part.numbers[at // 2]), bool(at % 2)) for at in first if met[at] > 0]
    return heapq.nlargest(most, best)


def _entries(part: Part, keep: NDArray[np.bool_], table: int) -> tuple[NDArray[np.uint32], NDArray[np.intp]]:
    """Key and side of every entry of a table whose picture is kept, counted among those that are."""
    sides = part.sides[table].astype(np.intp)
    keys = np.repeat(np.arange(1 << KEY_BITS, dtype=np.uint32), np.diff(part.offsets[table]))
    staying = keep.take(sides >> 1)
    place = np.cumsum(keep) - 1
    sides, keys = sides[staying], keys[staying]
    return keys, 2 * place.take(sides >> 1) + (sides & 1)
