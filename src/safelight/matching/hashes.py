"""The hashes of all banks: one index for PDQ, one for digests of files, in one folder, masked by the operator's key.

A digest of a file goes into its index as a keyed digest of itself: it can be asked for and not be read back.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from safelight.matching.fingerprints import HashKind
from safelight.matching.index.hash_index import HashIndex, Hit, tag_of
from safelight.matching.index.layout import MAX_RADIUS, Hashes
from safelight.matching.index.mask import Mask


class BankHashes:
    """What the banks hold. Opening raises StoreFailed."""

    def __init__(self, folder: Path, secret: bytes) -> None:
        self._mask = Mask(secret)
        self._pdq = HashIndex(folder / "pdq")
        self._files = HashIndex(folder / "files")
        self._withdrawn = HashIndex(folder / "withdrawn")

    def near(self, pdqs: Sequence[bytes], radius: int = MAX_RADIUS) -> list[Hit]:
        """Every bank or item with a PDQ hash within `radius` of one of `pdqs`, nearest first. Raises StoreFailed."""
        return self._pdq.near(self._mask.hashes(pdqs), radius)[0]

    def same(self, kind: HashKind, digest: bytes) -> list[Hit]:
        """Every bank or item that has this digest of a file. Raises StoreFailed."""
        return self._files.near(self._mask.digests(kind.value, [digest]), 0)[0]

    @property
    def has_files(self) -> bool:
        """Whether there is any digest of a file to compare with."""
        return len(self._files) > 0

    @property
    def digest(self) -> str:
        """64 hex digits that stand for everything in both indexes."""
        return hashlib.sha256((self._pdq.head + self._files.head).encode()).hexdigest()

    def add(self, bank: int, kind: HashKind, values: Sequence[bytes], items: Sequence[int] = ()) -> int:
        """Add hashes of one kind to a bank, each under its item where `items` says one.

        Returns how many were new, once they are on disk. Raises StoreFailed.
        """
        tags = np.fromiter((tag_of(bank, item) for item in items or [0] * len(values)), np.uint64, len(values))
        return self._index(kind).add(self._masked(kind, values), tags)

    def revoke(self, bank: int, kind: HashKind, values: Sequence[bytes]) -> int:
        """Withdraw hashes of one kind from a bank. Returns how many were there. Raises StoreFailed."""
        return self._index(kind).revoke(self._masked(kind, values), np.full(len(values), tag_of(bank), np.uint64))

    def drop(self, bank: int, item: int | None = None) -> None:
        """Withdraw everything of a bank, or of one item of it. Raises StoreFailed."""
        for index in (self._pdq, self._files):
            if item is None:
                index.drop_bank(bank)
            else:
                index.drop_item(bank, item)

    def note_withdrawn(self, bank: int, keys: Sequence[tuple[str, bytes]], at_s: int) -> None:
        """Remember when these were withdrawn, by kind and value, so that an older entry does not bring them back."""
        if at_s and keys:
            digests = np.concatenate([self._mask.digests(kind, [value]) for kind, value in keys])
            self._withdrawn.add(digests, np.full(len(keys), tag_of(bank, at_s), np.uint64))

    def withdrawn_at_s(self, bank: int, kind: str, value: bytes) -> int:
        """When this was last withdrawn from the bank, in seconds since 1970; 0 where it never was."""
        hits, _ = self._withdrawn.near(self._mask.digests(kind, [value]), 0)
        return max((hit.item for hit in hits if hit.bank == bank), default=0)

    def count(self) -> dict[int, int]:
        """How many hashes each bank has."""
        pdq, files = self._pdq.count(), self._files.count()
        return {bank: pdq.get(bank, 0) + files.get(bank, 0) for bank in sorted({*pdq, *files})}

    def compact(self) -> None:
        """Write both indexes anew without what was withdrawn: for quiet hours. Raises StoreFailed."""
        self._pdq.compact()
        self._files.compact()
        self._withdrawn.compact()

    def _index(self, kind: HashKind) -> HashIndex:
        return self._pdq if kind is HashKind.PDQ else self._files

    def _masked(self, kind: HashKind, values: Sequence[bytes]) -> Hashes:
        return self._mask.hashes(values) if kind is HashKind.PDQ else self._mask.digests(kind.value, values)
