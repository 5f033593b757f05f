"""How 256 bits are cut into bands, so that a neighbour shares nearly all of at least one, and much of the next.

Band `i` is looked at with up to `flips[i]` bits changed, and the `flips[i] + 1` are 32 together, one more than
`MAX_RADIUS`. Let `d[i]` be how many bits of band `i` two hashes differ in. For neighbours the `d[i] - (flips[i] + 1)`
add up to less than 0, so, read round in a ring from some band on, every one of their partial sums is below 0 too (the
cycle lemma of Dvoretzky and Motzkin: begin after the last place where the sum from band 0 is greatest). Two
things follow for that band `i` and the next one round, `j`:
- `d[i] <= flips[i]`: whoever looks into every bucket that is so near has seen every neighbour, whatever the data look
  like. (Norouzi, Punjani, Fleet: "Fast Exact Search in Hamming Space With Multi-Index Hashing", 2014.)
- `d[i] + d[j] <= flips[i] + flips[j] + 1`: what stands in the bucket and differs more in some bits of band `j` need not
  be compared there. It is one link of the chain in Qin and Xiao: "Pigeonring: A Principle for Faster Thresholded
  Similarity Search", 2018. A row's number leaves some bits of its 32 free; they hold the first bits of band `j`.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

MAX_RADIUS = 31
"""Bits. The field's threshold for PDQ, and the bound within which answers are complete."""
WORDS = 4
"""64-bit words of one hash."""
ENTRY_BITS = 32
"""Of what stands in a bucket: a row's number, and above it the first bits of its next band."""

Hashes = NDArray[np.uint64]
"""(n, 4): 256 bits each, the first word the most significant."""


@dataclass(frozen=True)
class Layout:
    """Bands from the top of the hash, the widest first; none at all means that every row is compared."""

    widths: tuple[int, ...]
    """Bits of each band."""
    flips: tuple[int, ...]
    """How many of them may differ in a bucket that is looked into."""

    @property
    def bands(self) -> int:
        """How many."""
        return len(self.widths)

    @property
    def buckets(self) -> int:
        """Of all bands."""
        return sum(1 << width for width in self.widths)

    def buckets_near(self, keys: NDArray[np.uint64]) -> NDArray[np.intp]:
        """(queries, probes): each bucket that may hold a neighbour of what has these `keys`, counted over all bands."""
        near = (keys + self.first_buckets).take(self._probed_bands, axis=1)
        near ^= self._probed_bits
        return near.view(np.intp)

    def keys(self, hashes: Hashes) -> NDArray[np.uint64]:
        """(n, bands): the bits of each band, as a number."""
        left = hashes.take(self._words, axis=1) << self._shifts
        left |= hashes.take(self._next_words, axis=1) >> (np.uint64(64) - self._shifts)
        left >>= self._spare
        return left

    def key(self, hashes: Hashes, band: int) -> NDArray[np.uint64]:
        """(n,): the bits of one band."""
        word, following, shift = self._words[band], self._next_words[band], self._shifts[band]
        bits: NDArray[np.uint64] = hashes[:, word] << shift
        bits |= hashes[:, following] >> (np.uint64(64) - shift)
        bits >>= self._spare[band]
        return bits

    def next_bits(self, rows: int) -> tuple[int, int]:
        """How many bits the number of one of so many rows has, and how many of the next band's fit above them."""
        taken = max(1, (rows - 1).bit_length())
        return taken, min(ENTRY_BITS - taken, *self.widths)

    def behind(self, bits: int) -> NDArray[np.uint64]:
        """How many bits of each band come after its first `bits`."""
        return np.array(self.widths, np.uint64) - np.uint64(bits)

    @cached_property
    def groups(self) -> "Groups":
        """Of probes next to each other, which have the band and the number of changed bits in common."""
        sizes = [comb(width, changed) for width, most in self._looked for changed in range(most + 1)]
        bands = [band for band, most in enumerate(self.flips) for _ in range(most + 1)]
        changed = [one for most in self.flips for one in range(most + 1)]
        slack = [
            self.flips[band] + self.flips[(band + 1) % self.bands] + 1 - one
            for band, one in zip(bands, changed, strict=True)
        ]
        return Groups(np.cumsum(sizes) - 1, np.array(bands), np.array(slack, np.uint8))

    @cached_property
    def first_buckets(self) -> NDArray[np.uint64]:
        """Where each band's buckets begin among those of all: at a multiple of their number, as bands grow narrower."""
        return np.array([0, *accumulate(1 << width for width in self.widths[:-1])], np.uint64)

    @property
    def _looked(self) -> list[tuple[int, int]]:
        return list(zip(self.widths, self.flips, strict=True))

    @cached_property
    def _probed_bands(self) -> NDArray[np.intp]:
        return np.repeat(np.arange(self.bands), [len(_patterns(*one)) for one in self._looked])

    @cached_property
    def _probed_bits(self) -> NDArray[np.uint64]:
        return np.concatenate([_patterns(*one) for one in self._looked])

    @cached_property
    def _begins(self) -> NDArray[np.intp]:
        return np.array([0, *accumulate(self.widths[:-1])])

    @cached_property
    def _words(self) -> NDArray[np.intp]:
        return self._begins // 64

    @cached_property
    def _next_words(self) -> NDArray[np.intp]:
        # Bands that end in the last word take nothing from the next: what is read in its place is shifted out again.
        return np.minimum(self._words + 1, WORDS - 1)

    @cached_property
    def _shifts(self) -> NDArray[np.uint64]:
        return (self._begins % 64).astype(np.uint64)

    @cached_property
    def _spare(self) -> NDArray[np.uint64]:
        return np.uint64(64) - np.array(self.widths, np.uint64)


@dataclass(frozen=True, slots=True)
class Groups:
    """See `Layout.groups`; the three arrays belong together."""

    last: NDArray[np.intp]
    """The last probe of each."""
    band: NDArray[np.intp]
    slack: NDArray[np.uint8]
    """How many bits of the next band a neighbour that stands there may differ in at most."""


FLAT = Layout((), ())
SMALL = Layout((16,) * 16, (1,) * 16)
LARGE = Layout((24,) * 6 + (23,) * 4 + (20,), (2,) * 10 + (1,))
_FLAT_MAX_ROWS = 16_384
_SMALL_MAX_ROWS = 2_000_000
"""Beyond, the probes of `LARGE` cost less than the full buckets of `SMALL`; before, they would save a tenth of a
millisecond for half a gigabyte of tables, which are as long for few rows as for many (`bench/index.py`)."""


def _patterns(width: int, most: int) -> NDArray[np.uint64]:
    """Every pattern of at most so many of a band's bits, those of fewer first."""
    chosen = (bits for count in range(most + 1) for bits in combinations(range(width), count))
    return np.fromiter((sum(1 << bit for bit in bits) for bits in chosen), np.uint64)


def layout_for(rows: int) -> Layout:
    """The layout that answers fastest for so many hashes."""
    if rows <= _FLAT_MAX_ROWS:
        return FLAT
    return SMALL if rows <= _SMALL_MAX_ROWS else LARGE


def to_words(hashes: bytes) -> Hashes:
    """Hashes of 32 bytes each, one after the other, as words."""
    return np.frombuffer(hashes, ">u8").astype(np.uint64).reshape(-1, WORDS)
