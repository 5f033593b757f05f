"""A key for each subject, from which the salts of its leaves come: destroy it, and nothing of theirs opens any more.

The leaves stay as they are, and so does every root over them. What a backup of the database holds is out of reach from
here: see docs/limits.md.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from safelight.core.clock import to_rfc3339
from safelight.core.ids import new_id
from safelight.ledger.proofs.leaf import SALT_BYTES
from safelight.store.database import overwrite_deleted
from safelight.store.ledger_tables import ledger_values
from safelight.store.tables import ledger_subject_keys as keys

# Built once: every decision asks it.
_BY_SUBJECT = select(keys.c.id, keys.c.subject_id, keys.c.secret).where(
    keys.c.subject_id.in_(bindparam("subjects", expanding=True))
)


@dataclass(frozen=True, slots=True)
class SubjectKey:
    """One subject's secret."""

    id: str
    secret: bytes

    def salt(self, process: str, seq: int, field: str) -> bytes:
        """The salt of one field of one leaf: 32 bytes, HMAC-SHA-256 under the secret."""
        message = f"safelight-salt/v1\0{process}\0{seq}\0{field}".encode()
        return hmac.digest(self.secret, message, hashlib.sha256)


def keys_of(connection: Connection, subject_ids: Iterable[str], now: datetime) -> Mapping[str, SubjectKey]:
    """The keys of these subjects, made where there are none."""
    wanted = set(subject_ids)
    if not wanted:
        return {}
    found = _read(connection, wanted)
    if fresh := wanted - found.keys():
        rows = [
            {"id": new_id("lsk", now), "subject_id": one, "secret": secrets.token_bytes(SALT_BYTES)} for one in fresh
        ]
        # Another process may be doing the same; whoever comes first, both use the one key.
        connection.execute(insert(keys).prefix_with("OR IGNORE", dialect="sqlite"), rows)
        found |= _read(connection, fresh)
    return found


def key_by_id(connection: Connection, key_id: str) -> SubjectKey | None:
    """The key of a leaf's row; None once it was destroyed."""
    row = connection.execute(select(keys.c.id, keys.c.secret).where(keys.c.id == key_id)).first()
    return SubjectKey(row.id, row.secret) if row and row.secret else None


def destroy(connection: Connection, subject_id: str, now: datetime) -> bool:
    """Destroy the subject's key, and what the log kept to open its leaves with. Whether there was one.

    Raises nothing of its own; the caller logs the erasure.
    """
    overwrite_deleted(connection)
    theirs = select(keys.c.id).where(keys.c.subject_id == subject_id)
    connection.execute(delete(ledger_values).where(ledger_values.c.subject_key_id.in_(theirs)))
    gone = {"subject_id": None, "secret": None, "destroyed_at": to_rfc3339(now)}
    return connection.execute(update(keys).where(keys.c.subject_id == subject_id).values(gone)).rowcount > 0


def _read(connection: Connection, subject_ids: set[str]) -> dict[str, SubjectKey]:
    rows = connection.execute(_BY_SUBJECT, {"subjects": list(subject_ids)})
    return {row.subject_id: SubjectKey(row.id, row.secret) for row in rows}
