"""The hashes of all banks: one index for PDQ, one for digests of files, in one folder, masked and encrypted by the
operator's key.

A digest of a file goes into its index as a keyed digest of itself: it can be asked for and not be read back.
"""

import hashlib
import hmac
import os
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from safelight.core.errors import StoreFailed
from safelight.matching.at_rest.sealed import sync_folder
from safelight.matching.fingerprints import HashKind
from safelight.matching.index.hash_index import HashIndex, Hit, tag_of
from safelight.matching.index.layout import MAX_RADIUS, Hashes
from safelight.matching.index.mask import Mask


class BankHashes:
    """What the banks hold. Opening raises StoreFailed."""

    def __init__(self, folder: Path, secret: bytes) -> None:
        self._folder = folder
        self._mask = Mask(secret)
        self._pdq, self._files, self._withdrawn = (
            HashIndex(folder / name, hmac.digest(secret, f"index at rest\0{name}".encode(), "sha256"))
            for name in ("pdq", "files", "withdrawn")
        )

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
        return self._index(kind).add(self._masked(kind, values), _tags(bank, items or [0] * len(values)))

    def has(self, bank: int, kind: HashKind, values: Sequence[bytes], items: Sequence[int]) -> list[bool]:
        """Which of these hashes of one kind a bank holds, each under its item. Raises StoreFailed."""
        return [bool(one) for one in self._index(kind).has(self._masked(kind, values), _tags(bank, items))]

    def revoke(self, bank: int, kind: HashKind, values: Sequence[bytes]) -> int:
        """Withdraw hashes of one kind from a bank, whatever items they stand under.

        Returns how many were there. Raises StoreFailed.
        """
        index = self._index(kind)
        has_none = index.has(self._masked(kind, values), _tags(bank, [0] * len(values)))
        gone = [(value, 0) for value, is_there in zip(values, has_none, strict=True) if is_there]
        for value in [value for value, is_there in zip(values, has_none, strict=True) if not is_there]:
            hits, _ = index.near(self._masked(kind, [value]), 0)
            gone += [(value, hit.item) for hit in hits if hit.bank == bank]
        return index.revoke(self._masked(kind, [value for value, _ in gone]), _tags(bank, [item for _, item in gone]))

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

    def promise(self, bank: int) -> Path:
        """Remember on disk that what is added to a bank from now on is yet to be held against the past.

        Raises StoreFailed. `keep` says that it was done.
        """
        mark = self._folder / f"unlooked-{bank}-{uuid4().hex}"
        try:
            os.close(os.open(mark, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
            sync_folder(self._folder)
        except OSError as error:
            raise StoreFailed(f"the folder of the banks cannot be written: {error.strerror}") from error
        return mark

    def promised(self, bank: int) -> list[Path]:
        """Promises that nobody has kept: whoever gave them was killed, or is at it."""
        return list(self._folder.glob(f"unlooked-{bank}-*"))

    def keep(self, promises: Sequence[Path]) -> None:
        """Forget what is done. A mark that comes back with a crash only has it done again."""
        for mark in promises:
            mark.unlink(missing_ok=True)

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


def _tags(bank: int, items: Sequence[int]) -> NDArray[np.uint64]:
    return np.fromiter((tag_of(bank, item) for item in items), np.uint64, len(items))
