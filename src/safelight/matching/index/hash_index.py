"""The index itself: a folder that any number of processes read, and one at a time writes.

Rules of this module
- What is on disk is encrypted (`at_rest/`), and hashes are masked before they come here (`mask.py`); what a tag means
  is the caller's. An index from before it was encrypted (`unsealed.py`), or before its tables had today's form, is
  written anew when it is opened.
- A change is acknowledged once it is in the journal, on disk. Each process looks for changes before it answers, so a
  change is seen by the next query of every process, without a rebuild.
- When the journal has grown, its rows become a segment, and small segments are merged: at most a handful of segments,
  each at least twice as large as the next. Then the manifest is replaced. Killed at any point, the old manifest and
  its journal stand as they were; leftovers are removed by the next writer.
- Adding what is there and revoking what is not change nothing, so a list can be read again from any point.

Left to others: which radius counts for whom (`matching/known.py`).
"""

import fcntl
import hashlib
import os
import shutil
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray

from safelight.core.errors import StoreFailed
from safelight.matching.at_rest.sealed import Seal, sync_folder
from safelight.matching.at_rest.shared import PLACE, SharedMemory, own_memory
from safelight.matching.index import journal, unsealed
from safelight.matching.index.journal import BANK_SHIFT, Op, Records
from safelight.matching.index.layout import MAX_RADIUS, WORDS, Hashes
from safelight.matching.index.manifest import FILE, Manifest
from safelight.matching.index.segment import Segment

log = structlog.get_logger()
_FOLD_AT_ROWS = 8_192
"""Rows in the journal from which they become a segment: few enough to be compared one by one."""
_MERGE_FACTOR = 2
_ITEM_BITS = (1 << 40) - 1
_MAX_REOPENINGS = 20
_NO_FILE = (0, 0, 0)

Tags = NDArray[np.uint64]


def tag_of(bank: int, item: int = 0) -> int:
    """A tag: the bank's number (24 bits) and, where the bank knows its items apart, the item's (40 bits)."""
    if not (0 <= bank < 1 << 24 and 0 <= item < 1 << 40):
        raise ValueError("a bank's number has 24 bits and an item's 40")
    return bank << 40 | item


@dataclass(frozen=True, slots=True)
class Hit:
    """The nearest row of one bank, or of one item where the bank knows its items apart."""

    query: int
    bank: int
    item: int
    distance: int


@dataclass(frozen=True, slots=True)
class _State:
    """One process's view of the folder. Replaced as a whole; only marks of revoked rows change in place."""

    manifest: Manifest
    stamp: tuple[int, int, int]
    parts: tuple[Segment, ...]
    """Segments as the manifest names them, and last the rows of the journal."""
    read: int
    """Bytes of the journal that are in `parts`."""
    head: str
    tried: tuple[int, int]
    """Size and time of the journal when it was last looked at."""


