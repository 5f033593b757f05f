"""A secret that hides what a hash is and keeps how far apart two hashes are.

The places of the 256 bits are shuffled and some of them flipped, in a way that only the key tells. Distances stay as
they are, so the index works on masked hashes and nothing else ever reaches a disk. Two things follow: files that are
stolen without the key hold no hash that could be looked up elsewhere or turned back into a rough picture, and nobody
without the key can aim hashes at one bucket to make it slow.

It is no encryption: whoever holds the files sees which entries resemble each other, and whoever knows some hundreds of
the hashes in them can work out the key. `digest` is one-way, and serves where only equality matters.
"""

import hashlib
import hmac
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from safelight.matching.index.layout import WORDS, Hashes, to_words

_BITS = 256
_BATCH = 1 << 16


class Mask:
    """Made from a secret of at least 32 bytes."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._order = np.argsort(_stream(secret, b"places", _BITS), kind="stable")
        self._flips = np.frombuffer(hmac.digest(secret, b"flips", "sha256"), np.uint8)

    def hashes(self, hashes: Sequence[bytes]) -> Hashes:
        """The masked words of hashes of 32 bytes each."""
        masked = np.empty((len(hashes), WORDS), np.uint64)
        for start in range(0, len(hashes), _BATCH):
            part = hashes[start : start + _BATCH]
            plain = np.frombuffer(b"".join(part), np.uint8).reshape(len(part), -1)
            bits = np.unpackbits(plain, axis=1).take(self._order, axis=1)
            masked[start : start + len(part)] = to_words((np.packbits(bits, axis=1) ^ self._flips).tobytes())
        return masked

    def digests(self, purpose: str, contents: Sequence[bytes]) -> Hashes:
        """A keyed digest of each content (HMAC-SHA-256), as words; equal only for equal contents."""
        start = purpose.encode() + b"\0"
        return to_words(b"".join(hmac.digest(self._secret, start + content, "sha256") for content in contents))


def _stream(secret: bytes, purpose: bytes, count: int) -> NDArray[np.uint64]:
    """`count` numbers that follow from the secret."""
    blocks = (hmac.digest(secret, purpose + bytes([number]), hashlib.sha256) for number in range(count // 4))
    return np.frombuffer(b"".join(blocks), np.uint64)
