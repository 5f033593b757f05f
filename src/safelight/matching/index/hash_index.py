"""The index itself: a folder that any number of processes read, and one at a time writes.

Rules of this module
- The folder holds masked hashes only (`mask.py`); what a tag means is the caller's.
- A change is acknowledged once it is in the journal, on disk. Each process looks for changes before it answers, so a
  change is seen by the next query of every process, without a rebuild.
- When the journal has grown, its rows become a segment, and small segments are merged: at most a handful of segments,
  each at least twice as large as the next. Then the manifest is replaced. Killed at any point, the old manifest and
  its journal stand as they were; leftovers are removed by the next writer.
- Adding what is there and revoking what is not change nothing, so a list can be read again from any point.

Left to others: which radius counts for whom (`matching/service.py`).
"""

import fcntl
import hashlib
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from safelight.core.errors import StoreFailed
from safelight.matching.index import journal
from safelight.matching.index.journal import Op, Records
from safelight.matching.index.layout import MAX_RADIUS, WORDS, Hashes
from safelight.matching.index.manifest import FILE, Manifest
from safelight.matching.index.segment import Segment, sync_folder

_FOLD_AT_ROWS = 8_192
"""Rows in the journal from which they become a segment: few enough to be compared one by one."""
_MERGE_FACTOR = 2
_BANK_SHIFT = np.uint64(40)
_ITEM_BITS = (1 << 40) - 1
_MAX_REOPENINGS = 20

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

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StoreFailed(f"the folder of the index cannot be made: {error.strerror}") from error
        self._state: _State | None = None
        self._refreshed()

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
            for bank, count in zip(*np.unique(tags >> _BANK_SHIFT, return_counts=True), strict=True):
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
                    state = self._opened()
                self._state = self._followed(state)
            except (OSError, ValueError) as error:
                raise StoreFailed(f"the index in {self._folder.name} cannot be read: {error}") from error
            return self._state

    def _opened(self) -> _State:
        """As the manifest says. A writer may replace it meanwhile and remove what it named: then once more."""
        for _ in range(_MAX_REOPENINGS):
            stamp = _stamp(self._folder / FILE)
            try:
                manifest = Manifest.read(self._folder)
                parts = [_open_segment(self._folder, name, dead) for name, dead in manifest.segments]
            except FileNotFoundError:
                continue
            if stamp == _stamp(self._folder / FILE):
                parts.append(Segment(np.empty((0, WORDS), np.uint64), np.empty(0, np.uint64)))
                return _State(manifest, stamp, tuple(parts), 0, manifest.head, (-1, -1))
        raise ValueError("its manifest names files that are not there; restore the folder from backup")

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
        for batch, frame in journal.frames(content):
            parts = _applied(parts, batch)
            read += len(frame)
            head = _next_head(head, frame)
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

    def _append(self, state: _State, batch: Records) -> None:
        path = self._folder / state.manifest.journal
        is_new = not path.exists()
        journal.append(path, state.read, batch)
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
        living = [part.living() for part in merged]
        rows = np.concatenate([one for one, _ in living]), np.concatenate([one for _, one in living])
        segments = [(part.name, self._dead_file(part, number)) for part in old]
        if len(rows[0]):
            name = f"segment-{number}"
            Segment.build(*rows).save(self._folder / name)
            segments.append((name, ""))
        added = hashlib.sha256(hashes.tobytes() + tags.tobytes()).digest()
        sync_folder(self._folder)
        manifest = Manifest(number, tuple(segments), _next_head(state.head, added) if len(hashes) else state.head)
        manifest.write(self._folder)
        self._refreshed()
        self._remove_leftovers(manifest)

    def _dead_file(self, part: Segment, number: int) -> str:
        if part.dead is None:
            return ""
        name = f"dead-{number}-{part.name}"
        with (self._folder / name).open("wb") as file:
            file.write(np.packbits(part.dead).tobytes())
            file.flush()
            os.fsync(file.fileno())
        return name

    def _remove_leftovers(self, manifest: Manifest) -> None:
        """What belongs to no index any more. Who still has it mapped keeps it until they look again."""
        for path in self._folder.iterdir():
            if path.name.startswith(("segment-", "dead-", "journal-")) and path.name not in manifest.files:
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (status.st_ino, status.st_mtime_ns, status.st_size)


def _open_segment(folder: Path, name: str, dead: str) -> Segment:
    segment = Segment.open(folder / name)
    if dead:
        bits = np.frombuffer((folder / dead).read_bytes(), np.uint8)
        segment.dead = np.unpackbits(bits, count=len(segment)).astype(np.bool_)
    return segment


def _next_head(head: str, content: bytes) -> str:
    return hashlib.sha256(bytes.fromhex(head) + content).hexdigest()


def _live(parts: Sequence[Segment], hashes: Hashes, tags: Tags) -> NDArray[np.bool_]:
    """Which of the hashes are there under their tags."""
    live = np.zeros(len(hashes), np.bool_)
    for part in parts:
        found = part.same(hashes)
        live[found.query[part.tags[found.row] == tags[found.query]]] = True
    return live


def _applied(parts: tuple[Segment, ...], batch: Records) -> tuple[Segment, ...]:
    """`parts` after one frame, all of whose records do the same."""
    hashes, tags = np.ascontiguousarray(batch["hash"]), np.ascontiguousarray(batch["tag"])
    match Op(int(batch["op"][0])):
        case Op.ADD:
            tail = parts[-1]
            dead = None if tail.dead is None else np.concatenate([tail.dead, np.zeros(len(batch), np.bool_)])
            grown = Segment(np.concatenate([tail.hashes, hashes]), np.concatenate([tail.tags, tags]), dead=dead)
            return (*parts[:-1], grown)
        case Op.REVOKE:
            for part in parts:
                found = part.same(hashes)
                part.revoke(found.row[part.tags[found.row] == tags[found.query]])
        case Op.DROP_BANK:
            for part in parts:
                part.revoke(np.flatnonzero(part.tags >> _BANK_SHIFT == tags[0] >> _BANK_SHIFT))
        case Op.DROP_ITEM:
            for part in parts:
                part.revoke(np.flatnonzero(part.tags == tags[0]))
    return parts
