"""One immutable part of the index: rows of hash and tag, and for each band the rows sorted by its bits.

Beside each row of a band stand some bits of the next band: by these, most rows that share a bucket with a query by
chance are left out, and their hashes, which lie anywhere in the memory, never fetched (`layout.py`: none is missed).

A segment is an encrypted file, and clear in memory that all processes share (`at_rest/`). It is complete before the
manifest names it, and never changes: what is revoked is marked in each reader's own memory (`dead`), and written beside
the segment at the next fold.
"""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from safelight.matching.at_rest.sealed import Seal, SealedFile
from safelight.matching.at_rest.shared import SharedMemory
from safelight.matching.index.layout import ENTRY_BITS, FLAT, LARGE, SMALL, WORDS, Hashes, Layout, layout_for

Rows = NDArray[np.intp]
_BATCH_ROWS = 1 << 16
"""Rows compared at a time where there are no bands: bounds the memory."""
_FORM = 2
"""Of the tables; their last number. Those without it hold no bits of the next band."""


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Rows near a query; the three arrays belong together."""

    query: NDArray[np.intp]
    """Which of the queries."""
    row: Rows
    distance: NDArray[np.uint32]


@dataclass(slots=True)
class Segment:
    """Rows that do not change."""

    hashes: Hashes
    tags: NDArray[np.uint64]
    layout: Layout = FLAT
    offsets: NDArray[np.uint32] | None = None
    """Where each bucket of each band begins in `entries`, then the end, and `_FORM`."""
    entries: NDArray[np.uint32] | None = None
    """The row, and above it the first bits of its next band."""
    name: str = ""
    dead: NDArray[np.bool_] | None = field(default=None)
    """Which rows were revoked; None while none was."""
    mark: str = ""
    """Of the file that it was read from; empty for one that was made in memory."""

    def __len__(self) -> int:
        """Rows, revoked ones included."""
        return len(self.hashes)

    @classmethod
    def build(cls, hashes: Hashes, tags: NDArray[np.uint64], name: str = "") -> "Segment":
        """A segment in memory."""
        layout = layout_for(len(hashes))
        if not layout.bands:
            return cls(hashes, tags, name=name)
        count = len(hashes)
        row_bits, next_bits = layout.next_bits(count)
        offsets = np.empty(layout.buckets + 2, np.uint32)
        offsets[-2:] = layout.bands * count, _FORM
        entries = np.empty(layout.bands * count, np.uint32)
        for band, (width, first) in enumerate(zip(layout.widths, layout.first_buckets.view(np.intp), strict=True)):
            following = (band + 1) % layout.bands
            # One sort of key, bits and row together is several times as fast as an argsort.
            pairs = layout.key(hashes, following) >> np.uint64(layout.widths[following] - next_bits)
            pairs <<= np.uint64(row_bits)
            pairs |= layout.key(hashes, band) << np.uint64(ENTRY_BITS)
            pairs |= np.arange(count, dtype=np.uint64)
            pairs.sort()
            entries[band * count : (band + 1) * count] = pairs.astype(np.uint32)
            sizes = np.bincount((pairs >> np.uint64(ENTRY_BITS)).view(np.intp), minlength=1 << width)
            offsets[first : first + len(sizes)] = np.cumsum(sizes) - sizes + band * count
        return cls(hashes, tags, layout, offsets, entries, name)

    def save(self, path: Path, seal: Seal) -> None:
        """Write the segment to `path`, encrypted, and have it on disk when this returns. Raises OSError."""
        tables = [self.offsets, self.entries] if self.offsets is not None and self.entries is not None else []
        seal.write(path, [self.hashes, self.tags, *tables])

    @classmethod
    def open(cls, file: SealedFile, shared: SharedMemory) -> "Segment":
        """A saved segment, in shared memory. Raises OSError, or ValueError for one that is not as it was saved."""
        stored = file.parts(shared.mapped(file.mark, file.size, file.read))
        name = file.path.name
        hashes, tags = stored[0].view(np.uint64).reshape(-1, WORDS), stored[1].view(np.uint64)
        offsets, entries = stored[2].view(np.uint32), stored[3].view(np.uint32)
        if len(hashes) != len(tags):
            raise ValueError(f"the segment {name} has {len(tags)} tags for {len(hashes)} hashes")
        if not len(offsets) or offsets[-1] != _FORM:
            return cls(hashes, tags, name=name, mark=file.mark)
        layout = next((one for one in (SMALL, LARGE) if len(offsets) == one.buckets + 2), FLAT)
        if len(entries) != layout.bands * len(hashes):
            raise ValueError(f"the segment {name} has tables of another size than its hashes")
        return cls(hashes, tags, layout, offsets, entries, name, mark=file.mark)

    @property
    def lacks_tables(self) -> bool:
        """Whether it was saved before its tables had today's form: its answers are right, and slow."""
        return not self.layout.bands and layout_for(len(self)).bands > 0

    def near(self, queries: Hashes, radius: int) -> Neighbours:
        """Every live row within `radius` of a query; a row may come several times. `radius` is at most `MAX_RADIUS`."""
        if self.layout.bands == 0:
            return self._alive(scan(self.hashes, queries, radius))
        query, row = self._likely(queries)
        # Whole rows at once: `take` fetches 32 bytes ten times as fast as indexing does.
        different = self.hashes.take(row, axis=0).ravel()
        different ^= np.tile(queries.ravel(), len(row)) if len(queries) == 1 else queries.take(query, axis=0).ravel()
        counts = np.bitwise_count(different).view(np.uint32)
        # Four bytes added up by one product; all 256 bits, which it takes for none, are told apart among the few left.
        near = np.flatnonzero((counts * np.uint32(0x01010101)) >> np.uint32(24) <= radius)
        distance = _sums(counts[near])
        near, distance = near[distance <= radius], distance[distance <= radius]
        return self._alive(Neighbours(query[near], row[near], distance))

    def same(self, queries: Hashes) -> Neighbours:
        """Every live row that equals a query; cheaper than `near` with a radius of 0."""
        if self.layout.bands == 0:
            return self._alive(_scan_same(self.hashes, queries))
        entries, ends = self._in_buckets(self.layout.key(queries, 0).view(np.intp)[:, None])
        row_bits, _ = self.layout.next_bits(len(self))
        row = (entries & np.uint32((1 << row_bits) - 1)).astype(np.intp)
        query = np.searchsorted(ends[:, -1], np.arange(len(row)), side="right")
        equal = np.flatnonzero((self.hashes[row] == queries[query]).all(axis=1))
        return self._alive(Neighbours(query[equal], row[equal], np.zeros(len(equal), np.uint32)))

    def revoke(self, rows: Rows) -> None:
        """Mark `rows` as revoked, in this process."""
        if len(rows):
            if self.dead is None:
                self.dead = np.zeros(len(self), np.bool_)
            self.dead[rows] = True

    def living(self) -> tuple[Hashes, NDArray[np.uint64]]:
        """Hashes and tags of the rows that were not revoked."""
        if self.dead is None:
            return self.hashes, self.tags
        return self.hashes[~self.dead], self.tags[~self.dead]

    def _likely(self, queries: Hashes) -> tuple[NDArray[np.intp], Rows]:
        """Every row that may be near a query, and the query: all that are, and others."""
        layout, groups = self.layout, self.layout.groups
        row_bits, next_bits = layout.next_bits(len(self))
        keys = layout.keys(queries)
        entries, ends = self._in_buckets(layout.buckets_near(keys))
        sizes = ends.take(groups.last, axis=1).ravel()
        sizes[1:] -= sizes[:-1].copy()
        following = np.roll(keys >> layout.behind(next_bits), -1, axis=1) << np.uint64(row_bits)
        different = np.repeat(following.astype(np.uint32).take(groups.band, axis=1).ravel(), sizes)
        different ^= entries
        different >>= np.uint32(row_bits)
        slack = np.repeat(np.tile(groups.slack, len(queries)), sizes)
        kept = np.flatnonzero(np.bitwise_count(different) <= slack)
        row = (entries.take(kept) & np.uint32((1 << row_bits) - 1)).astype(np.intp)
        if len(queries) == 1:
            return np.zeros(len(row), np.intp), row
        return np.searchsorted(ends[:, -1], kept, side="right"), row

    def _in_buckets(self, buckets: NDArray[np.intp]) -> tuple[NDArray[np.uint32], NDArray[np.intp]]:
        """What stands in the buckets (queries, buckets of each), and where there each bucket's part ends."""
        assert self.offsets is not None  # noqa: S101 (there are bands, so there are tables)
        assert self.entries is not None  # noqa: S101 (as above)
        flat = buckets.ravel()
        starts = self.offsets.take(flat)
        sizes = self.offsets[1:].take(flat) - starts
        ends = np.cumsum(sizes, dtype=np.intp)
        places = np.repeat(starts - ends + sizes, sizes)
        places += np.arange(len(places))
        return self.entries.take(places), ends.reshape(buckets.shape)

    def _alive(self, found: Neighbours) -> Neighbours:
        if self.dead is None:
            return found
        alive = ~self.dead[found.row]
        return Neighbours(found.query[alive], found.row[alive], found.distance[alive])


