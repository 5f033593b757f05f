"""API keys: `sl_<id>_<secret>`. The secret has 256 random bits, so its plain SHA-256 is safe to keep.

A slow password hash guards secrets that people choose; it would only slow every request here.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, Row, bindparam, insert, select, update

from safelight.accounts.model import ApiKey, Permission
from safelight.core.clock import to_rfc3339
from safelight.core.errors import NotAllowed
from safelight.core.ids import new_id
from safelight.store.tables import api_keys

_FORM = re.compile(r"sl_(key_[0-9a-z]{26})_([A-Za-z0-9_-]{43})")
_BY_ID = select(api_keys).where(api_keys.c.id == bindparam("key"))
"""Built once: every request asks it."""


def create_key(
    connection: Connection,
    *,
    name: str,
    platform: str = "default",
    permissions: Sequence[Permission],
    requests_per_minute: int,
    now: datetime,
) -> tuple[ApiKey, str]:
    """Make a key. Returns what is kept of it, and the key itself, which cannot be shown again."""
    key_id, secret = new_id("key", now), secrets.token_urlsafe(32)
    connection.execute(
        insert(api_keys).values(
            id=key_id,
            name=name,
            platform=platform,
            secret_sha256=hashlib.sha256(secret.encode()).digest(),
            permissions=" ".join(permissions),
            requests_per_minute=requests_per_minute,
            created_at=to_rfc3339(now),
        )
    )
    return ApiKey(key_id, name, frozenset(permissions), platform, requests_per_minute), f"sl_{key_id}_{secret}"


def revoke_key(connection: Connection, key_id: str, now: datetime) -> bool:
    """Revoke a key for good. Returns whether there was one to revoke."""
    statement = update(api_keys).where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
    return connection.execute(statement.values(revoked_at=to_rfc3339(now))).rowcount == 1


def list_keys(connection: Connection) -> list[ApiKey]:
    """Every key that was ever made, oldest first."""
    return [_to_key(row) for row in connection.execute(select(api_keys).order_by(api_keys.c.id))]


def authenticate(connection: Connection, presented: str) -> ApiKey:
    """The key that was presented. Raises NotAllowed, with the same words whatever is wrong with it."""
    form = _FORM.fullmatch(presented)
    row = connection.execute(_BY_ID, {"key": form[1]}).one_or_none() if form else None
    secret_sha256 = hashlib.sha256(form[2].encode()).digest() if form else b""
    if row is None or row.revoked_at is not None or not hmac.compare_digest(row.secret_sha256, secret_sha256):
        raise NotAllowed("This API key is not valid. Make one with `safelight keys create`.")
    return _to_key(row)


def _to_key(row: Row[tuple[object, ...]]) -> ApiKey:
    return ApiKey(
        id=row.id,
        name=row.name,
        permissions=frozenset(Permission(word) for word in row.permissions.split()),
        platform=row.platform,
        requests_per_minute=row.requests_per_minute,
        revoked=row.revoked_at is not None,
    )
