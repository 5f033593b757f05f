"""A signer, statements and a register for tests. Nobody here exists."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection

from safelight.consent import register
from safelight.consent.model import Signer
from safelight.consent.statement import Statement
from safelight.core.consent import Use

START = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)


def key(number: int = 1) -> Ed25519PrivateKey:
    """A key that is the same in every run."""
    return Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)


def digest(photo: bytes) -> str:
    """How a statement names a photo."""
    return hashlib.sha256(photo).hexdigest()


def enrol(connection: Connection, number: int = 1, *, platform: str = "default", now: datetime = START) -> Signer:
    """Enrol the holder of `key(number)`."""
    public_key = key(number).public_key().public_bytes_raw()
    return register.enrol(
        connection, public_key=public_key, platform=platform, reference="check 7", checked_by="desk 4", now=now
    )


def statement(signer: str, *photos: bytes, **more: Any) -> Statement:
    """A statement for swimwear, in force from `START` for thirty days."""
    chosen: dict[str, Any] = {
        "platform": "default",
        "uses": (Use.SWIMWEAR,),
        "accounts": (),
        "not_before": START,
        "expires_at": START + timedelta(days=30),
    }
    return Statement(signer, photos=tuple(map(digest, photos)), **(chosen | more))