def scan(hashes: Hashes, queries: Hashes, radius: int) -> Neighbours:
    """Compare every row with every query."""
    found: list[Neighbours] = []
    for start in range(0, len(hashes), _BATCH_ROWS):
        part = hashes[start : start + _BATCH_ROWS]
        for number, query in enumerate(queries):
            distance = _sums(np.bitwise_count(part.ravel() ^ np.tile(query, len(part))).view(np.uint32))
            near = np.flatnonzero(distance <= radius)
            found.append(Neighbours(np.full(len(near), number), near + start, distance[near]))
    return joined(found)


def joined(found: list[Neighbours]) -> Neighbours:
    """All of them as one."""
    if not found:
        return Neighbours(np.empty(0, np.intp), np.empty(0, np.intp), np.empty(0, np.uint32))
    return Neighbours(*(np.concatenate([getattr(one, name) for one in found]) for name in ("query", "row", "distance")))


def _sums(four: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The four counts of each hash, a byte each, added up; far quicker than `sum` along so short an axis."""
    halves = (four & np.uint32(0x00FF00FF)) + ((four >> np.uint32(8)) & np.uint32(0x00FF00FF))
    return (halves & np.uint32(0xFFFF)) + (halves >> np.uint32(16))


def _scan_same(hashes: Hashes, queries: Hashes) -> Neighbours:
    order = np.argsort(hashes[:, 0], kind="stable")
    first = hashes[order, 0]
    starts, ends = (np.searchsorted(first, queries[:, 0], side) for side in ("left", "right"))
    sizes = ends - starts
    query = np.repeat(np.arange(len(queries)), sizes)
    before = np.cumsum(sizes) - sizes
    row = order[np.arange(int(sizes.sum())) + np.repeat(starts - before, sizes)]
    equal = np.flatnonzero((hashes[row] == queries[query]).all(axis=1))
    return Neighbours(query[equal], row[equal], np.zeros(len(equal), np.uint32))
