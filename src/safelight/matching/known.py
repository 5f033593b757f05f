"""Is this picture known? Every frame in its eight forms, and the file as it arrived, against every active bank.

Rules of this module
- A bank's own threshold decides, its state is looked at anew at least every half second, and the digest of all lists
  that were asked goes with the answer.
- A negative bank overrules what is near by PDQ in the same frame, never an equal file.
- Where features of pictures are kept (`copy_book.py`), copies that no hash finds are looked for as well: in every frame
  of a few, such as the looks at a transparent still, otherwise in the first frame and the middle one.
- That a picture cannot be hashed is said beside what was found, and is never "no match".
"""

import hashlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from safelight.core.canonical import Json, canonical_json
from safelight.core.limits import DEFAULT_LIMITS
from safelight.matching.banks import list_banks
from safelight.matching.copies import Features
from safelight.matching.copy_book import CopyBook, FoundCopy
from safelight.matching.copy_model import CopyModel
from safelight.matching.fingerprints import HashKind, file_digests
from safelight.matching.hashes import BankHashes
from safelight.matching.index.layout import MAX_RADIUS
from safelight.matching.model import Bank, BankKind, BankState, CopyKind, Look, Match
from safelight.matching.overlay import overlay
from safelight.matching.pdq import Frame, Pdq, Turn, Unhashable, pdq_once
from safelight.store.database import Database, make_data_dir
from safelight.store.digest_key import DigestKey

_BANKS_MAX_AGE_S = 0.5
_FEW_FRAMES = 4
"""The most looks that there are at a transparent still (`signals/image/pixels.py`)."""


def open_hashes(data_dir: Path, key: DigestKey) -> BankHashes:
    """The hashes of all banks of this installation, which only its key can read. Raises NotStartable, StoreFailed."""
    folder = data_dir / "banks"
    make_data_dir(folder)
    return BankHashes(folder, key.derived("banks of hashes"))


def open_copies(
    database: Database,
    data_dir: Path,
    key: DigestKey,
    max_count: int = DEFAULT_LIMITS.copies_max_count,
    model: CopyModel | None = None,
) -> CopyBook:
    """The features of the pictures of this installation's banks, which only its key can read. Raises StoreFailed."""
    return CopyBook(database, data_dir / "copies", key.derived("features of pictures"), max_count, model)


