"""Rows of features in the database: sealed (AES-256-GCM) and bound to their bank and item.

Rules of this module
- A number is never used twice in one database. A restored one may give it again: the mark tells such rows apart.
- What cannot be opened is an error, not an absence: what was to be refused could not be recognised.
"""

import secrets
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import numpy as np
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from numpy.typing import NDArray
from sqlalchemy import Connection, Row, Select, delete, func, insert, select, update

from safelight.core.clock import to_rfc3339
from safelight.core.errors import StoreFailed
from safelight.matching.copies import MIN_AGREEING, Features, packed, packed_bytes, unpacked
from safelight.matching.errors import BankError
from safelight.matching.model import BankKind, BankState
from safelight.store.database import Database
from safelight.store.matching_tables import bank_copies
from safelight.store.tables import banks

_NONCE_BYTES = 12
_MARK_BYTES = 8
_READ_AT_ONCE = 256
"""Rows of some 30 kB."""

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Described:
    """A picture to be kept: its place, its features, those of its mirror image (which may be empty), and what the
    operator's copy model says of it, if there is one (`copy_model.py`)."""

    bank: int
    item: int
    plain: Features
    mirrored: Features
    vector: bytes = b""

    def require_detail(self) -> None:
        """Raise BankError where copies could not be told from other pictures."""
        if len(self.plain.points) < 2 * MIN_AGREEING:
            raise BankError("This picture has too little detail for parts of it to be found.")


@dataclass(frozen=True, slots=True)
class Kept:
    """A row."""

    number: int
    mark: int
    """64 random bits."""
    picture: Described


@dataclass(frozen=True, slots=True)
class NotLookedFor:
    """Rows of one bank whose copies among past outputs are still to be looked for."""

    bank: int
    numbers: tuple[int, ...]
    looked_from: int | None
    """The number of the last output that was looked at, which is the oldest so far; None where none was."""


