"""Hashes for tests: uniform ones, and heavy clusters as real pictures make them."""

import numpy as np

from safelight.matching.index.layout import WORDS, Hashes

SECRET = b"\5" * 32
Tags = "np.ndarray[tuple[int], np.dtype[np.uint64]]"


def uniform(count: int, seed: int = 0) -> Hashes:
    """`count` hashes without any pattern."""
    return np.random.default_rng(seed).integers(0, 2**64, (count, WORDS), dtype=np.uint64)


def flipped(hashes: Hashes, bits: int, seed: int = 1) -> Hashes:
    """Each hash with exactly `bits` of its bits changed."""
    rng = np.random.default_rng(seed)
    patterns = np.zeros((len(hashes), 256), np.uint8)
    for pattern in patterns:
        pattern[rng.choice(256, bits, replace=False)] = 1
    return hashes ^ np.packbits(patterns, axis=1).view(">u8").astype(np.uint64)


def clustered(clusters: int, of_each: int, seed: int = 2) -> Hashes:
    """Heavy clusters: copies within a few bits of a few centres, among them equal ones."""
    centres = np.repeat(uniform(clusters, seed), of_each, axis=0)
    parts = [flipped(centres[start::4], bits, seed + bits) for start, bits in enumerate((0, 2, 9, 30))]
    return np.concatenate(parts)


def numbers(count: int) -> "np.ndarray[tuple[int], np.dtype[np.uint64]]":
    """Tags from 0 on."""
    return np.arange(count, dtype=np.uint64)
