"""The features of pictures that banks hold, so that cropped and turned copies of them are found too.

Rules of this module
- The picture is not kept. Features tell more than a hash: see docs/limits.md for what can be learnt from them.
- What is added or dropped counts in every process within half a second. New pictures are searched beside the others
  until enough have gathered to be filed together (`copy_files.py`), by whoever adds them.
- A look asks the index for a few dozen pictures, reads the features of those alone (`copy_rows.py`), compares some of
  each, then all of the few likeliest. So the features need not be in memory, and a row that is gone matches nothing,
  whatever is filed.
- At most `max_count` pictures are kept: a bound on time and disk.
"""

import hashlib
import heapq
import threading
import time
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import structlog
from numpy.typing import NDArray

from safelight.matching.copies import Copy, Features, likeness, same_picture
from safelight.matching.copy_files import NOTHING, CopyFiles, Filed
from safelight.matching.copy_index import MAX_PART, Candidate, Keying, Keys, Part, asked_features, candidates, describe
from safelight.matching.copy_model import CopyModel, Vectors, kept_vector
from safelight.matching.copy_rows import CopyRows, Described, Kept, Numbers
from safelight.matching.pdq import Frame
from safelight.store.database import Database

log = structlog.get_logger()
_MAX_AGE_S = 0.5
_TAIL_MAX = 64
"""Pictures that are searched beside the others before they are filed."""
_FILED_AT_ONCE = MAX_PART // 4
_PROBED = 24
"""Candidates whose features are read and compared in part: half a millisecond each."""
_COMPARED = 12
"""Of these, the likeliest that are compared in full, two to three milliseconds each: one after the other, until"""
_MISSES = 4
"""were none. So a picture that is kept several times is found each time, and an unknown one costs little."""
_OF_THE_BEST = 0.5
"""Share of what the likeliest candidate has alike, below which another is not worth these."""
_NONE = np.empty(0, np.intp)
_NO_NUMBERS: Numbers = np.empty(0, np.int64)


@dataclass(frozen=True, slots=True)
class FoundCopy:
    """A kept picture that the one in hand shows."""

    bank: int
    item: int
    copy: Copy | None
    """What the features say; None where only the operator's model speaks."""
    cosine: float = 0.0
    """What the model says."""


@dataclass(frozen=True, slots=True)
class _Late:
    """A picture that is not filed yet."""

    mark: int
    keys: tuple[Keys, Keys]


@dataclass(frozen=True, slots=True)
class _State:
    """What one process searches."""

    version: tuple[int, int]
    """Of the rows."""
    filed: Filed
    late: dict[int, _Late]
    searched: tuple[tuple[Part, NDArray[np.intp]], ...]
    """Every part, with the places of the pictures that were dropped from it."""
    digest: str
    vectors: Vectors | None = None


_EMPTY = _State((0, 0), NOTHING, {}, (), "")