class CopyRows:
    """The rows of one database."""

    def __init__(self, database: Database, secret: bytes, max_count: int) -> None:
        """`secret`: 32 bytes."""
        self._database = database
        self._cipher = AESGCM(secret)
        self._max_count = max_count

    def add(self, pictures: Sequence[Described], now: datetime) -> None:
        """Keep pictures in place of what stood there, all or none.

        Raises BankError for one without enough detail, or where there is no room; StoreFailed.
        """
        for one in pictures:
            one.require_detail()
        at = to_rfc3339(now)
        rows = [{"bank": one.bank, "item": one.item, "sealed": self._sealed(one), "created_at": at} for one in pictures]

        def write(connection: Connection) -> None:
            columns = bank_copies.c
            for one in pictures:
                connection.execute(delete(bank_copies).where(columns.bank == one.bank, columns.item == one.item))
            count = connection.execute(select(func.count()).select_from(bank_copies)).scalar() or 0
            if count + len(rows) > self._max_count:
                raise BankError(
                    f"The features of {count} pictures are kept, which is all that are searched; drop some."
                )
            connection.execute(insert(bank_copies), rows)

        self._database.write_here(write)

    def has(self, bank: int, item: int) -> bool:
        """Whether the features of a picture are kept. Raises StoreFailed."""
        columns = bank_copies.c
        query = select(columns.id).where(columns.bank == bank, columns.item == item)
        return self._database.read_here(lambda connection: connection.execute(query).first() is not None)

    def of_item(self, bank: int, item: int) -> Described | None:
        """What is kept of one picture. Raises StoreFailed."""
        columns = bank_copies.c
        query = select(columns.id).where(columns.bank == bank, columns.item == item)
        number = self._database.read_here(lambda connection: connection.execute(query).scalar())
        return next((kept.picture for kept in self.read([number])), None) if number is not None else None

    def drop(self, bank: int, item: int | None) -> None:
        """Forget everything of a bank, or of one item of it. Raises StoreFailed."""
        mine = bank_copies.c.bank == bank
        statement = delete(bank_copies).where(mine if item is None else mine & (bank_copies.c.item == item))
        self._database.write_here(lambda connection: connection.execute(statement).close())

    def version(self) -> tuple[int, int]:
        """Highest number and count: as numbers only rise, these stand for the rows. Raises StoreFailed."""
        query = select(func.max(bank_copies.c.id), func.count())
        highest, count = self._database.read_here(lambda connection: connection.execute(query).one())
        return int(highest or 0), int(count)

    def count_after(self, number: int) -> int:
        """Rows with a higher number. Raises StoreFailed."""
        query = select(func.count()).where(bank_copies.c.id > number)
        return self._database.read_here(lambda connection: int(connection.execute(query).scalar() or 0))

    def numbers(self) -> Numbers:
        """Of all rows, sorted. Raises StoreFailed."""
        query = select(bank_copies.c.id)
        return self._database.read_here(
            lambda connection: np.sort(np.fromiter(connection.execute(query).scalars(), np.int64))
        )

    def not_looked_for(self, most: int) -> NotLookedFor | None:
        """At most `most` rows of one active bank that got as far as the newest did; None where none is left.

        Raises StoreFailed.
        """
        columns = bank_copies.c
        active = select(banks.c.number).where(
            banks.c.state == BankState.ACTIVE.value, banks.c.kind == BankKind.KNOWN.value
        )
        query = select(columns.id, columns.bank, columns.looked_from).where(columns.bank.in_(active))
        waiting = query.where(columns.looked_from.is_distinct_from(0)).order_by(columns.id.desc()).limit(most)
        rows = self._database.read_here(lambda connection: connection.execute(waiting).all())
        if not rows:
            return None
        bank, looked_from = rows[0].bank, rows[0].looked_from
        alike = [row.id for row in rows if (row.bank, row.looked_from) == (bank, looked_from)]
        return NotLookedFor(bank, tuple(alike), looked_from)

    def read(self, numbers: Sequence[int]) -> Iterator[Kept]:
        """These rows, as far as they stand, opened. Raises StoreFailed."""
        columns = bank_copies.c
        query = select(columns.id, columns.bank, columns.item, columns.sealed)
        for start in range(0, len(numbers), _READ_AT_ONCE):
            wanted = query.where(columns.id.in_(numbers[start : start + _READ_AT_ONCE]))
            for row in self._database.read_here(partial(_all, query=wanted)):
                picture = self._opened(row.bank, row.item, row.sealed)
                yield Kept(row.id, int.from_bytes(row.sealed[:_MARK_BYTES]), picture)

    def _sealed(self, one: Described) -> bytes:
        halves = [packed(one.plain), packed(one.mirrored)]
        content = struct.pack("<I", len(halves[0])) + b"".join(halves) + one.vector
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, _bound_to(one.bank, one.item))

    def _opened(self, bank: int, item: int, sealed: bytes) -> Described:
        try:
            content = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound_to(bank, item))
            (length,) = struct.unpack_from("<I", content)
            plain, rest = content[4 : 4 + length], content[4 + length :]
            end = packed_bytes(rest)
            return Described(bank, item, unpacked(plain), unpacked(rest[:end]), rest[end:])
        except (InvalidTag, ValueError, struct.error) as error:
            # What was to be refused cannot be recognised: that is no state to go on in.
            raise StoreFailed(
                "features of a picture cannot be opened; restore digest.key and database together"
            ) from error


def _all(
    connection: Connection, query: Select[tuple[int, int, int, bytes]]
) -> Sequence[Row[tuple[int, int, int, bytes]]]:
    return connection.execute(query).all()


def _bound_to(bank: int, item: int) -> bytes:
    return f"copy {bank} {item}".encode()


def looked_from(connection: Connection, numbers: Sequence[int], output: int) -> frozenset[int]:
    """Note that outputs of this number and above were looked at for these rows. Returns the rows that still stand."""
    mine = bank_copies.c.id.in_(numbers)
    connection.execute(update(bank_copies).where(mine).values(looked_from=output))
    return frozenset(connection.execute(select(bank_copies.c.id).where(mine)).scalars())
