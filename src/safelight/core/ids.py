"""Identifiers: a short word for the kind, then 128 bits that sort by time (UUIDv7, RFC 9562) in Crockford's base 32."""

import secrets
from datetime import UTC, datetime

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(kind: str, now: datetime) -> str:
    """A new identifier such as `req_06c1n3…`: `kind`, an underscore, 26 characters.

    The first 48 bits are milliseconds since 1970, so rows of one table sort by creation; 74 bits are random.
    """
    millis = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    number = (millis << 80) | (7 << 76) | (secrets.randbits(12) << 64) | (2 << 62) | secrets.randbits(62)
    digits = "".join(_ALPHABET[(number >> shift) & 31] for shift in range(125, -1, -5))
    return f"{kind}_{digits}"


def made_at(identifier: str) -> datetime:
    """When an identifier was made, to the millisecond. Raises ValueError for what is none."""
    digits = identifier.rpartition("_")[2]
    if len(digits) != 26 or not set(digits) <= set(_ALPHABET):
        raise ValueError(f"{identifier!r} is no identifier")
    number = 0
    for digit in digits:
        number = number << 5 | _ALPHABET.index(digit)
    return datetime.fromtimestamp((number >> 80) / 1000, UTC)