class CopyBook:
    """The pictures of this installation's banks whose features are kept."""

    def __init__(
        self, database: Database, folder: Path, secret: bytes, max_count: int, model: CopyModel | None = None
    ) -> None:
        """`folder`: of this machine, for the index. `secret`: 32 bytes, for nothing else. Raises StoreFailed."""
        self._model = model
        self.rows = CopyRows(database, secret, max_count)
        self._keying = Keying(hashlib.sha256(b"keys of features" + secret).digest())
        sealing = hashlib.sha256(b"parts of the index" + secret).digest()
        self._files = CopyFiles(folder, self._keying.method, sealing)
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._state = _EMPTY

    def add(self, bank: int, item: int, frame: Frame, now: datetime) -> None:
        """Keep the features of a picture under an item of a bank, in place of what stood there.

        Raises BankError for a picture without enough detail, or where the book is full; StoreFailed.
        """
        self.add_all([self.described(bank, item, frame)], now)

    def described(self, bank: int, item: int, frame: Frame) -> Described:
        """What `add` keeps. Raises BankError for a picture without enough detail."""
        vector = kept_vector(self._model, self._model.vector(frame)) if self._model else b""
        described = Described(bank, item, *describe(frame), vector)
        described.require_detail()
        return described

    def add_features(self, bank: int, item: int, plain: Features, mirrored: Features, now: datetime) -> None:
        """As `add`, of a picture that was described elsewhere, and of its mirror image (which may be empty)."""
        self.add_all([Described(bank, item, plain, mirrored)], now)

    def add_all(self, pictures: Sequence[Described], now: datetime) -> None:
        """As `add_features`, of many at once: all or none."""
        self.rows.add(pictures, now)
        if self.rows.count_after(self._files.newest) > _TAIL_MAX:
            self.file()

    def has(self, bank: int, item: int) -> bool:
        """Whether the features of a picture are kept. Raises StoreFailed."""
        return self.rows.has(bank, item)

    def drop(self, bank: int, item: int | None = None) -> None:
        """Forget everything of a bank, or of one item of it. Raises StoreFailed."""
        self.rows.drop(bank, item)

    @property
    def digest(self) -> str:
        """Stands for the pictures that are searched; empty where there are none. Raises StoreFailed."""
        return self._refreshed().digest

    def find(self, frame: Frame) -> list[FoundCopy]:
        """The kept pictures that `frame` shows, whole or within a frame, the surest first. Raises StoreFailed."""
        state = self._refreshed()
        if not state.digest:
            return []
        found = self._first(state, asked_features(frame))
        return [*found, *self._near(state, frame, {(one.bank, one.item) for one in found})]

    def find_described(self, asked: Sequence[Features]) -> list[FoundCopy]:
        """As `find`, for a picture that was described elsewhere (`asked_features`). Raises StoreFailed."""
        return self._first(self._refreshed(), asked)

    def file(self) -> None:
        """File every picture that is not filed yet, and leave out what was dropped. Raises StoreFailed."""
        with self._files.writing():
            numbers = self.rows.numbers()
            filed = self._files.followed_anew(self._state.filed)
            parts = list(filed.parts) if self._are_of_these_rows(filed, numbers) else []
            late = _not_in(numbers, [part for _, part in parts])
            for start in range(0, len(late), _FILED_AT_ONCE):
                new = _part(self._read_late(late[start : start + _FILED_AT_ONCE]))
                # A part takes in those before it that are not much larger, so that there are few.
                while parts and len(parts[-1][1]) <= 2 * len(new) and len(parts[-1][1]) + len(new) <= MAX_PART:
                    new = Part.merged([parts.pop()[1], new], numbers)
                parts.append(("", new))
            named = [_without_the_dead(name, part, numbers) for name, part in parts]
            self._files.replace([(name, part) for name, part in named if len(part)])

    def _first(self, state: _State, asked: Iterable[Features]) -> list[FoundCopy]:
        return next((found for one in asked if (found := self._found(state, one))), [])

    def _found(self, state: _State, asked: Features) -> list[FoundCopy]:
        named = candidates(state.searched, self._keying.asked(asked.bits), _PROBED)
        rows = {kept.number: kept for kept in self.rows.read(sorted({one.number for one in named}))}
        probed = [(likeness(asked, _side(rows[one.number], one)), one) for one in named if one.number in rows]
        best = heapq.nlargest(_COMPARED, probed)
        found: dict[int, FoundCopy] = {}
        misses = 0
        for alike, one in best:
            if alike < _OF_THE_BEST * best[0][0] or misses == _MISSES:
                break
            if match := _compared(asked, rows[one.number], one):
                found.setdefault(one.number, match)
            else:
                misses += 1
        return sorted(found.values(), key=lambda match: -(match.copy.agreeing if match.copy else 0))

    def _near(self, state: _State, frame: Frame, found: Container[tuple[int, int]]) -> list[FoundCopy]:
        """What the operator's model holds for copies beside those found."""
        if self._model is None or state.vectors is None:
            return []
        near = dict(state.vectors.near(self._model.vector(frame))[:_COMPARED])
        rows = [(one.picture.bank, one.picture.item, near[one.number]) for one in self.rows.read(list(near))]
        return [FoundCopy(bank, item, None, cosine) for bank, item, cosine in rows if (bank, item) not in found]

    def _refreshed(self) -> _State:
        with self._lock:
            if time.monotonic() - self._looked_at > _MAX_AGE_S:
                is_first = self._looked_at == float("-inf")
                self._state = self._followed(self._state)
                if is_first and len(self._state.late) > _TAIL_MAX:
                    log.info("copies_are_filed", pictures=len(self._state.late))
                    self.file()
                    self._state = self._followed(self._state)
                self._looked_at = time.monotonic()
            return self._state

    def _followed(self, state: _State) -> _State:
        version = self.rows.version()
        filed = self._files.followed(state.filed)
        if version == state.version and filed is state.filed:
            return state
        numbers = self.rows.numbers()
        if filed is not state.filed and not self._are_of_these_rows(filed, numbers):
            filed = Filed(filed.stamp, ())
        parts = [part for _, part in filed.parts]
        late = _not_in(numbers, parts)
        new = self._read_late([one for one in late if one not in state.late])
        known = {one: state.late.get(one) or new[one] for one in late.tolist() if one in state.late or one in new}
        tail = [_part(dict(list(known.items())[at : at + MAX_PART])) for at in range(0, len(known), MAX_PART)]
        searched = [(part, np.flatnonzero(~np.isin(part.numbers, numbers))) for part in parts]
        mark = self._model.mark if self._model else b""
        digest = hashlib.sha256(numbers.tobytes() + mark).hexdigest() if len(numbers) else ""
        vectors = self._vectors(state, numbers) if self._model else None
        return _State(version, filed, known, (*searched, *((part, _NONE) for part in tail)), digest, vectors)

    def _vectors(self, state: _State, numbers: Numbers) -> Vectors:
        assert self._model  # noqa: S101 (asked before)
        known = state.vectors.rows if state.vectors else {}
        new = self.rows.read([number for number in numbers.tolist() if number not in known])
        rows = {**known, **{one.number: one.picture.vector for one in new}}
        return Vectors(self._model, {number: rows[number] for number in numbers.tolist() if number in rows})

    def _are_of_these_rows(self, filed: Filed, numbers: Numbers) -> bool:
        """Whether the parts were made from the rows that stand: after a restore, numbers may be those of others.

        Rows that were replaced so are the newest, hence one row of each part tells of all.
        """
        for _, part in filed.parts:
            alive = np.flatnonzero(np.isin(part.numbers, numbers))
            if not len(alive):
                continue
            newest = int(alive[part.numbers[alive].argmax()])
            if [one.mark for one in self.rows.read([int(part.numbers[newest])])] != [int(part.marks[newest])]:
                log.warning("copies_filed_again", why="the index is not of this database")
                return False
        return True

    def _read_late(self, numbers: Sequence[int] | Numbers) -> dict[int, _Late]:
        """The keys of these rows, as far as they stand."""
        return {kept.number: self._late(kept) for kept in self.rows.read([int(one) for one in numbers])}

    def _late(self, kept: Kept) -> _Late:
        return _Late(kept.mark, (self._keying.filed(kept.picture.plain), self._keying.filed(kept.picture.mirrored)))


def _compared(asked: Features, kept: Kept, candidate: Candidate) -> FoundCopy | None:
    copy = same_picture(asked, _side(kept, candidate), is_mirrored=candidate.is_mirrored)
    return FoundCopy(kept.picture.bank, kept.picture.item, copy) if copy else None


def _side(kept: Kept, candidate: Candidate) -> Features:
    return kept.picture.mirrored if candidate.is_mirrored else kept.picture.plain


def _not_in(numbers: Numbers, parts: Sequence[Part]) -> Numbers:
    return np.setdiff1d(numbers, np.concatenate([_NO_NUMBERS, *(part.numbers for part in parts)]), assume_unique=True)


def _part(late: dict[int, _Late]) -> Part:
    return Part.build(list(late), [one.mark for one in late.values()], [one.keys for one in late.values()])


def _without_the_dead(name: str, part: Part, numbers: Numbers) -> tuple[str, Part]:
    """The part, made anew where more than half of it was dropped."""
    if int(np.isin(part.numbers, numbers).sum()) > len(part) // 2:
        return name, part
    return "", Part.merged([part], numbers)
