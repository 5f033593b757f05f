"""The register of outputs: what leads from a picture in hand to the request that made it. Never the picture itself.

Rules of this module
- A row is written in the transaction that records the decision, so no picture leaves without its row.
- A row tells no account: that stands with the decision, which only a trace looks up.
- Rows end after the time that the operator set; a bounded number is cleared at each writing, so that no request waits.
- Fingerprints are compared one by one, exactly, by XOR and counting: 256 bits of a million pictures take 10 ms.

Left to others: how near is near, and what several finds come to (`trace.py`).
"""

import json
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, bindparam, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError

from safelight.core.clock import to_rfc3339
from safelight.core.errors import MarkCode, MarkFailed
from safelight.provenance.model import How
from safelight.store.provenance_tables import outputs
from safelight.store.tables import decisions

_CLEARED_AT_ONCE = 100
_NEIGHBOURS_MAX = 64

# Built once: every release goes through them.
_INSERT = insert(outputs)
_EXPIRED = select(outputs.c.number).where(outputs.c.expires_at <= bindparam("now")).limit(_CLEARED_AT_ONCE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture that is about to be released."""

    id: str
    request_id: str
    decision_id: str
    place: str
    """Such as `output 1` or `partial 2`."""
    made_at: datetime
    media_type: str
    width: int
    height: int
    how: How
    watermark: bytes | None
    fingerprint: bytes | None
    features: bytes | None = None
    lineage_id: str | None = None
    parents: tuple[str, ...] = ()
    photos: int = 0


@dataclass(frozen=True, slots=True)
class Output:
    """A row, with what the decision that released it says."""

    number: int
    id: str
    request_id: str
    decision_id: str
    receipt: str
    place: str
    made_at: str
    media_type: str
    width: int
    height: int
    how: How
    watermark: bytes | None
    fingerprint: bytes | None
    features: bytes | None
    lineage_id: str | None
    parents: tuple[str, ...]
    photos: int
    policy_version: str
    subject_id: str
    key_id: str


def write(connection: Connection, entries: Sequence[tuple[Entry, str, str]], *, keep: timedelta) -> None:
    """Register pictures, each with the keyed digest of exactly the bytes that leave and the receipt of its decision.

    Raises MarkFailed, and the transaction must end then.
    """
    rows = [
        {
            "id": entry.id,
            "request_id": entry.request_id,
            "decision_id": entry.decision_id,
            "receipt": receipt,
            "place": entry.place,
            "made_at": to_rfc3339(entry.made_at),
            "expires_at": to_rfc3339(entry.made_at + keep),
            "media_type": entry.media_type,
            "width": entry.width,
            "height": entry.height,
            "how": entry.how.value,
            "watermark": entry.watermark,
            "content_digest": content_digest,
            "fingerprint": entry.fingerprint,
            "features": entry.features,
            "lineage_id": entry.lineage_id,
            "parents": json.dumps(entry.parents),
            "photos": entry.photos,
        }
        for entry, content_digest, receipt in entries
    ]
    try:
        connection.execute(_INSERT, rows)
        clear(connection, entries[-1][0].made_at)
    except SQLAlchemyError as error:
        message = (
            f"The register of outputs did not take the picture ({type(error).__name__}), so nothing was released; "
            "see that the database has room and is not locked, then try again."
        )
        raise MarkFailed(MarkCode.REGISTER_FAILED, message, retry_after_s=30) from error


def clear(connection: Connection, now: datetime) -> None:
    """Forget what has expired, a bounded number at once."""
    if numbers := list(connection.execute(_EXPIRED, {"now": to_rfc3339(now)}).scalars()):
        connection.execute(delete(outputs).where(outputs.c.number.in_(numbers)))


def by_id(connection: Connection, output_id: str, now: datetime) -> Output | None:
    """The picture whose credentials name `output_id`."""
    return _one(connection, outputs.c.id == output_id, now)


def by_watermark(connection: Connection, payload: bytes, now: datetime) -> Output | None:
    """The picture that carries `payload`."""
    return _one(connection, outputs.c.watermark == payload, now)


def by_content(connection: Connection, content_digest: str, now: datetime) -> list[Output]:
    """The newest pictures that left as exactly this file: without marks, several requests may come to equal files."""
    return _all(connection, outputs.c.content_digest == content_digest, now)


def by_numbers(connection: Connection, numbers: Iterable[int], now: datetime) -> list[Output]:
    """The pictures with these numbers that have not expired."""
    return _all(connection, outputs.c.number.in_(list(numbers)), now)


def newest_features(
    connection: Connection, before: int | None, count: int, now: datetime
) -> Sequence[tuple[int, bytes]]:
    """Number and local features of the newest pictures, of those older than the picture `before`."""
    where = outputs.c.features.is_not(None) & (outputs.c.expires_at > to_rfc3339(now))
    if before is not None:
        where &= outputs.c.number < before
    query = select(outputs.c.number, outputs.c.features).where(where)
    return [
        (row.number, row.features) for row in connection.execute(query.order_by(outputs.c.number.desc()).limit(count))
    ]


def chain_of(connection: Connection, output: Output, now: datetime) -> list[Output]:
    """`output`'s edit chain: what it was made from, back to the first picture, and what was made from it, in order."""
    found = {output.number: output}
    _follow(connection, output, found, now, back=True)
    _follow(connection, output, found, now, back=False)
    return [found[number] for number in sorted(found)]


def is_made_from(connection: Connection, later: Output, earlier: Output, now: datetime) -> bool:
    """Whether `later` was edited from `earlier`, at one remove or several."""
    found = {later.number: later}
    _follow(connection, later, found, now, back=True)
    return earlier.number != later.number and earlier.number in found


class Fingerprints:
    """Every fingerprint of the register, in memory: 40 bytes a picture, brought up to date at each question."""

    def __init__(self) -> None:
        self._numbers: NDArray[np.int64] = np.empty(0, np.int64)
        self._words: NDArray[np.uint64] = np.empty((0, 4), np.uint64)
        self._seen = 0
        self._updating = threading.Lock()

    def update(self, connection: Connection) -> None:
        """Take in what was registered since."""
        with self._updating:
            self._take_in(connection)

    def _take_in(self, connection: Connection) -> None:
        new = select(outputs.c.number, outputs.c.fingerprint).where(outputs.c.number > self._seen)
        rows = connection.execute(new.order_by(outputs.c.number)).all()
        if not rows:
            return
        self._seen = rows[-1].number
        rows = [row for row in rows if row.fingerprint is not None]
        words = np.frombuffer(b"".join(row.fingerprint for row in rows), np.uint64).reshape(-1, 4)
        self._numbers = np.concatenate([self._numbers, np.array([row.number for row in rows], np.int64)])
        self._words = np.concatenate([self._words, words])

    def near(self, forms: Sequence[bytes], radius_bits: int) -> dict[int, int]:
        """The pictures within `radius_bits` of any of `forms`, by number, with their distance."""
        best: dict[int, int] = {}
        with self._updating:
            numbers, words = self._numbers, self._words
        for form in forms:
            apart = np.bitwise_count(words ^ np.frombuffer(form, np.uint64)).sum(axis=1)
            for place in np.flatnonzero(apart <= radius_bits):
                number = int(numbers[place])
                best[number] = min(best.get(number, radius_bits), int(apart[place]))
        return best


def _follow(connection: Connection, start: Output, found: dict[int, Output], now: datetime, *, back: bool) -> None:
    """Walk the chain from `start` one way, no further than `_NEIGHBOURS_MAX` pictures."""
    edge = [start]
    while edge and len(found) < _NEIGHBOURS_MAX:
        if back:
            named = [parent for output in edge for parent in output.parents]
            step = _all(connection, outputs.c.lineage_id.in_(named), now) if named else []
        else:
            names = [output.lineage_id for output in edge if output.lineage_id]
            step = [
                child
                for name in names
                # Ids hold no character that LIKE gives a meaning but the underscore, which stands for itself too.
                for child in _all(connection, outputs.c.parents.contains(f'"{name}"'), now)
            ]
        edge = [output for output in step if output.number not in found]
        found |= {output.number: output for output in edge}


def _one(connection: Connection, where: Any, now: datetime) -> Output | None:
    rows = _all(connection, where, now, limit=1)
    return rows[0] if rows else None


def _all(connection: Connection, where: Any, now: datetime, *, limit: int = _NEIGHBOURS_MAX) -> list[Output]:
    statement = (
        select(outputs, decisions.c.policy_version, decisions.c.subject_id, decisions.c.key_id)
        .join_from(outputs, decisions)
        .where(where, outputs.c.expires_at > to_rfc3339(now))
        .order_by(outputs.c.number.desc())
        .limit(limit)
    )
    return [_output(row) for row in connection.execute(statement)]


def _output(row: Row[Any]) -> Output:
    return Output(
        number=row.number,
        id=row.id,
        request_id=row.request_id,
        decision_id=row.decision_id,
        receipt=row.receipt,
        place=row.place,
        made_at=row.made_at,
        media_type=row.media_type,
        width=row.width,
        height=row.height,
        how=How(row.how),
        watermark=row.watermark,
        fingerprint=row.fingerprint,
        features=row.features,
        lineage_id=row.lineage_id,
        parents=tuple(json.loads(row.parents)),
        photos=row.photos,
        policy_version=row.policy_version,
        subject_id=row.subject_id,
        key_id=row.key_id,
    )
