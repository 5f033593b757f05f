"""What people wrote, sealed in its row: AES-256-GCM under a key of this installation, bound to the row's id.

Whoever has the database and not the key file reads nothing; whoever moves a sealed text to another row reads nothing
either.
"""

import json
import secrets
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from safelight.core.errors import StoreFailed
from safelight.store.digest_key import DigestKey

_NONCE_BYTES = 12
GONE = b""
"""In place of what was destroyed."""
_PURPOSE = "what people wrote in reports, notes and letters"


class Seal:
    """Seals and opens what JSON can say."""

    def __init__(self, key: DigestKey) -> None:
        self._cipher = AESGCM(key.derived(_PURPOSE))

    def close(self, row: str, content: Mapping[str, Any]) -> bytes:
        """`content`, for the row with this id only. A fresh nonce each time, so equal texts look different."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, json.dumps(content).encode(), row.encode())

    def open(self, row: str, sealed: bytes) -> dict[str, Any]:
        """What was sealed in this row. Raises StoreFailed where it was sealed under another key, or was changed."""
        try:
            plain = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], row.encode())
        except (InvalidTag, ValueError) as error:
            raise StoreFailed(
                f"The row {row} cannot be opened: restore the digest key that it was sealed under."
            ) from error
        opened: dict[str, Any] = json.loads(plain)
        return opened