class KnownImages:
    """Answers for all banks of this installation."""

    def __init__(self, database: Database, hashes: BankHashes, copies: CopyBook | None = None) -> None:
        """`copies`: features of pictures, where copies that no hash finds are looked for as well."""
        self.database = database
        self.hashes = hashes
        self.copies = copies
        self._lock = threading.Lock()
        self._read_at = float("-inf")
        self._banks: Mapping[int, Bank] = {}
        self._banks_digest = ""

    def look(self, frames: Sequence[Frame], file: bytes = b"") -> Look:
        """Look at one picture: its frames, and the file that it came in, if it came in one. Raises StoreFailed."""
        look = self.look_at(hashes_of(frames), file_digests(file) if file and self.hashes.has_files else {})
        found = self._copies_in(frames)
        return replace(look, matches=look.matches + tuple(found)) if found else look

    def drawn(self, frame: Frame, look: Look) -> Frame | None:
        """`frame`, and where it agrees with the surest copy by features; None without one. Raises StoreFailed."""
        match = next((match for match in look.matches if match.copy), None)
        kept = self.copies.rows.of_item(match.bank.number, match.item) if match and self.copies else None
        return overlay(frame, kept.plain, kept.mirrored) if kept else None

    def look_at(
        self,
        hashed: Sequence[Pdq | Unhashable],
        digests: Mapping[HashKind, bytes],
        described: Sequence[Features] = (),
    ) -> Look:
        """Look at one picture that was hashed, and described, elsewhere. Raises StoreFailed."""
        banks, lists = self._in_force()
        found = [*self._same_file(digests, banks)]
        overruled_by: dict[str, None] = {}
        for one in hashed:
            near = self._near(one, banks) if isinstance(one, Pdq) else []
            negative = [match.bank.name for match in near if match.bank.kind is BankKind.NEGATIVE]
            if not negative:
                found += near
            elif len(negative) < len(near):
                overruled_by |= dict.fromkeys(negative)
        nearest: dict[tuple[int, int], Match] = {}
        for match in sorted(found, key=lambda match: match.distance):
            nearest.setdefault((match.bank.number, match.item), match)
        copies = _copies(self.copies.find_described(described), banks) if self.copies and described else []
        is_unhashable = all(isinstance(one, Unhashable) for one in hashed)
        return Look((*nearest.values(), *copies), is_unhashable, lists, tuple(overruled_by))

    def _copies_in(self, frames: Sequence[Frame]) -> list[Match]:
        """Copies by features in every frame of a few, and in the first and the middle one of more."""
        if self.copies is None or not self.copies.digest:
            return []
        banks, _ = self._in_force()
        shown = frames if len(frames) <= _FEW_FRAMES else [frames[0], frames[len(frames) // 2]]
        surest: dict[tuple[int, int], Match] = {}
        for frame in _different(shown):
            for match in _copies(self.copies.find(frame), banks):
                surest.setdefault((match.bank.number, match.item), match)
        return list(surest.values())

    def banks_with(self, kind: HashKind, value: bytes) -> list[str]:
        """The names of the active banks that know one hash, nearest first. Raises StoreFailed."""
        banks, _ = self._in_force()
        hits = self.hashes.near([value]) if kind is HashKind.PDQ else self.hashes.same(kind, value)
        near = [banks[hit.bank] for hit in hits if hit.bank in banks and hit.distance <= banks[hit.bank].threshold_bits]
        if kind is HashKind.PDQ and any(bank.kind is BankKind.NEGATIVE for bank in near):
            return []
        return list(dict.fromkeys(bank.name for bank in near if bank.kind is BankKind.KNOWN))

    @property
    def lists(self) -> str:
        """Digest of the lists in force, as a look would say it. Raises StoreFailed."""
        return self._in_force()[1]

    def _same_file(self, digests: Mapping[HashKind, bytes], banks: Mapping[int, Bank]) -> Iterator[Match]:
        for kind, digest in digests.items():
            for hit in self.hashes.same(kind, digest):
                bank = banks.get(hit.bank)
                if bank and bank.kind is BankKind.KNOWN:
                    yield Match(bank, hit.item, kind)

    def _near(self, hashed: Pdq, banks: Mapping[int, Bank]) -> list[Match]:
        """What is near by PDQ, of negative banks too."""
        return [
            Match(banks[hit.bank], hit.item, HashKind.PDQ, hit.distance, hashed.forms[hit.query][0])
            for hit in self.hashes.near([form for _, form in hashed.forms], MAX_RADIUS)
            if hit.bank in banks and hit.distance <= banks[hit.bank].threshold_bits
        ]

    def _in_force(self) -> tuple[Mapping[int, Bank], str]:
        """The active banks by number, and a digest of them and of all hashes."""
        with self._lock:
            if time.monotonic() - self._read_at > _BANKS_MAX_AGE_S:
                banks = [bank for bank in self.database.read_here(list_banks) if bank.state is BankState.ACTIVE]
                rows: list[Json] = [[bank.number, bank.category, bank.kind, bank.threshold_bits] for bank in banks]
                self._banks = {bank.number: bank for bank in banks}
                self._banks_digest = hashlib.sha256(canonical_json(rows)).hexdigest()
                self._read_at = time.monotonic()
            copies = self.copies.digest if self.copies else ""
            return self._banks, hashlib.sha256((self._banks_digest + self.hashes.digest + copies).encode()).hexdigest()[
                :16
            ]


def _copies(found: Sequence[FoundCopy], banks: Mapping[int, Bank]) -> list[Match]:
    """What was found of active banks."""
    matches = []
    for one in found:
        bank = banks.get(one.bank)
        if bank is None or bank.kind is not BankKind.KNOWN:
            continue
        if one.copy is None:
            matches.append(Match(bank, one.item, CopyKind.MODEL))
            continue
        turn = Turn.MIRROR if one.copy.is_mirrored else Turn.NONE
        matches.append(Match(bank, one.item, CopyKind.FEATURES, turn=turn, copy=one.copy))
    return matches


def hashes_of(frames: Sequence[Frame]) -> list[Pdq | Unhashable]:
    """The PDQ of every frame that differs from the one before it."""
    return [pdq_once(frame) for frame in _different(frames)]


def _different(frames: Sequence[Frame]) -> Iterator[Frame]:
    """The frames without those that equal the one before."""
    previous: Frame | None = None
    for frame in frames:
        if previous is None or not np.array_equal(frame, previous):
            yield frame
        previous = frame
