"""The features of some thousand pictures that banks hold, so that cropped and turned copies of them are found too.

Rules of this module
- A row is the features of one picture and of its mirror image, sealed (AES-256-GCM) and bound to its bank and item. The
  picture is not kept. Features tell more than a hash: see docs/limits.md for what can be learnt from them.
- What is added or dropped counts in every process within half a second. New pictures are searched beside the others
  until enough have gathered to be filed together.
- At most `max_count` pictures are searched, the newest: a bound on time and memory of every request.
"""

import hashlib
import secrets
import struct
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, delete, func, insert, select

from safelight.core.clock import to_rfc3339
from safelight.core.errors import StoreFailed
from safelight.matching.copies import MIN_AGREEING, Features, features, packed, unpacked
from safelight.matching.copy_index import ASKED, CopyIndex, FoundCopy, Registered, describe
from safelight.matching.errors import BankError
from safelight.matching.pdq import Frame
from safelight.store.database import Database
from safelight.store.matching_tables import bank_copies

log = structlog.get_logger()
_MAX_AGE_S = 0.5
_NONCE_BYTES = 12
_TAIL_MAX = 64
"""Pictures that are searched beside the others before all are filed anew: filing a thousand takes a second."""


@dataclass(frozen=True, slots=True)
class _State:
    """What one process searches."""

    rows: dict[int, Registered]
    filed: frozenset[int]
    """The rows that `whole` holds; some may be gone since."""
    whole: CopyIndex
    tail: CopyIndex
    digest: str


_EMPTY = _State({}, frozenset(), CopyIndex([]), CopyIndex([]), "")


class CopyBook:
    """The pictures of this installation's banks whose features are kept."""

    def __init__(self, database: Database, secret: bytes, max_count: int) -> None:
        """`secret`: 32 bytes, for nothing else."""
        self._database = database
        self._cipher = AESGCM(secret)
        self._max_count = max_count
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._state = _EMPTY

    def add(self, bank: int, item: int, frame: Frame, now: datetime) -> None:
        """Keep the features of a picture under an item of a bank, in place of what stood there.

        Raises BankError for a picture without enough detail, or where the book is full; StoreFailed.
        """
        self.add_features(bank, item, *describe(frame), now)

    def add_features(self, bank: int, item: int, plain: Features, mirrored: Features, now: datetime) -> None:
        """As `add`, of a picture that was described elsewhere, and of its mirror image (which may be empty)."""
        if len(plain.points) < 2 * MIN_AGREEING:
            raise BankError("This picture has too little detail for parts of it to be found.")
        halves = [packed(plain), packed(mirrored)]
        content = struct.pack("<I", len(halves[0])) + b"".join(halves)
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, content, _bound_to(bank, item))

        def write(connection: Connection) -> None:
            columns = bank_copies.c
            connection.execute(delete(bank_copies).where(columns.bank == bank, columns.item == item))
            count = connection.execute(select(func.count()).select_from(bank_copies)).scalar() or 0
            if count >= self._max_count:
                raise BankError(
                    f"The features of {count} pictures are kept, which is all that are searched; drop some."
                )
            row = {"bank": bank, "item": item, "sealed": sealed, "created_at": to_rfc3339(now)}
            connection.execute(insert(bank_copies).values(row))

        self._database.write_here(write)

    def has(self, bank: int, item: int) -> bool:
        """Whether the features of a picture are kept. Raises StoreFailed."""
        columns = bank_copies.c
        query = select(columns.id).where(columns.bank == bank, columns.item == item)
        return self._database.read_here(lambda connection: connection.execute(query).first() is not None)

    def drop(self, bank: int, item: int | None = None) -> None:
        """Forget everything of a bank, or of one item of it. Raises StoreFailed."""
        mine = bank_copies.c.bank == bank
        statement = delete(bank_copies).where(mine if item is None else mine & (bank_copies.c.item == item))
        self._database.write_here(lambda connection: connection.execute(statement).close())

    @property
    def digest(self) -> str:
        """Stands for the pictures that are searched; empty where there are none. Raises StoreFailed."""
        return self._refreshed().digest

    def find(self, frame: Frame) -> list[FoundCopy]:
        """The kept pictures that `frame` shows, the surest first. Raises StoreFailed."""
        state = self._refreshed()
        if not state.rows:
            return []
        asked = features(frame, ASKED)
        found = [*state.whole.find_features(asked), *state.tail.find_features(asked)]
        alive = {(one.bank, one.item) for one in state.rows.values()}
        return sorted((one for one in found if (one.bank, one.item) in alive), key=lambda one: -one.copy.agreeing)

    def _refreshed(self) -> _State:
        with self._lock:
            if time.monotonic() - self._looked_at > _MAX_AGE_S:
                self._state = self._followed(self._state)
                self._looked_at = time.monotonic()
            return self._state

    def _followed(self, state: _State) -> _State:
        ids = self._database.read_here(self._ids)
        if ids == list(state.rows):
            return state
        new = self._read([one for one in ids if one not in state.rows])
        rows = {one: state.rows.get(one) or new[one] for one in ids if one in state.rows or one in new}
        digest = hashlib.sha256(",".join(map(str, rows)).encode()).hexdigest() if rows else ""
        late = [one for one in rows if one not in state.filed]
        if len(late) > _TAIL_MAX:
            return _State(rows, frozenset(rows), CopyIndex(list(rows.values())), _EMPTY.tail, digest)
        return _State(rows, state.filed, state.whole, CopyIndex([rows[one] for one in late]), digest)

    def _ids(self, connection: Connection) -> list[int]:
        newest = select(bank_copies.c.id).order_by(bank_copies.c.id.desc()).limit(self._max_count)
        return sorted(connection.execute(newest).scalars())

    def _read(self, ids: Sequence[int]) -> dict[int, Registered]:
        def read(connection: Connection) -> list[tuple[int, int, int, bytes]]:
            columns = bank_copies.c
            query = select(columns.id, columns.bank, columns.item, columns.sealed).where(columns.id >= min(ids))
            return [(row.id, row.bank, row.item, row.sealed) for row in connection.execute(query) if row.id in wanted]

        wanted = set(ids)
        found = self._database.read_here(read) if ids else []
        return {number: self._opened(bank, item, sealed) for number, bank, item, sealed in found}

    def _opened(self, bank: int, item: int, sealed: bytes) -> Registered:
        try:
            content = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound_to(bank, item))
            (length,) = struct.unpack_from("<I", content)
            return Registered(bank, item, unpacked(content[4 : 4 + length]), unpacked(content[4 + length :]))
        except (InvalidTag, ValueError, struct.error) as error:
            # What was to be refused cannot be recognised: that is no state to go on in.
            raise StoreFailed(
                "features of a picture cannot be opened; restore digest.key and database together"
            ) from error


def _bound_to(bank: int, item: int) -> bytes:
    return f"copy {bank} {item}".encode()
