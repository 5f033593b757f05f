"""How 256 bits are cut into bands, so that a neighbour shares nearly all of at least one.

The pigeonhole principle: let `r` be `MAX_RADIUS`, which is `q` times `bands` and a remainder. Were there more than `q`
differing bits in each of the first `remainder + 1` bands, and at least `q` in each of the others, they would be more
than `r` together. So a neighbour has at most `q` in one of the first or less than `q` in one of the others, and whoever
looks into every bucket that is so near has seen every neighbour: there are no false negatives, whatever the data look
like. (Norouzi, Punjani, Fleet: "Fast Exact Search in Hamming Space With Multi-Index Hashing", 2014.)
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

MAX_RADIUS = 31
"""Bits. The field's threshold for PDQ, and the bound within which answers are complete."""
WORDS = 4
"""64-bit words of one hash."""

Hashes = NDArray[np.uint64]
"""(n, 4): 256 bits each, the first word the most significant."""


@dataclass(frozen=True)
class Layout:
    """`bands` bands of `band_bits` bits from the top of the hash; none at all means that every row is compared."""

    bands: int
    band_bits: int

    @property
    def buckets(self) -> int:
        """Of one band."""
        return 1 << self.band_bits

    def buckets_near(self, queries: Hashes) -> NDArray[np.intp]:
        """(queries, probes of all bands): every bucket that may hold a neighbour, counted over all bands."""
        keys = self.keys(queries) + self.first_buckets
        flips, remainder = divmod(MAX_RADIUS, self.bands)
        near = [
            (keys[:, bands, None] ^ _patterns(self.band_bits, most)).reshape(len(queries), -1)
            for bands, most in ((slice(remainder + 1), flips), (slice(remainder + 1, None), flips - 1))
        ]
        return np.concatenate(near, axis=1).view(np.intp)

    def keys(self, hashes: Hashes) -> NDArray[np.uint64]:
        """(n, bands): the bits of each band, as a number below `buckets`."""
        left = hashes.take(self._words, axis=1) << self._shifts
        left |= hashes.take(self._next_words, axis=1) >> (np.uint64(64) - self._shifts)
        left >>= np.uint64(64 - self.band_bits)
        return left

    def key(self, hashes: Hashes, band: int) -> NDArray[np.uint64]:
        """(n,): the bits of one band."""
        word, following, shift = self._words[band], self._next_words[band], self._shifts[band]
        bits: NDArray[np.uint64] = hashes[:, word] << shift
        bits |= hashes[:, following] >> (np.uint64(64) - shift)
        bits >>= np.uint64(64 - self.band_bits)
        return bits

    @cached_property
    def _words(self) -> NDArray[np.intp]:
        return np.arange(self.bands) * self.band_bits // 64

    @cached_property
    def _next_words(self) -> NDArray[np.intp]:
        # Bands that end in the last word take nothing from the next: what is read in its place is shifted out again.
        return np.minimum(self._words + 1, WORDS - 1)

    @cached_property
    def _shifts(self) -> NDArray[np.uint64]:
        return (np.arange(self.bands) * self.band_bits % 64).astype(np.uint64)

    @cached_property
    def first_buckets(self) -> NDArray[np.uint64]:
        """Of each band, where the buckets of all bands stand one after the other."""
        return np.arange(self.bands, dtype=np.uint64) * np.uint64(self.buckets)


FLAT = Layout(0, 0)
SMALL = Layout(16, 16)
LARGE = Layout(11, 23)
_FLAT_MAX_ROWS = 16_384
_SMALL_MAX_ROWS = 2_000_000
"""Where the buckets of `SMALL` grow so full that the many probes of `LARGE` cost less (`bench/index.py`)."""


@lru_cache
def _patterns(band_bits: int, most: int) -> NDArray[np.uint64]:
    """Every pattern of at most so many of a band's bits."""
    chosen = (bits for count in range(most + 1) for bits in combinations(range(band_bits), count))
    return np.fromiter((sum(1 << bit for bit in bits) for bits in chosen), np.uint64)


def layout_for(rows: int) -> Layout:
    """The layout that answers fastest for so many hashes."""
    if rows <= _FLAT_MAX_ROWS:
        return FLAT
    return SMALL if rows <= _SMALL_MAX_ROWS else LARGE


def to_words(hashes: bytes) -> Hashes:
    """Hashes of 32 bytes each, one after the other, as words."""
    return np.frombuffer(hashes, ">u8").astype(np.uint64).reshape(-1, WORDS)