class HashIndex:
    """The index in one folder, which is made where it does not exist. Opening raises StoreFailed."""

    def __init__(self, folder: Path, secret: bytes, memory: Path = PLACE) -> None:
        """`secret`: 32 bytes that serve nothing else. `memory`: where shared memory is; best left as it is."""
        self._folder = folder
        self._seal = Seal(secret)
        self._shared = SharedMemory(self._seal.name(folder), memory)
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreFailed(f"the folder of the index cannot be made: {error.strerror}") from error
        self._state: _State | None = None
        self._converted()
        if self._lacks_tables():
            with self._writing():
                if self._lacks_tables():  # no other process was faster
                    log.info("index_tables_are_made_anew", index=self._folder.name)
                    self._fold(self._refreshed(), np.empty((0, WORDS), np.uint64), np.empty(0, np.uint64), whole=True)

    def __len__(self) -> int:
        """Rows, revoked ones that were not yet removed included."""
        return sum(len(part) for part in self._refreshed().parts)

    @property
    def head(self) -> str:
        """64 hex digits that stand for everything that was ever added and revoked, in its order."""
        return self._refreshed().head

    def near(self, queries: Hashes, radius: int = MAX_RADIUS) -> tuple[list[Hit], str]:
        """Every tag with a row within `radius` bits of a query, nearest first, and the head of the index asked.

        Complete: there are no false negatives. Raises ValueError beyond `MAX_RADIUS`, StoreFailed where the folder
        cannot be read.
        """
        if not 0 <= radius <= MAX_RADIUS:
            raise ValueError(f"the index is complete up to {MAX_RADIUS} bits, not {radius}")
        state = self._refreshed()
        found = [(part, part.near(queries, radius) if radius else part.same(queries)) for part in state.parts]
        tags = np.concatenate([part.tags.take(one.row) for part, one in found])
        query, distance = (np.concatenate([getattr(one, name) for _, one in found]) for name in ("query", "distance"))
        # One picture may have a hundred thousand near copies in one bank: its nearest stands for all of them.
        order = np.lexsort((query, distance, tags))
        nearest = order[np.flatnonzero(np.diff(tags[order], prepend=~tags[order[:1]]))] if len(order) else order
        hits = [Hit(int(query[n]), int(tags[n]) >> 40, int(tags[n]) & _ITEM_BITS, int(distance[n])) for n in nearest]
        return sorted(hits, key=lambda hit: (hit.distance, hit.bank, hit.item)), state.head

    def add(self, hashes: Hashes, tags: Tags) -> int:
        """Add hashes under their tags. Returns how many were new, once they are on disk. Raises StoreFailed."""
        with self._writing():
            state = self._refreshed()
            rows = np.unique(np.column_stack([hashes, tags]), axis=0)
            hashes, tags = np.ascontiguousarray(rows[:, :WORDS]), np.ascontiguousarray(rows[:, WORDS])
            new = ~_live(state.parts, hashes, tags)
            hashes, tags = hashes[new], tags[new]
            if len(hashes) > _FOLD_AT_ROWS:
                self._fold(state, hashes, tags)
            elif len(hashes):
                self._append(state, journal.records(Op.ADD, hashes, tags))
            return len(hashes)

    def revoke(self, hashes: Hashes, tags: Tags) -> int:
        """Revoke hashes under their tags. Returns how many were there. Raises StoreFailed."""
        with self._writing():
            live = _live(self._refreshed().parts, hashes, tags)
            hashes, tags = hashes[live], tags[live]
            for start in range(0, len(hashes), _FOLD_AT_ROWS):
                part = slice(start, start + _FOLD_AT_ROWS)
                self._append(self._refreshed(), journal.records(Op.REVOKE, hashes[part], tags[part]))
            return len(hashes)

    def has(self, hashes: Hashes, tags: Tags) -> NDArray[np.bool_]:
        """Which of the hashes are there under their tags. Raises StoreFailed."""
        return _live(self._refreshed().parts, hashes, tags)

    def drop_bank(self, bank: int) -> None:
        """Revoke everything of one bank. Raises StoreFailed."""
        self._drop(Op.DROP_BANK, tag_of(bank))

    def drop_item(self, bank: int, item: int) -> None:
        """Revoke everything of one item. Raises StoreFailed."""
        self._drop(Op.DROP_ITEM, tag_of(bank, item))

    def count(self) -> dict[int, int]:
        """How many hashes each bank has."""
        totals: dict[int, int] = {}
        for part in self._refreshed().parts:
            _, tags = part.living()
            for bank, count in zip(*np.unique(tags >> BANK_SHIFT, return_counts=True), strict=True):
                totals[int(bank)] = totals.get(int(bank), 0) + int(count)
        return totals

    def compact(self) -> None:
        """Write everything anew as one segment, without what was revoked: for quiet hours. Raises StoreFailed."""
        with self._writing():
            self._fold(self._refreshed(), np.empty((0, WORDS), np.uint64), np.empty(0, np.uint64), whole=True)

    # Reading -------------------------------------------------------------------------------------------------------

    def _refreshed(self) -> _State:
        with self._lock:
            try:
                state = self._state
                if state is None or _stamp(self._folder / FILE) != state.stamp:
                    known = {part.mark: part for part in state.parts if part.mark} if state else {}
                    state = self._opened(known)
                self._state = self._followed(state)
            except (OSError, ValueError) as error:
                raise StoreFailed(f"the index in {self._folder.name} cannot be read: {error}") from error
            return self._state

    def _lacks_tables(self) -> bool:
        return any(part.lacks_tables for part in self._refreshed().parts)

    def _opened(self, known: Mapping[str, Segment]) -> _State:
        """As the manifest says. A writer may replace it meanwhile and remove what it named: then once more."""
        for _ in range(_MAX_REOPENINGS):
            stamp = _stamp(self._folder / FILE)
            try:
                manifest = Manifest.read(self._folder, self._seal)
                parts = [self._segment(name, dead, known) for name, dead in manifest.segments]
            except FileNotFoundError:
                continue
            is_lost = stamp == _NO_FILE and (self._folder / manifest.journal).exists()
            if stamp == _stamp(self._folder / FILE):
                if is_lost:
                    raise ValueError("it has a journal and no manifest; restore the folder from backup")
                self._shared.keep({part.mark for part in parts})
                parts.append(Segment(np.empty((0, WORDS), np.uint64), np.empty(0, np.uint64)))
                return _State(manifest, stamp, tuple(parts), 0, manifest.head, (-1, -1))
        raise ValueError("its manifest names files that are not there; restore the folder from backup")

    def _segment(self, name: str, dead: str, known: Mapping[str, Segment]) -> Segment:
        """From the disk, or from memory where it is there already: a segment never changes, but for what is revoked."""
        file = self._seal.file(self._folder / name)
        segment = known.get(file.mark) or Segment.open(file, self._shared)
        if not dead:
            return replace(segment, dead=None)
        revoked = self._seal.file(self._folder / dead)
        bits = revoked.parts(own_memory(revoked.size, revoked.read))[0]
        return replace(segment, dead=np.unpackbits(bits, count=len(segment)).astype(np.bool_))

    def _followed(self, state: _State) -> _State:
        """With what the journal has gained."""
        try:
            with (self._folder / state.manifest.journal).open("rb") as file:
                status = os.fstat(file.fileno())
                tried = (status.st_size, status.st_mtime_ns)
                if tried == state.tried:
                    return state
                file.seek(state.read)
                content = file.read()
        except FileNotFoundError:
            return state
        parts, read, head = state.parts, state.read, state.head
        for batch, end in journal.frames(content, read, self._cipher(state.manifest)):
            parts = journal.applied(parts, batch)
            read, head = end, _next_head(head, batch.tobytes())
        return _State(state.manifest, state.stamp, parts, read, head, tried)

    # Writing -------------------------------------------------------------------------------------------------------

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Alone among all processes; the lock is let go even if this one is killed."""
        try:
            descriptor = os.open(self._folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StoreFailed(f"the index in {self._folder.name} cannot be locked: {error.strerror}") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        except OSError as error:
            raise StoreFailed(f"the index in {self._folder.name} cannot be written: {error.strerror}") from error
        finally:
            os.close(descriptor)

    def _drop(self, op: Op, tag: int) -> None:
        with self._writing():
            batch = journal.records(op, np.zeros((1, WORDS), np.uint64), np.array([tag], np.uint64))
            self._append(self._refreshed(), batch)

    def _cipher(self, manifest: Manifest) -> AESGCM:
        return self._seal.cipher("journal", manifest.journal.encode())

    def _append(self, state: _State, batch: Records) -> None:
        if state.stamp == _NO_FILE:  # the manifest is how another key is noticed: it comes before the first frame
            state.manifest.write(self._folder, self._seal)
        path = self._folder / state.manifest.journal
        is_new = not path.exists()
        journal.append(path, state.read, batch, self._cipher(state.manifest))
        if is_new:
            sync_folder(self._folder)
        state = self._refreshed()
        if len(state.parts[-1]) > _FOLD_AT_ROWS:
            self._fold(state, np.empty((0, WORDS), np.uint64), np.empty(0, np.uint64))

    def _fold(self, state: _State, hashes: Hashes, tags: Tags, *, whole: bool = False) -> None:
        """Turn the journal and these rows into segments, and make that the index."""
        self._remove_leftovers(state.manifest)
        number = state.manifest.number + 1
        *old, tail = state.parts
        merged = [tail, Segment(hashes, tags)]
        while old and (whole or len(old[-1]) <= _MERGE_FACTOR * sum(map(len, merged))):
            merged.append(old.pop())
        segments = [(part.name, self._dead_file(part, part.name, number)) for part in old]
        name = f"segment-{number}"
        if self._has_saved(merged, name):
            segments.append((name, ""))
        added = hashlib.sha256(hashes.tobytes() + tags.tobytes()).digest() if len(hashes) else b""
        self._publish(Manifest(number, tuple(segments), _next_head(state.head, added) if added else state.head))

    def _has_saved(self, merged: Sequence[Segment], name: str) -> bool:
        """Make one segment of several; false where nothing in them is left. Its memory is free when this returns."""
        living = [part.living() for part in merged]
        rows = np.concatenate([one for one, _ in living]), np.concatenate([one for _, one in living])
        if len(rows[0]):
            Segment.build(*rows).save(self._folder / name, self._seal)
        return len(rows[0]) > 0

    def _publish(self, manifest: Manifest) -> None:
        """Make this the index, once everything that it names is on disk."""
        sync_folder(self._folder)
        manifest.write(self._folder, self._seal)
        self._refreshed()
        self._remove_leftovers(manifest)

    def _dead_file(self, part: Segment, name: str, number: int) -> str:
        if part.dead is None:
            return ""
        dead = f"dead-{number}-{name}"
        self._seal.write(self._folder / dead, [np.packbits(part.dead)])
        return dead

    def _converted(self) -> None:
        """Write an index from before it was encrypted anew. Killed at any point, the old one stands."""
        try:
            if not (unsealed.stands(self._folder) or unsealed.left_over(self._folder)):
                return
            with self._writing():
                if unsealed.stands(self._folder):
                    log.info("index_is_encrypted_now", index=self._folder.name)
                    self._seal_all(*unsealed.read(self._folder))
                self._remove_leftovers(Manifest.read(self._folder, self._seal))
        except (OSError, ValueError) as error:
            raise StoreFailed(f"the index in {self._folder.name} cannot be encrypted: {error}") from error

    def _seal_all(self, old: Manifest, parts: Sequence[Segment], head: str) -> None:
        self._remove_leftovers(old)
        number = old.number + 1
        segments = []
        for place, part in enumerate(parts):
            if len(part):
                name = f"segment-{number}-{place}"
                part.save(self._folder / name, self._seal)
                segments.append((name, self._dead_file(part, name, number)))
        self._publish(Manifest(number, tuple(segments), head))

    def _remove_leftovers(self, manifest: Manifest) -> None:
        """What belongs to no index any more. Who still has it mapped keeps it until they look again."""
        for path in self._folder.iterdir():
            if path.name.startswith(("segment-", "dead-", "journal-")) and path.name not in manifest.files:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return _NO_FILE
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def _next_head(head: str, content: bytes) -> str:
    return hashlib.sha256(bytes.fromhex(head) + content).hexdigest()


def _live(parts: Sequence[Segment], hashes: Hashes, tags: Tags) -> NDArray[np.bool_]:
    """Which of the hashes are there under their tags."""
    live = np.zeros(len(hashes), np.bool_)
    for part in parts:
        found = part.same(hashes)
        live[found.query[part.tags[found.row] == tags[found.query]]] = True
    return live
